//! Tenant rules: what is wrong with one tenant alone. Each table is read from top to bottom, the first rule that
//! applies names the cause.

use super::{
    Cause, EdgeFact, Fact, Object, Proof, Remedy, tenant_answer, tenant_certificate, tenant_dns, tenant_platform,
    tenant_release,
};
use crate::check::{Context, Findings};
use crate::finding::{Check, Outcome};
use crate::world::TenantWorld;

/// One rule: a cause and what proves it.
pub(super) type Rule = (Cause, Prove);

/// What proves a cause of a tenant.
#[derive(Clone, Copy)]
pub(super) enum Prove {
    /// There is one guilty object at most.
    One(fn(&Subject<'_, '_>) -> Option<Proof>),
    /// Each guilty object is proven by itself.
    Each(fn(&Subject<'_, '_>) -> Vec<Proof>),
}

impl Prove {
    pub(super) fn proofs(self, subject: &Subject<'_, '_>) -> Vec<Proof> {
        match self {
            Self::One(prove) => prove(subject).into_iter().collect(),
            Self::Each(prove) => prove(subject),
        }
    }
}

/// The tenant that a rule looks at.
pub(super) struct Subject<'s, 'w> {
    pub context: &'s Context<'w>,
    pub tenant: &'s TenantWorld,
    pub findings: &'s Findings,
}

impl Subject<'_, '_> {
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

/// The tables, in the order in which a tenant's first cause is looked for, with the checks that each explains.
pub(super) const TABLES: &[(&[Check], &[&[Rule]])] = &[
    (&[Check::Dns], &[tenant_dns::RULES]),
    (
        &[Check::Certificate],
        &[tenant_platform::CERTIFICATE_RULES, tenant_certificate::RULES],
    ),
    (
        &[Check::App, Check::Route, Check::Site],
        &[
            &[(Cause::ReleaseMismatch, Prove::One(tenant_release::machines))],
            tenant_platform::APP_RULES,
            tenant_answer::RULES,
            &[(Cause::ReleaseMismatch, Prove::One(tenant_release::answer))],
        ],
    ),
    (&[Check::Conflicts], &[tenant_platform::CONFLICT_RULES]),
];

/// The last resort: the evidence as it is.
pub(super) fn unexplained(subject: &Subject<'_, '_>, check: Check) -> Proof {
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
        .and_then(|visit| subject.context.world.edge.control_at(visit.address));
    if let Some(control) = control.filter(|control| check != Check::Dns && control.handshake.end.is_done()) {
        evidence.push(EdgeFact::ControlPasses(control.name.to_string()).into());
    }
    let command = match check {
        Check::Dns => format!(
            "ask the zone's servers for {} yourself (`dig +trace {0}`)",
            subject.name()
        ),
        _ => format!("look at the edge's log for {}", subject.name()),
    };
    let object = Object::Check(subject.tenant.tenant.id.clone(), check);
    Proof::fail(object, evidence)
        .outcome(finding.outcome)
        .because(finding.reason)
        .remedy(Remedy::look(command))
}
