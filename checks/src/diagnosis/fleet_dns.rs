//! Fleet rules about the zone: its servers, the wildcard record, its signatures.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::net::SocketAddr;

use super::rules::{Rule, silences_nothing};
use super::{Cause, DnsFact, Fact, Object, Proof, Remedy, Scope};
use crate::check::{Context, Said, list};
use crate::evidence::Reason;
use crate::finding::{Check, Finding, FleetCheck, Outcome};
use crate::world::TenantWorld;

/// In order of precedence.
pub(super) const RULES: &[Rule] = &[
    Rule {
        cause: Cause::DnsServersFailing,
        scope: Scope::Fleet,
        check: FleetCheck::WildcardDns,
        proofs: servers,
        breaks: by_servers,
        silences: |cause| matches!(cause, Cause::WildcardDnsMissing | Cause::WildcardDnsMismatch),
    },
    Rule {
        cause: Cause::WildcardDnsMissing,
        scope: Scope::Fleet,
        check: FleetCheck::WildcardDns,
        proofs: missing,
        breaks: by_missing,
        silences: silences_nothing,
    },
    Rule {
        cause: Cause::WildcardDnsMismatch,
        scope: Scope::Fleet,
        check: FleetCheck::WildcardDns,
        proofs: mismatch,
        breaks: by_mismatch,
        silences: silences_nothing,
    },
];

/// Stands behind the rules of the edge.
pub(super) const DNSSEC: Rule = Rule {
    cause: Cause::DnssecBogus,
    scope: Scope::Fleet,
    check: FleetCheck::Dnssec,
    proofs: bogus,
    breaks: by_bogus,
    silences: silences_nothing,
};

/// What each server says of the control name, in the order in which the servers are configured.
fn in_order<'c>(context: &'c Context<'_>) -> impl Iterator<Item = (&'c SocketAddr, &'c Said)> {
    context
        .world
        .zone
        .servers
        .iter()
        .filter_map(|server| Some((server, context.controls.get(server)?)))
}

fn faulty<'c>(context: &'c Context<'_>) -> Vec<(SocketAddr, Reason, &'c str)> {
    let fault = |(server, said): (&SocketAddr, &'c Said)| match said {
        Said::Fault(reason, detail) if !validates_not(context, *server) => Some((*server, *reason, detail.as_str())),
        _ => None,
    };
    in_order(context).filter_map(fault).collect()
}

