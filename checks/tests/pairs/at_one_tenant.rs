//! Two causes at one tenant that show in different places: in DNS and at the edge. Both are told, unless the first skips
//! the check by which the second shows; the tenant's cause is the one that is looked for first.

use std::collections::BTreeSet;

use roundsman_checks::diagnosis::{Cause, CauseEntry, Diagnosis, diagnose};
use roundsman_checks::finding::{Check, Outcome};

use crate::recorded::{Alone, FIRST, of_tenant, verdict};
use crate::{causes, compose, none_wrong, same, told, visible};

#[test]
fn what_dns_shows_and_what_the_edge_shows_are_both_told() {
    let all = of_tenant(FIRST);
    let (in_dns, elsewhere) = all
        .into_iter()
        .partition::<Vec<_>, _>(|alone| shown_by(alone) == BTreeSet::from([Check::Dns]));
    // A CAA set shows in the certificate's check and stands in DNS: it is no second place.
    let elsewhere = elsewhere
        .into_iter()
        .filter(|alone| !causes(&alone.diagnosis).contains(&Cause::CaaForbidsIssuance))
        .collect::<Vec<_>>();
    assert!(!in_dns.is_empty() && !elsewhere.is_empty());
    let pairs = in_dns
        .iter()
        .flat_map(|first| elsewhere.iter().map(move |second| (first, second)));
    let told = pairs.map(|(first, second)| {
        let world = compose::shared(&second.world, &first.world);
        let mut evidence = second.tenant(FIRST).clone();
        let (theirs, healthy) = (&first.tenant(FIRST).dns, &visible::of_healthy(FIRST).dns);
        evidence.dns = visible::dns(&evidence.dns, theirs, healthy);
        let both = diagnose(&compose::with(world, evidence));
        let wrong = wrong_of(first, second, &both)?;
        Some(format!(
            "{} with {}: {wrong}: {}",
            first.fault,
            second.fault,
            told(&both)
        ))
    });
    let told = told.collect::<Vec<_>>();
    none_wrong(told.len(), &told.into_iter().flatten().collect::<Vec<_>>());
}

/// The checks that its causes explain.
fn shown_by(alone: &Alone) -> BTreeSet<Check> {
    let explained = &alone.verdict(FIRST).explained;
    explained.iter().map(|(check, _)| *check).collect()
}

fn wrong_of(in_dns: &Alone, elsewhere: &Alone, both: &Diagnosis) -> Option<&'static str> {
    let lacks = |entry: &CauseEntry| same(both, entry).is_none_or(|found| found.tenants != entry.tenants);
    if in_dns.diagnosis.causes.iter().any(lacks) {
        return Some("what DNS shows is not told");
    }
    let findings = &verdict(both, FIRST).findings;
    for entry in &elsewhere.diagnosis.causes {
        let skipped = |check: &Check| findings.of(*check).outcome == Outcome::Skipped;
        let hidden = shown_by(elsewhere).iter().all(skipped);
        if !hidden && lacks(entry) {
            return Some("what the edge shows is not told");
        }
    }
    let mut staged = causes(&in_dns.diagnosis);
    staged.extend(causes(&elsewhere.diagnosis));
    if !causes(both).is_subset(&staged) {
        return Some("something else is told");
    }
    (verdict(both, FIRST).cause != first_of(in_dns, elsewhere, both)).then_some("another one is the tenant's cause")
}

/// What fails goes before what warns, what DNS shows before what the edge shows.
fn first_of(in_dns: &Alone, elsewhere: &Alone, both: &Diagnosis) -> Option<Cause> {
    let fails = |alone: &Alone| {
        alone
            .diagnosis
            .causes
            .iter()
            .any(|entry| entry.outcome == Outcome::Fail)
    };
    let is_left = elsewhere
        .diagnosis
        .causes
        .iter()
        .any(|entry| same(both, entry).is_some());
    let first = if !fails(in_dns) && fails(elsewhere) && is_left {
        elsewhere
    } else {
        in_dns
    };
    first.verdict(FIRST).cause
}
