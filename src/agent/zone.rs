//! Looks at the zone once per round: control name and wildcard at every server, a fresh label at every resolver.

use std::net::SocketAddr;

use futures_util::future::join_all;
use roundsman_checks::evidence::{ControlLook, DnsLook, End, Reason, RecordKind, VantageEvidence, ZoneEvidence};
use roundsman_checks::finding::Check;
use roundsman_checks::probe::{self, DnsQuestion};
use roundsman_checks::target::{Hostname, NameError};

use super::plan::Plan;
use super::servers;
use crate::config::Control;

/// A label that nothing but the wildcard can answer. Fifteen letters of 26 are 70 bits: no cache and no tenant has it.
pub(super) fn fresh(domain: &Hostname) -> Result<Hostname, NameError> {
    let label = std::iter::repeat_with(fastrand::lowercase).take(15).collect::<String>();
    domain.child(&label)
}

const FAMILIES: [RecordKind; 2] = [RecordKind::A, RecordKind::Aaaa];

/// Gathers all that is said of the zone.
pub(super) async fn look(plan: &Plan, control: Hostname) -> ZoneEvidence {
    let mut zone = ZoneEvidence::unseen(control);
    zone.through_resolvers = plan.through_resolvers;
    zone.resolvers.clone_from(&plan.resolvers);
    if !plan.selects(Check::Dns) {
        return zone;
    }
    (zone.servers, zone.discovery) = if plan.through_resolvers {
        let none = End::failed(
            Reason::DnsTimeout,
            "`[dns] ask = \"resolvers\"` and there is no resolver",
        );
        (
            plan.resolvers.clone(),
            if plan.resolvers.is_empty() { none } else { End::Done },
        )
    } else if plan.authoritative.is_empty() {
        servers::of_zone(&plan.asker, &plan.resolvers, &plan.domain).await
    } else {
        (plan.authoritative.clone(), End::Done)
    };
    let star = format!("*.{}", plan.domain);
    let (controls, wildcards, fresh) = tokio::join!(
        both_families(plan, &zone.servers, zone.control.as_str(), plan.through_resolvers),
        both_families(plan, &zone.servers, &star, plan.through_resolvers),
        fresh_at_resolvers(plan),
    );
    zone.controls = controls;
    zone.wildcards = wildcards;
    (zone.resolver_controls, zone.unchecked) = fresh;
    if plan.through_resolvers {
        zone.unchecked.extend(unchecked(plan, &zone.controls).await);
    }
    zone.caa = caa(plan, &zone).await;
    zone
}

async fn both_families(plan: &Plan, servers: &[SocketAddr], name: &str, recursion: bool) -> Vec<DnsLook> {
    let asks = servers.iter().flat_map(|server| FAMILIES.map(|kind| (*server, kind)));
    let ask = |(server, kind)| {
        plan.asker.ask(
            server,
            DnsQuestion {
                name,
                kind,
                recursion,
                checking_disabled: false,
            },
        )
    };
    join_all(asks.map(ask)).await
}

/// A fresh label at each resolver, and the same again unvalidated where one says SERVFAIL.
async fn fresh_at_resolvers(plan: &Plan) -> (Vec<DnsLook>, Vec<DnsLook>) {
    let one = async |resolver: &SocketAddr| match fresh(&plan.domain) {
        Ok(name) => both_families(plan, &[*resolver], name.as_str(), true).await,
        Err(_) => Vec::new(),
    };
    let looks = join_all(plan.resolvers.iter().map(one))
        .await
        .into_iter()
        .flatten()
        .collect::<Vec<_>>();
    let unchecked = unchecked(plan, &looks).await;
    (looks, unchecked)
}

async fn unchecked(plan: &Plan, looks: &[DnsLook]) -> Vec<DnsLook> {
    let failed = looks
        .iter()
        .filter(|look| look.reply.as_ref().is_some_and(|reply| reply.rcode == 2));
    let again = failed.map(|look| {
        let question = DnsQuestion {
            name: &look.name,
            kind: look.kind,
            recursion: true,
            checking_disabled: true,
        };
        plan.asker.ask(look.server, question)
    });
    join_all(again).await
}

/// CAA at the domain from its servers, then upwards from a resolver, until a set is found (RFC 8659, section 3).
async fn caa(plan: &Plan, zone: &ZoneEvidence) -> Vec<DnsLook> {
    let mut looks = Vec::new();
    let mut name = plan.domain.as_str();
    let answering = zone
        .controls
        .iter()
        .find(|look| look.reply.is_some())
        .map(|look| look.server);
    loop {
        let at_domain = name == plan.domain.as_str() && !plan.through_resolvers;
        let server = if at_domain {
            answering
        } else {
            plan.resolvers.first().copied()
        };
        if let Some(server) = server {
            let question = DnsQuestion {
                name,
                kind: RecordKind::Caa,
                recursion: !at_domain,
                checking_disabled: false,
            };
            let look = plan.asker.ask(server, question).await;
            let silent = look.reply.is_none();
            let found = look
                .reply
                .iter()
                .flat_map(|reply| &reply.answers)
                .any(|record| record.kind == "CAA");
            looks.push(look);
            if found || silent {
                return looks;
            }
        }
        match name.split_once('.') {
            Some((_, parent)) => name = parent,
            None => return looks,
        }
    }
}

/// Looks at the agent's own place.
pub(super) async fn vantage(plan: &Plan) -> VantageEvidence {
    let (ipv4, ipv6) = probe::families(&plan.edge.0, plan.edge.1);
    let asked = plan.controls.contains(&Control::Resolvers);
    let root = DnsQuestion {
        name: ".",
        kind: RecordKind::Ns,
        recursion: true,
        checking_disabled: false,
    };
    let resolvers = plan
        .resolvers
        .iter()
        .filter(|_| asked)
        .map(|resolver| plan.asker.ask(*resolver, root));
    let others = plan.controls.iter().map(|what| control(plan, what));
    let (resolvers, controls) = tokio::join!(join_all(resolvers), join_all(others));
    let controls = controls.into_iter().flatten().collect();
    VantageEvidence {
        name: plan.vantage.clone(),
        ipv4,
        ipv6,
        resolvers,
        controls,
        dates: Vec::new(),
    }
}

async fn control(plan: &Plan, control: &Control) -> Option<ControlLook> {
    match control {
        Control::Address(address) => {
            Some(probe::control_socket(&address.to_string(), *address, plan.control_timeout).await)
        }
        Control::Url(url) => Some(ControlLook {
            what: url.clone(),
            end: url_answers(url, plan).await,
        }),
        Control::Resolvers | Control::Apis => None,
    }
}

/// Any HTTP response proves that the agent sees, whatever it says.
async fn url_answers(url: &str, plan: &Plan) -> End {
    let failed = |detail: String| End::failed(Reason::HttpClosed, detail);
    // Another part of the process may have installed the same provider already; then this changes nothing.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let user_agent = plan.prober.settings().user_agent.clone();
    let client = reqwest::Client::builder()
        .user_agent(user_agent)
        .timeout(plan.control_timeout)
        .build();
    match client {
        Err(error) => failed(error.to_string()),
        Ok(client) => match client.head(url).send().await {
            Ok(_) => End::Done,
            Err(error) if error.is_timeout() => End::failed(Reason::HttpTimeout, error.to_string()),
            Err(error) => failed(error.to_string()),
        },
    }
}
