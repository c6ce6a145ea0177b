//! Outages of the edge: what fails for every name is not looked up name by name, and every tenant carries its cause.

use std::sync::Mutex;
use std::time::Duration;

use roundsman::agent::{Observer, ReusedEvidence, RoundRequest, Stop, run};
use roundsman_checks::diagnosis::{FleetFinding, Status, diagnose};
use roundsman_checks::finding::{FleetCheck, Outcome};
use roundsman_checks::round::Round;
use roundsman_lab::LabOptions;

use crate::support::{bench, causes};

const TENANTS: usize = 300;
/// Twenty show it, and the others were under way: no more than are probed together at first.
const VISITED: usize = 20 + 64;

fn visited(round: &Round) -> usize {
    let tenants = round.world.tenants.iter();
    tenants.filter(|tenant| !tenant.visits.is_empty()).count()
}

/// Every tenant fails, by this cause alone, whether it was visited or not.
fn all_carry(round: &Round, cause: &str) {
    assert_eq!(causes(round), [cause.to_owned()].into());
    assert_eq!(round.diagnosis.causes[0].tenants.len(), round.world.tenants.len());
    let failing = |status| status == Status::Failing;
    assert!(round.diagnosis.tenants.iter().all(|tenant| failing(tenant.status)));
    assert_eq!(diagnose(&round.world), round.diagnosis, "a replay says the same");
}

#[tokio::test]
async fn an_edge_that_fails_for_every_name_is_not_visited_for_every_name() {
    let bench = bench(LabOptions::with_tenants(TENANTS)).await;
    for (fault, cause) in [
        ("edge-tls-failing", "edge-tls-failing"),
        ("edge-unreachable=closed", "edge-unreachable"),
    ] {
        bench.stage(&[fault.to_owned()]).await;
        let round = bench.round().await;
        all_carry(&round, cause);
        assert!(visited(&round) <= VISITED, "{fault}: {} visited", visited(&round));
    }
}

#[tokio::test]
async fn where_chains_fail_only_the_platform_can_spare_a_visit() {
    let without = bench(LabOptions::with_tenants(TENANTS)).await;
    without.stage(&["wildcard-certificate-expired".to_owned()]).await;
    let round = without.round().await;
    all_carry(&round, "wildcard-certificate-expired");
    assert_eq!(visited(&round), TENANTS, "each may be served a chain of its own");
}

#[tokio::test]
async fn a_tenant_with_a_certificate_of_its_own_is_visited_in_an_outage() {
    let bench = bench(LabOptions {
        platform: true,
        ..LabOptions::with_tenants(TENANTS)
    })
    .await;
    let own = format!("t{TENANTS:04}");
    bench
        .stage(&[
            "wildcard-certificate-expired".to_owned(),
            format!("explicit-ready@{own}"),
        ])
        .await;
    let (round, _) = bench.round_with_platform().await;
    let failing = round
        .diagnosis
        .tenants
        .iter()
        .filter(|told| told.status == Status::Failing);
    let spared = round.world.tenants.iter().filter(|tenant| tenant.spared);
    assert_eq!(failing.count(), TENANTS - 1);
    assert!(spared.count() >= TENANTS - VISITED - 1);
    let last = round.world.tenants.last().expect("tenants");
    assert_eq!((last.tenant.id.to_string(), last.visits.len()), (own, 1));
    assert_eq!(diagnose(&round.world), round.diagnosis, "a replay says the same");
}

/// Hears of the fleet, and how many tenants were done by then.
#[derive(Default)]
struct Heard(Mutex<(usize, Option<(usize, Outcome)>)>);

impl Observer for Heard {
    fn stage(&self, _: &'static str, _: usize) {}

    fn step(&self) {
        self.0.lock().expect("no panic").0 += 1;
    }

    fn fleet(&self, findings: &[FleetFinding]) {
        let edge = findings.iter().find(|told| told.check == FleetCheck::Edge);
        let mut heard = self.0.lock().expect("no panic");
        heard.1 = edge.map(|edge| (heard.0, edge.finding.outcome));
    }
}

#[tokio::test]
async fn what_fails_for_everybody_is_told_before_the_first_tenant() {
    let bench = bench(LabOptions::default()).await;
    bench.stage(&["edge-tls-failing".to_owned()]).await;
    let heard = Heard::default();
    let (request, reused) = (RoundRequest::default(), ReusedEvidence::default());
    let round = run(&bench.setup, &request, reused, &heard, Stop::never()).await;
    let (steps, fleet) = *heard.0.lock().expect("no panic");
    assert_eq!(fleet, Some((0, Outcome::Fail)));
    assert!(steps >= round.expect("a round").round.world.tenants.len());
}

#[tokio::test]
async fn what_was_not_repeated_proves_no_limit() {
    let mut bench = bench(LabOptions {
        platform: true,
        ..LabOptions::with_tenants(100)
    })
    .await;
    // Enough for some, not for all.
    bench.setup.probes.timing.retry.patience = Duration::from_millis(30);
    let faults = (1..=60).map(|tenant| format!("certificate-conflict@t{tenant:04}"));
    bench.stage(&faults.collect::<Vec<_>>()).await;
    let (round, _) = bench.round_with_platform().await;
    let cut = round.world.tenants.iter().filter(|tenant| tenant.visits[0].was_cut());
    assert_eq!(cut.count(), 60);
    assert!(!causes(&round).contains("edge-throttled"), "{:?}", causes(&round));
}
