//! What the evidence holds against a cause: read from the looks alone, not by the code that judges.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use roundsman_checks::diagnosis::{Action, Cause, CauseEntry, Confidence, Diagnosis, Object};
use roundsman_checks::evidence::{DnsQuery, RecordKind};
use roundsman_checks::world::{TenantEvidence, World};

const IN_THE_ZONE: [Cause; 4] = [
    Cause::DnsDelegated,
    Cause::DnsBlocked,
    Cause::DnsProxied,
    Cause::DnsOverride,
];

pub(crate) fn check(world: &World, diagnosis: &Diagnosis) -> Result<(), TestCaseError> {
    for entry in &diagnosis.causes {
        let sure = entry.confidence == Confidence::Confirmed;
        for remedy in &entry.remedy {
            let deletes = matches!(
                remedy.action,
                Action::DeleteRecords { .. } | Action::RemoveCertificate { .. }
            );
            prop_assert!(!deletes || sure, "{entry:?}");
            for record in remedy.action.records() {
                prop_assert!(was_seen(world, &record.name, &record.kind), "{record:?} of {entry:?}");
            }
        }
        let tenants = || {
            world
                .tenants
                .iter()
                .filter(|tenant| entry.tenants.contains(&tenant.tenant.id))
        };
        if sure && IN_THE_ZONE.contains(&entry.cause) {
            for tenant in tenants() {
                let listed = is_listed(world, tenant.tenant.hostname.as_str());
                prop_assert!(listed || !world.zone.through_resolvers, "{entry:?}");
                prop_assert!(listed || !answered_as_fresh(world, tenant), "{entry:?}");
                prop_assert!(listed || !differs_when_asked_again(world, entry, tenant), "{entry:?}");
            }
        }
        if let (Cause::CaaForbidsIssuance, Object::Caa(owner)) = (entry.cause, &entry.object) {
            let mut own = tenants().filter(|tenant| tenant.tenant.hostname.as_str() == owner);
            let as_wildcard = |tenant: &TenantEvidence| {
                let set = records(&tenant.dns.authoritative);
                !set.is_empty() && set == records(&world.zone.wildcard_caa)
            };
            prop_assert!(!own.any(as_wildcard), "{entry:?}");
        }
        if let (Cause::DnsStaleResolver, Object::Resolver(resolver)) = (entry.cause, &entry.object) {
            prop_assert!(is_as_any_server(world, *resolver), "{entry:?}");
        }
    }
    Ok(())
}

fn listed<'w>(world: &'w World, name: &'w str) -> impl Iterator<Item = &'w str> {
    let records = world.listing.known().into_iter().flat_map(|records| records.iter());
    let below = format!(".{name}");
    let of = move |owner: &str| owner == name || owner.ends_with(&below);
    records
        .filter(move |record| of(&record.name))
        .map(|record| record.kind.as_str())
}

fn is_listed(world: &World, name: &str) -> bool {
    listed(world, name).next().is_some()
}

/// Whether a record of this name and type stands in an answer or in the listing.
fn was_seen(world: &World, name: &str, kind: &str) -> bool {
    let looks = world.tenants.iter().flat_map(|tenant| {
        let dns = &tenant.dns;
        dns.authoritative.iter().chain(&dns.blockers).chain(&dns.repeated)
    });
    let replies = looks.filter_map(|look| look.reply.as_ref());
    let mut records = replies.flat_map(|reply| reply.answers.iter().chain(&reply.authority));
    records.any(|record| record.name == name && record.kind == kind) || listed(world, name).any(|listed| listed == kind)
}

/// The addresses that are said of a name in both families; nothing where one was not answered.
fn said(looks: &[DnsQuery], name: &str, server: SocketAddr) -> Option<BTreeSet<IpAddr>> {
    let mut addresses = BTreeSet::new();
    for kind in [RecordKind::A, RecordKind::Aaaa] {
        let of = |look: &&DnsQuery| look.server == server && look.kind == kind && look.name == name;
        let reply = looks.iter().rfind(of)?.reply.as_ref()?;
        if !matches!(reply.rcode, 0 | 3) {
            return None;
        }
        let of_kind = reply.answers.iter().filter(|record| record.kind == kind.as_str());
        addresses.extend(of_kind.filter_map(|record| record.data.parse::<IpAddr>().ok()));
    }
    Some(addresses)
}

fn fresh(world: &World, resolver: SocketAddr) -> Option<BTreeSet<IpAddr>> {
    let looks = &world.zone.resolver_controls;
    let name = &looks.iter().find(|look| look.server == resolver)?.name;
    said(looks, name, resolver)
}

fn controls(world: &World) -> impl Iterator<Item = BTreeSet<IpAddr>> {
    let servers = world.zone.servers.iter();
    servers.filter_map(|server| said(&world.zone.controls, world.zone.control.as_str(), *server))
}

/// Whether a resolver that gives a fresh label what a server gives it gives the tenant's name the same.
fn answered_as_fresh(world: &World, tenant: &TenantEvidence) -> bool {
    let name = tenant.tenant.hostname.as_str();
    world.zone.resolvers.iter().any(|resolver| {
        let fresh = fresh(world, *resolver).filter(|fresh| !fresh.is_empty());
        let alike = fresh.is_some() && said(&tenant.dns.resolvers, name, *resolver) == fresh;
        alike && controls(world).any(|control| Some(control) == fresh)
    })
}

/// The CAA records in the answers.
fn records(looks: &[DnsQuery]) -> BTreeSet<&str> {
    let replies = looks.iter().filter_map(|look| look.reply.as_ref());
    let records = replies.flat_map(|reply| &reply.answers);
    let records = records.filter(|record| record.kind == "CAA");
    records.map(|record| record.data.as_str()).collect()
}

/// Whether a resolver gives a fresh label what a server gives it, or what is the edge's.
fn is_as_any_server(world: &World, resolver: SocketAddr) -> bool {
    let Some(fresh) = fresh(world, resolver) else {
        return false;
    };
    let of_edge = fresh.iter().all(|address| world.edge.addresses.contains(address));
    of_edge || controls(world).any(|control| control == fresh)
}

/// Whether the name gave other addresses when it was asked for again, at a server that serves both types of them.
fn differs_when_asked_again(world: &World, entry: &CauseEntry, tenant: &TenantEvidence) -> bool {
    let (name, again) = (tenant.tenant.hostname.as_str(), &tenant.dns.repeated);
    let mut servers = tenant.dns.authoritative.iter().map(|look| look.server);
    let serves_both = |server| said(&world.zone.controls, world.zone.control.as_str(), server).is_some();
    entry.cause == Cause::DnsOverride
        && servers.any(|server| {
            let (first, again) = (said(&tenant.dns.authoritative, name, server), said(again, name, server));
            serves_both(server) && first.is_some() && again.is_some() && first != again
        })
}
