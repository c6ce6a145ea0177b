//! Follow-ups: the deeper looks that a judgement asks for, only where something failed. Each adds to the evidence.

use std::net::SocketAddr;

use super::assignment::ProbeTarget;
use super::edge::EdgeProber;
use super::retry::PacedRetry;
use super::tenant::TenantProber;
use crate::clock::{Moment, now};
use crate::diagnosis::FollowUp;
use crate::evidence::{ClockProbe, Retry};
use crate::probe;
use crate::world::TenantEvidence;

/// Answers a follow-up about one tenant, and adds what it brings. Logs, clocks and the control name are asked elsewhere.
/// Thousands wait for their turn at once: what the longest of them needs stands in a box of its own.
pub(super) async fn answer(
    prober: &TenantProber<'_>,
    target: &ProbeTarget,
    follow_up: &FollowUp,
    evidence: &mut TenantEvidence,
) {
    match follow_up {
        FollowUp::Blockers(_) => evidence.dns.blockers = Box::pin(prober.blockers(evidence)).await,
        FollowUp::Repetition(_) => evidence.dns.repeated = Box::pin(prober.repeated(evidence)).await,
        FollowUp::Unhurried(_, address) => {
            evidence
                .retries
                .extend(Box::pin(paced_retry(prober, target, *address)).await);
        }
        FollowUp::Direct(_) => evidence.direct = Box::pin(prober.direct(target)).await.map(Box::new),
        FollowUp::Checks(_) if prober.edge.may_ask_details() => {
            let machines = prober.edge.setup.machines(&target.tenant.app).await;
            evidence.checks_asked |= machines.is_some();
            evidence.details = machines.unwrap_or_default();
        }
        FollowUp::OtherAddress(_, address) => {
            let _turn = prober.edge.unhurried.acquire().await;
            let visit = Box::pin(prober.visit(target, *address, prober.may_ask(target))).await;
            evidence.visits.push(visit);
        }
        _ => {}
    }
}

/// What clock the edge keeps at an address.
pub(super) async fn date(edge: &EdgeProber<'_>, address: SocketAddr) -> ClockProbe {
    probe::date(&edge.setup.prober, address, &edge.control, now()).await
}

/// Repeats a cut visit, with the control name right after each cut: together they tell the tenant's fault from a limit
/// of the edge.
async fn paced_retry(prober: &TenantProber<'_>, target: &ProbeTarget, address: SocketAddr) -> Option<Retry> {
    let (edge, page) = (prober.edge, prober.may_ask(target));
    let mut retry = PacedRetry::new(&edge.setup.timing.retry);
    let begun = edge.first_retry();
    let mut last = None;
    loop {
        // A turn is for an attempt: who pauses keeps nobody waiting.
        let turn = edge.unhurried.acquire().await;
        if !retry.begin(Moment::now().since(begun)) {
            break;
        }
        let visit = Box::pin(prober.visit(target, address, page)).await;
        if !visit.was_cut() {
            return Some(Retry { visit, control: None });
        }
        let control = Box::pin(edge.control(address)).await;
        drop(turn);
        let limited = control.was_cut();
        last = Some(Retry {
            visit,
            control: Some(control),
        });
        if limited {
            edge.setup.pacers.slow_down(address);
        }
        let Some(pause) = retry.was_cut(limited) else { break };
        tokio::time::sleep(pause).await;
    }
    last
}