fn servers(context: &Context<'_>) -> Vec<Proof> {
    let faulty = faulty(context);
    let asked = context.controls.len();
    let remedy = || {
        Remedy::look(format!(
            "check the name servers of {} with their operator (`dig @SERVER {} SOA`)",
            context.world.domain, context.world.domain
        ))
    };
    if !faulty.is_empty() && faulty.len() == asked {
        return all_failing(context, &faulty)
            .map(|proof| proof.remedy(remedy()))
            .into_iter()
            .collect();
    }
    if context.servers_disagree() {
        let says = |(server, said): (&SocketAddr, &Said)| {
            let (server, answer) = (*server, said.clone());
            Fact::from(DnsFact::ServerSays { server, answer })
        };
        let proof = Proof::fail(Object::Servers, in_order(context).map(says).collect());
        return vec![proof.because(Reason::DnsMismatch).remedy(Remedy::advise(format!(
            "bring the zone's servers to one version of {}: compare their SOA serials",
            context.world.domain
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
fn all_failing(context: &Context<'_>, faulty: &[(SocketAddr, Reason, &str)]) -> Option<Proof> {
    let silent = context.controls.values().all(Said::is_silent);
    if silent && (context.resolver_sees_zone() || context.world.zone.through_resolvers) {
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
        .find(|(_, said)| matches!(said, Said::Fault(Reason::DnsServfail, _)));
    evidence.extend(witness.map(|(resolver, _)| DnsFact::ResolverFailsToo(*resolver).into()));
    let proof =
        Proof::fail(Object::Servers, evidence).because(most_frequent(faulty.iter().map(|(_, reason, _)| *reason)));
    Some(if silent && witness.is_none() {
        proof.likely()
    } else {
        proof
    })
}

fn by_servers(context: &Context<'_>, tenant: &TenantWorld, check: Check, finding: &Finding) -> bool {
    if check != Check::Dns || finding.outcome == Outcome::Skipped {
        return false;
    }
    let (server, own) = context.own(tenant);
    if !own.is_usable() {
        return !matches!(own, Said::Exhausted(_));
    }
    // What nobody could compare for want of a control is theirs, wherever it leads.
    if finding.outcome == Outcome::Unknown {
        return true;
    }
    // Records of its own that lead to the edge are no fault of the tenant's, whichever server is wrong.
    let control = server.and_then(|server| context.controls.get(&server));
    control.is_some_and(|control| own.same_as(control)) || leads_to_edge(context, &own)
}

fn missing(context: &Context<'_>) -> Vec<Proof> {
    let zone = &context.world.zone;
    let domain = &context.world.domain;
    let edge = &context.world.edge.addresses;
    let kinds = match (
        edge.iter().any(std::net::IpAddr::is_ipv4),
        edge.iter().any(std::net::IpAddr::is_ipv6),
    ) {
        (true, false) => "an A record",
        (false, true) => "an AAAA record",
        _ => "A and AAAA records",
    };
    let points = if kinds.ends_with("records") { "point" } else { "points" };
    let command = format!("add {kinds} for *.{domain} that {points} to {}", list(edge));
    let remedy = Remedy::advise(command);
    if zone.discovery.reason() == Some(Reason::DnsNxdomain) {
        let typo =
            format!("look at the domain's name for a slip; where it is right, have {domain} delegated by its registry");
        let fact = DnsFact::NoSuchDomain(domain.to_string());
        let proof = Proof::fail(Object::Wildcard, vec![fact.into()]);
        return vec![proof.because(Reason::DnsNxdomain).remedy(Remedy::look(typo))];
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
        name: context.world.wildcard_name(),
        answer: said.clone(),
    });
    let evidence = std::iter::once(none).chain(star).map(Fact::from).collect();
    vec![Proof::fail(Object::Wildcard, evidence).because(reason).remedy(remedy)]
}

fn by_missing(context: &Context<'_>, tenant: &TenantWorld, check: Check, finding: &Finding) -> bool {
    if check != Check::Dns || finding.outcome == Outcome::Skipped {
        return false;
    }
    let (server, own) = context.own(tenant);
    let like_control = context.control_for(server).is_none_or(|control| own.same_as(control));
    like_control || leads_to_edge(context, &own)
}

/// An own record that gives the edge's addresses is no fault of the tenant's, whatever the wildcard says.
fn leads_to_edge(context: &Context<'_>, own: &Said) -> bool {
    !own.addresses().is_empty() && context.strangers(own).is_empty()
}

fn mismatch(context: &Context<'_>) -> Vec<Proof> {
    let strange = context
        .controls
        .iter()
        .filter(|(_, said)| !context.strangers(said).is_empty())
        .collect::<Vec<_>>();
    let Some((_, first)) = strange.first() else {
        return Vec::new();
    };
    let edge = &context.world.edge.addresses;
    let leads = DnsFact::WildcardLeads {
        name: context.world.wildcard_name(),
        answer: (*first).clone(),
        servers: (strange.len(), context.controls.len()),
    };
    let outside = DnsFact::OutsideEdge {
        addresses: context.strangers(first).into_iter().collect(),
        edge: edge.clone(),
    };
    let remedy = Remedy::advise(format!(
        "point the record {} to {}",
        context.world.wildcard_name(),
        list(edge)
    ));
    let proof = Proof::fail(Object::Wildcard, vec![leads.into(), outside.into()])
        .because(Reason::DnsMismatch)
        .remedy(remedy);
    // Without the zone's listing it may be a CDN's proxy that answers, and the record behind it be right.
    vec![if context.world.listing.known().is_some() {
        proof
    } else {
        proof.likely()
    }]
}

fn by_mismatch(context: &Context<'_>, tenant: &TenantWorld, check: Check, finding: &Finding) -> bool {
    if check != Check::Dns || finding.outcome == Outcome::Skipped {
        return false;
    }
    let (server, own) = context.own(tenant);
    let like_control = context
        .control_for(server)
        .is_some_and(|control| context.same(&own, control));
    like_control || leads_to_edge(context, &own)
}

/// Whether a resolver says SERVFAIL for a fresh label and answers when it is told not to validate.
fn validates_not(context: &Context<'_>, resolver: SocketAddr) -> bool {
    let world = context.world;
    let Some(unchecked) = world.zone.unchecked.iter().find(|look| look.server == resolver) else {
        return false;
    };
    let answered = Said::read(&world.zone.unchecked, &unchecked.name, resolver, &world.domain, false).is_usable();
    let refused = matches!(
        context.resolver_controls.get(&resolver),
        Some(Said::Fault(Reason::DnsServfail, _))
    );
    answered && (refused || world.zone.through_resolvers)
}

fn bogus(context: &Context<'_>) -> Vec<Proof> {
    let resolvers = context
        .world
        .zone
        .resolvers
        .iter()
        .filter(|resolver| validates_not(context, **resolver));
    let evidence = resolvers.map(|resolver| DnsFact::ValidationFails(*resolver).into());
    let evidence = evidence.collect::<Vec<Fact>>();
    if evidence.is_empty() {
        return Vec::new();
    }
    let domain = &context.world.domain;
    let remedy = Remedy::advise(format!(
        "sign the zone of {domain} again, or take its DS record out at the registrar (`delv {domain}` shows where the chain breaks)"
    ));
    vec![
        Proof::fail(Object::Zone, evidence)
            .because(Reason::DnsBogus)
            .remedy(remedy),
    ]
}

fn by_bogus(context: &Context<'_>, tenant: &TenantWorld, check: Check, finding: &Finding) -> bool {
    if check != Check::Dns || matches!(finding.outcome, Outcome::Skipped | Outcome::Fail) {
        return false;
    }
    let name = tenant.tenant.hostname.as_str();
    if context.world.zone.through_resolvers && tenant.looked_at && tenant.dns.authoritative.is_empty() {
        // No resolver that answers was left to ask.
        return true;
    }
    context
        .world
        .zone
        .resolvers
        .iter()
        .filter(|resolver| validates_not(context, **resolver))
        .any(|resolver| {
            let looks = if context.world.zone.through_resolvers {
                &tenant.dns.authoritative
            } else {
                &tenant.dns.resolvers
            };
            let said = Said::read(looks, name, *resolver, &context.world.domain, false);
            matches!(said, Said::Fault(Reason::DnsServfail, _))
        })
}
