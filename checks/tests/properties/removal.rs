//! Taking evidence away, one piece at a time: dropped as if nobody had asked, or left without having been reached.

use std::net::SocketAddr;

use roundsman_checks::evidence::{DnsQuery, Exchange, RecordKind, StepStatus, TenantDns, Visit};
use roundsman_checks::world::World;

use crate::removal_cloud;

/// What was taken away.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Removed {
    /// What a server of the zone said of a tenant.
    Authority(usize, SocketAddr),
    /// Which authorities may issue for a tenant.
    Caa(usize),
    /// What a resolver said, of a tenant or of a fresh label.
    Resolver,
    /// What a server of the zone said of the control name.
    Control(SocketAddr),
    /// A visit of a tenant.
    Visit(usize),
    /// A page, or the issuer document.
    Page(usize),
    /// A visit of the control name.
    EdgeControl(SocketAddr),
    /// The platform's word.
    Platform,
    /// What the platform says of an app: all, its certificates, its machines or one of them.
    App(String),
    /// Anything else: the wildcard's own record, blockers, chains, the vantage's controls.
    Other,
    /// All that was seen of a tenant.
    Tenant(usize),
}

/// Every world that lacks one piece of this one's evidence.
pub(crate) fn each(world: &World) -> Vec<(Removed, World)> {
    let mut lacking = Vec::new();
    zone(world, &mut lacking);
    for index in 0..world.tenants.len() {
        tenant(world, index, &mut lacking);
    }
    for index in 0..world.edge.controls.len() {
        let removed = Removed::EdgeControl(world.edge.controls[index].address);
        visits(world, &removed, index, |world| &mut world.edge.controls, &mut lacking);
    }
    for index in 0..world.edge.rechecks.len() {
        let removed = Removed::EdgeControl(world.edge.rechecks[index].address);
        visits(world, &removed, index, |world| &mut world.edge.rechecks, &mut lacking);
    }
    for id in world.chains.keys() {
        let mut less = world.clone();
        less.chains.remove(id);
        lacking.push((Removed::Other, less));
    }
    removal_cloud::each(world, &mut lacking);
    let mut less = world.clone();
    less.vantage.controls.clear();
    less.vantage.resolvers.clear();
    less.vantage.dates.clear();
    lacking.push((Removed::Other, less));
    lacking
}

fn zone(world: &World, lacking: &mut Vec<(Removed, World)>) {
    let zone = &world.zone;
    for (index, look) in zone.controls.iter().enumerate() {
        looks(
            world,
            &Removed::Control(look.server),
            index,
            |world| &mut world.zone.controls,
            lacking,
        );
    }
    for index in 0..zone.wildcards.len() {
        looks(
            world,
            &Removed::Other,
            index,
            |world| &mut world.zone.wildcards,
            lacking,
        );
    }
    for index in 0..zone.resolver_controls.len() {
        looks(
            world,
            &Removed::Resolver,
            index,
            |world| &mut world.zone.resolver_controls,
            lacking,
        );
    }
    for index in 0..zone.unchecked.len() {
        looks(
            world,
            &Removed::Resolver,
            index,
            |world| &mut world.zone.unchecked,
            lacking,
        );
    }
    for index in 0..zone.caa.len() {
        looks(world, &Removed::Other, index, |world| &mut world.zone.caa, lacking);
    }
    for index in 0..zone.acme.len() {
        looks(world, &Removed::Other, index, |world| &mut world.zone.acme, lacking);
    }
}

fn tenant(world: &World, at: usize, lacking: &mut Vec<(Removed, World)>) {
    let tenant = &world.tenants[at];
    for (index, look) in tenant.dns.authoritative.iter().enumerate() {
        let removed = match look.kind {
            RecordKind::Caa => Removed::Caa(at),
            _ => Removed::Authority(at, look.server),
        };
        looks(
            world,
            &removed,
            index,
            |world| &mut world.tenants[at].dns.authoritative,
            lacking,
        );
    }
    for index in 0..tenant.dns.resolvers.len() {
        looks(
            world,
            &Removed::Resolver,
            index,
            |world| &mut world.tenants[at].dns.resolvers,
            lacking,
        );
    }
    for index in 0..tenant.dns.blockers.len() {
        looks(
            world,
            &Removed::Other,
            index,
            |world| &mut world.tenants[at].dns.blockers,
            lacking,
        );
    }
    for index in 0..tenant.visits.len() {
        visits(
            world,
            &Removed::Visit(at),
            index,
            |world| &mut world.tenants[at].visits,
            lacking,
        );
        let mut less = world.clone();
        less.tenants[at].visits[index].issuer = Exchange::default();
        lacking.push((Removed::Page(at), less.clone()));
        less.tenants[at].visits[index].page = Exchange::default();
        lacking.push((Removed::Page(at), less));
    }
    for index in 0..tenant.retries.len() {
        let mut less = world.clone();
        less.tenants[at].retries.remove(index);
        lacking.push((Removed::Visit(at), less));
        let mut less = world.clone();
        if let Some(control) = less.tenants[at].retries[index].control.take() {
            lacking.push((Removed::EdgeControl(control.address), less));
        }
    }
    lacking.push((Removed::Tenant(at), without(world, at)));
}

/// A world in which nobody looked at this tenant.
pub(crate) fn without(world: &World, at: usize) -> World {
    let mut less = world.clone();
    let tenant = &mut less.tenants[at];
    tenant.probed = false;
    tenant.dns = TenantDns::default();
    tenant.visits.clear();
    tenant.retries.clear();
    less
}

fn looks(
    world: &World,
    removed: &Removed,
    index: usize,
    of: impl Fn(&mut World) -> &mut Vec<DnsQuery>,
    lacking: &mut Vec<(Removed, World)>,
) {
    let mut less = world.clone();
    of(&mut less).remove(index);
    lacking.push((removed.clone(), less));
    for end in [StepStatus::NotReached, StepStatus::Exhausted("descriptors".into())] {
        let mut silent = world.clone();
        let look = &mut of(&mut silent)[index];
        (look.reply, look.end) = (None, end);
        lacking.push((removed.clone(), silent));
    }
}

fn visits(
    world: &World,
    removed: &Removed,
    index: usize,
    of: impl Fn(&mut World) -> &mut Vec<Visit>,
    lacking: &mut Vec<(Removed, World)>,
) {
    let mut less = world.clone();
    of(&mut less).remove(index);
    lacking.push((removed.clone(), less));
    for end in [StepStatus::NotReached, StepStatus::Exhausted("descriptors".into())] {
        let mut unreached = world.clone();
        let visit = &mut of(&mut unreached)[index];
        *visit = Visit::new(visit.address, visit.name.clone());
        visit.connect.end = end;
        lacking.push((removed.clone(), unreached));
    }
}
