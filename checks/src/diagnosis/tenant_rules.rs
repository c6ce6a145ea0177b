//! The shape of the rules about one tenant, and the last resort where none applies.

use super::catalog::Cause;
use super::{EdgeFact, Fact, Object, Proof, Remedy};
use crate::check::Findings;
use crate::finding::{Check, Outcome};
use crate::fleet::FleetContext;
use crate::world::TenantEvidence;

/// Rules that explain the same checks.
pub(super) struct Table {
    /// The checks that they explain.
    pub checks: &'static [Check],
    /// In order of precedence.
    pub rules: &'static [Rule],
    /// What is told of the first check also where something else explains it.
    pub besides: &'static [Rule],
}

/// One rule: a cause, what proves it, and what refutes it.
pub(super) struct Rule {
    pub cause: Cause,
    pub prove: Prove,
    /// Evidence by which the cause can't be, whatever else speaks for it.
    pub refuted: Option<fn(&TenantContext<'_>) -> bool>,
}

impl Rule {
    /// The same, where this does not speak against it.
    pub(super) const fn unless(mut self, refuted: fn(&TenantContext<'_>) -> bool) -> Self {
        self.refuted = Some(refuted);
        self
    }

    /// The guilty objects; none where the rule does not apply, or is refuted.
    pub(super) fn proofs(&self, subject: &TenantContext<'_>) -> Vec<Proof> {
        let mut proofs = self.prove.proofs(subject);
        if !proofs.is_empty() && self.refuted.is_some_and(|refutes| refutes(subject)) {
            proofs.clear();
        }
        proofs
    }
}

/// What proves a cause of a tenant.
#[derive(Clone, Copy)]
pub(super) enum Prove {
    /// There is one guilty object at most.
    One(fn(&TenantContext<'_>) -> Option<Proof>),
    /// Each guilty object is proven by itself.
    Each(fn(&TenantContext<'_>) -> Vec<Proof>),
}

impl Prove {
    fn proofs(self, subject: &TenantContext<'_>) -> Vec<Proof> {
        match self {
            Self::One(prove) => prove(subject).into_iter().collect(),
            Self::Each(prove) => prove(subject),
        }
    }
}

/// The tenant that a rule looks at.
pub(super) struct TenantContext<'s> {
    pub context: &'s FleetContext,
    pub tenant: &'s TenantEvidence,
    pub findings: &'s Findings,
}

impl TenantContext<'_> {
    /// The host name as text.
    pub(super) fn name(&self) -> &str {
        self.tenant.tenant.hostname.as_str()
    }

    /// The id as text.
    pub(super) fn id(&self) -> &str {
        self.tenant.tenant.id.as_str()
    }

    /// Whether a check failed.
    pub(super) fn fails(&self, check: Check) -> bool {
        self.findings.of(check).outcome == Outcome::Fail
    }
}

/// The last resort: the evidence as it is.
pub(super) fn unexplained(subject: &TenantContext<'_>, check: Check) -> Proof {
    let finding = subject.findings.of(check);
    let mut evidence = vec![Fact::Unexplained {
        name: subject.name().to_owned(),
        check,
        reason: finding.reason,
        message: finding.message.clone(),
    }];
    let control = subject
        .tenant
        .visit()
        .and_then(|visit| subject.context.fleet.edge.control_at(visit.address));
    if let Some(control) = control.filter(|control| check != Check::Dns && control.handshake.end.is_done()) {
        evidence.push(EdgeFact::ControlPasses(control.name.to_string()).into());
    }
    let name = subject.name();
    let remedy = match check {
        Check::Dns => Remedy::look(format!("look at what the zone's servers say of {name}"))
            .shown_by(format!("dig +trace {name}")),
        _ => Remedy::look(format!("look at the edge's log for {name}")),
    };
    let object = Object::Check(subject.tenant.tenant.id.clone(), check);
    Proof::fail(object, evidence)
        .outcome(finding.outcome)
        .because(finding.reason)
        .remedy(remedy)
}
