//! Tenant rules about what the edge serves for one name.

use super::tenant_rules::{Rule, Subject};
use super::{Cause, Proof, Remedy};
use crate::check::{caa_fault, left};
use crate::evidence::Reason;
use crate::finding::{Check, Outcome};

/// In order of precedence.
pub(super) const RULES: &[Rule] = &[
    (Cause::CertificateExpired, |subject| {
        served(subject, Reason::TlsExpired, "renew the certificate")
    }),
    (Cause::CertificateNotYetValid, |subject| {
        served(subject, Reason::TlsNotYetValid, "issue a new certificate")
    }),
    (Cause::CertificateNameMismatch, |subject| {
        served(
            subject,
            Reason::TlsNameMismatch,
            "configure a certificate that covers the name",
        )
    }),
    (Cause::CertificateChainIncomplete, |subject| {
        served(
            subject,
            Reason::TlsIncompleteChain,
            "serve the whole chain (leaf and intermediates)",
        )
    }),
    (Cause::CertificateUntrusted, |subject| {
        served(
            subject,
            Reason::TlsUnknownIssuer,
            "serve a certificate of a trusted authority",
        )
    }),
    (Cause::CertificateExpiring, |subject| {
        served(
            subject,
            Reason::TlsExpiring,
            "find out why renewal fails and renew the certificate",
        )
    }),
];

fn served(subject: &Subject<'_, '_>, reason: Reason, what: &str) -> Option<Proof> {
    let finding = subject.findings.of(Check::Certificate);
    if finding.reason != Some(reason) || !matches!(finding.outcome, Outcome::Fail | Outcome::Warn) {
        return None;
    }
    let visit = subject.tenant.visit()?;
    if reason != Reason::TlsExpiring && visit.handshake.faults.first() != Some(&reason) {
        return None;
    }
    let mut evidence = Vec::new();
    if let Some(facts) = subject.context.facts(visit) {
        let names = facts.names.iter().take(3).cloned().collect::<Vec<_>>().join(", ");
        evidence.push(format!(
            "{} serves {names} by {}, {}",
            visit.address,
            facts.issuer,
            left(facts, subject.context.world.now)
        ));
        if reason == Reason::TlsIncompleteChain {
            evidence.push("only the leaf was sent".into());
        }
    } else {
        evidence.push(format!("{}: {}", visit.address, finding.message));
    }
    let others = visit
        .handshake
        .faults
        .iter()
        .skip(1)
        .map(ToString::to_string)
        .collect::<Vec<_>>();
    if !others.is_empty() {
        evidence.push(format!("besides: {}", others.join(", ")));
    }
    let object = visit.handshake.chain.map(|chain| chain.to_string()).unwrap_or_default();
    let remedy = Remedy::new(
        "manual",
        format!(
            "{what} for {} at the edge, or remove it so that the wildcard serves the name",
            subject.name()
        ),
    );
    Some(
        Proof::fail(object, evidence)
            .outcome(finding.outcome)
            .because(reason)
            .remedy(remedy),
    )
}

/// The name has records of its own that equal the wildcard's, and a CAA set among them.
pub(super) fn latent(subject: &Subject<'_, '_>) -> Option<Proof> {
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
    let evidence = vec![
        format!("CAA of {}: {}", set.owner, set.records.join(", ")),
        format!("what is served is issued by {issuer} ({})", facts.issuer),
    ];
    let remedy = Remedy::new(
        "manual",
        format!("allow {issuer} in the CAA set of {}, or delete the set", set.owner),
    );
    Some(Proof::fail(set.owner, evidence).outcome(Outcome::Warn).remedy(remedy))
}
