//! `dns`: at the zone's servers the tenant's addresses equal the control name's, and the resolvers say the same.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

use crate::evidence::Reason;
use crate::finding::{Finding, Outcome};
use crate::fleet::FleetContext;
use crate::reading::{DnsAnswer, joined};
use crate::world::TenantEvidence;

pub(super) fn judge(context: &FleetContext, tenant: &TenantEvidence) -> Finding {
    let (server, own) = context.tenant_answer(tenant);
    let ms = tenant
        .dns
        .authoritative
        .iter()
        .map(|look| look.ms.0)
        .fold(0.0, f64::max);
    match &own {
        DnsAnswer::Nothing => return Finding::plain(Outcome::Unknown, "no server of the zone could be asked"),
        DnsAnswer::Exhausted(what) => return Finding::plain(Outcome::Unknown, format!("not asked: {what}")),
        DnsAnswer::Fault(reason, detail) | DnsAnswer::Silent(reason, detail) => {
            let outcome = if *reason == Reason::DnsTimeout {
                Outcome::Unknown
            } else {
                Outcome::Fail
            };
            return Finding::plain(outcome, format!("{}: {detail}", at(server)))
                .because(*reason)
                .took(ms);
        }
        _ => {}
    }
    let Some(control) = context.control_for(server) else {
        return Finding::plain(Outcome::Unknown, "no control name was answered to compare with").took(ms);
    };
    let compared = |finding: Finding| finding.comparing(control.to_string(), own.to_string()).took(ms);
    let (same, follows) = (context.same(&own, control), context.follows(tenant, &own, control));
    let addresses_outside_edge = match context.edge_partial() {
        Some(_) => BTreeSet::new(),
        None => context.addresses_outside_edge(control),
    };
    let wildcard_leads_elsewhere = !addresses_outside_edge.is_empty();
    // Whatever its addresses are: without one in a family that the wildcard has, it differs.
    let complete = has_each_family_of(&own.addresses(), &control.addresses());
    let in_the_dark = context.leads_into_the_dark(&own.addresses()).filter(|_| complete);
    if let Some(fault) = in_the_dark.filter(|_| !follows && control.has_answer()) {
        let detail = &fault.detail;
        let message =
            format!("{own}; the wildcard answers {control}; whether both are the edge's is not known: {detail}");
        return compared(Finding::plain(Outcome::Unknown, message).because(fault.reason));
    }
    if !follows || (!same && wildcard_leads_elsewhere) {
        let reason = own.reason().unwrap_or(Reason::DnsMismatch);
        return compared(
            Finding::plain(Outcome::Fail, format!("{own}; the wildcard answers {control}")).because(reason),
        );
    }
    if let Some(reason) = control.reason() {
        return compared(Finding::plain(Outcome::Fail, format!("like the wildcard: {control}")).because(reason));
    }
    if !addresses_outside_edge.is_empty() {
        let message = format!(
            "like the wildcard, {} is no address of the edge",
            joined(&addresses_outside_edge)
        );
        return compared(Finding::plain(Outcome::Fail, message).because(Reason::DnsMismatch));
    }
    if let Some((resolver, said)) = stale(context, tenant, &own).into_iter().next() {
        let message = format!("resolver {resolver} still answers {said}");
        let finding = Finding::plain(Outcome::Warn, message).because(Reason::DnsMismatch);
        return finding.comparing(own.to_string(), said.to_string()).took(ms);
    }
    let message = match same {
        true => "as the wildcard",
        false => "addresses of the edge, as the wildcard's",
    };
    compared(Finding::plain(Outcome::Pass, message))
}

/// Whether there is an address in each family in which there is another one.
fn has_each_family_of(addresses: &BTreeSet<IpAddr>, others: &BTreeSet<IpAddr>) -> bool {
    let of_same_family = |other: &IpAddr| addresses.iter().any(|address| address.is_ipv4() == other.is_ipv4());
    others.iter().all(of_same_family)
}

/// The resolvers that say something else than the zone's servers, and what. A resolver that fails says nothing, and one
/// that gives something else to a label that nobody ever asked for does so by design: no cache can know that label. While
/// the edge's addresses are not all known, another answer may be the edge's as well.
pub(crate) fn stale(context: &FleetContext, tenant: &TenantEvidence, own: &DnsAnswer) -> Vec<(SocketAddr, DnsAnswer)> {
    if context.fleet.zone.through_resolvers || context.edge_partial().is_some() {
        return Vec::new();
    }
    let name = tenant.tenant.hostname.as_str();
    let resolvers = context.fleet.zone.resolvers.iter();
    let seeing = resolvers.filter(|resolver| context.sees_zone(**resolver) == Some(true));
    let said = seeing.map(|resolver| (*resolver, context.said_by(&tenant.dns.resolvers, name, *resolver)));
    said.filter(|(resolver, said)| said.is_usable() && !is_right(context, *resolver, own, said))
        .collect()
}

/// Whether a resolver says of a tenant what the zone says, or what the resolver says of a label that it can't know: an
/// alias that leaves the zone has its addresses from resolvers alone.
fn is_right(context: &FleetContext, resolver: SocketAddr, own: &DnsAnswer, said: &DnsAnswer) -> bool {
    let fresh = context.resolver_controls.get(&resolver);
    let follows = match (own, said) {
        (DnsAnswer::Addresses { addresses, aliases }, DnsAnswer::Addresses { aliases: chain, .. }) => {
            addresses.is_empty() && chain.starts_with(aliases)
        }
        _ => false,
    };
    follows || context.alike(said, own) || fresh.is_some_and(|fresh| context.alike(said, fresh))
}

fn at(server: Option<SocketAddr>) -> String {
    server.map_or_else(|| "the zone's servers".into(), |server| format!("server {server}"))
}
