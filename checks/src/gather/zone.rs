//! Probes the zone once per round: control name and wildcard at every server, a fresh label at every resolver.

use std::net::SocketAddr;

use futures_util::future::join_all;

use super::assignment::{ApiSnapshot, Assignment};
use super::servers;
use super::setup::ProbeSetup;
use crate::clock::now;
use crate::evidence::{DnsQuery, Reason, RecordKind, StepStatus, ZoneEvidence};
use crate::finding::Check;
use crate::probe::DnsQuestion;
use crate::target::{Hostname, NameError};

/// A label that nothing but the wildcard can answer. Fifteen letters of 26 are 70 bits: no cache and no tenant has it.
pub(super) fn fresh(domain: &Hostname) -> Result<Hostname, NameError> {
    let label = std::iter::repeat_with(fastrand::lowercase).take(15).collect::<String>();
    domain.child(&label)
}

const FAMILIES: [RecordKind; 2] = [RecordKind::A, RecordKind::Aaaa];

/// Probes the zone: all that its servers and the resolvers say of it.
pub(super) async fn probe(setup: &ProbeSetup, assignment: &Assignment, control: Hostname) -> ZoneEvidence {
    let mut zone = ZoneEvidence::unseen(control);
    zone.taken_at = Some(now());
    zone.through_resolvers = setup.through_resolvers;
    zone.resolvers.clone_from(&setup.resolvers);
    if !assignment.selects(Check::Dns) {
        return zone;
    }
    (zone.servers, zone.discovery) = if setup.through_resolvers {
        let none = StepStatus::failed(
            Reason::DnsTimeout,
            "`[dns] ask = \"resolvers\"` and there is no resolver",
        );
        (
            setup.resolvers.clone(),
            if setup.resolvers.is_empty() {
                none
            } else {
                StepStatus::Done
            },
        )
    } else if setup.authoritative.is_empty() {
        servers::of_zone(&setup.dns, &setup.resolvers, &setup.domain).await
    } else {
        (setup.authoritative.clone(), StepStatus::Done)
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

async fn both_families(setup: &ProbeSetup, servers: &[SocketAddr], name: &str, recursion: bool) -> Vec<DnsQuery> {
    let asks = servers.iter().flat_map(|server| FAMILIES.map(|kind| (*server, kind)));
    let ask = |(server, kind)| {
        setup.dns.ask(
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
async fn fresh_at_resolvers(setup: &ProbeSetup) -> (Vec<DnsQuery>, Vec<DnsQuery>) {
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

async fn unchecked(setup: &ProbeSetup, looks: &[DnsQuery]) -> Vec<DnsQuery> {
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
        setup.dns.ask(look.server, question)
    });
    join_all(again).await
}

/// CNAME at the delegation that the wildcard's renewal needs, where the platform names it.
async fn acme(setup: &ProbeSetup, snapshot: &ApiSnapshot, zone: &ZoneEvidence) -> Vec<DnsQuery> {
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
    vec![setup.dns.ask(answering, question).await]
}

/// CAA at the domain from its servers, then upwards from a resolver, until a set is found (RFC 8659, section 3).
async fn caa(setup: &ProbeSetup, zone: &ZoneEvidence) -> Vec<DnsQuery> {
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
            let look = setup.dns.ask(server, question).await;
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
