//! One agent and several rounds: what it learned is kept, what closed for a round is open again, and turns go round.

use roundsman::agent::{CompletedRound, NoProgress, ReusedEvidence, RoundRequest, Stop, run};
use roundsman_checks::round::Round;
use roundsman_lab::LabOptions;

use crate::support::{Bench, bench};

async fn next(bench: &Bench) -> CompletedRound {
    let request = RoundRequest::default();
    let next = run(
        &bench.setup,
        &request,
        ReusedEvidence::default(),
        &NoProgress,
        Stop::never(),
    );
    next.await.expect("a round")
}

/// How many tenants were cut when they were first visited.
fn cut(completed: &CompletedRound) -> usize {
    let tenants = completed.round.world.tenants.iter();
    let first = tenants.filter_map(|tenant| tenant.visits.first());
    first.filter(|visit| visit.was_cut()).count()
}

#[tokio::test]
async fn a_pace_that_was_learned_outlives_the_round() {
    let bench = bench(LabOptions::with_tenants(100)).await.unhurried();
    bench.stage(&["edge-throttled=20/20".to_owned()]).await;
    let (first, second) = (cut(&next(&bench).await), cut(&next(&bench).await));
    println!("{first} tenants cut in the first round, {second} in the second");
    assert!(first > 20 && second < first / 2, "{first}, then {second}");
}

#[tokio::test]
async fn an_outage_teaches_no_pace() {
    let bench = bench(LabOptions::with_tenants(100)).await.unhurried();
    for (fault, learned) in [("edge-tls-failing", false), ("edge-throttled=20/20", true)] {
        bench.stage(&[fault.to_owned()]).await;
        let world = next(&bench).await.round.world;
        let rates = world
            .edge
            .sockets()
            .filter_map(|socket| bench.setup.probes.pacers.rate(socket));
        assert_eq!(rates.count() > 0, learned, "{fault}");
    }
}

#[tokio::test]
async fn each_tenant_begins_one_place_further_in_each_round() {
    let bench = bench(LabOptions::default()).await;
    let (first, second) = (next(&bench).await.round.world, next(&bench).await.round.world);
    assert!(first.edge.addresses.len() > 1);
    for (one, other) in first.tenants.iter().zip(&second.tenants) {
        let place = |address| first.edge.sockets().position(|socket| socket == address);
        let at = [one, other].map(|tenant| place(tenant.visits[0].address).expect("an address of the edge"));
        assert_eq!((at[0] + 1) % first.edge.addresses.len(), at[1], "{}", one.tenant.id);
    }
}

#[tokio::test]
async fn an_api_that_refused_is_asked_again_in_the_next_round() {
    let bench = bench(LabOptions::with_platform()).await;
    for refusal in ["platform-api-unauthorized", "platform-api-rate-limited"] {
        bench.stage(&[refusal.to_owned()]).await;
        let refused = next(&bench).await.round.world;
        assert!(refused.platform.fault().is_some(), "{refusal}");
        bench.stage(&[]).await;
        let answered = next(&bench).await.round.world;
        assert!(
            answered.platform.known().is_some(),
            "{refusal}: {:?}",
            answered.platform.fault()
        );
    }
}

#[tokio::test]
async fn a_round_that_forgets_the_healthy_says_the_same() {
    let bench = bench(LabOptions::default()).await;
    bench.stage(&["site-status@q7f9=503".to_owned()]).await;
    let forgetful = RoundRequest {
        forget_healthy: true,
        ..RoundRequest::default()
    };
    let reused = ReusedEvidence::default();
    let forgot = run(&bench.setup, &forgetful, reused, &NoProgress, Stop::never()).await;
    let (forgot, kept) = (forgot.expect("a round").round, next(&bench).await.round);
    let told = |completed: &Round| {
        let causes = completed.diagnosis.causes.iter();
        let tenants = completed.diagnosis.tenants.iter();
        let causes = causes.map(|entry| (entry.cause, entry.tenants.clone(), entry.confidence));
        let tenants = tenants.map(|verdict| (verdict.tenant.clone(), verdict.status));
        (causes.collect::<Vec<_>>(), tenants.collect::<Vec<_>>())
    };
    assert_eq!(told(&forgot), told(&kept));
    let has_evidence = |round: &Round| {
        let tenants = round.world.tenants.iter();
        tenants.filter(|tenant| !tenant.visits.is_empty()).count()
    };
    assert_eq!(
        (has_evidence(&forgot), has_evidence(&kept)),
        (1, kept.world.tenants.len())
    );
}
