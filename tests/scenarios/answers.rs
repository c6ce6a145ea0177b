//! Answers that look like an outage and are none, and refusals that pass while they are given time.

use roundsman_checks::diagnosis::{Diagnosis, Status};
use roundsman_checks::evidence::Reason;
use roundsman_checks::finding::Check;
use roundsman_checks::world::TenantEvidence;
use roundsman_lab::LabOptions;

use crate::support::{bench, causes};

/// Everybody is healthy, and nothing is said.
fn all_is_well(diagnosis: &Diagnosis) {
    assert_eq!(diagnosis.causes, []);
    let well = diagnosis.tenants.iter().all(|tenant| tenant.status == Status::Healthy);
    assert!(well, "{:#?}", diagnosis.tenants);
}

#[tokio::test]
async fn a_server_that_goes_away_is_asked_again() {
    let two = LabOptions::default();
    let one = LabOptions {
        edge_addresses: two.edge_addresses[..1].to_vec(),
        ..two.clone()
    };
    for options in [one, two] {
        let bench = bench(options).await.unhurried();
        bench.stage(&["edge-goes-away=1000".to_owned()]).await;
        let round = bench.round().await;
        all_is_well(&round.diagnosis);
        let refused = round.world.tenants.iter().flat_map(TenantEvidence::all_visits);
        assert!(refused.into_iter().any(|visit| visit.refused.is_some()));
    }
}

#[tokio::test]
async fn a_server_that_stays_away_is_told_as_it_is() {
    let bench = bench(LabOptions::default()).await;
    bench.stage(&["edge-goes-away=600000".to_owned()]).await;
    let round = bench.round().await;
    assert_eq!(causes(&round), ["platform-outage".to_owned()].into());
    let site = round.diagnosis.tenants[0].findings.of(Check::Site);
    assert_eq!(site.reason, Some(Reason::HttpClosed));
    assert!(site.message.contains("NO_ERROR"), "{}", site.message);
}

#[tokio::test]
async fn a_limit_that_says_how_long_is_waited_for() {
    let bench = bench(LabOptions::default()).await.unhurried();
    bench.stage(&["edge-rate-limited=1500".to_owned()]).await;
    let round = bench.round().await;
    all_is_well(&round.diagnosis);
    assert!(round.world.tenants.iter().all(|tenant| !tenant.retries.is_empty()));
}

#[tokio::test]
async fn one_page_for_every_name_is_no_fault() {
    let bench = bench(LabOptions::default()).await;
    bench.stage(&["catch-all".to_owned()]).await;
    let round = bench.round().await;
    all_is_well(&round.diagnosis);
    let route = round.diagnosis.tenants[0].findings.of(Check::Route);
    assert_eq!(route.reason, Some(Reason::NotIdentifiable));
}

#[tokio::test]
async fn a_mark_before_json_is_no_fault() {
    let bench = bench(LabOptions::default()).await;
    bench.stage(&["site-mark@q7f9".to_owned()]).await;
    all_is_well(&bench.round().await.diagnosis);
}

#[tokio::test]
async fn where_everybody_is_unknown_the_fleet_is_to_blame() {
    let bench = bench(LabOptions::with_tenants(5)).await;
    let tenants = bench.lab.tenants().to_vec();
    let unknown = |id: &String| format!("tenant-unknown-to-edge@{id}");
    bench.stage(&tenants.iter().map(unknown).collect::<Vec<_>>()).await;
    let round = bench.round().await;
    assert_eq!(causes(&round), ["platform-outage".to_owned()].into());
    // One that is known shows that the others are not.
    bench
        .stage(&tenants.iter().skip(1).map(unknown).collect::<Vec<_>>())
        .await;
    let round = bench.round().await;
    assert_eq!(causes(&round), ["tenant-unknown-to-edge".to_owned()].into());
}
