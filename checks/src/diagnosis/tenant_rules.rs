//! Tenant rules: what is wrong with one tenant alone. Each table is read from top to bottom, the first rule that
//! applies names the cause.

use super::{Cause, Proof, tenant_answer, tenant_certificate, tenant_dns, tenant_platform, tenant_release};
use crate::check::{Context, Findings};
use crate::finding::{Check, Outcome};
use crate::world::TenantWorld;

/// One rule: a cause and what proves it.
pub(super) type Rule = (Cause, fn(&Subject<'_, '_>) -> Option<Proof>);

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
            &[(Cause::ReleaseMismatch, tenant_release::machines)],
            tenant_platform::APP_RULES,
            tenant_answer::RULES,
            &[(Cause::ReleaseMismatch, tenant_release::answer)],
        ],
    ),
    (&[Check::Conflicts], &[tenant_platform::CONFLICT_RULES]),
];

/// The last resort: the evidence as it is.
pub(super) fn unexplained(subject: &Subject<'_, '_>, check: Check) -> Proof {
    let finding = subject.findings.of(check);
    let reason = finding.reason.map(|reason| format!("{reason}: ")).unwrap_or_default();
    let mut evidence = vec![format!("{}: {check}: {reason}{}", subject.name(), finding.message)];
    let control = subject
        .tenant
        .visit()
        .and_then(|visit| subject.context.world.edge.control_at(visit.address));
    if let Some(control) = control.filter(|control| check != Check::Dns && control.handshake.end.is_done()) {
        evidence.push(format!("{} passes at the same address", control.name));
    }
    let command = match check {
        Check::Dns => format!(
            "ask the zone's servers for {} yourself (`dig +trace {0}`)",
            subject.name()
        ),
        _ => format!("look at the edge's log for {}", subject.name()),
    };
    let look = super::Remedy::new("manual", command);
    Proof::fail(format!("{}/{check}", subject.id()), evidence)
        .outcome(finding.outcome)
        .because(finding.reason)
        .remedy(look)
}
