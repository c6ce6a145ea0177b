//! Rules about answers that everybody gets: who is refused or slowed down whatever the name learns nothing of a tenant.

use super::fleet_dns::most_frequent;
use super::{EdgeFact, Object, Proof, Remedy, TenantFacts, Totals};
use crate::evidence::{Answer, Reason, Visit};
use crate::finding::{Check, Outcome, SeenIn};
use crate::fleet::FleetContext;
use crate::reading::{StatusLine, is_limit, is_wall};

/// How many must be refused for more than a likelihood: one may be unknown to an edge that refuses unknown names.
const SURE: usize = 2;

/// A name that exists nowhere, and what it got, where that is such an answer.
fn control(context: &FleetContext, is_such: fn(&Answer) -> bool) -> Option<(String, StatusLine)> {
    let edge = &context.fleet.edge;
    let answer = |visit: &Visit| {
        let answer = visit.page.answer.as_ref().filter(|answer| is_such(answer))?;
        Some((visit.name.to_string(), StatusLine::of(answer)))
    };
    edge.rechecks.iter().rev().chain(&edge.controls).find_map(answer)
}

/// Tenants and a name that exists nowhere meet the same wall, and nobody is let through.
pub(super) fn access_denied(context: &FleetContext, totals: &Totals) -> Vec<Proof> {
    let denied = totals.denied.values().sum::<usize>();
    if denied == 0 || totals.right > 0 || denied * 2 <= totals.answered {
        return Vec::new();
    }
    let Some((control, answer)) = control(context, |answer| is_wall(answer) && !is_limit(answer)) else {
        return Vec::new();
    };
    let reasons = totals.denied.iter();
    let reasons = reasons.flat_map(|(reason, count)| std::iter::repeat_n(*reason, *count));
    let reason = most_frequent(reasons);
    let answered = totals.answered;
    let fact = EdgeFact::Denied {
        control,
        answer,
        denied,
        answered,
    };
    let remedy = Remedy::advise(
        "let the probe through: send what the edge asks for with `[site] request_headers`, or add an allow rule for the agent's address or its User-Agent",
    );
    let proof = Proof::fail(Object::Edge, vec![fact.into()])
        .because(reason)
        .remedy(remedy);
    vec![if denied < SURE { proof.likely() } else { proof }]
}

pub(super) fn by_access_denied(_: &FleetContext, facts: &TenantFacts, check: Check) -> bool {
    facts.answer.denied.is_some() && is_wrong_answer(facts, check)
}

/// Requests are answered by a limit, those for a name that exists nowhere too.
pub(super) fn rate_limited(context: &FleetContext, totals: &Totals) -> Vec<Proof> {
    let limited = totals.asked_to_slow_down;
    let Some((control, answer)) = control(context, is_limit).filter(|_| limited > 0) else {
        return Vec::new();
    };
    let answered = totals.answered;
    let fact = EdgeFact::Limited {
        control,
        answer,
        limited,
        answered,
    };
    let remedy = Remedy::advise(
        "run with a lower `--concurrency`, or set `[schedule] rate` below the edge's limit; or raise the limit for the agent",
    );
    let proof = Proof::fail(Object::Edge, vec![fact.into()]).outcome(Outcome::Unknown);
    vec![proof.because(Reason::HttpStatus).remedy(remedy)]
}

pub(super) fn by_rate_limit(_: &FleetContext, facts: &TenantFacts, check: Check) -> bool {
    facts.answer.is_limited && is_wrong_answer(facts, check)
}

fn is_wrong_answer(facts: &TenantFacts, check: Check) -> bool {
    check.seen_in() == SeenIn::Answer && facts.outcome(check) == Outcome::Fail
}
