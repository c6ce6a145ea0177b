//! Tenant rules about what the edge serves for one name.

use super::tenant_rules::TenantContext;
use super::{CertificateFact, Fact, Object, Proof, Remedy};
use crate::chain::{Flaw, Flawed};
use crate::check::{caa_fault, deciding_visit, ends_soon};
use crate::evidence::{Reason, Visit};
use crate::finding::{Check, Outcome};
use crate::fleet::FleetContext;
use crate::reading::Lifetime;

/// What is served for the name fails, or will soon, for this reason.
pub(super) fn served(subject: &TenantContext<'_>, reason: Reason) -> Option<Proof> {
    let finding = subject.findings.of(Check::Certificate);
    if finding.reason != Some(reason) || !matches!(finding.outcome, Outcome::Fail | Outcome::Warn) {
        return None;
    }
    let visit = deciding_visit(subject.context, subject.tenant)?;
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
    let flawed = subject.context.flaw(visit, reason);
    let ends = intermediate_end(subject.context, visit).filter(|_| reason == Reason::TlsExpiring);
    let alone = facts.is_some() && reason == Reason::TlsIncompleteChain;
    let others = visit.handshake.faults.iter().skip(1).copied().collect::<Vec<_>>();
    let besides = (!others.is_empty()).then_some(CertificateFact::Besides(others));
    let alone = alone.then_some(CertificateFact::OnlyLeaf);
    let what = match ends {
        Some(_) => SERVE_CURRENT.to_owned(),
        None => what_to_do(reason, flawed.as_ref()),
    };
    // The guilty certificate first: the leaf's own dates may be the best.
    let guilty = flawed.filter(Flawed::is_told).map(CertificateFact::Flawed).or(ends);
    let evidence = guilty.into_iter().chain([served]).chain(alone).chain(besides);
    let remedy = Remedy::advise(format!(
        "{what} for {name} at the edge, or remove the certificate that {name} has of its own: the wildcard then serves it",
        name = subject.name()
    ));
    Some(
        Proof::fail(Object::Chain(visit.handshake.chain), evidence.map(Fact::from).collect())
            .outcome(finding.outcome)
            .because(reason)
            .remedy(remedy),
    )
}

/// What fixes an intermediate that ends, or ended: the leaf is good.
pub(super) const SERVE_CURRENT: &str = "serve the leaf with the authority's current intermediates (the chain that it gives out today; no new leaf is needed)";

/// What fixes a fault of a served chain: by the certificate that is to blame, where one shows it.
pub(super) fn what_to_do(reason: Reason, flawed: Option<&Flawed>) -> String {
    match flawed {
        Some(flawed) if flawed.is_told() => of_flaw(flawed),
        _ => of_reason(reason).to_owned(),
    }
}

fn of_flaw(flawed: &Flawed) -> String {
    match &flawed.flaw {
        Flaw::Expired(_) | Flaw::NotYetValid(_) if flawed.position > 0 => SERVE_CURRENT.into(),
        Flaw::Expired(_) => of_reason(Reason::TlsExpired).into(),
        Flaw::NotYetValid(_) => of_reason(Reason::TlsNotYetValid).into(),
        Flaw::NoAuthority | Flaw::Depth => "serve the chain that the authority gives out".into(),
        Flaw::Constraint(name) => format!("serve a certificate of an authority that may issue for {name}"),
        Flaw::AuthorityAsLeaf => "issue a server's own certificate, signed by that authority,".into(),
        Flaw::Usage => "issue a certificate for TLS servers (extended key usage serverAuth)".into(),
        Flaw::Key(_) => "issue a certificate with a key of P-256, or of RSA with 2048 bits or more,".into(),
        Flaw::Signature(_) => "issue a certificate that is signed with SHA-256 or better".into(),
        _ => "issue a new certificate (X.509 version 3, no private critical extension)".into(),
    }
}

fn of_reason(reason: Reason) -> &'static str {
    match reason {
        Reason::TlsNotYetValid => "issue a new certificate",
        Reason::TlsNameMismatch => "install a matching certificate",
        Reason::TlsIncompleteChain => "serve the whole chain (leaf and intermediates)",
        Reason::TlsUnknownIssuer => "serve a certificate of a trusted authority",
        Reason::TlsExpiring => "find out why renewal fails and renew the certificate",
        _ => "renew the certificate",
    }
}

/// The intermediate of a served chain that ends soon, where no path stands without it.
pub(super) fn intermediate_end(context: &FleetContext, visit: &Visit) -> Option<CertificateFact> {
    let at = ends_soon(context, visit)?;
    let links = context.chains.links(visit.handshake.chain?);
    let ends = links.into_iter().skip(1).flatten().find(|link| link.not_after == at);
    Some(CertificateFact::IntermediateEnds {
        name: ends.map_or_else(|| "of the chain".to_owned(), |link| link.subject),
        at,
    })
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
