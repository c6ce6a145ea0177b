//! Fleet rules about the zone: its servers, the wildcard record, its signatures.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::net::SocketAddr;

use super::{DnsFact, Fact, Object, Proof, Remedy, TenantFacts, Totals};
use crate::evidence::Reason;
use crate::finding::{Check, Outcome};
use crate::fleet::FleetContext;
use crate::reading::{DnsAnswer, joined};
use crate::world::TenantEvidence;

/// What each server says of the control name, in the order in which the servers are configured.
fn in_order(context: &FleetContext) -> impl Iterator<Item = (&SocketAddr, &DnsAnswer)> {
    context
        .fleet
        .zone
        .servers
        .iter()
        .filter_map(|server| Some((server, context.controls.get(server)?)))
}

fn faulty<'c>(context: &'c FleetContext) -> Vec<(SocketAddr, Reason, &'c str)> {
    let fault = |(server, said): (&SocketAddr, &'c DnsAnswer)| match said {
        DnsAnswer::Fault(reason, detail) | DnsAnswer::Silent(reason, detail) if !validates_not(context, *server) => {
            Some((*server, *reason, detail.as_str()))
        }
        _ => None,
    };
    in_order(context).filter_map(fault).collect()
}

/// The command that asks one server.
fn dig(server: SocketAddr, question: &str) -> String {
    let port = match server.port() {
        53 => String::new(),
        port => format!(" -p {port}"),
    };
    format!("dig @{}{port} {question}", server.ip())
}

pub(super) fn servers(context: &FleetContext, _: &Totals) -> Vec<Proof> {
    let faulty = faulty(context);
    let asked = context.controls.len();
    let remedy = || {
        let domain = &context.fleet.domain;
        let advice = Remedy::advise(format!("check the name servers of {domain} with their operator"));
        match faulty.first() {
            Some((server, ..)) => advice.shown_by(dig(*server, &format!("{domain} SOA"))),
            None => advice,
        }
    };
    if !faulty.is_empty() && faulty.len() == asked {
        return all_failing(context, &faulty)
            .map(|proof| proof.remedy(remedy()))
            .into_iter()
            .collect();
    }
    if context.servers_disagree() {
        let says = |(server, said): (&SocketAddr, &DnsAnswer)| {
            let (server, answer) = (*server, said.clone());
            Fact::from(DnsFact::ServerSays { server, answer })
        };
        let proof = Proof::fail(Object::Servers, in_order(context).map(says).collect());
        return vec![proof.because(Reason::DnsMismatch).remedy(Remedy::advise(format!(
            "bring the zone's servers to one version of {}: compare their SOA serials",
            context.fleet.domain
        )))];
    }
    let one = |(server, reason, detail): (SocketAddr, Reason, &str)| {
        let fact = DnsFact::ServerFails {
            server,
            reason,
            detail: detail.to_owned(),
            answering: Some((asked - faulty.len(), asked)),
        };
        Proof::fail(Object::Server(server), vec![fact.into()])
            .outcome(Outcome::Warn)
            .because(reason)
            .remedy(remedy())
    };
    faulty.iter().copied().map(one).collect()
}

/// The reason that most share; of equals the first in their own order, whatever the order of servers.
pub(super) fn most_frequent(reasons: impl Iterator<Item = Reason>) -> Option<Reason> {
    let mut counts = BTreeMap::<Reason, usize>::new();
    reasons.for_each(|reason| *counts.entry(reason).or_default() += 1);
    let most = counts
        .into_iter()
        .max_by_key(|(reason, count)| (*count, Reverse(*reason)));
    most.map(|(reason, _)| reason)
}

