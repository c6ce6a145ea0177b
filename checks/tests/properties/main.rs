//! What holds of `diagnose` for every world, however odd.
#![expect(clippy::unwrap_used, reason = "a test may fail")]

mod build;
mod chains;
mod cloud;
mod cloud_plan;
mod dns;
mod found;
mod increments;
mod order;
mod plan;
mod promise;
mod refuted;
mod removal;
mod removal_cloud;
mod visits;
mod witness;
mod worse;

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use roundsman_checks::diagnosis::{Cause, CauseEntry, Confidence, Diagnosis, Scope, Shown, Status, diagnose};
use roundsman_checks::evidence::Reason;
use roundsman_checks::finding::{Check, FleetCheck, Outcome};
use roundsman_checks::world::World;

use crate::build::world;
use crate::plan::plan;
use crate::removal::Removed;

/// A failing case is printed as the plan that it was shrunk to; nothing is written beside the sources.
fn config(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

fn outcome(diagnosis: &Diagnosis, tenant: usize, check: Check) -> Outcome {
    diagnosis.tenants[tenant].findings.of(check).outcome
}

/// Whether the platform's word is all that a check needs.
fn by_the_platform_alone(check: Check) -> bool {
    matches!(check, Check::Conflicts | Check::App)
}

/// Whether a pass that appears when this was taken away stands on what is left: what spoke against it is gone, and a
/// whole witness for it remains.
fn rests_on_another_witness(before: &Diagnosis, removed: &Removed, less: &World, tenant: usize, check: Check) -> bool {
    let unskipped = before.tenants[tenant].findings.of(check).reason;
    match (check, removed) {
        // The tenant's own answers, or the control's, at one server of several.
        (Check::Dns, Removed::Authority(at, server)) => {
            *at == tenant && witness::dns(less, &less.tenants[tenant], Some(*server))
        }
        (Check::Dns, Removed::Control(server)) => witness::controlled(less, Some(*server)),
        // A stale resolver is gone, or one that does not validate.
        (Check::Dns, Removed::Resolver) => true,
        // A set that forbids what is served is gone.
        (Check::Certificate, Removed::Caa(at)) => *at == tenant,
        // The control name failed at the address until it was repeated there: the address is to blame again.
        (Check::Certificate, Removed::EdgeControl(address)) => less
            .edge
            .control_at(*address)
            .is_some_and(|control| control.channel_end().reason().is_some()),
        (Check::Certificate | Check::Site | Check::Route, Removed::Visit(at)) if *at == tenant => true,
        // A visit to another address, or a repeated one, brought a page too.
        (Check::Site | Check::Route, Removed::Page(at)) if *at == tenant => {
            let mut visits = less.tenants[tenant].all_visits();
            visits.any(|visit| visit.page.answer.is_some())
        }
        // What is served decides; that a certificate of the name is awaited besides is a warning.
        (Check::Certificate, Removed::Platform | Removed::App(_)) => {
            before.tenants[tenant].findings.of(check).reason == Some(Reason::PlatformPending)
        }
        // What one app's list does not tell concerns its own tenant: one bad value hides nobody else.
        (Check::Conflicts, Removed::App(app)) => *app != less.tenants[tenant].tenant.app,
        // An unknown `dns` skips nothing, a failed one does.
        (
            Check::Site | Check::Route,
            Removed::Authority(..) | Removed::Caa(_) | Removed::Control(_) | Removed::Resolver,
        ) => unskipped == Some(Reason::PrerequisiteDns),
        _ => false,
    }
}

proptest! {
    #![proptest_config(config(160))]

    /// Every pass has been seen.
    #[test]
    fn a_pass_has_a_witness(plan in plan()) {
        let world = world(&plan);
        let diagnosis = diagnose(&world);
        for (index, tenant) in world.tenants.iter().enumerate() {
            for check in Check::ALL {
                let passes = outcome(&diagnosis, index, check) == Outcome::Pass;
                prop_assert!(!passes || witness::stands(&world, tenant, check), "{check} of tenant {index}");
                let probed = tenant.probed || by_the_platform_alone(check);
                prop_assert!(!passes || probed, "{check} of tenant {index}, which nobody looked at");
            }
        }
        for told in &diagnosis.fleet {
            let passes = told.finding.outcome == Outcome::Pass;
            prop_assert!(!passes || witness::stands_for_all(&world, told.check), "{told:?}");
        }
    }

    /// Absence of evidence is never a pass: whatever is taken away, no check begins to pass.
    #[test]
    fn taking_evidence_away_lets_nothing_pass(plan in plan()) {
        let world = world(&plan);
        let before = diagnose(&world);
        for (removed, less) in removal::each(&world) {
            let after = diagnose(&less);
            for tenant in 0..world.tenants.len() {
                for check in Check::ALL {
                    let begins = outcome(&after, tenant, check) == Outcome::Pass
                        && outcome(&before, tenant, check) != Outcome::Pass;
                    let legitimate = begins && rests_on_another_witness(&before, &removed, &less, tenant, check);
                    prop_assert!(
                        !begins || legitimate,
                        "{check} of tenant {tenant} passes without {removed:?}; before {:?}",
                        before.tenants[tenant].findings.of(check)
                    );
                }
            }
        }
    }

    /// A tenant that nobody looked at passes nothing but what the platform tells, and is healthy only where nothing else
    /// was asked for.
    #[test]
    fn a_tenant_that_nobody_looked_at_passes_nothing(plan in plan()) {
        let world = world(&plan);
        for at in 0..world.tenants.len() {
            let diagnosis = diagnose(&removal::without(&world, at));
            let verdict = &diagnosis.tenants[at];
            let seen = |check: Check| !by_the_platform_alone(check);
            let passes = verdict.findings.iter().any(|(check, finding)| seen(check) && finding.outcome == Outcome::Pass);
            prop_assert!(!passes, "{verdict:?}");
            let asked = verdict.findings.iter().any(|(check, finding)| seen(check) && finding.outcome != Outcome::Skipped);
            let well = matches!(verdict.status, Status::Healthy | Status::Degraded);
            prop_assert!(!asked || !well, "{verdict:?}");
        }
    }
}

proptest! {
    #![proptest_config(config(400))]

    /// The order in which things were looked at or listed is no evidence.
    #[test]
    fn order_changes_nothing(plan in plan(), seed in any::<u64>()) {
        let world = world(&plan);
        let shuffled = order::shuffled(&world, seed);
        order::alike(&diagnose(&world), &diagnose(&shuffled))?;
    }

    /// Tenants examined one by one, in any order and some of them again, mean what the final world means.
    #[test]
    fn increments_in_any_order_mean_the_same(plan in plan(), steps in increments::examined(), seed in any::<u64>()) {
        increments::compare(&world(&plan), &steps, seed)?;
    }

    /// Each cause shows where the catalog says, or nobody could tell whether it is gone.
    #[test]
    fn causes_show_where_the_catalog_says(plan in plan()) {
        let diagnosis = diagnose(&world(&plan));
        let of_tenants = diagnosis.causes.iter().filter(|entry| entry.scope == Scope::Tenant);
        let of_tenants = of_tenants.map(|entry| entry.cause).collect::<BTreeSet<_>>();
        for verdict in &diagnosis.tenants {
            for (check, cause) in verdict.explained.iter().filter(|(_, cause)| of_tenants.contains(cause)) {
                prop_assert!(cause.row().shown_by.contains(&Shown::By(*check)), "{} at {}", cause, check);
            }
        }
        for told in &diagnosis.fleet {
            let shown = told.cause.map(|cause| cause.row().shown_by.contains(&Shown::ByFleet(told.check)));
            prop_assert!(shown != Some(false), "{:?}", told);
        }
    }

    /// More that is wrong with a tenant never makes it look better, nor another one worse or better.
    #[test]
    fn a_failure_makes_no_status_better(plan in plan(), at in any::<prop::sample::Index>(), how in worse::any()) {
        let world = world(&plan);
        let at = at.index(world.tenants.len());
        let Some(worse) = worse::world(&world, at, how) else { return Ok(()) };
        worse::compare(&diagnose(&world), &diagnose(&worse), at, how)?;
    }

    /// What is told of a cause is what the page of causes promises, and what its remedies name was seen.
    #[test]
    fn what_is_confirmed_is_kept(plan in plan()) {
        let world = world(&plan);
        promise::kept(&world, &diagnose(&world))?;
    }

    /// What speaks against a cause is weighed: who is answered by its own app is known to the edge, and what shuts out
    /// everybody says nothing of one.
    #[test]
    fn a_cause_that_is_refuted_is_not_told(plan in plan()) {
        let world = world(&plan);
        let diagnosis = diagnose(&world);
        let of_ways = [Cause::TenantUnknownToEdge, Cause::RouteWrongApp, Cause::RouteWrongTenant, Cause::RouteBroken];
        for (at, tenant) in world.tenants.iter().enumerate() {
            let told = diagnosis.causes.iter().filter(|entry| entry.tenants.contains(&tenant.tenant.id));
            for entry in told.filter(|entry| of_ways.contains(&entry.cause)) {
                let is = |check, wanted| outcome(&diagnosis, at, check) == wanted;
                prop_assert!(!is(Check::Route, Outcome::Pass), "its own app answered: {entry:?}");
                let status = tenant.visit().and_then(|visit| visit.page.answer.as_ref()).map(|answer| answer.status);
                let of_everybody = status.is_some_and(|status| matches!(status, 401 | 403 | 407 | 429 | 500..));
                prop_assert!(entry.cause != Cause::TenantUnknownToEdge || !of_everybody, "{status:?}: {entry:?}");
                let fails = is(Check::Site, Outcome::Fail) || is(Check::Route, Outcome::Fail);
                prop_assert!(fails, "neither site nor route fails: {entry:?}");
            }
        }
    }

    /// Every warning and failure belongs to a cause, and every cause to someone.
    #[test]
    fn every_failure_belongs_to_a_cause(plan in plan()) {
        let diagnosis = diagnose(&world(&plan));
        for verdict in &diagnosis.tenants {
            let listed = diagnosis.causes.iter().filter(|entry| entry.tenants.contains(&verdict.tenant));
            let listed = listed.map(|entry| entry.cause).collect::<Vec<_>>();
            let wrong = verdict.findings.iter().any(|(_, finding)| finding.outcome >= Outcome::Warn && finding.outcome != Outcome::Unknown);
            prop_assert!(!wrong || verdict.cause.is_some(), "no cause: {verdict:?}");
            prop_assert!(verdict.cause.is_none_or(|cause| listed.contains(&cause)), "{listed:?} of {verdict:?}");
        }
        for told in &diagnosis.fleet {
            let shared = diagnosis.causes.iter().filter(|entry| entry.scope != Scope::Tenant);
            let owner = shared.filter(|entry| told.cause == Some(entry.cause)).max_by_key(|entry| entry.outcome);
            let wrong = matches!(told.finding.outcome, Outcome::Warn | Outcome::Fail);
            prop_assert!(!wrong || owner.is_some(), "{told:?}");
        }
        for entry in &diagnosis.causes {
            prop_assert!(entry.scope != Scope::Tenant || !entry.tenants.is_empty(), "{entry:?}");
            prop_assert!(!entry.evidence.is_empty(), "{entry:?}");
            let twins = diagnosis.causes.iter().filter(|other| (other.cause, &other.object) == (entry.cause, &entry.object));
            prop_assert_eq!(twins.count(), 1, "{:?}", entry);
        }
    }

    /// What the evidence speaks against is not confirmed, and nothing is deleted for what is not.
    #[test]
    fn nothing_refuted_is_confirmed(plan in plan()) {
        let world = world(&plan);
        refuted::check(&world, &diagnose(&world))?;
    }

    /// A failed handshake or verification skips what needs it, whatever explains it.
    #[test]
    fn what_a_failed_channel_skips_stays_skipped(plan in plan()) {
        let world = world(&plan);
        let diagnosis = diagnose(&world);
        for (index, tenant) in world.tenants.iter().enumerate() {
            let failed = tenant.visit().is_some_and(|visit| visit.channel_end().reason().is_some());
            if failed && outcome(&diagnosis, index, Check::Certificate) == Outcome::Fail {
                for check in [Check::Site, Check::Route] {
                    let findings = &diagnosis.tenants[index].findings;
                    prop_assert_eq!(findings.of(check).outcome, Outcome::Skipped, "{} of {}: {:?}", check, index, findings);
                }
            }
        }
    }

    /// A status is the worst outcome, and a report lists all that there is.
    #[test]
    fn a_diagnosis_is_whole(plan in plan()) {
        let world = world(&plan);
        let diagnosis = diagnose(&world);
        let asked = world.tenants.iter().map(|tenant| &tenant.tenant.id).collect::<Vec<_>>();
        let told = diagnosis.tenants.iter().map(|verdict| &verdict.tenant).collect::<Vec<_>>();
        prop_assert_eq!(asked, told);
        let fleet = diagnosis.fleet.iter().map(|told| told.check).collect::<Vec<_>>();
        use FleetCheck::{Dnssec, Edge, Vantage, WildcardCertificate, WildcardDns};
        prop_assert_eq!(fleet, [WildcardDns, Dnssec, WildcardCertificate, Edge, Vantage]);
        for verdict in &diagnosis.tenants {
            prop_assert_eq!(verdict.status, Status::of(&verdict.findings));
            for (check, finding) in verdict.findings.iter() {
                let reasoned = finding.reason.is_some() || finding.outcome != Outcome::Skipped;
                prop_assert!(reasoned, "{} is skipped without a reason: {:?}", check, finding);
                prop_assert!(!finding.message.is_empty() || plan.text.is_empty(), "{}: {:?}", check, finding);
            }
        }
    }

    /// A recording judges as the round did.
    #[test]
    fn a_recording_means_the_same(plan in plan()) {
        let world = world(&plan);
        let text = serde_json::to_string(&world).unwrap();
        let read = serde_json::from_str::<World>(&text).unwrap();
        prop_assert_eq!(&read, &world);
        prop_assert_eq!(diagnose(&read), diagnose(&world));
    }
}

/// The causes that no plan leads to, and why.
const UNREACHED: &[(Cause, &str)] = &[
    (Cause::InventoryShrunk, "two readings of the inventory show it"),
    (Cause::NotificationUndelivered, "a channel's answer shows it"),
    (Cause::EdgeSlow, "the hours of the last days show it"),
    (Cause::TenantVanished, "two readings of the inventory show it"),
];

/// What the page of causes promises and too few plans lead to (`true`: confirmed): recorded worlds show a broken route, and
/// `judged` an answer that names nobody.
const SHOWN_ELSEWHERE: &[(Cause, bool)] = &[(Cause::RouteBroken, true), (Cause::TenantUnknownToEdge, false)];

/// The properties above say something only of what the worlds show.
#[test]
fn the_worlds_show_every_cause_and_outcome() {
    let mut runner = TestRunner::deterministic();
    let (mut causes, mut outcomes, mut confidences) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for _ in 0..10_000 {
        let diagnosis = diagnose(&world(&plan().new_tree(&mut runner).unwrap().current()));
        causes.extend(diagnosis.causes.iter().map(|entry| entry.cause));
        let sure = |entry: &CauseEntry| (entry.cause, entry.confidence == Confidence::Confirmed);
        confidences.extend(diagnosis.causes.iter().map(sure));
        for (check, finding) in diagnosis.tenants.iter().flat_map(|verdict| verdict.findings.iter()) {
            outcomes.insert((check, finding.outcome));
        }
    }
    let unreached = Cause::ALL.iter().filter(|cause| !causes.contains(cause));
    let excepted = UNREACHED.iter().map(|(cause, _)| cause);
    assert_eq!(
        unreached.collect::<Vec<_>>(),
        excepted.collect::<Vec<_>>(),
        "no world leads to"
    );
    // What the page of causes says of a confidence is no empty promise: some world leads to each.
    let promised = Cause::ALL.iter().flat_map(|cause| {
        let why = cause.guidance();
        let confirmed = (!why.confirmed.starts_with("never")).then_some((*cause, true));
        confirmed.into_iter().chain(why.likely.map(|_| (*cause, false)))
    });
    let unreached = |(cause, _): &(Cause, bool)| UNREACHED.iter().any(|(unreached, _)| unreached == cause);
    let elsewhere = |promise: &(Cause, bool)| SHOWN_ELSEWHERE.contains(promise) || unreached(promise);
    let empty = promised.filter(|promise| !confidences.contains(promise) && !elsewhere(promise));
    assert_eq!(
        empty.collect::<Vec<_>>(),
        Vec::new(),
        "no world leads to (`true`: confirmed)"
    );
    // Only the platform's word makes the others: they have no warning.
    let platform = [Outcome::Skipped, Outcome::Pass, Outcome::Unknown, Outcome::Fail];
    let platform = [Check::Conflicts, Check::App]
        .into_iter()
        .map(|check| (check, &platform[..]));
    let all = [
        Outcome::Skipped,
        Outcome::Pass,
        Outcome::Warn,
        Outcome::Unknown,
        Outcome::Fail,
    ];
    let seen = [Check::Dns, Check::Certificate, Check::Site]
        .into_iter()
        .map(|check| (check, &all[..]));
    for (check, wanted) in seen.chain(platform) {
        for outcome in wanted {
            assert!(
                outcomes.contains(&(check, *outcome)),
                "no world in which {check} is {outcome}"
            );
        }
    }
}
