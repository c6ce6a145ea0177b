//! `dns`: at the zone's servers the tenant's addresses equal the control name's, and the resolvers say the same.

use std::net::SocketAddr;

use super::DnsAnswer;
use crate::evidence::Reason;
use crate::finding::{Finding, Outcome};
use crate::fleet::FleetContext;
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
    if !context.same(&own, control) {
        let reason = own.reason().unwrap_or(Reason::DnsMismatch);
        return compared(
            Finding::plain(Outcome::Fail, format!("{own}; the wildcard answers {control}")).because(reason),
        );
    }
    if let Some(reason) = control.reason() {
        return compared(Finding::plain(Outcome::Fail, format!("like the wildcard: {control}")).because(reason));
    }
    let addresses_outside_edge = context.addresses_outside_edge(control);
    if !addresses_outside_edge.is_empty() {
        let message = format!(
            "like the wildcard, {} is no address of the edge",
            super::list(&addresses_outside_edge)
        );
        return compared(Finding::plain(Outcome::Fail, message).because(Reason::DnsMismatch));
    }
    if let Some((resolver, said)) = stale(context, tenant, &own).into_iter().next() {
        let message = format!("resolver {resolver} still answers {said}");
        let finding = Finding::plain(Outcome::Warn, message).because(Reason::DnsMismatch);
        return finding.comparing(own.to_string(), said.to_string()).took(ms);
    }
    compared(Finding::plain(Outcome::Pass, "as the wildcard"))
}

/// The resolvers that say something else than the zone's servers, and what. A resolver that fails says nothing.
pub(crate) fn stale(context: &FleetContext, tenant: &TenantEvidence, own: &DnsAnswer) -> Vec<(SocketAddr, DnsAnswer)> {
    if context.fleet.zone.through_resolvers {
        return Vec::new();
    }
    let name = tenant.tenant.hostname.as_str();
    let said = context.fleet.zone.resolvers.iter().map(|resolver| {
        (
            *resolver,
            DnsAnswer::read(&tenant.dns.resolvers, name, *resolver, &context.fleet.domain, false),
        )
    });
    let differs = |said: &DnsAnswer| said.is_usable() && !same_places(context, own, said);
    said.filter(|(_, said)| differs(said)).collect()
}

/// The zone's own answer may be an alias that only a resolver follows: then the resolvers are compared among each
/// other, by way of the fresh label.
fn same_places(context: &FleetContext, own: &DnsAnswer, resolver: &DnsAnswer) -> bool {
    let ours = if own.addresses().is_empty() && own.has_answer() {
        context.resolved(own)
    } else {
        own.addresses()
    };
    ours == resolver.addresses()
}

fn at(server: Option<SocketAddr>) -> String {
    server.map_or_else(|| "the zone's servers".into(), |server| format!("server {server}"))
}
