//! Tenants examined one by one against a look at the fleet, as a daemon does it: the same is said of them as by a round.

use std::sync::Arc;

use roundsman_checks::diagnosis::{CauseEntry, conclude};
use roundsman_checks::fleet::ChainStore;
use roundsman_checks::gather::FleetWatch;
use roundsman_lab::LabOptions;

use crate::support::{Bench, bench};

/// Faults that meet, and need no log: a round reads it for many tenants at once.
const WORLDS: &[&[&str]] = &[
    &[],
    &["dns-override@q7f9", "dns-blocked@a3b1=txt", "site-status@c04e"],
    &["certificate-expired@q7f9", "certificate-untrusted@a3b1", "tls-eof@c04e"],
    &["wildcard-dns-mismatch", "dns-override@q7f9"],
    &["wildcard-certificate-expired"],
    &["edge-unreachable=127.0.0.1", "site-slow@q7f9=2100"],
    &["dns-servers-failing=servfail/1", "route-wrong-tenant@q7f9"],
];

async fn watched(bench: &Bench) -> Vec<String> {
    let assignment = Arc::new(bench.without_platform().clone());
    let setup = Arc::new(bench.setup.probes.clone());
    let chains = Arc::new(ChainStore::default());
    let first = FleetWatch::begin(Arc::clone(&setup), Arc::clone(&assignment), chains).await;
    // What is not the first look has the directory of the one before it.
    let watch = first
        .expect("a look")
        .again(setup, Arc::clone(&assignment))
        .await
        .expect("a look");
    let mut judged = Vec::new();
    for target in &assignment.targets {
        let examination = watch.examine(target, true).await;
        judged.push((target.tenant.id.clone(), examination.judgement));
    }
    told(&conclude(watch.context(), judged, 0).causes)
}

fn told(causes: &[CauseEntry]) -> Vec<String> {
    let told = |entry: &CauseEntry| {
        let tenants = entry.tenants.iter().map(ToString::to_string).collect::<Vec<_>>();
        format!(
            "{} {} {:?} {}",
            entry.cause,
            entry.object,
            entry.confidence,
            tenants.join(",")
        )
    };
    causes.iter().map(told).collect()
}

#[tokio::test]
async fn what_is_examined_one_by_one_means_what_a_round_means() {
    let bench = bench(LabOptions::default()).await;
    for faults in WORLDS {
        let faults = faults.iter().map(|fault| (*fault).to_owned()).collect::<Vec<_>>();
        bench.stage(&faults).await;
        let round = told(&bench.round().await.diagnosis.causes);
        assert_eq!(watched(&bench).await, round, "{faults:?}");
    }
}
