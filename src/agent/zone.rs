//! Looks at the zone once per round: control name and wildcard at every server, a fresh label at every resolver.

use std::net::SocketAddr;

use futures_util::future::join_all;
use roundsman_checks::evidence::{ControlLook, DnsLook, End, Reason, RecordKind, VantageEvidence, ZoneEvidence};
use roundsman_checks::finding::Check;
use roundsman_checks::probe::{self, DnsQuestion};
use roundsman_checks::target::{Hostname, NameError};

use super::assignment::{ApiSnapshot, Assignment};
use super::clock::now;
use super::probes::ProbeSetup;
use super::servers;
use crate::config::Control;

/// A label that nothing but the wildcard can answer. Fifteen letters of 26 are 70 bits: no cache and no tenant has it.
pub(super) fn fresh(domain: &Hostname) -> Result<Hostname, NameError> {
    let label = std::iter::repeat_with(fastrand::lowercase).take(15).collect::<String>();
    domain.child(&label)
}

const FAMILIES: [RecordKind; 2] = [RecordKind::A, RecordKind::Aaaa];

/// Gathers all that is said of the zone.
pub(super) async fn look(setup: &ProbeSetup, assignment: &Assignment, control: Hostname) -> ZoneEvidence {
    let mut zone = ZoneEvidence::unseen(control);
    zone.taken_at = Some(now());
    zone.through_resolvers = setup.through_resolvers;
    zone.resolvers.clone_from(&setup.resolvers);
    if !assignment.selects(Check::Dns) {
        return zone;
    }
    (zone.servers, zone.discovery) = if setup.through_resolvers {
        let none = End::failed(
            Reason::DnsTimeout,
            "`[dns] ask = \"resolvers\"` and there is no resolver",
        );
        (
            setup.resolvers.clone(),
            if setup.resolvers.is_empty() { none } else { End::Done },
        )
    } else if setup.authoritative.is_empty() {
        servers::of_zone(&setup.asker, &setup.resolvers, &setup.domain).await
    } else {
        (setup.authoritative.clone(), End::Done)
    };
    let star = format!("*.{}", setup.domain);
    let (controls, wildcards, fresh) = tokio::join!(
        both_families(setup, &zone.servers, zone.control.as_str(), setup.through_resolvers),
        both_families(setup, &zone.servers, &star, setup.through_resolvers),
        fresh_at_resolvers(setup),
    );
    zone.controls = controls;
    zone.wildcards = wildcards;
    (zone.resolver_controls, zone.unchecked) = fresh;
    if setup.through_resolvers {
        zone.unchecked.extend(unchecked(setup, &zone.controls).await);
    }
    zone.caa = caa(setup, &zone).await;
    zone.acme = acme(setup, &assignment.snapshot, &zone).await;
    zone
}

async fn both_families(setup: &ProbeSetup, servers: &[SocketAddr], name: &str, recursion: bool) -> Vec<DnsLook> {
    let asks = servers.iter().flat_map(|server| FAMILIES.map(|kind| (*server, kind)));
    let ask = |(server, kind)| {
        setup.asker.ask(
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
async fn fresh_at_resolvers(setup: &ProbeSetup) -> (Vec<DnsLook>, Vec<DnsLook>) {
    let one = async |resolver: &SocketAddr| match fresh(&setup.domain) {
        Ok(name) => both_families(setup, &[*resolver], name.as_str(), true).await,
        Err(_) => Vec::new(),
    };
    let looks = join_all(setup.resolvers.iter().map(one))
        .await
        .into_iter()
        .flatten()
        .collect::<Vec<_>>();
    let unchecked = unchecked(setup, &looks).await;
    (looks, unchecked)
}

async fn unchecked(setup: &ProbeSetup, looks: &[DnsLook]) -> Vec<DnsLook> {
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
        setup.asker.ask(look.server, question)
    });
    join_all(again).await
}

/// CNAME at the delegation that the wildcard's renewal needs, where the platform names it.
async fn acme(setup: &ProbeSetup, snapshot: &ApiSnapshot, zone: &ZoneEvidence) -> Vec<DnsLook> {
    let wildcard = format!("*.{}", setup.domain);
    let edge = snapshot
        .platform
        .known()
        .and_then(|platform| platform.apps.get(&platform.edge_app));
    let held = edge
        .into_iter()
        .flat_map(|edge| &edge.certificates)
        .find(|held| held.hostname == wildcard);
    let (Some((name, _)), Some(server)) = (held.and_then(|held| held.acme.as_ref()), zone.servers.first()) else {
        return Vec::new();
    };
    let answering = zone
        .controls
        .iter()
        .find(|look| look.reply.is_some())
        .map_or(*server, |look| look.server);
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    let question = DnsQuestion {
        name: &name,
        kind: RecordKind::Cname,
        recursion: setup.through_resolvers,
        checking_disabled: false,
    };
    vec![setup.asker.ask(answering, question).await]
}

/// CAA at the domain from its servers, then upwards from a resolver, until a set is found (RFC 8659, section 3).
async fn caa(setup: &ProbeSetup, zone: &ZoneEvidence) -> Vec<DnsLook> {
    let mut looks = Vec::new();
    let mut name = setup.domain.as_str();
    let answering = zone
        .controls
        .iter()
        .find(|look| look.reply.is_some())
        .map(|look| look.server);
    loop {
        let at_domain = name == setup.domain.as_str() && !setup.through_resolvers;
        let server = if at_domain {
            answering
        } else {
            setup.resolvers.first().copied()
        };
        if let Some(server) = server {
            let question = DnsQuestion {
                name,
                kind: RecordKind::Caa,
                recursion: !at_domain,
                checking_disabled: false,
            };
            let look = setup.asker.ask(server, question).await;
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
pub(super) async fn vantage(setup: &ProbeSetup, assignment: &Assignment) -> VantageEvidence {
    let (ipv4, ipv6) = probe::families(&assignment.addresses, setup.port);
    let asked = setup.controls.contains(&Control::Resolvers);
    let root = DnsQuestion {
        name: ".",
        kind: RecordKind::Ns,
        recursion: true,
        checking_disabled: false,
    };
    let resolvers = setup
        .resolvers
        .iter()
        .filter(|_| asked)
        .map(|resolver| setup.asker.ask(*resolver, root));
    let others = setup.controls.iter().map(|what| control(setup, what));
    let (resolvers, controls) = tokio::join!(join_all(resolvers), join_all(others));
    let controls = controls.into_iter().flatten().collect();
    VantageEvidence {
        name: setup.vantage.clone(),
        ipv4,
        ipv6,
        resolvers,
        controls,
        dates: Vec::new(),
        taken_at: Some(now()),
    }
}

async fn control(setup: &ProbeSetup, control: &Control) -> Option<ControlLook> {
    match control {
        Control::Address(address) => {
            Some(probe::control_socket(&address.to_string(), *address, setup.control_timeout).await)
        }
        Control::Url(url) => Some(ControlLook {
            what: url.clone(),
            end: url_answers(url, setup).await,
        }),
        Control::Resolvers | Control::Apis => None,
    }
}

/// Any HTTP response proves that the agent sees, whatever it says.
async fn url_answers(url: &str, setup: &ProbeSetup) -> End {
    let failed = |detail: String| End::failed(Reason::HttpClosed, detail);
    // Another part of the process may have installed the same provider already; then this changes nothing.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let user_agent = setup.prober.settings().user_agent.clone();
    let client = reqwest::Client::builder()
        .user_agent(user_agent)
        .timeout(setup.control_timeout)
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
