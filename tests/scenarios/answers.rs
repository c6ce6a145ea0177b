//! Answers that look like an outage and are none, and refusals that pass while they are given time.

use roundsman::agent::Round;
use roundsman_checks::diagnosis::Status;
use roundsman_checks::evidence::Reason;
use roundsman_checks::finding::Check;
use roundsman_checks::world::TenantEvidence;
use roundsman_lab::LabOptions;

use super::{Beside, alone_and_beside, with};
use crate::support::{bench, causes};

/// Everybody but the other tenant is healthy, and nothing is said of them.
fn all_is_well(round: &Round, other: Option<Beside>) {
    let expected = with(None, other.map(|other| other.cause));
    assert_eq!(causes(round), expected.into_iter().collect());
    let spoilt = |id: &str| other.is_some_and(|other| other.tenant == id);
    let mut tenants = round
        .diagnosis
        .tenants
        .iter()
        .filter(|tenant| !spoilt(tenant.tenant.as_str()));
    assert!(
        tenants.all(|tenant| tenant.status == Status::Healthy),
        "{:#?}",
        round.diagnosis.tenants
    );
}

#[tokio::test]
async fn a_server_that_goes_away_is_asked_again() {
    let two = LabOptions::default();
    let one = LabOptions {
        edge_addresses: two.edge_addresses[..1].to_vec(),
        ..two.clone()
    };
    for (options, other) in alone_and_beside(&[one, two]) {
        let bench = bench(options.clone()).await.unhurried();
        bench
            .stage(&with(Some("edge-goes-away=1000"), other.map(|other| other.fault)))
            .await;
        let round = bench.round().await;
        all_is_well(&round, other);
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
    for (fault, other) in alone_and_beside(&["edge-rate-limited=1500"]) {
        bench.stage(&with(Some(fault), other.map(|other| other.fault))).await;
        let round = bench.round().await;
        all_is_well(&round, other);
        let limited = |tenant: &&TenantEvidence| other.is_none_or(|other| tenant.tenant.id.as_str() != other.tenant);
        let mut limited = round.world.tenants.iter().filter(limited);
        assert!(limited.all(|tenant| !tenant.retries.is_empty()), "{other:?}");
    }
}

#[tokio::test]
async fn one_page_for_every_name_is_no_fault() {
    let bench = bench(LabOptions::default()).await;
    for (fault, other) in alone_and_beside(&["catch-all"]) {
        bench.stage(&with(Some(fault), other.map(|other| other.fault))).await;
        let round = bench.round().await;
        all_is_well(&round, other);
        let mut tenants = round.diagnosis.tenants.iter();
        let well = tenants.find(|tenant| tenant.status == Status::Healthy);
        let route = well.expect("one is well").findings.of(Check::Route);
        assert_eq!(route.reason, Some(Reason::NotIdentifiable), "{other:?}");
    }
}

#[tokio::test]
async fn a_mark_before_json_is_no_fault() {
    let bench = bench(LabOptions::default()).await;
    for (fault, other) in alone_and_beside(&["site-mark@q7f9"]) {
        bench.stage(&with(Some(fault), other.map(|other| other.fault))).await;
        all_is_well(&bench.round().await, other);
    }
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
