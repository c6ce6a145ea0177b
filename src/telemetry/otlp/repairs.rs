//! A repair as spans: the plan, below it each step as it was done, and the examinations that prove it. Pure.

use opentelemetry_proto::tonic::trace::v1::Span;
use roundsman_checks::evidence::SpanId;

use super::context::SpanRef;
use super::span::Draft;
use crate::remediation::{Carried, During, Ended, Guard, StepEnd};

/// Why a repair that was done to its end failed all the same.
const NOT_VERIFIED: &str = "remediation/not-verified";

/// The spans of a plan, where anything of it was tried. It is `below` the span of whoever started the program, and points at
/// the round that goes on, `beside` it.
#[must_use]
pub fn remediation(carried: &Carried, below: Option<&SpanRef>, beside: Option<&SpanRef>) -> Vec<Span> {
    let Some(During { from, to }) = carried.during() else {
        return Vec::new();
    };
    let own = SpanRef::below(below);
    let repair = &carried.plan.repair;
    let mut root = Draft::new(&format!("remediate {}", repair.tenant.id), &own, from, to);
    root = match below {
        Some(parent) => root.below_other(parent),
        None => root,
    };
    root = match beside {
        Some(round) => root.linked(round),
        None => root,
    };
    root.text("roundsman.plan", &carried.plan.id);
    root.text("roundsman.tenant", repair.tenant.id.as_str());
    root.text("roundsman.app", &repair.tenant.app);
    root.text("roundsman.cause", repair.cause.as_str());
    root.text("roundsman.object", &repair.object.to_string());
    root.texts("roundsman.evidence", repair.evidence.iter().cloned());
    let root_id = own.span_id;
    let child = |name: &str, During { from, to }: During| {
        let own = SpanRef {
            span_id: SpanId::random(),
            ..own.clone()
        };
        Draft::new(name, &own, from, to).below(root_id)
    };
    let mut spans = Vec::new();
    for (step, end) in repair.steps.iter().zip(&carried.steps) {
        if matches!(end.ended, Ended::Failed | Ended::Aborted) {
            root.failed(reason(end), &end.message);
        }
        let Some(during) = end.during else { continue };
        let mut span = child(step.action().as_str(), during);
        span.text("roundsman.object", &step.object());
        span.text("roundsman.result", end.ended.as_str());
        if !end.is_good() {
            span.failed(reason(end), &end.message);
        }
        spans.push(span.done());
    }
    if let (Some(during), Some(verified)) = (carried.proved, &carried.verified) {
        let mut span = child("prove", during);
        if let Err(why) = verified {
            span.failed(NOT_VERIFIED, why);
            root.failed(NOT_VERIFIED, why);
        }
        spans.push(span.done());
    }
    spans.insert(0, root.done());
    spans
}

/// Why a step was not done: the guard that holds it, or how it ended.
fn reason(end: &StepEnd) -> &'static str {
    end.guard.map_or(end.ended.as_str(), Guard::as_str)
}
