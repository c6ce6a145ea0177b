//! Fleet rules about the wildcard certificate: what the edge serves for a name that only the wildcard covers.

use super::rules::{Rule, breaks_nothing, silences_nothing};
use super::{Cause, CertificateFact, Fact, Object, Proof, Remedy, Scope};
use crate::check::{CaaSet, Context, caa_forbids, caa_set};
use crate::evidence::{Reason, Visit};
use crate::finding::{Check, Finding, FleetCheck, Outcome};
use crate::reading::Lifetime;
use crate::world::TenantWorld;

macro_rules! rule {
    ($cause:ident, $reason:ident) => {
        Rule {
            cause: Cause::$cause,
            scope: Scope::Fleet,
            check: FleetCheck::WildcardCertificate,
            proofs: |context| faults(context, Reason::$reason),
            breaks: |context, tenant, check, finding| breaks(context, tenant, check, finding, Reason::$reason),
            silences: silences_nothing,
        }
    };
}

/// In order of precedence.
pub(super) const RULES: &[Rule] = &[
    rule!(WildcardCertificateExpired, TlsExpired),
    rule!(WildcardCertificateNotYetValid, TlsNotYetValid),
    rule!(WildcardCertificateNameMismatch, TlsNameMismatch),
    rule!(WildcardCertificateChainIncomplete, TlsIncompleteChain),
    rule!(WildcardCertificateUntrusted, TlsUnknownIssuer),
    Rule {
        cause: Cause::WildcardCertificateExpiring,
        scope: Scope::Fleet,
        check: FleetCheck::WildcardCertificate,
        proofs: expiring,
        breaks: |context, tenant, check, finding| breaks(context, tenant, check, finding, Reason::TlsExpiring),
        silences: silences_nothing,
    },
];

/// Stands behind all others.
pub(super) const CAA: Rule = Rule {
    cause: Cause::CaaForbidsIssuance,
    scope: Scope::Fleet,
    check: FleetCheck::WildcardCertificate,
    proofs: caa,
    breaks: breaks_nothing,
    silences: silences_nothing,
};

fn served<'c>(context: &'c Context<'_>) -> Vec<&'c Visit> {
    let edge = &context.world.edge;
    edge.sockets()
        .filter_map(|socket| edge.control_at(socket))
        .filter(|visit| visit.handshake.chain.is_some())
        .collect()
}

fn remedy(context: &Context<'_>, what: &str) -> Remedy {
    Remedy::advise(format!("{what} for *.{} at the edge", context.world.domain))
}

fn faults(context: &Context<'_>, reason: Reason) -> Vec<Proof> {
    let all = served(context);
    let bad = all
        .iter()
        .filter(|visit| visit.handshake.faults.first() == Some(&reason))
        .collect::<Vec<_>>();
    let Some(first) = bad.first() else { return Vec::new() };
    let faulty = CertificateFact::Faulty {
        addresses: bad.iter().map(|visit| visit.address).collect(),
        name: first.name.to_string(),
        reason,
    };
    let served = context.facts(first).map(|facts| CertificateFact::Served {
        names: facts.names.iter().take(3).cloned().collect(),
        issuer: facts.issuer.clone(),
        lifetime: Lifetime::of(facts, context.world.now),
        sent: facts.length,
    });
    let evidence = std::iter::once(faulty).chain(served).map(Fact::from).collect();
    let outcome = if bad.len() == all.len() {
        Outcome::Fail
    } else {
        Outcome::Warn
    };
    let what = match reason {
        Reason::TlsIncompleteChain => "serve the whole chain (leaf and intermediates)",
        Reason::TlsNameMismatch => "configure a certificate",
        Reason::TlsNotYetValid => "check the issuer's clock, then issue a new certificate",
        Reason::TlsUnknownIssuer => {
            "serve a certificate of a trusted authority (a private one: name its root in `[edge] ca_file`)"
        }
        _ => "renew the certificate",
    };
    let object = Object::Certificate(context.world.wildcard_name());
    vec![
        Proof::fail(object, evidence)
            .outcome(outcome)
            .because(reason)
            .remedy(remedy(context, what)),
    ]
}

fn expiring(context: &Context<'_>) -> Vec<Proof> {
    let good = served(context)
        .into_iter()
        .filter(|visit| visit.handshake.faults.is_empty());
    let remaining = |visit: &Visit| {
        context
            .facts(visit)
            .map_or(1.0, |facts| facts.remaining(context.world.now))
    };
    let Some(worst) = good.min_by(|a, b| remaining(a).total_cmp(&remaining(b))) else {
        return Vec::new();
    };
    let limits = context.world.wildcard;
    let Some(facts) = context.facts(worst).filter(|_| remaining(worst) < limits.warn_below) else {
        return Vec::new();
    };
    let (outcome, limit) = if remaining(worst) < limits.fail_below {
        (Outcome::Fail, limits.fail_below)
    } else {
        (Outcome::Warn, limits.warn_below)
    };
    let expiring = CertificateFact::Expiring {
        name: facts.names.first().cloned().unwrap_or_default(),
        issuer: facts.issuer.clone(),
        lifetime: Lifetime::of(facts, context.world.now),
        below: limit,
    };
    let object = Object::Certificate(context.world.wildcard_name());
    let proof = Proof::fail(object, vec![expiring.into()]).outcome(outcome);
    vec![
        proof
            .because(Reason::TlsExpiring)
            .remedy(remedy(context, "find out why renewal fails and renew the certificate")),
    ]
}

/// A tenant that is served the very chain that the control name is served, and fails or warns for the same reason.
fn breaks(context: &Context<'_>, tenant: &TenantWorld, check: Check, finding: &Finding, reason: Reason) -> bool {
    let concerned = check == Check::Certificate
        && matches!(finding.outcome, Outcome::Fail | Outcome::Warn)
        && finding.reason == Some(reason);
    let chain = tenant
        .visit()
        .and_then(|visit| visit.handshake.chain)
        .filter(|_| concerned);
    chain.is_some_and(|chain| {
        served(context).iter().any(|control| {
            let alike = reason == Reason::TlsExpiring || control.handshake.faults.first() == Some(&reason);
            alike && control.handshake.chain == Some(chain)
        })
    })
}

/// The closest set at or above the domain (RFC 8659, section 3).
fn closest(context: &Context<'_>) -> Option<CaaSet> {
    let sets = context.world.zone.caa.iter().filter_map(caa_set);
    sets.max_by_key(|set| set.owner.len())
}

fn caa(context: &Context<'_>) -> Vec<Proof> {
    let Some(set) = closest(context) else { return Vec::new() };
    let issued = served(context)
        .into_iter()
        .filter_map(|visit| Some((visit, context.facts(visit)?.issuer_organization.as_ref()?)));
    let forbidden = |organization: &str| caa_forbids(&set, organization, true) == Some(true);
    let Some((visit, organization)) = issued.into_iter().find(|(_, organization)| forbidden(organization)) else {
        return Vec::new();
    };
    let issued = CertificateFact::IssuedBy {
        organization: organization.clone(),
        issuer: context
            .facts(visit)
            .map(|facts| facts.issuer.clone())
            .unwrap_or_default(),
        wildcard: true,
    };
    let remedy = Remedy::advise(format!(
        "allow {organization} in the CAA set of {} (`issuewild`, or `issue`)",
        set.owner
    ));
    let forbids = CertificateFact::Caa {
        owner: set.owner.clone(),
        records: set.records,
    };
    let proof = Proof::fail(Object::Caa(set.owner), vec![forbids.into(), issued.into()]);
    vec![proof.outcome(Outcome::Warn).remedy(remedy)]
}
