//! Tenant rules about what the edge serves for one name.

use super::tenant_rules::TenantContext;
use super::{CertificateFact, Fact, Object, Proof, Remedy};
use crate::check::caa_fault;
use crate::evidence::Reason;
use crate::finding::{Check, Outcome};
use crate::reading::Lifetime;

/// What is served for the name fails, or will soon, for this reason.
pub(super) fn served(subject: &TenantContext<'_>, reason: Reason) -> Option<Proof> {
    let finding = subject.findings.of(Check::Certificate);
    if finding.reason != Some(reason) || !matches!(finding.outcome, Outcome::Fail | Outcome::Warn) {
        return None;
    }
    let visit = subject.tenant.visit()?;
    if reason != Reason::TlsExpiring && visit.handshake.faults.first() != Some(&reason) {
        return None;
    }
    let facts = subject.context.facts(visit);
    let served = facts.as_ref().map_or_else(
        || CertificateFact::UnreadAt(visit.address, finding.message.clone()),
        |facts| CertificateFact::ServedAt {
            address: visit.address,
            names: facts.names.iter().take(3).cloned().collect(),
            issuer: facts.issuer.clone(),
            lifetime: Lifetime::of(facts, subject.context.moment_of(visit)),
        },
    );
    let alone = facts.is_some() && reason == Reason::TlsIncompleteChain;
    let others = visit.handshake.faults.iter().skip(1).copied().collect::<Vec<_>>();
    let besides = (!others.is_empty()).then_some(CertificateFact::Besides(others));
    let alone = alone.then_some(CertificateFact::OnlyLeaf);
    let evidence = std::iter::once(served).chain(alone).chain(besides).map(Fact::from);
    let remedy = Remedy::advise(format!(
        "{} for {} at the edge, or remove it so that the wildcard serves the name",
        what_to_do(reason),
        subject.name()
    ));
    Some(
        Proof::fail(Object::Chain(visit.handshake.chain), evidence.collect())
            .outcome(finding.outcome)
            .because(reason)
            .remedy(remedy),
    )
}

fn what_to_do(reason: Reason) -> &'static str {
    match reason {
        Reason::TlsNotYetValid => "issue a new certificate",
        Reason::TlsNameMismatch => "configure a certificate that covers the name",
        Reason::TlsIncompleteChain => "serve the whole chain (leaf and intermediates)",
        Reason::TlsUnknownIssuer => "serve a certificate of a trusted authority",
        Reason::TlsExpiring => "find out why renewal fails and renew the certificate",
        _ => "renew the certificate",
    }
}

/// The name has records of its own that equal the wildcard's, and a CAA set among them.
pub(super) fn forbidden(subject: &TenantContext<'_>) -> Option<Proof> {
    let visit = subject.tenant.visit()?;
    let set = caa_fault(subject.context, subject.tenant, visit)?;
    if !matches!(
        subject.findings.of(Check::Certificate).outcome,
        Outcome::Warn | Outcome::Fail
    ) {
        return None;
    }
    let facts = subject.context.facts(visit)?;
    let issuer = facts
        .issuer_organization
        .clone()
        .unwrap_or_else(|| facts.issuer.clone());
    let remedy = Remedy::advise(format!(
        "allow {issuer} in the CAA set of {}, or delete the set",
        set.owner
    ));
    let forbids = CertificateFact::Caa {
        owner: set.owner.clone(),
        records: set.records,
    };
    let issued = CertificateFact::IssuedBy {
        organization: issuer,
        issuer: facts.issuer.clone(),
        wildcard: false,
    };
    let proof = Proof::fail(Object::Caa(set.owner), vec![forbids.into(), issued.into()]);
    Some(proof.outcome(Outcome::Warn).remedy(remedy))
}
