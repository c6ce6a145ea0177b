//! Evidence in hand that speaks against a cause: what it refutes is not confirmed, and nothing is deleted for it. One rule
//! over all causes that say that something stands in the zone, so that no function of a cause can forget it.

use super::catalog::Cause;
use super::tenant_override::look_for_record;
use super::tenant_rules::TenantContext;
use super::{Action, Confidence, Proof};
use crate::fleet::FleetContext;
use crate::world::TenantEvidence;

/// The causes that say that something stands in the zone at the tenant's name.
const IN_THE_ZONE: &[Cause] = &[
    Cause::DnsDelegated,
    Cause::DnsBlocked,
    Cause::DnsProxied,
    Cause::DnsOverride,
];

/// Weighs a proof against what speaks against it. What is not sure deletes nothing, whatever the cause.
pub(super) fn weigh(subject: &TenantContext<'_>, cause: Cause, mut proof: Proof) -> Proof {
    if !IN_THE_ZONE.contains(&cause) {
        return proof;
    }
    let (context, tenant) = (subject.context, subject.tenant);
    // What the provider lists was seen itself: a resolver that does not know of it has an older answer.
    let listed = context
        .listed(subject.name())
        .is_some_and(|records| !records.is_empty());
    if !listed && (context.is_hearsay || is_answered_as_fresh(context, tenant)) {
        proof.confidence = Confidence::Likely;
    }
    let deletes = |action: &Action| matches!(action, Action::DeleteRecords { .. });
    if proof.confidence == Confidence::Likely && proof.remedy.iter().any(|remedy| deletes(&remedy.action)) {
        proof.remedy.retain(|remedy| !deletes(&remedy.action));
        proof.remedy.push(look_for_record(subject));
    }
    proof
}

/// Whether a resolver that gets fresh labels from the zone gives the tenant's name just what it gives them.
fn is_answered_as_fresh(context: &FleetContext, tenant: &TenantEvidence) -> bool {
    if context.fleet.zone.through_resolvers {
        return false;
    }
    let name = tenant.tenant.hostname.as_str();
    context.fleet.zone.resolvers.iter().any(|resolver| {
        let said = context.said_by(&tenant.dns.resolvers, name, *resolver);
        let fresh = context
            .resolver_controls
            .get(resolver)
            .filter(|fresh| fresh.has_answer());
        let alike = fresh.is_some_and(|fresh| said.is_usable() && context.alike(&said, fresh));
        alike && context.sees_zone(*resolver) == Some(true)
    })
}