/// All are silent: it is they only where something else shows that we can see.
fn all_failing(context: &FleetContext, faulty: &[(SocketAddr, Reason, &str)]) -> Option<Proof> {
    let silent = context.controls.values().all(DnsAnswer::is_silent);
    if silent && (context.resolver_sees_zone() || context.fleet.zone.through_resolvers) {
        return None;
    }
    let fails = |(server, reason, detail): &(SocketAddr, Reason, &str)| DnsFact::ServerFails {
        server: *server,
        reason: *reason,
        detail: (*detail).to_owned(),
        answering: None,
    };
    let mut evidence = faulty.iter().map(|fault| fails(fault).into()).collect::<Vec<Fact>>();
    let witness = context
        .resolver_controls
        .iter()
        .find(|(_, said)| matches!(said, DnsAnswer::Fault(Reason::DnsServfail, _)));
    evidence.extend(witness.map(|(resolver, _)| DnsFact::ResolverFailsToo(*resolver).into()));
    let proof =
        Proof::fail(Object::Servers, evidence).because(most_frequent(faulty.iter().map(|(_, reason, _)| *reason)));
    Some(if silent && witness.is_none() {
        proof.likely()
    } else {
        proof
    })
}

/// Whether a rule about the zone may be why a `dns` is as it is: one that was judged at all.
fn is_judged(facts: &TenantFacts, check: Check) -> bool {
    check == Check::Dns && facts.outcome(check) != Outcome::Skipped
}

pub(super) fn by_servers(_: &FleetContext, facts: &TenantFacts, check: Check) -> bool {
    let dns = &facts.dns;
    if !is_judged(facts, check) {
        return false;
    }
    if !dns.is_usable {
        return !dns.is_exhausted;
    }
    // What nobody could compare for want of a control is theirs, wherever it leads. Records of its own that lead to the
    // edge are no fault of the tenant's, whichever server is wrong.
    facts.outcome(check) == Outcome::Unknown || dns.like_same_server || dns.leads_to_edge
}

pub(super) fn missing(context: &FleetContext, _: &Totals) -> Vec<Proof> {
    let zone = &context.fleet.zone;
    let domain = &context.fleet.domain;
    let edge = &context.fleet.edge.addresses;
    let kinds = match (
        edge.iter().any(std::net::IpAddr::is_ipv4),
        edge.iter().any(std::net::IpAddr::is_ipv6),
    ) {
        (true, false) => "an A record",
        (false, true) => "an AAAA record",
        _ => "A and AAAA records",
    };
    let points = if kinds.ends_with("records") { "point" } else { "points" };
    let command = format!("add {kinds} for *.{domain} that {points} to {}", joined(edge));
    let remedy = Remedy::advise(command);
    if zone.discovery.reason() == Some(Reason::DnsNxdomain) {
        let typo = format!("check the domain {domain} for a typo; if it is right, have it delegated by its registry");
        let fact = DnsFact::NoSuchDomain(domain.to_string());
        // Only a resolver said so, and it may have a view of its own.
        let proof = Proof::fail(wildcard(context), vec![fact.into()]).likely();
        return vec![proof.because(Reason::DnsNxdomain).remedy(Remedy::advise(typo))];
    }
    let usable = context
        .controls
        .values()
        .filter(|said| said.is_usable())
        .collect::<Vec<_>>();
    let first = usable.first().map(|said| (*said, said.reason()));
    let Some((first, Some(reason))) = first else {
        return Vec::new();
    };
    if usable.iter().any(|said| said.has_answer()) {
        return Vec::new();
    }
    let none = DnsFact::ControlHasNone {
        control: zone.control.to_string(),
        answer: first.clone(),
        servers: (usable.len(), zone.servers.len()),
    };
    let star = context.wildcards.values().find(|said| said.is_usable());
    let star = star.map(|said| DnsFact::WildcardSays {
        name: context.fleet.wildcard_name(),
        answer: said.clone(),
    });
    let evidence = std::iter::once(none).chain(star).map(Fact::from).collect();
    let proof = Proof::fail(wildcard(context), evidence).because(reason).remedy(remedy);
    // Who answers for the zone's servers may have a view of its own, or an old one.
    vec![if context.is_hearsay { proof.likely() } else { proof }]
}

/// An own record that gives the edge's addresses is no fault of the tenant's, whatever the wildcard says.
pub(super) fn by_missing(_: &FleetContext, facts: &TenantFacts, check: Check) -> bool {
    is_judged(facts, check) && (facts.dns.like_control || facts.dns.leads_to_edge)
}

