//! What explains each check of a tenant, and what shared causes make of its findings: an overlay over what was judged of
//! it alone. Nothing is written into a tenant's own state, so that nothing has to be undone when a shared cause goes.

use super::judgement::Explanation;
use super::rules::SharedRule;
use super::shared::Shared;
use super::{Cause, Effect, Object, Proof, Status, TenantFacts};
use crate::check::Findings;
use crate::evidence::Reason;
use crate::finding::{Check, Finding, Outcome};
use crate::fleet::FleetContext;
use crate::target::TenantId;

/// What explains a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// A proof of a shared rule that holds: the position of the rule and of the proof.
    Shared(usize, usize),
    /// What failing tenants have in common.
    Common(usize),
    /// An explanation of the tenant's own.
    Own(usize),
}

/// What is said of one tenant, over what was judged of it alone.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Overlay {
    pub(super) explained: Vec<(Check, Source)>,
    changes: Vec<(Check, Change)>,
}

/// What a shared cause makes of a finding.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Change {
    /// Another outcome.
    Imposed {
        outcome: Outcome,
        cause: Cause,
        reason: Option<Reason>,
    },
    /// It is skipped for a check that it needs.
    Skipped(Reason),
}

/// Explains one tenant: by what is shared, by what is common, and else by its own.
#[must_use]
pub fn explain(
    context: &FleetContext,
    shared: &Shared,
    tenant: &TenantId,
    facts: &TenantFacts,
    own: &[Explanation],
) -> Overlay {
    let mut overlay = Overlay::of(context, shared, facts);
    let by_shared = overlay.clone();
    let common = shared.common.iter().position(|common| common.members.contains(tenant));
    for (index, explanation) in own.iter().enumerate() {
        let absorbed = common.filter(|_| shared.absorbs(explanation.cause));
        for check in explanation.checks.iter().copied() {
            let outcome = by_shared.outcome(facts, check);
            if explanation.besides {
                if matches!(outcome, Outcome::Warn | Outcome::Fail) {
                    overlay.explained.push((check, Source::Own(index)));
                }
            } else if !by_shared.covers(check) {
                let source = absorbed.filter(|_| outcome == Outcome::Fail).map(Source::Common);
                overlay.explained.push((check, source.unwrap_or(Source::Own(index))));
            }
        }
    }
    overlay
}

/// What is to blame for a check of one tenant.
#[derive(Clone, Copy, Debug)]
pub enum Blame<'s> {
    /// Something that is proven of more than this tenant: its cause and its guilty object.
    Shared(Cause, &'s Object),
    /// Something of its own.
    Own(&'s Explanation),
}

impl Blame<'_> {
    /// The cause.
    #[must_use]
    pub fn cause(&self) -> Cause {
        match self {
            Self::Shared(cause, _) => *cause,
            Self::Own(explanation) => explanation.cause,
        }
    }
}

