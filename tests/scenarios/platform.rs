//! The platform's word joined with what users get: each cause alone, in pairs, and in a fleet of thousands; on bad days
//! of the APIs. Nobody is woken and nothing is changed by any of it.

use std::collections::BTreeSet;

use roundsman::agent::Fetch;
use roundsman_checks::diagnosis::Status;
use roundsman_lab::LabOptions;

use super::alone::{judge, row};
use crate::support::{Bench, Scenario, bench, causes, platform_scenarios, scenarios};

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
    let bench = bench(LabOptions::with_platform()).await;
    let mut table = Vec::new();
    let mut wrong = Vec::new();
    for scenario in platform_scenarios() {
        bench.stage(std::slice::from_ref(&scenario.fault)).await;
        let (outcome, _) = bench.round_with_platform().await;
        table.push(row(&scenario, &outcome));
        let faults = judge(&bench, &scenario, &outcome);
        wrong.extend(faults.into_iter().map(|fault| format!("{}: {fault}", scenario.fault)));
    }
    println!("{}", table.join("\n"));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_untouched(&bench);
}

/// What the platform sees of a tenant is seen whatever the edge and DNS do, unless the platform itself is silent.
fn leaves_visible(fleet: &Scenario, tenant: &Scenario) -> bool {
    let check = tenant.check.as_deref().unwrap_or_default();
    let by_platform = matches!(check, "conflicts" | "app");
    match fleet.cause.as_str() {
        _ if fleet.fault.starts_with("cloudflare") => tenant.cause != "dns-proxied",
        _ if fleet.outcome == "warn" => true,
        name if name.starts_with("platform-api-") => check == "dns" && tenant.cause == "dns-override",
        "wildcard-dns-mismatch" => !matches!(check, "site" | "route"),
        _ => by_platform || check == "dns",
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pairs_of_the_platforms_causes_keep_their_names() {
    let bench = bench(LabOptions::with_platform()).await;
    let (tenants, fleets): (Vec<_>, Vec<_>) = platform_scenarios()
        .into_iter()
        .partition(|scenario| scenario.scope == "tenant");
    let mut wrong = Vec::new();
    for fleet in &fleets {
        for tenant in &tenants {
            bench.stage(&[fleet.fault.clone(), tenant.fault.clone()]).await;
            let found = causes(&bench.round_with_platform().await.0);
            let lacking =
                !found.contains(&fleet.cause) || (leaves_visible(fleet, tenant) && !found.contains(&tenant.cause));
            let mut staged = BTreeSet::from([fleet.cause.clone(), tenant.cause.clone()]);
            // What only a silent API could name is told by what users get.
            let silent = fleet.cause.starts_with("platform-api-");
            staged.extend(
                [
                    "unexplained",
                    "site-status",
                    "dns-override",
                    "route-wrong-tenant",
                    "site-header",
                ]
                .map(str::to_owned)
                .into_iter()
                .filter(|_| silent),
            );
            let invented = found.difference(&staged).collect::<Vec<_>>();
            if lacking || !invented.is_empty() {
                wrong.push(format!("{} with {}: found {found:?}", fleet.fault, tenant.fault));
            }
        }
    }
    println!("{} pairs", fleets.len() * tenants.len());
    assert!(
        wrong.is_empty(),
        "{} pairs are wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert_untouched(&bench);
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_causes_at_one_tenant_are_both_told_or_the_first_hides_the_second() {
    let bench = bench(LabOptions::with_platform()).await;
    let mut one_each = Vec::<Scenario>::new();
    for mut scenario in platform_scenarios().into_iter().chain(scenarios()) {
        if scenario.cause == "site-status" {
            // A server's fault both ways would be the app's: `app-unhealthy`.
            scenario.fault = "site-status@q7f9=404".to_owned();
        }
        if scenario.cause == "certificate-conflict" {
            // It cuts the handshake, which comes before what is latent.
            scenario.check = Some("certificate".to_owned());
        }
        let new = one_each.iter().all(|known| known.cause != scenario.cause);
        if scenario.scope == "tenant" && !scenario.slow && new && scenario.cause != "unexplained" {
            one_each.push(scenario);
        }
    }
    let mut wrong = Vec::new();
    let mut pairs = 0;
    for (at, first) in one_each.iter().enumerate() {
        for second in &one_each[at + 1..] {
            pairs += 1;
            bench.stage(&[first.fault.clone(), second.fault.clone()]).await;
            let (outcome, _) = bench.round_with_platform().await;
            let found = causes(&outcome);
            let mut staged = BTreeSet::from([first.cause.clone(), second.cause.clone()]);
            if first.cause == "route-broken" && second.cause.starts_with("site-") {
                // The edge answers 502, the app directly something else that is not right either: nobody is proven.
                staged.insert("site-status".to_owned());
            }
            let verdict = outcome
                .diagnosis
                .tenants
                .iter()
                .find(|tenant| tenant.tenant.as_str() == "q7f9")
                .expect("q7f9");
            let named = verdict.cause.map(|cause| cause.to_string()).unwrap_or_default();
            let invented = found.difference(&staged).collect::<Vec<_>>();
            let others = outcome
                .diagnosis
                .tenants
                .iter()
                .filter(|tenant| tenant.status != Status::Healthy)
                .count();
            if !invented.is_empty() || !staged.contains(&named) || others != 1 {
                wrong.push(format!(
                    "{} with {}: found {found:?}, named {named}",
                    first.fault, second.fault
                ));
            }
            let earlier = |scenario: &Scenario| {
                let broken = scenario.outcome == "fail";
                (
                    !broken,
                    ORDER.iter().position(|check| Some(*check) == scenario.check.as_deref()),
                )
            };
            let (Some(expected), true) = (
                [first, second].into_iter().min_by_key(|scenario| earlier(scenario)),
                found == staged,
            ) else {
                continue;
            };
            if earlier(first) != earlier(second)
                && named != expected.cause
                && expected.check.as_deref() != Some("conflicts")
            {
                wrong.push(format!(
                    "{} with {}: both found, named {named}, expected {}",
                    first.fault, second.fault, expected.cause
                ));
            }
        }
    }
    println!("{pairs} pairs of causes at one tenant");
    assert!(
        wrong.is_empty(),
        "{} pairs are wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert_untouched(&bench);
}
