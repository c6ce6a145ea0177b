//! Judging one tenant against the fleet: its findings, what explains them where nothing shared does, and what stays of it
//! for the rules that look at many. The unit of all diagnosing.

use super::catalog::Cause;
use super::follow_up::{self, FollowUp};
use super::refutation::weigh;
use super::rules::TENANT;
use super::tenant_facts::TenantFacts;
use super::tenant_rules::{Table, TenantContext, unexplained};
use super::{Confidence, Fact, Object, Proof, Remedy};
use crate::check::{Findings, judge as judge_checks};
use crate::finding::{Check, Outcome};
use crate::fleet::FleetContext;
use crate::world::TenantEvidence;

/// What is said of one tenant alone.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    /// All six checks.
    pub findings: Findings,
    /// Which causes of its own explain them, as long as nothing shared does.
    pub own: Vec<Explanation>,
    /// What stays of it for the rules about many.
    pub facts: TenantFacts,
    /// What would settle what is open.
    pub follow_ups: Vec<FollowUp>,
}

/// One cause of a tenant's own, and the checks that it explains.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// The cause.
    pub cause: Cause,
    /// The checks, in the order of its table.
    pub checks: Vec<Check>,
    /// Whether it is told also where something shared explains the check.
    pub(super) besides: bool,
    pub(super) proof: Proof,
}

impl Explanation {
    /// The guilty object.
    #[must_use]
    pub fn object(&self) -> &Object {
        &self.proof.object
    }

    /// `Fail` or `Warn`.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        self.proof.outcome
    }

    /// How sure it is.
    #[must_use]
    pub fn confidence(&self) -> Confidence {
        self.proof.confidence
    }

    /// The facts that prove it, the most telling first.
    #[must_use]
    pub fn evidence(&self) -> &[Fact] {
        &self.proof.evidence
    }

    /// What to do about it.
    #[must_use]
    pub fn remedy(&self) -> &[Remedy] {
        &self.proof.remedy
    }
}

/// Judges a tenant.
#[must_use]
pub fn judge(context: &FleetContext, tenant: &TenantEvidence) -> Judgement {
    let findings = judge_checks(context, tenant);
    let follow_ups = follow_up::of_tenant(context, tenant, &findings);
    let own = explain_alone(context, tenant, &findings);
    let mut facts = TenantFacts::of(context, tenant, &findings);
    for explanation in &own {
        let set = match explanation.cause {
            cause if cause.row().absorbable => &mut facts.absorbable,
            Cause::TenantUnknownToEdge => &mut facts.unknown,
            _ => continue,
        };
        explanation.checks.iter().for_each(|check| set.insert(*check));
    }
    Judgement {
        findings,
        own,
        facts,
        follow_ups,
    }
}

fn explain_alone(context: &FleetContext, tenant: &TenantEvidence, findings: &Findings) -> Vec<Explanation> {
    let mut own = Vec::<Explanation>::new();
    for table in TENANT {
        explain_by(table, context, tenant, findings, &mut own);
        let subject = TenantContext {
            context,
            tenant,
            findings,
        };
        for rule in table.besides {
            let proofs = rule.proofs(&subject).into_iter();
            own.extend(proofs.map(|proof| Explanation {
                cause: rule.cause,
                checks: table.checks.iter().copied().take(1).collect(),
                besides: true,
                proof,
            }));
        }
        for check in open_checks(table.checks, findings, &own) {
            if findings.of(check).outcome != Outcome::Skipped {
                own.push(Explanation {
                    cause: Cause::Unexplained,
                    checks: vec![check],
                    besides: false,
                    proof: unexplained(&subject, check),
                });
            }
        }
    }
    own
}

fn explain_by(
    table: &Table,
    context: &FleetContext,
    tenant: &TenantEvidence,
    findings: &Findings,
    own: &mut Vec<Explanation>,
) {
    for rule in table.rules {
        let open = open_checks(table.checks, findings, own);
        if open.is_empty() {
            return;
        }
        let subject = TenantContext {
            context,
            tenant,
            findings,
        };
        for proof in rule.proofs(&subject) {
            let proof = weigh(&subject, rule.cause, proof);
            let concerned = |check: &Check| {
                let outcome = findings.of(*check).outcome;
                let only = proof.only.is_none_or(|only| only == *check);
                only && outcome >= proof.outcome && outcome != Outcome::Skipped
            };
            let checks = open.iter().copied().filter(concerned).collect::<Vec<_>>();
            if !checks.is_empty() {
                own.push(Explanation {
                    cause: rule.cause,
                    checks,
                    besides: false,
                    proof,
                });
            }
        }
    }
}

/// The checks that fail or warn and that nothing explains yet.
fn open_checks(checks: &[Check], findings: &Findings, own: &[Explanation]) -> Vec<Check> {
    let explains = |check: Check| own.iter().any(|explanation| explanation.checks.contains(&check));
    let open = checks.iter().copied().filter(|check| {
        let wrong = matches!(findings.of(*check).outcome, Outcome::Fail | Outcome::Warn);
        wrong && !explains(*check)
    });
    open.collect()
}