impl Overlay {
    /// What is to blame for each check that is not well, in the order in which the checks were explained.
    pub fn blames<'s>(
        &'s self,
        shared: &'s Shared,
        own: &'s [Explanation],
    ) -> impl Iterator<Item = (Check, Blame<'s>)> + 's {
        self.explained.iter().filter_map(|(check, source)| {
            let blame = match source {
                Source::Shared(rule, proof) => {
                    let proven = shared.proven.get(*rule)?;
                    Blame::Shared(proven.rule.cause, &proven.proofs.get(*proof)?.object)
                }
                Source::Common(at) => shared
                    .common
                    .get(*at)
                    .map(|common| Blame::Shared(common.cause, &common.object))?,
                Source::Own(at) => Blame::Own(own.get(*at)?),
            };
            Some((*check, blame))
        })
    }

    /// How a tenant is, with what shared causes make of its checks.
    #[must_use]
    pub fn status(&self, facts: &TenantFacts) -> Status {
        Status::of_outcomes(Check::ALL.map(|check| self.outcome(facts, check)))
    }

    /// What agent and fleet explain.
    pub(super) fn of(context: &FleetContext, shared: &Shared, facts: &TenantFacts) -> Self {
        let mut overlay = Self::default();
        if !facts.is_within {
            return overlay;
        }
        for (at, proven) in shared.proven.iter().enumerate() {
            for check in Check::ALL {
                let Some((proof_at, proof)) = concerning(context, facts, check, &proven.proofs) else {
                    continue;
                };
                let source = Source::Shared(at, proof_at);
                // A warning about the fleet explains no more than the same warning at a tenant.
                let other = proof.outcome == Outcome::Warn
                    && proven.rule.cause.row().effect != Effect::Hides
                    && facts.reason(check) != proof.reason;
                let taken = overlay.explains(check) || overlay.follows_another(facts.reason(check), source);
                if other || taken || !(proven.rule.explains)(context, facts, check) {
                    continue;
                }
                overlay.explained.push((check, source));
                overlay.impose(proven.rule, check, facts, proof);
            }
        }
        overlay.skip_dependents(shared, facts);
        overlay
    }

    /// Whether agent or fleet explain a check, or what they explain skips it.
    pub(super) fn covers(&self, check: Check) -> bool {
        let skipped = |(changed, change): &(Check, Change)| *changed == check && matches!(change, Change::Skipped(_));
        self.explains(check) || self.changes.iter().any(skipped)
    }

    /// Makes of the findings what is said of the tenant.
    pub fn apply(&self, findings: &mut Findings) {
        for (check, change) in &self.changes {
            let finding = findings.of_mut(*check);
            match change {
                Change::Skipped(reason) => *finding = Finding::skipped(*reason, "a check that it needs failed"),
                Change::Imposed { outcome, cause, reason } => {
                    finding.outcome = *outcome;
                    finding.message = format!("{cause}: {}", finding.message);
                    if *outcome == Outcome::Unknown && finding.reason.is_some_and(is_prerequisite) {
                        finding.reason = None;
                    }
                    finding.reason = finding.reason.or(*reason);
                }
            }
        }
    }

    /// How a check ends, with what shared causes make of it.
    #[must_use]
    pub fn outcome(&self, facts: &TenantFacts, check: Check) -> Outcome {
        let changed = self.changes.iter().rev().find(|(changed, _)| *changed == check);
        match changed {
            Some((_, Change::Imposed { outcome, .. })) => *outcome,
            Some((_, Change::Skipped(_))) => Outcome::Skipped,
            None => facts.outcome(check),
        }
    }

    fn explains(&self, check: Check) -> bool {
        self.explained.iter().any(|(explained, _)| *explained == check)
    }

    /// Whether a finding was skipped for a check that something else explains: it goes with that check.
    fn follows_another(&self, reason: Option<Reason>, source: Source) -> bool {
        let needed = match reason {
            Some(Reason::PrerequisiteDns) => Check::Dns,
            Some(Reason::PrerequisiteCertificate) => Check::Certificate,
            _ => return false,
        };
        let explained = self.explained.iter().find(|(explained, _)| *explained == needed);
        explained.is_some_and(|(_, by)| *by != source)
    }

    /// What a shared cause does to a check that it explains: what hides makes it unknown, what fails fails it, and a
    /// warning leaves the finding as it is.
    fn impose(&mut self, rule: &SharedRule, check: Check, facts: &TenantFacts, proof: &Proof) {
        let hides = rule.cause.row().effect == Effect::Hides;
        let outcome = if hides { Outcome::Unknown } else { proof.outcome };
        if outcome != facts.outcome(check) && outcome != Outcome::Warn {
            let (cause, reason) = (rule.cause, proof.reason);
            self.changes.push((check, Change::Imposed { outcome, cause, reason }));
        }
    }

    /// A check that fails by a fleet cause skips what it skips when it fails by itself.
    fn skip_dependents(&mut self, shared: &Shared, facts: &TenantFacts) {
        let skips = |source: &Source| match source {
            Source::Shared(rule, _) => shared.proven[*rule].rule.cause.row().skips_dependents,
            Source::Common(_) | Source::Own(_) => false,
        };
        let by_fleet = self
            .explained
            .iter()
            .any(|(check, source)| *check == Check::Dns && skips(source));
        if by_fleet && self.outcome(facts, Check::Dns) == Outcome::Fail {
            self.skip(Reason::PrerequisiteDns, facts);
        }
        if !facts.visited && self.outcome(facts, Check::Certificate) == Outcome::Fail {
            self.skip(Reason::PrerequisiteCertificate, facts);
        }
    }

    fn skip(&mut self, failed: Reason, facts: &TenantFacts) {
        for check in Check::of_answers() {
            if self.outcome(facts, check) != Outcome::Skipped && !self.explains(check) {
                self.changes.push((check, Change::Skipped(failed)));
            }
        }
    }
}

/// The proof that concerns a check of a tenant: one about a single address only where the tenant was looked at there. Of
/// several the one of the same reason, whatever their order.
fn concerning<'p>(
    context: &FleetContext,
    facts: &TenantFacts,
    check: Check,
    proofs: &'p [Proof],
) -> Option<(usize, &'p Proof)> {
    let concerns = |proof: &Proof| {
        let address = proof.object.address();
        address.is_none_or(|address| facts.was_probed(context, check, address))
    };
    let concerned = proofs.iter().enumerate().filter(|(_, proof)| concerns(proof));
    concerned.min_by_key(|(_, proof)| (proof.reason != facts.reason(check), &proof.object))
}

fn is_prerequisite(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::PrerequisiteDns | Reason::PrerequisiteCertificate | Reason::PrerequisiteSite
    )
}
