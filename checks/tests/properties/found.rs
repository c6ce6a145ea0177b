//! Small worlds in which a property once failed.

use roundsman_checks::diagnosis::{Cause, Diagnosis, FollowUp, Object, Status, diagnose};
use roundsman_checks::evidence::Reason;
use roundsman_checks::finding::{Check, Finding, FleetCheck, Outcome};
use roundsman_checks::target::TenantId;

use crate::build::world;
use crate::plan::{Plan, VisitPlan};

const REFUSED: u8 = 1;
const TCP_TIMEOUT: u8 = 2;
const EOF: u8 = 7;
const ALERT: u8 = 10;
const EXPIRED: u8 = 1;
const TIMEOUT: u8 = 7;
const LAME: u8 = 8;

fn of(diagnosis: &Diagnosis, check: Check) -> &Finding {
    diagnosis.tenants[0].findings.of(check)
}

fn edge(diagnosis: &Diagnosis) -> Outcome {
    let edge = diagnosis.fleet.iter().find(|told| told.check == FleetCheck::Edge);
    edge.unwrap().finding.outcome
}

#[test]
fn the_healthy_world_is_healthy() {
    let diagnosis = diagnose(&world(&Plan::healthy(3, 3)));
    assert_eq!(diagnosis.tenants[0].status, Status::Healthy);
    assert_eq!(diagnosis.causes, []);
    assert_eq!(edge(&diagnosis), Outcome::Pass);
}

#[test]
fn an_address_that_fails_a_tenant_is_a_warning_without_a_control_visit_there_too() {
    let mut plan = Plan::healthy(2, 1);
    plan.tenants[0].visit = Some(VisitPlan::ended(ALERT));
    plan.tenants[0].others = vec![VisitPlan::ended(0)];
    let mut world = world(&plan);
    assert_eq!(of(&diagnose(&world), Check::Certificate).outcome, Outcome::Warn);
    world.edge.controls.remove(0);
    assert_eq!(of(&diagnose(&world), Check::Certificate).outcome, Outcome::Warn);
}

#[test]
fn the_edge_passes_only_where_each_address_was_seen() {
    let mut world = world(&Plan::healthy(2, 1));
    world.edge.controls.remove(1);
    assert_eq!(edge(&diagnose(&world)), Outcome::Unknown);
    let mut cut = Plan::healthy(1, 1);
    cut.edge = VisitPlan::ended(7);
    assert_eq!(
        edge(&diagnose(&crate::build::world(&cut))),
        Outcome::Unknown,
        "cut, and not repeated"
    );
}

#[test]
fn a_wrong_word_tells_more_than_silence_whoever_was_asked_first() {
    for (first, second) in [(TIMEOUT, LAME), (LAME, TIMEOUT)] {
        let mut plan = Plan::healthy(1, 2);
        (plan.tenants[0].dns, plan.tenants[0].second) = (Some(first), Some(second));
        let diagnosis = diagnose(&world(&plan));
        assert_eq!(of(&diagnosis, Check::Dns).outcome, Outcome::Fail);
        assert_eq!(of(&diagnosis, Check::Dns).reason, Some(Reason::DnsLame));
    }
}

#[test]
fn a_wrong_clock_is_proven_by_the_visit_that_counts() {
    let mut plan = Plan::healthy(2, 1);
    let expired = VisitPlan {
        chain: EXPIRED,
        ..VisitPlan::ended(0)
    };
    plan.tenants[0].visit = Some(VisitPlan::ended(ALERT));
    plan.tenants[0].others = vec![expired];
    plan.dates = [0, 1, 0];
    let diagnosis = diagnose(&world(&plan));
    assert_eq!(diagnosis.tenants[0].cause, Some(Cause::ClockWrong));
}

#[test]
fn a_caa_set_is_held_against_what_any_address_serves() {
    let mut plan = Plan::healthy(2, 1);
    plan.caa = 3;
    let self_signed = VisitPlan {
        chain: 4,
        ..VisitPlan::ended(0)
    };
    plan.odd_addresses = [Some(self_signed), None, None];
    let diagnosis = diagnose(&world(&plan));
    let forbidden = diagnosis
        .causes
        .iter()
        .find(|entry| entry.cause == Cause::CaaForbidsIssuance);
    assert_eq!(forbidden.unwrap().object, Object::Caa("example.com".into()));
}

#[test]
fn a_failing_address_explains_only_who_was_looked_at_there() {
    let mut plan = Plan::healthy(3, 1);
    plan.odd_addresses = [Some(VisitPlan::ended(REFUSED)), Some(VisitPlan::ended(REFUSED)), None];
    plan.tenants = vec![plan.tenants[0].clone(); 2];
    let diagnosis = diagnose(&world(&plan));
    let taken_in = diagnosis.causes.iter().map(|entry| {
        let tenants = entry.tenants.iter().map(TenantId::as_str).collect::<Vec<_>>();
        (entry.cause, entry.object.to_string(), tenants)
    });
    assert_eq!(
        taken_in.collect::<Vec<_>>(),
        [
            (Cause::EdgeUnreachable, "198.51.100.7:443".to_owned(), vec!["t0"]),
            (Cause::EdgeUnreachable, "[2001:db8::7]:443".to_owned(), vec!["t1"]),
        ]
    );
}

#[test]
fn an_edge_that_fails_everywhere_fails_for_the_most_frequent_reason_in_any_order() {
    let mut plan = Plan::healthy(3, 1);
    plan.edge = VisitPlan::ended(TCP_TIMEOUT);
    plan.odd_addresses = [None, None, Some(VisitPlan::ended(EOF))];
    plan.rechecks = [None, None, Some(VisitPlan::ended(REFUSED))];
    let world = world(&plan);
    for seed in 0..40 {
        let diagnosis = diagnose(&crate::order::shuffled(&world, seed));
        let certificate = of(&diagnosis, Check::Certificate);
        assert_eq!(certificate.reason, Some(Reason::TcpTimeout), "seed {seed}");
    }
}

#[test]
fn a_name_that_is_cut_beside_a_wildcard_that_fails_is_looked_at_again() {
    let mut plan = Plan::healthy(1, 1);
    plan.edge.chain = EXPIRED;
    plan.tenants[0].visit = Some(VisitPlan::ended(EOF));
    let follow_ups = diagnose(&world(&plan)).follow_ups;
    let again = |follow_up: &FollowUp| matches!(follow_up, FollowUp::Unhurried(..));
    assert!(follow_ups.iter().any(again), "{follow_ups:?}");
}
