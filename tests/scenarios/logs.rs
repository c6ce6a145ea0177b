//! The edge's log as a deeper look: what it costs, what its silence changes, and what it does not touch.

use roundsman::agent::Round;
use roundsman_lab::LabOptions;

use crate::support::{Bench, bench, causes};

/// A round under these faults, and how often the log was read.
async fn round(bench: &Bench, faults: &[&str]) -> (Round, u64) {
    let faults = faults.iter().map(|fault| (*fault).to_owned()).collect::<Vec<_>>();
    bench.stage(&faults).await;
    let before = reads(bench);
    let (outcome, _) = bench.round_with_platform().await;
    (outcome, reads(bench) - before)
}

fn reads(bench: &Bench) -> u64 {
    bench.lab.counters().api.get("logs/app-logs").copied().unwrap_or(0)
}

#[tokio::test]
async fn a_wrong_route_names_both_apps_and_quotes_the_log() {
    let bench = bench(LabOptions::with_platform()).await;
    let (outcome, calls) = round(&bench, &["route-wrong-app@q7f9=sp-gone"]).await;
    let entry = &outcome.diagnosis.causes[0];
    let evidence = entry
        .evidence
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("\n");
    for part in [
        "should be answered by sp-q7f9, but management-api-prod replays it to sp-gone, which answers 502",
        "log of management-api-prod at 20",
        "INFO Replaying request to tenant app subdomain=q7f9 fly_app=sp-gone",
        "no app sp-gone in organization lab",
        "[PA04]",
    ] {
        assert!(evidence.contains(part), "{part}: {evidence}");
    }
    assert!(entry.cause.is_lasting() && calls <= 3, "{calls} calls");
}

#[tokio::test]
async fn a_log_that_is_refused_or_empty_changes_no_verdict() {
    let bench = bench(LabOptions::with_platform()).await;
    for (silence, most) in [("logs-refused", 1), ("logs-empty", 3)] {
        for (fault, cause) in [
            ("route-wrong-tenant@q7f9", "route-wrong-tenant"),
            ("route-wrong-app@q7f9", "route-wrong-tenant"),
            ("site-redirect@q7f9", "site-redirect"),
        ] {
            let (outcome, calls) = round(&bench, &[silence, fault]).await;
            let found = causes(&outcome).into_iter().collect::<Vec<_>>();
            assert_eq!(found, [cause], "{silence} {fault}");
            assert!(calls <= most, "{silence} {fault}: {calls} calls");
        }
    }
}

#[tokio::test]
async fn the_log_is_read_where_it_may_settle_something_and_once_for_all() {
    let bench = bench(LabOptions::with_platform()).await;
    for quiet in [
        "",
        "app-stopped@q7f9",
        "app-missing@q7f9",
        "tenant-unknown-to-edge@q7f9",
        "dns-override@q7f9",
    ] {
        let faults = [quiet]
            .into_iter()
            .filter(|fault| !fault.is_empty())
            .collect::<Vec<_>>();
        let (_, calls) = round(&bench, &faults).await;
        assert_eq!(calls, 0, "{quiet}");
    }
    let redirects = bench.lab.tenants().iter().map(|id| format!("site-redirect@{id}"));
    let redirects = redirects.collect::<Vec<_>>();
    let (outcome, calls) = round(&bench, &redirects.iter().map(String::as_str).collect::<Vec<_>>()).await;
    assert!(calls <= 12, "{calls} calls");
    assert!(!causes(&outcome).contains("route-wrong-app"));
}

#[tokio::test]
async fn late_lines_are_waited_for() {
    let bench = bench(LabOptions::with_platform()).await.unhurried();
    let (outcome, calls) = round(&bench, &["logs-late=800", "route-wrong-app@q7f9"]).await;
    assert_eq!(causes(&outcome).into_iter().collect::<Vec<_>>(), ["route-wrong-app"]);
    assert!(calls <= 3, "{calls} calls");
}

#[tokio::test]
async fn every_visit_is_evidence_with_its_chain() {
    // The first is asked directly too, the others are visited once more so that an edge that writes late tells of them.
    for (faults, direct, logged) in [
        (&["route-broken@q7f9"][..], true, 0),
        (&["logs-late=800", "route-wrong-app@q7f9"], false, 1),
        (&["logs-empty", "site-redirect@q7f9"], true, 1),
    ] {
        let bench = bench(LabOptions::with_platform()).await.unhurried();
        let (outcome, _) = round(&bench, faults).await;
        let mut tenants = outcome.world.tenants.iter();
        let tenant = tenants
            .find(|tenant| tenant.tenant.id.as_str() == "q7f9")
            .expect("the tenant");
        let found = (tenant.direct.is_some(), tenant.log.visits.len());
        assert_eq!(found, (direct, logged), "{faults:?}");
        for visit in tenant
            .all_visits()
            .chain(tenant.direct.as_deref())
            .chain(&tenant.log.visits)
        {
            let chain = visit.handshake.chain.expect("a chain");
            assert!(outcome.world.chains.contains_key(&chain), "{faults:?}: {visit:?}");
        }
    }
}