pub(super) fn mismatch(context: &FleetContext, _: &Totals) -> Vec<Proof> {
    // What is not known of the edge can't be held against the record.
    if context.edge_partial().is_some() {
        return Vec::new();
    }
    let strange = context
        .controls
        .iter()
        .filter(|(_, said)| !context.addresses_outside_edge(said).is_empty())
        .collect::<Vec<_>>();
    let Some((_, first)) = strange.first() else {
        return Vec::new();
    };
    let edge = &context.fleet.edge.addresses;
    let leads = DnsFact::WildcardLeads {
        name: context.fleet.wildcard_name(),
        answer: (*first).clone(),
        servers: (strange.len(), context.controls.len()),
    };
    let outside = DnsFact::OutsideEdge {
        addresses: context.addresses_outside_edge(first).into_iter().collect(),
        edge: edge.clone(),
    };
    let remedy = Remedy::advise(format!(
        "point the record {} to {}",
        context.fleet.wildcard_name(),
        joined(edge)
    ));
    let proof = Proof::fail(wildcard(context), vec![leads.into(), outside.into()])
        .because(Reason::DnsMismatch)
        .remedy(remedy);
    // Without the zone's listing it may be a CDN's proxy that answers, and the record behind it be right.
    vec![if context.fleet.listing.known().is_some() {
        proof
    } else {
        proof.likely()
    }]
}

pub(super) fn by_mismatch(_: &FleetContext, facts: &TenantFacts, check: Check) -> bool {
    is_judged(facts, check) && (facts.dns.same_place || facts.dns.leads_to_edge)
}

/// Whether a resolver says SERVFAIL for a fresh label and answers when it is told not to validate.
fn validates_not(context: &FleetContext, resolver: SocketAddr) -> bool {
    let fleet = &context.fleet;
    let Some(unchecked) = fleet.zone.unchecked.iter().find(|look| look.server == resolver) else {
        return false;
    };
    let answered = DnsAnswer::read(&fleet.zone.unchecked, &unchecked.name, resolver, &fleet.domain, false).is_usable();
    let refused = matches!(
        context.resolver_controls.get(&resolver),
        Some(DnsAnswer::Fault(Reason::DnsServfail, _))
    );
    answered && (refused || fleet.zone.through_resolvers)
}

pub(super) fn bogus(context: &FleetContext, _: &Totals) -> Vec<Proof> {
    let resolvers = context
        .fleet
        .zone
        .resolvers
        .iter()
        .filter(|resolver| validates_not(context, **resolver));
    let evidence = resolvers.map(|resolver| DnsFact::ValidationFails(*resolver).into());
    let evidence = evidence.collect::<Vec<Fact>>();
    if evidence.is_empty() {
        return Vec::new();
    }
    let domain = &context.fleet.domain;
    let remedy = Remedy::advise(format!(
        "sign the zone of {domain} again, or take its DS record out at the registrar (`delv {domain}` shows where the chain breaks)"
    ));
    vec![
        Proof::fail(Object::Zone, evidence)
            .because(Reason::DnsBogus)
            .remedy(remedy),
    ]
}

fn wildcard(context: &FleetContext) -> Object {
    Object::Wildcard(context.fleet.wildcard_name())
}

pub(super) fn by_bogus(_: &FleetContext, facts: &TenantFacts, check: Check) -> bool {
    let outcome = facts.outcome(check);
    check == Check::Dns && !matches!(outcome, Outcome::Skipped | Outcome::Fail) && facts.dns.is_bogus
}

/// Whether a resolver that does not accept the zone's signatures refuses a tenant's name, or none that answers was left
/// to ask.
pub(super) fn is_refused_as_bogus(context: &FleetContext, tenant: &TenantEvidence) -> bool {
    let zone = &context.fleet.zone;
    if zone.through_resolvers && tenant.probed && tenant.dns.authoritative.is_empty() {
        return true;
    }
    let looks = if zone.through_resolvers {
        &tenant.dns.authoritative
    } else {
        &tenant.dns.resolvers
    };
    let name = tenant.tenant.hostname.as_str();
    let mut refusing = zone
        .resolvers
        .iter()
        .filter(|resolver| validates_not(context, **resolver));
    refusing.any(|resolver| {
        let said = DnsAnswer::read(looks, name, *resolver, &context.fleet.domain, false);
        matches!(said, DnsAnswer::Fault(Reason::DnsServfail, _))
    })
}
