//! Each cause alone: named right, proven, with its fix, and nothing said of the healthy neighbours.

use roundsman::agent::Round;
use roundsman::gate::{GatePolicy, exit_code};
use roundsman_checks::diagnosis::{Status, diagnose};
use roundsman_checks::platform::fly::Flyctl;
use roundsman_checks::world::World;
use roundsman_lab::LabOptions;

use crate::support::{Bench, Scenario, bench, benches, scenarios, word};

#[tokio::test]
async fn a_healthy_lab_has_no_finding() {
    let bench = bench(LabOptions::default()).await;
    let outcome = bench.round().await;
    assert_eq!(outcome.diagnosis.causes, []);
    assert!(
        outcome
            .diagnosis
            .tenants
            .iter()
            .all(|tenant| tenant.status == Status::Healthy),
        "{:#?}",
        outcome.diagnosis.tenants
    );
    assert_eq!(exit_code(&outcome.diagnosis, &GatePolicy::default()).code(), 0);
}

#[tokio::test]
async fn what_looks_broken_and_is_not_stays_healthy() {
    let bench = bench(LabOptions::default()).await;
    bench
        .stage(&["dns-override@q7f9=equal".into(), "wildcard-cname".into()])
        .await;
    assert_eq!(bench.round().await.diagnosis.causes, []);
}

#[tokio::test]
async fn the_issuer_document_identifies_where_no_header_does() {
    let bench = bench(LabOptions {
        identity_header: false,
        ..LabOptions::default()
    })
    .await;
    bench.stage(&["route-wrong-tenant@q7f9".into()]).await;
    let outcome = bench.round().await;
    assert_eq!(outcome.diagnosis.causes.len(), 1, "{:#?}", outcome.diagnosis.causes);
    assert_eq!(outcome.diagnosis.causes[0].cause.as_str(), "route-wrong-tenant");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_cause_is_named_proven_and_mended() {
    let benches = benches(&LabOptions::default()).await;
    let scenarios = scenarios();
    let told = benches.each(&scenarios, async |bench, scenario| {
        bench.stage(std::slice::from_ref(&scenario.fault)).await;
        let outcome = bench.round().await;
        let faults = judge(bench, scenario, &outcome).into_iter();
        let wrong = faults.map(|fault| format!("{}: {fault}", scenario.fault));
        (row(scenario, &outcome), wrong.collect::<Vec<_>>())
    });
    let (table, wrong): (Vec<_>, Vec<_>) = told.await.into_iter().unzip();
    println!("{:<46}{:<36}{:<11}{:<9}fix", "fault", "cause", "sure", "outcome");
    println!("{}", table.join("\n"));
    assert_eq!(table.len(), scenarios.len());
    let wrong = wrong.concat();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

pub(super) fn row(scenario: &Scenario, outcome: &Round) -> String {
    let entries = &outcome.diagnosis.causes;
    let names = entries
        .iter()
        .map(|entry| entry.cause.to_string())
        .collect::<Vec<_>>()
        .join(" ");
    let first = entries.first();
    let fix = first
        .and_then(|entry| entry.remedy.first())
        .map(|remedy| remedy.command(&Flyctl))
        .unwrap_or_default();
    let sure = first.map(|entry| word(entry.confidence)).unwrap_or_default();
    let ended = first.map(|entry| word(entry.outcome)).unwrap_or_default();
    format!("{:<46}{names:<36}{sure:<11}{ended:<9}{fix}", scenario.fault)
}

/// Everything in which a round differs from what the scenario expects.
pub(super) fn judge(bench: &Bench, scenario: &Scenario, outcome: &Round) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut expect = |what: &str, expected: String, found: String| {
        if expected != found {
            wrong.push(format!("{what}: expected {expected}, found {found}"));
        }
    };
    let diagnosis = &outcome.diagnosis;
    let names = diagnosis
        .causes
        .iter()
        .map(|entry| entry.cause.as_str())
        .collect::<Vec<_>>();
    expect("causes", scenario.cause.clone(), names.join(" "));
    let concerned = |id: &str| scenario.tenants.iter().any(|name| name == "*" || name == id);
    if let Some(entry) = diagnosis.causes.first() {
        expect("scope", scenario.scope.clone(), word(entry.scope));
        expect("confidence", scenario.confidence.clone(), word(entry.confidence));
        expect("outcome", scenario.outcome.clone(), word(entry.outcome));
        let fits = entry
            .remedy
            .iter()
            .any(|remedy| remedy.command(&Flyctl).contains(&scenario.remedy));
        expect(
            "remedy",
            scenario.remedy.clone(),
            if fits {
                scenario.remedy.clone()
            } else {
                format!("{:?}", entry.remedy)
            },
        );
        let expected = bench.lab.tenants().iter().filter(|id| concerned(id)).count();
        expect("tenants", expected.to_string(), entry.tenants.len().to_string());
    }
    let status = match scenario.outcome.as_str() {
        "fail" => "failing",
        "warn" => "degraded",
        _ => "unknown",
    };
    for tenant in &diagnosis.tenants {
        let id = tenant.tenant.as_str();
        let (wanted, cause) = if concerned(id) {
            (status, scenario.cause.as_str())
        } else {
            ("healthy", "")
        };
        expect(id, wanted.into(), word(tenant.status));
        expect(
            id,
            cause.into(),
            tenant.cause.map(|cause| cause.to_string()).unwrap_or_default(),
        );
        if let Some(check) = scenario.check.as_ref().filter(|_| concerned(id)) {
            let found = tenant
                .findings
                .iter()
                .find(|(name, _)| name.as_str() == check)
                .map(|(_, finding)| finding);
            let reason = found
                .and_then(|finding| finding.reason)
                .map(|reason| reason.to_string())
                .unwrap_or_default();
            expect(
                &format!("{id} {check}"),
                scenario.outcome.clone(),
                found.map(|f| f.outcome.to_string()).unwrap_or_default(),
            );
            if let Some(expected) = &scenario.reason {
                expect(&format!("{id} {check}"), expected.clone(), reason);
            }
        }
    }
    expect(
        "exit",
        scenario.exit.to_string(),
        exit_code(diagnosis, &GatePolicy::default()).code().to_string(),
    );
    let text = serde_json::to_string(&outcome.world).unwrap_or_default();
    let again = serde_json::from_str::<World>(&text).map(|world| diagnose(&world));
    expect(
        "loaded again",
        "the same".into(),
        match again {
            Ok(again) if again == *diagnosis => "the same".into(),
            Ok(again) => format!("{again:?}"),
            Err(error) => error.to_string(),
        },
    );
    wrong
}
