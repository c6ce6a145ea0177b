//! A cause of agent or fleet, and one of a tenant: both are told, unless the first hides from users, or from the agent,
//! what the second is about.

use std::borrow::Cow;
use std::collections::BTreeSet;

use roundsman_checks::diagnosis::{Cause, CauseEntry, Diagnosis, Scope, Shown, TenantVerdict, diagnose};
use roundsman_checks::finding::{Check, FleetCheck, Outcome};
use roundsman_checks::world::World;

use crate::recorded::{Alone, FIRST, of_fleet, of_tenant, verdict};
use crate::visible::{self, Came};
use crate::{causes, compose, none_wrong, same, told};

#[test]
fn a_tenants_cause_keeps_its_name_beside_a_fleets() {
    let (fleets, tenants) = (of_fleet(), of_tenant(FIRST));
    let pairs = fleets
        .iter()
        .flat_map(|fleet| tenants.iter().map(move |tenant| (fleet, tenant)));
    let pairs = pairs.filter(|(fleet, tenant)| !leaves_too_few(fleet, tenant));
    let told = pairs.map(|(fleet, tenant)| {
        let diagnosis = diagnose(&composed(fleet, tenant));
        let wrong = wrong_of(fleet, tenant, &diagnosis)?;
        Some(format!(
            "{} with {}: {wrong}: {}",
            fleet.fault,
            tenant.fault,
            told(&diagnosis)
        ))
    });
    let told = told.collect::<Vec<_>>();
    none_wrong(told.len(), &told.into_iter().flatten().collect::<Vec<_>>());
}

/// What tenants have in common is said of three that fail alike. There are three: where one of them fails in its own way
/// before, nothing is common any more.
fn leaves_too_few(fleet: &Alone, tenant: &Alone) -> bool {
    let verdict = tenant.verdict(FIRST);
    let in_its_own_way = |(check, cause): &(Check, Cause)| {
        let fails = verdict.findings.of(*check).outcome == Outcome::Fail;
        fails && *check != Check::Conflicts && !cause.row().absorbable
    };
    is_common(fleet) && (is_seen_as_alone(fleet, tenant) || verdict.explained.iter().any(in_its_own_way))
}

/// Whether the fleet's cause is that tenants fail alike.
fn is_common(fleet: &Alone) -> bool {
    let common = [Cause::ReleaseFailing, Cause::RegionFailing, Cause::PlatformOutage];
    causes(&fleet.diagnosis).iter().any(|cause| common.contains(cause))
}

/// The fleet's world with what is wrong with the tenant alone.
fn composed(fleet: &Alone, tenant: &Alone) -> World {
    let world = compose::shared(&fleet.world, &tenant.world);
    let (base, other) = (fleet.tenant(FIRST), tenant.tenant(FIRST));
    let mut evidence = if is_seen_as_alone(fleet, tenant) {
        visible::visited_as(base, &visible::where_the_edge_stands(fleet, FIRST, other))
    } else if visible::came(base) == Came::Through && visible::has_own_chain(other) {
        visible::served_as(base, other)
    } else {
        base.clone()
    };
    evidence.dns = visible::dns(&base.dns, &other.dns, &visible::of_healthy(FIRST).dns);
    compose::with(world, evidence)
}

/// Whether a visit shows what is wrong with the tenant and not what is wrong with the fleet: the one at which a visit ends
/// first is in front, and a certificate of the tenant's own is served instead of the wildcard's.
fn is_seen_as_alone(fleet: &Alone, tenant: &Alone) -> bool {
    let (base, other) = (fleet.tenant(FIRST), tenant.tenant(FIRST));
    let (hidden, shown) = (visible::came(base), visible::came(other));
    let of_the_wildcard = fleet.diagnosis.causes.iter().any(|entry| {
        let wildcard = Shown::ByFleet(FleetCheck::WildcardCertificate);
        entry.scope == Scope::Fleet && entry.cause.row().shown_by.contains(&wildcard)
    });
    match hidden {
        Came::Through => {
            // What the edge answers in place of everybody hides what one of them would answer.
            let hides = |check| fleet.verdict(FIRST).findings.of(check).outcome == Outcome::Unknown;
            let answers = !is_wrong(fleet.verdict(FIRST), &[Check::Site, Check::Route]) && !hides(Check::Site);
            let changes = is_wrong(
                tenant.verdict(FIRST),
                &[Check::Certificate, Check::App, Check::Site, Check::Route],
            );
            changes && (shown != Came::Through || answers)
        }
        Came::ToTheChain => shown == Came::Nowhere || of_the_wildcard && visible::has_own_chain(other),
        Came::Nowhere => of_the_wildcard && visible::has_own_chain(other),
    }
}

fn is_wrong(verdict: &TenantVerdict, checks: &[Check]) -> bool {
    let wrong = |check: &Check| matches!(verdict.findings.of(*check).outcome, Outcome::Warn | Outcome::Fail);
    checks.iter().any(wrong)
}

