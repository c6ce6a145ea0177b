//! `ask = "resolvers"`: where port 53 is closed to the agent, the resolvers' word stands in for the zone's servers.

use roundsman_checks::diagnosis::{Confidence, Status};
use roundsman_lab::LabOptions;

use crate::support::{bench, causes};

#[tokio::test]
async fn resolvers_stand_in_for_the_zones_servers() {
    let mut bench = bench(LabOptions::default()).await;
    bench.setup.probes.through_resolvers = true;
    let expected = [
        (vec![], vec![]),
        (vec!["vantage-dns-blocked"], vec![]),
        (vec!["wildcard-cname"], vec![]),
        (vec!["dns-override@q7f9"], vec!["dns-override"]),
        (vec!["dns-blocked@q7f9=mx"], vec!["dns-blocked"]),
        (vec!["wildcard-dns-missing"], vec!["wildcard-dns-missing"]),
        (vec!["wildcard-dns-mismatch"], vec!["wildcard-dns-mismatch"]),
        (vec!["dns-servers-failing"], vec!["dns-servers-failing"]),
        (vec!["dnssec-bogus"], vec!["dnssec-bogus"]),
    ];
    for (faults, expected) in expected {
        let faults = faults.into_iter().map(str::to_owned).collect::<Vec<_>>();
        bench.stage(&faults).await;
        let outcome = bench.round().await;
        assert_eq!(causes(&outcome).into_iter().collect::<Vec<_>>(), expected, "{faults:?}");
        let unknown = outcome
            .diagnosis
            .tenants
            .iter()
            .any(|tenant| tenant.status == Status::Unknown);
        assert!(!unknown, "{faults:?}: {:?}", outcome.diagnosis.tenants);
    }
}

/// One of two resolvers has a view of its own: that is no contradiction within the zone, in any order.
#[tokio::test]
async fn resolvers_that_stand_in_may_differ_by_design() {
    for view in ["nxdomain", "nodata", "private", "sinkhole", "no-a", "no-aaaa", "dns64"] {
        let (mut plain, other) = (bench(LabOptions::default()).await, bench(LabOptions::default()).await);
        other.stage(&[format!("resolver-differs={view}")]).await;
        for turned in [false, true] {
            let mut resolvers = vec![plain.lab.resolver(), other.lab.resolver()];
            if turned {
                resolvers.reverse();
            }
            plain.setup.probes.through_resolvers = true;
            plain.setup.probes.resolvers = resolvers;
            for (faults, expected) in [(vec![], vec![]), (vec!["dns-override@q7f9"], vec!["dns-override"])] {
                let faults = faults.into_iter().map(str::to_owned).collect::<Vec<_>>();
                plain.stage(&faults).await;
                let outcome = plain.round().await;
                let found = causes(&outcome).into_iter().collect::<Vec<_>>();
                assert_eq!(found, expected, "{view} {turned} {faults:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_resolvers_word_alone_confirms_no_override() {
    let mut bench = bench(LabOptions::default()).await;
    bench.setup.probes.through_resolvers = true;
    bench.stage(&["dns-stale-resolver@q7f9".into()]).await;
    let outcome = bench.round().await;
    assert_eq!(outcome.diagnosis.causes[0].confidence, Confidence::Likely);
}

/// A port that nothing listens on any more: a firewall that rejects looks the same.
fn closed_port() -> std::net::SocketAddr {
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").expect("a port");
    socket.local_addr().expect("its number")
}

#[tokio::test]
async fn a_rejected_port_53_is_the_agents_where_a_resolver_sees_the_zone() {
    let mut bench = bench(LabOptions::default()).await;
    bench.setup.probes.authoritative = vec![closed_port()];
    let outcome = bench.round().await;
    assert_eq!(
        causes(&outcome).into_iter().collect::<Vec<_>>(),
        ["vantage-dns-blocked"]
    );
}

#[tokio::test]
async fn resolvers_that_are_dead_are_not_blamed_on_the_zone() {
    let mut bench = bench(LabOptions::default()).await;
    bench.setup.probes.through_resolvers = true;
    bench.setup.probes.resolvers = vec![closed_port()];
    let outcome = bench.round().await;
    assert_eq!(causes(&outcome).into_iter().collect::<Vec<_>>(), Vec::<String>::new());
    assert!(
        outcome
            .diagnosis
            .tenants
            .iter()
            .all(|tenant| tenant.status == Status::Unknown)
    );
}

#[tokio::test]
async fn nobody_to_compare_with_is_told() {
    let mut bench = bench(LabOptions::default()).await;
    bench.setup.probes.resolvers = vec![closed_port()];
    let outcome = bench.round().await;
    let vantage = outcome
        .diagnosis
        .fleet
        .iter()
        .find(|told| told.check.as_str() == "vantage")
        .expect("the check");
    assert_eq!(
        vantage.finding.outcome,
        roundsman_checks::finding::Outcome::Unknown,
        "{:?}",
        vantage.finding
    );
}
