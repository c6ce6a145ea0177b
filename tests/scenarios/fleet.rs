//! Ten thousand tenants and a dozen of them broken, each in its own way, in one round: every cause is found, nothing else
//! is, and the platform is asked as little as before.

use std::collections::{BTreeMap, BTreeSet};

use roundsman::agent::clock::Moment;
use roundsman_checks::diagnosis::Status;
use roundsman_lab::LabOptions;

use crate::support::bench;

const TENANTS: usize = 10_000;

/// Fault, cause, and whom it concerns.
const STAGED: &[(&str, &str, &[&str])] = &[
    ("certificate-conflict@t0042=many", "certificate-conflict", &["t0042"]),
    ("certificate-conflict@t0100=latent", "certificate-conflict", &["t0100"]),
    (
        "certificate-conflict@t9000=other:sp-t9001",
        "certificate-conflict",
        &["t9000", "t9001"],
    ),
    ("app-stopped@t1234", "app-stopped", &["t1234"]),
    ("app-crashed@t2345=oom", "app-crashed", &["t2345"]),
    ("app-missing@t10000", "app-missing", &["t10000"]),
    ("dns-override@t3456", "dns-override", &["t3456"]),
    ("dns-blocked@t4567=acme-challenge", "dns-blocked", &["t4567"]),
    ("dns-proxied@t5678", "dns-proxied", &["t5678"]),
    ("route-wrong-tenant@t6789=t0001", "route-wrong-tenant", &["t6789"]),
    ("route-broken@t7890=network", "route-broken", &["t7890"]),
    ("certificate-stuck@t8901=cut", "certificate-stuck", &["t8901"]),
    ("tenant-unknown-to-edge@t9012", "tenant-unknown-to-edge", &["t9012"]),
    ("site-redirect@t9123", "site-redirect", &["t9123"]),
    // No faults.
    ("app-asleep@t0777", "", &[]),
    ("custom-domain@t0778", "", &[]),
    ("lookalike@t0779", "", &[]),
    ("dns-override@t0780=equal", "", &[]),
    ("explicit-ready@t0781", "", &[]),
];

type Found = BTreeMap<String, BTreeSet<String>>;

fn expected() -> Found {
    let mut all = Found::new();
    for (_, cause, tenants) in STAGED.iter().filter(|(_, cause, _)| !cause.is_empty()) {
        let concerned = tenants.iter().map(|id| (*id).to_owned());
        all.entry((*cause).to_owned()).or_default().extend(concerned);
    }
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn among_ten_thousand_exactly_the_broken_ones_are_named() {
    // A list says who should exist: what only the platform names has no app that could be missing.
    let bench = bench(LabOptions {
        platform: true,
        ..LabOptions::with_tenants(TENANTS)
    })
    .await;
    let faults = STAGED.iter().map(|(fault, _, _)| (*fault).to_owned());
    bench.stage(&faults.collect::<Vec<_>>()).await;
    let begun = Moment::now();
    let (outcome, calls) = bench.round_with_platform().await;
    let took = begun.elapsed();

    let mut found = Found::new();
    for entry in &outcome.diagnosis.causes {
        let concerned = entry.tenants.iter().map(ToString::to_string);
        found.entry(entry.cause.to_string()).or_default().extend(concerned);
    }
    for (cause, tenants) in &found {
        let tenants = tenants.iter().map(String::as_str).collect::<Vec<_>>();
        println!("{cause:<26}{}", tenants.join(" "));
    }
    let of = |status| {
        let all = outcome.diagnosis.tenants.iter();
        all.filter(|tenant| tenant.status == status).count()
    };
    let failing = of(Status::Failing);
    println!(
        "{} tenants, {failing} failing, {calls} calls, {took:.1?}",
        outcome.diagnosis.tenants.len()
    );

    let expected = expected();
    assert_eq!(found, expected);
    let concerned = expected.values().flatten().collect::<BTreeSet<_>>();
    for tenant in &outcome.diagnosis.tenants {
        let hit = concerned.contains(&tenant.tenant.to_string());
        let status = if hit { Status::Failing } else { Status::Healthy };
        assert_eq!(tenant.status, status, "{tenant:?}");
    }
    assert_eq!(outcome.diagnosis.tenants.len(), TENANTS);
    let most = 220 + 3 * u32::try_from(failing).expect("few");
    assert!(calls <= most, "{calls} calls, {most} allowed");
    assert_eq!(bench.lab.writes(), Vec::<String>::new());
    assert_eq!(bench.lab.counters().woken, 0);
}
