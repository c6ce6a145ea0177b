//! Fleet rules about the wildcard certificate: what the edge serves for a name that only the wildcard covers.

use super::tenant_certificate::{SERVE_CURRENT, intermediate_end, what_to_do};
use super::{CertificateFact, Fact, Object, Proof, Remedy, TenantFacts, Totals};
use crate::chain::Flawed;
use crate::evidence::{Reason, Visit};
use crate::finding::{Check, Outcome};
use crate::fleet::FleetContext;
use crate::reading::{CaaSet, Lifetime, caa_forbids, caa_set};

fn served(context: &FleetContext) -> Vec<&Visit> {
    let edge = &context.fleet.edge;
    edge.sockets()
        .filter_map(|socket| edge.control_at(socket))
        .filter(|visit| visit.handshake.chain.is_some())
        .collect()
}

fn remedy(context: &FleetContext, what: &str) -> Remedy {
    Remedy::advise(format!("{what} for *.{} at the edge", context.fleet.domain))
}

pub(super) fn faults(context: &FleetContext, reason: Reason) -> Vec<Proof> {
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
        lifetime: Lifetime::of(&facts, context.moment_of(first)),
        sent: facts.length,
    });
    let flawed = context.flaw(first, reason);
    let guilty = flawed.clone().filter(Flawed::is_told).map(CertificateFact::Flawed);
    let evidence = [faulty]
        .into_iter()
        .chain(guilty)
        .chain(served)
        .map(Fact::from)
        .collect();
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
    let what = match flawed.filter(Flawed::is_told) {
        Some(flawed) => what_to_do(reason, Some(&flawed)),
        None => what.to_owned(),
    };
    let object = Object::Certificate(context.fleet.wildcard_name());
    vec![
        Proof::fail(object, evidence)
            .outcome(outcome)
            .because(reason)
            .remedy(remedy(context, &what)),
    ]
}

pub(super) fn expiring(context: &FleetContext, _: &Totals) -> Vec<Proof> {
    let good = served(context)
        .into_iter()
        .filter(|visit| visit.handshake.faults.is_empty())
        .collect::<Vec<_>>();
    let remaining = |visit: &Visit| {
        context
            .facts(visit)
            .map_or(1.0, |facts| facts.remaining(context.moment_of(visit)))
    };
    let Some(worst) = good.iter().min_by(|a, b| remaining(a).total_cmp(&remaining(b))) else {
        return Vec::new();
    };
    let limits = context.fleet.wildcard;
    let Some(facts) = context.facts(worst).filter(|_| remaining(worst) < limits.warn_below) else {
        let ends = good.into_iter().find_map(|visit| intermediate_end(context, visit));
        return ends
            .map(|ends| intermediate_expiring(context, ends))
            .into_iter()
            .collect();
    };
    let (outcome, limit) = if remaining(worst) < limits.fail_below {
        (Outcome::Fail, limits.fail_below)
    } else {
        (Outcome::Warn, limits.warn_below)
    };
    let expiring = CertificateFact::Expiring {
        name: facts.names.first().cloned().unwrap_or_default(),
        issuer: facts.issuer.clone(),
        lifetime: Lifetime::of(&facts, context.moment_of(worst)),
        below: limit,
    };
    let object = Object::Certificate(context.fleet.wildcard_name());
    let proof = Proof::fail(object, vec![expiring.into()]).outcome(outcome);
    vec![
        proof
            .because(Reason::TlsExpiring)
            .remedy(remedy(context, "find out why renewal fails and renew the certificate")),
    ]
}

fn intermediate_expiring(context: &FleetContext, ends: CertificateFact) -> Proof {
    let object = Object::Certificate(context.fleet.wildcard_name());
    let proof = Proof::fail(object, vec![ends.into()]).outcome(Outcome::Warn);
    proof
        .because(Reason::TlsExpiring)
        .remedy(remedy(context, SERVE_CURRENT))
}

/// A tenant that is served the very chain that the control name is served, and fails or warns for the same reason.
pub(super) fn serves(context: &FleetContext, facts: &TenantFacts, check: Check, reason: Reason) -> bool {
    if facts.spared {
        return check == Check::Certificate;
    }
    let concerned = check == Check::Certificate
        && matches!(facts.outcome(check), Outcome::Fail | Outcome::Warn)
        && facts.reason(check) == Some(reason);
    let chain = facts.visit.and_then(|visit| visit.chain).filter(|_| concerned);
    chain.is_some_and(|chain| {
        served(context).iter().any(|control| {
            let alike = reason == Reason::TlsExpiring || control.handshake.faults.first() == Some(&reason);
            let theirs = control.handshake.chain.and_then(|id| context.chains.key(id));
            alike && theirs == Some(chain)
        })
    })
}

/// The closest set at or above the domain (RFC 8659, section 3).
fn closest(context: &FleetContext) -> Option<CaaSet> {
    let sets = context.fleet.zone.caa.iter().filter_map(caa_set);
    sets.max_by_key(|set| set.owner.len())
}

pub(super) fn caa(context: &FleetContext, _: &Totals) -> Vec<Proof> {
    let Some(set) = closest(context) else { return Vec::new() };
    let issued = served(context).into_iter().filter_map(|visit| {
        let facts = context.facts(visit)?;
        Some((facts.issuer_organization.clone()?, facts.issuer.clone()))
    });
    let forbidden = |organization: &str| caa_forbids(&set, organization, true) == Some(true);
    let Some((organization, issuer)) = issued.into_iter().find(|(organization, _)| forbidden(organization)) else {
        return Vec::new();
    };
    let issued = CertificateFact::IssuedBy {
        organization: organization.clone(),
        issuer,
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
