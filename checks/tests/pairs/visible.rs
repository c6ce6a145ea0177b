//! What was seen of one tenant put together of two worlds: what stands in front hides what stands behind it.

use roundsman_checks::evidence::{ChainId, DnsQuery, Millis, TenantDns, Visit};
use roundsman_checks::world::TenantEvidence;

use crate::recorded::{Alone, healthy, tenant};

/// What DNS says of a tenant where `base` is wrong with the zone and `other` with the tenant: a server that gives no
/// usable answer gives none about the tenant either. Which server of the zone is asked changes from round to round; the
/// base's round counts.
pub(crate) fn dns(base: &TenantDns, other: &TenantDns, from: &TenantDns) -> TenantDns {
    let anywhere = |one: &DnsQuery, two: &DnsQuery| (one.kind, &one.name) == (two.kind, &two.name);
    let there = |one: &DnsQuery, two: &DnsQuery| one.server == two.server && anywhere(one, two);
    let mut dns = base.clone();
    dns.authoritative = looks(&from.authoritative, &base.authoritative, &other.authoritative, anywhere);
    dns.resolvers = looks(&from.resolvers, &base.resolvers, &other.resolvers, there);
    if !other.blockers.is_empty() {
        dns.blockers.clone_from(&other.blockers);
    }
    dns
}

fn looks(
    from: &[DnsQuery],
    base: &[DnsQuery],
    other: &[DnsQuery],
    same: impl Fn(&DnsQuery, &DnsQuery) -> bool,
) -> Vec<DnsQuery> {
    let silent = |look: &DnsQuery| look.reply.as_ref().is_none_or(|reply| !matches!(reply.rcode, 0 | 3));
    let find = |looks: &[DnsQuery], look: &DnsQuery| looks.iter().find(|known| same(known, look)).cloned();
    let changed = |look: &DnsQuery| find(from, look).is_none_or(|from| said(&from) != said(look));
    let taken = base.iter().map(|look| match find(other, look) {
        Some(mut theirs) if changed(&theirs) && !silent(look) => {
            theirs.server = look.server;
            theirs
        }
        _ => look.clone(),
    });
    let usable = base.iter().find(|look| !silent(look)).map(|look| look.server);
    let more = other.iter().filter(|look| find(base, look).is_none() && changed(look));
    let more = more.filter_map(|look| {
        let mut look = look.clone();
        look.server = usable?;
        Some(look)
    });
    taken.chain(more).collect()
}

/// What was said, without how long it took and how long it may be kept.
fn said(look: &DnsQuery) -> DnsQuery {
    let mut look = look.clone();
    look.server = std::net::SocketAddr::from(([0, 0, 0, 0], 53));
    (look.ms, look.sent_at) = (Millis(0.0), None);
    for record in look.reply.iter_mut().flat_map(|reply| &mut reply.answers) {
        record.ttl = 0;
    }
    look
}

/// How far a tenant's visits came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Came {
    /// Nothing was shown: not visited, not connected, or cut.
    Nowhere,
    /// A chain that does not verify.
    ToTheChain,
    /// Over a channel that stands.
    Through,
}

/// How far the visit that counts came.
pub(crate) fn came(tenant: &TenantEvidence) -> Came {
    match tenant.visit() {
        Some(visit) if visit.handshake.end.is_done() => Came::Through,
        Some(visit) if visit.handshake.chain.is_some() => Came::ToTheChain,
        _ => Came::Nowhere,
    }
}

/// Whether a tenant is served another chain than healthy ones are.
pub(crate) fn has_own_chain(tenant: &TenantEvidence) -> bool {
    let chain = tenant.visit().and_then(|visit| visit.handshake.chain);
    chain.is_some() && chain != healthy_chain()
}

fn healthy_chain() -> Option<ChainId> {
    let healthy = healthy().world.tenants.first()?;
    healthy.visit()?.handshake.chain
}

/// A tenant with the visits of another world, and what was asked because of them.
pub(crate) fn visited_as(tenant: &TenantEvidence, visited: &TenantEvidence) -> TenantEvidence {
    let mut tenant = tenant.clone();
    tenant.visits.clone_from(&visited.visits);
    tenant.retries.clone_from(&visited.retries);
    tenant.direct.clone_from(&visited.direct);
    tenant.details.clone_from(&visited.details);
    tenant.log = visited.log.clone();
    (tenant.spared, tenant.checks_asked) = (visited.spared, visited.checks_asked);
    (tenant.asleep, tenant.woken) = (visited.asleep, visited.woken);
    tenant
}

/// A tenant that gets the same answers with the certificate of another world.
pub(crate) fn served_as(tenant: &TenantEvidence, served: &TenantEvidence) -> TenantEvidence {
    let mut tenant = tenant.clone();
    let handshake = served.visit().map(|visit| visit.handshake.clone());
    for (visit, handshake) in tenant.visits.iter_mut().zip(std::iter::repeat(handshake)) {
        visit.handshake = handshake.unwrap_or_default();
    }
    tenant
}

/// The same where some addresses of the edge fail for every name: there the base's visits count, and the other's are
/// made where the edge stands.
pub(crate) fn where_the_edge_stands(base: &Alone, id: &str, other: &TenantEvidence) -> TenantEvidence {
    let edge = &base.world.edge;
    let stands = |visit: &Visit| {
        let control = edge.control_at(visit.address);
        control.is_some_and(|control| control.handshake.end.is_done())
    };
    let mut tenant = other.clone();
    let fails = base.tenant(id).visits.iter().filter(|visit| !stands(visit));
    let good = edge.controls.iter().find(|control| stands(control));
    let Some(address) = good.map(|control| control.address) else {
        return tenant;
    };
    let move_away = |visit: &mut Visit| {
        if !stands(visit) {
            visit.address = address;
        }
    };
    // Of visits at several addresses one is left for each that stands.
    if tenant.visits.iter().any(&stands) {
        tenant.visits.retain(stands);
    }
    tenant.visits.iter_mut().for_each(move_away);
    for retry in &mut tenant.retries {
        move_away(&mut retry.visit);
        retry.control.iter_mut().for_each(move_away);
    }
    tenant.visits.splice(0..0, fails.cloned());
    tenant
}

/// The healthy evidence of a tenant.
pub(crate) fn of_healthy(id: &str) -> &'static TenantEvidence {
    tenant(&healthy().world, id)
}