/// What is wrong about the diagnosis of both, if anything.
fn wrong_of(fleet: &Alone, tenant: &Alone, both: &Diagnosis) -> Option<&'static str> {
    let its_own = verdict(both, FIRST);
    for entry in &fleet.diagnosis.causes {
        let Some(found) = same(both, entry) else {
            return Some("the fleet's cause is not told");
        };
        let gone = entry.tenants.difference(&found.tenants).collect::<BTreeSet<_>>();
        let other = gone.iter().any(|id| id.as_str() != FIRST);
        // It leaves the fleet's cause only for its own.
        let left_for_its_own = causes(&tenant.diagnosis).iter().any(|cause| explains(its_own, *cause));
        if other || !found.tenants.is_subset(&entry.tenants) || (!gone.is_empty() && !left_for_its_own) {
            return Some("the fleet's cause has other tenants");
        }
    }
    let visible = as_far_as_apis_answer(fleet, tenant);
    for entry in &visible.causes {
        let found = same(both, entry).is_some_and(|found| found.tenants == entry.tenants);
        if !found && !may_be_hidden(fleet, tenant, &visible, entry) {
            return Some("the tenant's cause is not told");
        }
    }
    let mut staged = causes(&fleet.diagnosis);
    staged.extend(causes(&visible));
    (!causes(both).is_subset(&staged)).then_some("something else is told")
}

fn explains(verdict: &TenantVerdict, cause: Cause) -> bool {
    verdict.explained.iter().any(|(_, by)| *by == cause)
}

/// A fleet's cause, a tenant's that it hides against what is said below, and why.
const HIDDEN: &[(Cause, Cause, &str)] = &[
    (
        Cause::DnsServersFailing,
        Cause::CaaForbidsIssuance,
        "the certificate is seen, and no server says which authorities may issue it",
    ),
    (
        Cause::VantageDnsBlocked,
        Cause::CaaForbidsIssuance,
        "the same: the agent can ask no server of the zone",
    ),
    (
        Cause::WildcardCertificateNameMismatch,
        Cause::CertificateNameMismatch,
        "the certificate for other names is one object, whoever is served it",
    ),
];

/// Whether the fleet's cause may hide the tenant's: alone it leaves none of the checks judged by which the tenant's shows,
/// or it is that tenants fail alike and takes this one in, or the list above says so.
fn may_be_hidden(fleet: &Alone, tenant: &Alone, visible: &Diagnosis, entry: &CauseEntry) -> bool {
    let left = fleet.verdict(FIRST);
    let is_left = |check: &Check| matches!(left.findings.of(*check).outcome, Outcome::Pass | Outcome::Warn);
    // One answer is judged by both.
    let with_its_answer = |check: Check| match check {
        Check::Site | Check::Route => vec![Check::Site, Check::Route],
        check => vec![check],
    };
    let shows = verdict(visible, FIRST).explained.iter();
    let shows = shows.filter(|(_, by)| *by == entry.cause).map(|(check, _)| *check);
    let hidden = |check: &Check| {
        !goes_before(fleet, tenant, *check, entry.cause) && !with_its_answer(*check).iter().all(is_left)
    };
    let absorbed = is_common(fleet) && entry.cause.row().absorbable;
    let fleets = causes(&fleet.diagnosis);
    let listed = |(by, hidden, _): &(Cause, Cause, &str)| *hidden == entry.cause && fleets.contains(by);
    absorbed || HIDDEN.iter().any(listed) || shows.collect::<Vec<_>>().iter().all(hidden)
}

/// Whether the tenant's cause is seen although the fleet's fails the same check: a handshake is cut before a certificate
/// is shown, the tenant's own certificate is served instead of the wildcard's, and an own record of a name goes before the
/// wildcard (RFC 4592).
fn goes_before(fleet: &Alone, tenant: &Alone, check: Check, cause: Cause) -> bool {
    let fleets = causes(&fleet.diagnosis);
    let of_wildcard = fleets.contains(&Cause::WildcardDnsMissing) || fleets.contains(&Cause::WildcardDnsMismatch);
    match check {
        Check::Certificate => is_seen_as_alone(fleet, tenant),
        Check::Dns => of_wildcard && cause != Cause::DnsStaleResolver,
        _ => false,
    }
}

/// What is said of the tenant alone where the APIs that do not answer the fleet's round do not answer either.
fn as_far_as_apis_answer<'t>(fleet: &Alone, tenant: &'t Alone) -> Cow<'t, Diagnosis> {
    let (platform, listing) = (&fleet.world.platform, &fleet.world.listing);
    if platform.known().is_some() && listing.known().is_some() {
        return Cow::Borrowed(&tenant.diagnosis);
    }
    let mut world = tenant.world.clone();
    if platform.known().is_none() {
        world.platform = platform.clone();
    }
    if listing.known().is_none() {
        world.listing = listing.clone();
    }
    let mut diagnosis = diagnose(&world);
    diagnosis.causes.retain(|entry| entry.scope == Scope::Tenant);
    Cow::Owned(diagnosis)
}
