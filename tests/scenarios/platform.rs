//! The platform's word joined with what users get: each cause alone, in pairs, and in a fleet of thousands; on bad days
//! of the APIs. Nobody is woken and nothing is changed by any of it.

use std::collections::BTreeSet;

use roundsman::agent::{Fetch, Round};
use roundsman_checks::diagnosis::Status;
use roundsman_lab::LabOptions;

use super::alone::{judge, row};
use super::pairs::{each_once, one_each};
use crate::support::{Bench, Scenario, bench, benches, causes, platform_scenarios, scenarios};

/// Verifying looks and does not touch.
fn assert_untouched(bench: &Bench) {
    assert_eq!(bench.lab.writes(), Vec::<String>::new());
    assert_eq!(bench.lab.counters().woken, 0);
}

#[tokio::test]
async fn a_healthy_platform_has_no_finding() {
    let bench = bench(LabOptions::with_platform()).await;
    let (outcome, _) = bench.round_with_platform().await;
    assert_eq!(outcome.diagnosis.causes, []);
    assert!(
        outcome
            .diagnosis
            .tenants
            .iter()
            .all(|tenant| tenant.status == Status::Healthy)
    );
    assert_untouched(&bench);
}

#[tokio::test]
async fn what_looks_broken_on_the_platform_and_is_not_stays_healthy() {
    let bench = bench(LabOptions::with_platform()).await;
    let harmless = [
        "custom-domain@q7f9",
        "lookalike@a3b1",
        "app-asleep@c04e",
        "explicit-ready@d9a2",
        "dns-override@e51f=equal",
        "wildcard-proxied",
    ];
    for fault in harmless {
        bench.stage(&[fault.to_owned()]).await;
        let (outcome, _) = bench.round_with_platform().await;
        assert_eq!(outcome.diagnosis.causes, [], "{fault}");
        assert!(
            outcome
                .diagnosis
                .tenants
                .iter()
                .all(|tenant| tenant.status == Status::Healthy),
            "{fault}"
        );
    }
    assert_untouched(&bench);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_cause_of_the_platform_is_named_proven_and_mended() {
    let benches = benches(&LabOptions::with_platform()).await;
    let scenarios = platform_scenarios();
    let told = benches.each(&scenarios, async |bench, scenario| {
        bench.stage(std::slice::from_ref(&scenario.fault)).await;
        let (outcome, _) = bench.round_with_platform().await;
        let faults = judge(bench, scenario, &outcome).into_iter();
        let wrong = faults.map(|fault| format!("{}: {fault}", scenario.fault));
        (row(scenario, &outcome), wrong.collect::<Vec<_>>())
    });
    let (table, wrong): (Vec<_>, Vec<_>) = told.await.into_iter().unzip();
    println!("{}", table.join("\n"));
    assert_eq!(table.len(), scenarios.len());
    let wrong = wrong.concat();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    benches.iter().for_each(assert_untouched);
}

/// What the platform sees of a tenant is seen whatever the edge and DNS do, unless the platform itself is silent.
fn leaves_visible(fleet: &Scenario, tenant: &Scenario) -> bool {
    let check = tenant.check.as_deref().unwrap_or_default();
    let by_platform = matches!(check, "conflicts" | "app");
    match fleet.cause.as_str() {
        _ if fleet.fault.starts_with("cloudflare") => tenant.cause != "dns-proxied",
        _ if fleet.outcome == "warn" => true,
        name if name.starts_with("platform-api-") => check == "dns" && tenant.cause == "dns-override",
        // Hosts are asked about where a page fails; behind these none is asked for.
        _ if tenant.cause == "app-host-down" => false,
        "wildcard-dns-mismatch" => !matches!(check, "site" | "route"),
        _ => by_platform || check == "dns",
    }
}

/// What a silent API leaves to be told by what users get.
const WITHOUT_THE_PLATFORM: [&str; 5] = [
    "unexplained",
    "site-status",
    "dns-override",
    "route-wrong-tenant",
    "site-header",
];

/// What is wrong about what was found with both staged; nothing where both keep their names.
fn wrong_of_pair(fleet: &Scenario, tenant: &Scenario, found: &BTreeSet<String>) -> Option<String> {
    let lacking = !found.contains(&fleet.cause) || (leaves_visible(fleet, tenant) && !found.contains(&tenant.cause));
    let mut staged = BTreeSet::from([fleet.cause.clone(), tenant.cause.clone()]);
    if fleet.cause.starts_with("platform-api-") {
        staged.extend(WITHOUT_THE_PLATFORM.map(str::to_owned));
    }
    let wrong = lacking || !found.is_subset(&staged);
    wrong.then(|| format!("{} with {}: found {found:?}", fleet.fault, tenant.fault))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pairs_of_the_platforms_causes_keep_their_names() {
    let benches = benches(&LabOptions::with_platform()).await;
    let (tenants, fleets): (Vec<_>, Vec<_>) = platform_scenarios()
        .into_iter()
        .partition(|scenario| scenario.scope == "tenant");
    let (tenants, fleets) = (one_each(tenants), one_each(fleets));
    let pairs = each_once(&fleets, &tenants, leaves_visible);
    let count = pairs.len();
    let told = benches.each(pairs, async |bench, (fleet, tenant)| {
        bench.stage(&[fleet.fault.clone(), tenant.fault.clone()]).await;
        let found = causes(&bench.round_with_platform().await.0);
        wrong_of_pair(fleet, tenant, &found)
    });
    let told = told.await;
    assert_eq!(told.len(), count);
    let wrong = told.into_iter().flatten().collect::<Vec<_>>();
    assert!(
        wrong.is_empty(),
        "{} pairs are wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    benches.iter().for_each(assert_untouched);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_calls_grow_with_pages_and_never_with_tenants() {
    for (tenants, most) in [(2_000, 50), (10_000, 220)] {
        let bench = bench(LabOptions {
            platform: true,
            platform_inventory: true,
            ..LabOptions::with_tenants(tenants)
        })
        .await;
        let clients = &bench.setup.clients;
        let platform = clients.read(Fetch::ALL).await.platform;
        let made = clients.calls.made();
        let calls = made.values().sum::<u32>();
        println!("{tenants} tenants: {calls} calls, {made:?}");
        assert!(calls <= most, "{calls} calls for {tenants} tenants");
        assert!(platform.known().is_some_and(|platform| platform.apps.len() > tenants));
        assert_untouched(&bench);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_api_that_is_down_costs_few_calls_and_hides_no_failing_site() {
    for fault in [
        "platform-api-unauthorized",
        "platform-api-unavailable",
        "platform-api-unavailable=500",
        "platform-api-rate-limited",
        "platform-api-rate-limited=no-header",
    ] {
        let bench = bench(LabOptions::with_platform()).await;
        bench.stage(&[fault.to_owned(), "site-redirect@q7f9".to_owned()]).await;
        let (outcome, calls) = bench.round_with_platform().await;
        assert!(calls <= 20, "{fault}: {calls} calls");
        let q7f9 = outcome
            .diagnosis
            .tenants
            .iter()
            .find(|tenant| tenant.tenant.as_str() == "q7f9")
            .expect("the tenant");
        assert_eq!(q7f9.status, Status::Failing, "{fault}");
        assert!(
            causes(&outcome).contains("site-redirect"),
            "{fault}: {:?}",
            causes(&outcome)
        );
        assert_untouched(&bench);
    }
}

#[tokio::test]
async fn what_one_region_hides_is_unknown_for_its_tenants_alone() {
    let bench = bench(LabOptions::with_platform()).await;
    bench.stage(&["platform-api-unavailable=region:lhr".to_owned()]).await;
    let (outcome, _) = bench.round_with_platform().await;
    let count = |status| {
        outcome
            .diagnosis
            .tenants
            .iter()
            .filter(|tenant| tenant.status == status)
            .count()
    };
    assert!(count(Status::Unknown) > 0 && count(Status::Healthy) > 0 && count(Status::Failing) == 0);
    assert_untouched(&bench);
}

#[tokio::test]
async fn a_failing_release_and_a_failing_region_are_told_by_what_others_do_not_share() {
    let options = LabOptions {
        platform: true,
        ..LabOptions::with_tenants(40)
    };
    let bench = bench(options).await;
    for (fault, cause) in [
        ("release-failing=40", "release-failing"),
        ("region-failing", "region-failing"),
    ] {
        bench.stage(&[fault.to_owned()]).await;
        let (outcome, _) = bench.round_with_platform().await;
        assert_eq!(causes(&outcome).into_iter().collect::<Vec<_>>(), [cause]);
    }
    assert_untouched(&bench);
}

/// The checks in the order in which a tenant's cause is looked for.
const ORDER: [&str; 6] = ["dns", "certificate", "app", "route", "site", "conflicts"];

/// One scenario for each cause that one tenant can have, as it is staged beside another.
fn at_one_tenant() -> Vec<Scenario> {
    let all = platform_scenarios().into_iter().chain(scenarios());
    let fitting =
        all.filter(|scenario| scenario.scope == "tenant" && !scenario.slow && scenario.cause != "unexplained");
    let adapted = fitting.map(|mut scenario| {
        if scenario.cause == "site-status" {
            // A server's fault both ways would be the app's: `app-unhealthy`.
            scenario.fault = "site-status@q7f9=404".to_owned();
        }
        if scenario.cause == "certificate-conflict" {
            // It cuts the handshake, which comes before what is latent.
            scenario.check = Some("certificate".to_owned());
        }
        scenario
    });
    one_each(adapted)
}

/// Where a scenario's cause stands among those of one tenant: what is broken first, then by check.
fn place(scenario: &Scenario) -> (bool, Option<usize>) {
    let broken = scenario.outcome == "fail";
    let check = ORDER.iter().position(|check| Some(*check) == scenario.check.as_deref());
    (!broken, check)
}

/// What is wrong about a round with both staged at one tenant.
fn wrong_of_two(first: &Scenario, second: &Scenario, outcome: &Round) -> Vec<String> {
    let found = causes(outcome);
    let mut staged = BTreeSet::from([first.cause.clone(), second.cause.clone()]);
    if first.cause == "route-broken" && second.cause.starts_with("site-") {
        // The edge answers 502, the app directly something else that is not right either: nobody is proven.
        staged.insert("site-status".to_owned());
    }
    let tenants = &outcome.diagnosis.tenants;
    let verdict = tenants.iter().find(|tenant| tenant.tenant.as_str() == "q7f9");
    let named = verdict.expect("q7f9").cause;
    let named = named.map(|cause| cause.to_string()).unwrap_or_default();
    let others = tenants.iter().filter(|tenant| tenant.status != Status::Healthy);
    let mut wrong = Vec::new();
    if !found.is_subset(&staged) || !staged.contains(&named) || others.count() != 1 {
        wrong.push(format!(
            "{} with {}: found {found:?}, named {named}",
            first.fault, second.fault
        ));
    }
    let expected = if place(second) < place(first) { second } else { first };
    let ordered = place(first) != place(second) && expected.check.as_deref() != Some("conflicts");
    if found == staged && ordered && named != expected.cause {
        wrong.push(format!(
            "{} with {}: both found, named {named}, expected {}",
            first.fault, second.fault, expected.cause
        ));
    }
    wrong
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_causes_at_one_tenant_are_both_told_or_the_first_hides_the_second() {
    let benches = benches(&LabOptions::with_platform()).await;
    let all = at_one_tenant();
    let (firsts, seconds) = all.split_at(all.len() / 2);
    let pairs = each_once(firsts, seconds, |first, second| first.check != second.check);
    let count = pairs.len();
    let told = benches.each(pairs, async |bench, (first, second)| {
        bench.stage(&[first.fault.clone(), second.fault.clone()]).await;
        let (outcome, _) = bench.round_with_platform().await;
        wrong_of_two(first, second, &outcome)
    });
    let told = told.await;
    assert_eq!(told.len(), count);
    let wrong = told.concat();
    assert!(
        wrong.is_empty(),
        "{} pairs are wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    benches.iter().for_each(assert_untouched);
}
