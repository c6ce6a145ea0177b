//! What the lab has been asked for so far.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::world::World;

/// What the lab has been asked for since it started.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize)]
pub struct Counters {
    /// Questions to the authoritative servers, answered or not.
    pub dns_queries: u64,
    /// Questions to the resolver, answered or not.
    pub resolver_queries: u64,
    /// TCP connections accepted, by address of the edge.
    pub connections: BTreeMap<IpAddr, u64>,
    /// TLS handshakes completed.
    pub handshakes: u64,
    /// HTTP requests for tenants, by the tenant that was asked for.
    pub requests: BTreeMap<String, u64>,
    /// HTTP requests for names that no tenant has.
    pub unknown_requests: u64,
}

/// The counters while they count.
pub(crate) struct Tally {
    pub(crate) dns_queries: AtomicU64,
    pub(crate) resolver_queries: AtomicU64,
    pub(crate) handshakes: AtomicU64,
    pub(crate) unknown_requests: AtomicU64,
    connections: Vec<(IpAddr, AtomicU64)>,
    requests: Vec<AtomicU64>,
}

impl Tally {
    pub(crate) fn new(world: &World) -> Self {
        let zero = |address: &IpAddr| (*address, AtomicU64::new(0));
        Self {
            dns_queries: AtomicU64::new(0),
            resolver_queries: AtomicU64::new(0),
            handshakes: AtomicU64::new(0),
            unknown_requests: AtomicU64::new(0),
            connections: world.edge_addresses.iter().map(zero).collect(),
            requests: world.tenants.iter().map(|_| AtomicU64::new(0)).collect(),
        }
    }

    pub(crate) fn connection(&self, address: IpAddr) {
        if let Some((_, count)) = self.connections.iter().find(|(have, _)| *have == address) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn request(&self, world: &World, host: &str) {
        let position = world.label_of(host).and_then(|label| world.position(label));
        let counter = position.map_or(&self.unknown_requests, |at| &self.requests[at]);
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn read(&self, world: &World) -> Counters {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counters {
            dns_queries: get(&self.dns_queries),
            resolver_queries: get(&self.resolver_queries),
            connections: self.connections.iter().map(|(ip, count)| (*ip, get(count))).collect(),
            handshakes: get(&self.handshakes),
            requests: world
                .tenants
                .iter()
                .cloned()
                .zip(self.requests.iter().map(get))
                .collect(),
            unknown_requests: get(&self.unknown_requests),
        }
    }
}
