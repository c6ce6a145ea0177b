//! Follow-ups: the deeper looks that a judgement asks for, only where something failed. Each adds to the evidence.

use std::net::SocketAddr;
use std::time::Duration;

use super::assignment::ProbeTarget;
use super::edge::EdgeProber;
use super::retry::PacedRetry;
use super::tenant::TenantProber;
use crate::check::{is_limit, is_limited, retry_after};
use crate::clock::{Moment, now};
use crate::diagnosis::FollowUp;
use crate::evidence::{ClockProbe, Retry, Visit};
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
            let wait = asked_pause(evidence);
            let retry = Box::pin(paced_retry(prober, target, *address, wait)).await;
            evidence.retries.extend(retry);
        }
        FollowUp::Direct(_) => evidence.direct = Box::pin(prober.direct(target)).await.map(Box::new),
        FollowUp::Checks(_) => {
            let edge = prober.edge;
            let machines = edge.details.of(edge.setup, &target.tenant.app).await;
            evidence.checks_asked |= machines.is_some();
            evidence.details = machines.unwrap_or_default();
        }
        // One that was asked before may have brought what is wanted.
        FollowUp::OtherAddress(..) if has_page(evidence) => {}
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

/// Whether a visit brought a page with an expected status.
fn has_page(evidence: &TenantEvidence) -> bool {
    let visit = evidence.visit();
    visit.is_some_and(|visit| visit.page.answer.is_some() && !evidence.lacks_page(visit))
}

/// The pause that the answer of a visit asks for; none where it asks for none.
fn asked_pause(evidence: &TenantEvidence) -> Duration {
    let answer = evidence.visit().and_then(|visit| visit.page.answer.as_ref());
    let wait = answer
        .filter(|answer| is_limit(answer))
        .and_then(|answer| retry_after(answer, now()));
    wait.unwrap_or_default()
}

/// Repeats a cut visit, with the control name right after each cut: together they tell the tenant's fault from a limit
/// of the edge. One whose request was not processed is repeated alone: a server that goes away is back soon. Who asks for
/// a pause is given it, where the round is long enough.
async fn paced_retry(
    prober: &TenantProber<'_>,
    target: &ProbeTarget,
    address: SocketAddr,
    mut wait: Duration,
) -> Option<Retry> {
    let (edge, page) = (prober.edge, prober.may_ask(target));
    let mut retry = PacedRetry::new(&edge.setup.timing.retry);
    let begun = edge.first_retry();
    let mut last = None;
    loop {
        if wait > LONGEST_PAUSE {
            break;
        }
        tokio::time::sleep(wait).await;
        // A turn is for an attempt: who pauses keeps nobody waiting.
        let turn = edge.unhurried.acquire().await;
        let spent = Moment::now().since(begun);
        let in_vain = spent > LONGEST_REPEATED && last.as_ref().is_some_and(|last: &Retry| !last.visit.was_cut());
        if in_vain || !retry.begin(spent) {
            break;
        }
        let visit = Box::pin(prober.visit(target, address, page)).await;
        let (cut, limited) = (visit.was_cut(), is_limited(&visit));
        if !cut && !limited && !visit.was_refused() {
            return Some(Retry { visit, control: None });
        }
        let control = match cut {
            true => Some(Box::pin(edge.control(address)).await),
            false => None,
        };
        drop(turn);
        let limited = control.as_ref().map_or(limited, Visit::was_cut);
        if limited {
            edge.setup.pacers.slow_down(address);
        }
        let asked = visit.page.answer.as_ref().and_then(|answer| retry_after(answer, now()));
        last = Some(Retry { visit, control });
        let Some(pause) = retry.was_cut(limited || !cut) else {
            break;
        };
        wait = pause.max(asked.unwrap_or_default());
    }
    last
}

/// How long requests are repeated in one round, all tenants together: what lasts longer does not pass at once.
const LONGEST_REPEATED: Duration = Duration::from_secs(15);

/// The longest pause that is given within a round; who asks for more is not asked again in this one.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
