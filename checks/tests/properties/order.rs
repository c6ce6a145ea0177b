//! The same world in another order, and what must not depend on it.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use roundsman_checks::diagnosis::{Cause, CauseEntry, Confidence, Diagnosis, Object, Scope, Status, TenantVerdict};
use roundsman_checks::evidence::{ApiAnswer, DnsQuery, Reason};
use roundsman_checks::finding::Outcome;
use roundsman_checks::target::TenantId;
use roundsman_checks::world::World;

fn place(seed: u64, what: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    (seed, what).hash(&mut hasher);
    hasher.finish()
}

/// Looks at one server keep their order: the latest counts.
fn by_server(looks: &mut [DnsQuery], seed: u64) {
    looks.sort_by_key(|look| place(seed, look.server));
}

/// Tenants, servers, addresses and lists in another order. That of the resolvers is configured: the first that is stale
/// names the cause.
pub(crate) fn shuffled(world: &World, seed: u64) -> World {
    let mut world = world.clone();
    world
        .tenants
        .sort_by_key(|tenant| place(seed, tenant.tenant.hostname.as_str()));
    Arc::make_mut(&mut world.known).sort_by_key(|tenant| place(!seed, tenant.hostname.as_str()));
    for tenant in &mut world.tenants {
        by_server(&mut tenant.dns.authoritative, seed);
        by_server(&mut tenant.dns.resolvers, seed);
        by_server(&mut tenant.dns.blockers, seed);
    }
    let zone = &mut world.zone;
    zone.servers.sort_by_key(|server| place(seed, server));
    for looks in [
        &mut zone.controls,
        &mut zone.wildcards,
        &mut zone.resolver_controls,
        &mut zone.unchecked,
        &mut zone.caa,
        &mut world.vantage.resolvers,
    ] {
        by_server(looks, seed);
    }
    world.edge.addresses.sort_by_key(|address| place(seed, address));
    world.edge.controls.sort_by_key(|visit| place(seed, visit.address));
    world.edge.rechecks.sort_by_key(|visit| place(seed, visit.address));
    world.vantage.controls.reverse();
    world.vantage.dates.reverse();
    if let Some(platform) = world.platform_mut() {
        for app in platform.apps.values_mut() {
            app.machines.sort_by_key(|machine| place(seed, &machine.id));
            app.certificates.sort_by_key(|held| place(seed, &held.hostname));
            app.addresses.sort_by_key(|address| place(seed, address));
        }
    }
    if let ApiAnswer::Known(listing) = &mut world.listing {
        Arc::make_mut(listing).sort_by_key(|record| place(seed, &record.id));
    }
    world.inventory.reverse();
    world
}

type DnsAnswer = (Status, Option<Cause>, Vec<(Outcome, Option<Reason>)>);

/// What is said of a tenant without the words: which of several alike servers is named is no difference.
fn said(verdict: &TenantVerdict) -> DnsAnswer {
    let findings = verdict
        .findings
        .iter()
        .map(|(_, finding)| (finding.outcome, finding.reason));
    (verdict.status, verdict.cause, findings.collect())
}

type Key<'d> = (Cause, Scope, &'d Object, Outcome, Confidence, &'d BTreeSet<TenantId>);

fn key(entry: &CauseEntry) -> Key<'_> {
    (
        entry.cause,
        entry.scope,
        &entry.object,
        entry.outcome,
        entry.confidence,
        &entry.tenants,
    )
}

/// The same verdict on each tenant, the same causes with the same members, the same fleet outcomes.
pub(crate) fn alike(one: &Diagnosis, other: &Diagnosis) -> Result<(), TestCaseError> {
    let again = other.tenants.iter().map(|verdict| (&verdict.tenant, verdict));
    let again = again.collect::<BTreeMap<_, _>>();
    for verdict in &one.tenants {
        prop_assert_eq!(said(verdict), said(again[&verdict.tenant]), "{:?}", verdict);
    }
    prop_assert_eq!(
        one.causes.iter().map(key).collect::<BTreeSet<_>>(),
        other.causes.iter().map(key).collect::<BTreeSet<_>>()
    );
    for (told, again) in one.fleet.iter().zip(&other.fleet) {
        prop_assert_eq!(told.finding.outcome, again.finding.outcome, "{:?} {:?}", told, again);
    }
    Ok(())
}
