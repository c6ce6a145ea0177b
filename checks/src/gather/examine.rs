//! Examining one tenant: probe, judge, follow up what is open, judge again. The unit that rounds, traces and whoever asks
//! for a single tenant are made of.

use super::assignment::ProbeTarget;
use super::follow_up::answer;
use super::tenant::TenantProber;
use crate::diagnosis::{FollowUp, Judgement, judge};
use crate::evidence::TenantDns;
use crate::finding::{Finding, Outcome};
use crate::fleet::FleetContext;
use crate::target::TenantId;
use crate::world::TenantEvidence;

/// How often follow-ups may be asked for a tenant: what they bring may leave something else open.
const PASSES: usize = 2;

/// One tenant, and what is said of it alone.
#[derive(Clone, Debug, PartialEq)]
pub struct Examination {
    /// What was seen of it.
    pub evidence: TenantEvidence,
    /// What that means, as far as nothing shared explains it.
    pub judgement: Judgement,
}

impl Examination {
    /// Evidence that was gathered before, judged.
    pub(super) fn of(context: &FleetContext, evidence: TenantEvidence) -> Self {
        let judgement = judge(context, &evidence);
        Self { evidence, judgement }
    }

    /// Judges again what was added to.
    pub(super) fn judge_again(&mut self, context: &FleetContext) {
        self.judgement = judge(context, &self.evidence);
    }

    /// Whether all is well, and nothing is open.
    pub(super) fn is_well(&self) -> bool {
        let well = |(_, finding): (_, &Finding)| matches!(finding.outcome, Outcome::Pass | Outcome::Skipped);
        self.judgement.follow_ups.is_empty() && self.judgement.findings.iter().all(well)
    }

    /// Drops the evidence: it is judged.
    pub(super) fn forget(&mut self) {
        self.evidence.dns = TenantDns::default();
        self.evidence.visits = Vec::new();
    }

    /// Whether the agent itself ran out of something while it looked.
    #[must_use]
    pub fn ran_out(&self) -> bool {
        self.judgement.facts.ran_out()
    }

    /// How long the first visit took until its answer, in milliseconds; nothing where none came.
    #[must_use]
    pub fn answered_in(&self) -> Option<f64> {
        let visit = self.evidence.visits.first()?;
        let came = visit.handshake.end.is_done() && visit.page.end.reason().is_none();
        came.then(|| (visit.connect.ms + visit.handshake.ms + visit.page.total_ms).0)
    }

    /// What was seen, and what it means, by the tenant's id.
    pub(super) fn into_parts(self) -> (TenantEvidence, (TenantId, Judgement)) {
        let id = self.evidence.tenant.id.clone();
        (self.evidence, (id, self.judgement))
    }

    /// Whether something is open that looking at this tenant alone would settle.
    pub(super) fn is_open(&self) -> bool {
        self.judgement.follow_ups.iter().any(is_of_one)
    }
}

/// Whether a follow-up is about one tenant alone. Logs are read for all together, clocks of addresses once.
fn is_of_one(follow_up: &FollowUp) -> bool {
    !matches!(
        follow_up,
        FollowUp::Log(_) | FollowUp::Date(_) | FollowUp::Control(_) | FollowUp::Apis
    )
}

/// Probes a tenant for the first time and judges it.
pub(super) async fn first_look(prober: &TenantProber<'_>, target: &ProbeTarget, visit: bool) -> Examination {
    // Thousands are under way at once, most of them in a shorter wait than the longest: each part has its own room.
    let evidence = Box::pin(prober.probe(target, visit)).await;
    Examination::of(prober.context, evidence)
}

/// Follows up what is open about a tenant; `besides` is asked too. Who stops waiting for it judges again what was seen
/// until then.
pub(super) async fn settle(
    prober: &TenantProber<'_>,
    target: &ProbeTarget,
    examination: &mut Examination,
    mut besides: Option<FollowUp>,
) {
    for _ in 0..PASSES {
        let mut open = examination.judgement.follow_ups.clone();
        open.retain(is_of_one);
        open.extend(besides.take().filter(|besides| !open.contains(besides)));
        if open.is_empty() {
            examination.judge_again(prober.context);
            return;
        }
        for follow_up in open {
            answer(prober, target, &follow_up, &mut examination.evidence).await;
        }
        examination.judge_again(prober.context);
    }
}
