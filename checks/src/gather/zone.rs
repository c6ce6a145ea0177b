//! Probes the zone once per round: control name and wildcard at every server, a fresh label at every resolver.

use std::net::SocketAddr;

use futures_util::future::join_all;

use super::assignment::{ApiSnapshot, Assignment};
use super::servers;
use super::setup::ProbeSetup;
use crate::check::caa_set;
use crate::clock::now;
use crate::evidence::{DnsQuery, DnsRecord, Reason, RecordKind, StepStatus, ZoneEvidence};
use crate::finding::Check;
use crate::probe::{DnsQuestion, unguessable};
use crate::target::{Hostname, NameError};

/// A label that nothing but the wildcard can answer. Fifteen letters of 26 are 70 bits: no cache and no tenant has it.
///
/// # Errors
/// [`NameError`] where the domain leaves no room for a label.
pub fn fresh(domain: &Hostname) -> Result<Hostname, NameError> {
    let letters = unguessable::<15>().map(|byte| char::from(b'a' + byte % 26));
    let label = letters.iter().collect::<String>();
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
    let (of_domain, of_wildcard) = tokio::join!(caa(setup, &zone), wildcard_caa(setup, &zone));
    (zone.caa, zone.wildcard_caa) = (of_domain, of_wildcard);
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
    let answering = answering(zone).unwrap_or(*server);
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    let question = DnsQuestion {
        name: &name,
        kind: RecordKind::Cname,
        recursion: setup.through_resolvers,
        checking_disabled: false,
    };
    vec![setup.dns.ask(answering, question).await]
}

/// A server of the zone that answers.
fn answering(zone: &ZoneEvidence) -> Option<SocketAddr> {
    let mut controls = zone.controls.iter();
    controls.find(|look| look.reply.is_some()).map(|look| look.server)
}

/// CAA of the control name: the set of the wildcard itself, if it has one.
async fn wildcard_caa(setup: &ProbeSetup, zone: &ZoneEvidence) -> Vec<DnsQuery> {
    let Some(server) = answering(zone) else {
        return Vec::new();
    };
    vec![caa_at(setup, server, zone.control.as_str(), setup.through_resolvers).await]
}

/// CAA at the domain from its servers, then upwards from a resolver, until a set is found (RFC 8659, section 3). Where
/// the domain is an alias that its servers don't follow, a resolver does.
async fn caa(setup: &ProbeSetup, zone: &ZoneEvidence) -> Vec<DnsQuery> {
    let mut looks = Vec::new();
    let resolver = setup.resolvers.first().copied();
    if let Some(server) = answering(zone).filter(|_| !setup.through_resolvers) {
        let look = caa_at(setup, server, setup.domain.as_str(), false).await;
        let is_alias = answers(&look).any(|record| record.kind == "CNAME");
        let (found, silent) = (caa_set(&look).is_some(), look.reply.is_none());
        looks.push(look);
        if found || silent {
            return looks;
        }
        if let Some(resolver) = resolver.filter(|_| is_alias) {
            looks.push(caa_at(setup, resolver, setup.domain.as_str(), true).await);
        }
    }
    let mut name = match looks.is_empty() && setup.through_resolvers {
        true => Some(setup.domain.as_str()),
        false => parent(setup.domain.as_str()),
    };
    while let (Some(at), Some(resolver)) = (name, resolver) {
        if looks
            .last()
            .is_some_and(|look| caa_set(look).is_some() || look.reply.is_none())
        {
            break;
        }
        looks.push(caa_at(setup, resolver, at, true).await);
        name = parent(at);
    }
    looks
}

fn parent(name: &str) -> Option<&str> {
    name.split_once('.').map(|(_, parent)| parent)
}

fn answers(look: &DnsQuery) -> impl Iterator<Item = &DnsRecord> {
    look.reply.iter().flat_map(|reply| &reply.answers)
}

async fn caa_at(setup: &ProbeSetup, server: SocketAddr, name: &str, recursion: bool) -> DnsQuery {
    let question = DnsQuestion {
        name,
        kind: RecordKind::Caa,
        recursion,
        checking_disabled: false,
    };
    setup.dns.ask(server, question).await
}
