//! What the lab has been asked for so far.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

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
    /// HTTP requests that went to a tenant's app directly, by tenant.
    pub direct_requests: BTreeMap<String, u64>,
    /// Requests to the simulated APIs, answered or not, by `api/operation`: `graphql/` and the name
    /// of the operation, `machines/` or `cloudflare/` and what is done.
    pub api: BTreeMap<String, u64>,
    /// All of them together.
    pub api_requests: u64,
    /// Those of them that change something, whether or not they were allowed to.
    pub writes: u64,
    /// Requests that woke a sleeping app.
    pub woken: u64,
    /// The values of `traceparent` of the latest requests for tenants, by tenant; `-` where there was none.
    pub traceparents: BTreeMap<String, Vec<String>>,
}

/// Of how many requests of a tenant the lab knows which trace they belong to.
const MOST_TRACED: usize = 1_000;

/// The counters while they count.
pub(crate) struct Tally {
    pub(crate) dns_queries: AtomicU64,
    pub(crate) resolver_queries: AtomicU64,
    pub(crate) handshakes: AtomicU64,
    pub(crate) unknown_requests: AtomicU64,
    pub(crate) writes: AtomicU64,
    pub(crate) woken: AtomicU64,
    api: Mutex<BTreeMap<String, u64>>,
    direct: Mutex<BTreeMap<String, u64>>,
    traceparents: Mutex<BTreeMap<String, Vec<String>>>,
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
            writes: AtomicU64::new(0),
            woken: AtomicU64::new(0),
            api: Mutex::default(),
            direct: Mutex::default(),
            traceparents: Mutex::default(),
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

    /// A request for a tenant says which trace it belongs to, or does not.
    pub(crate) fn traced(&self, world: &World, host: &str, traceparent: Option<&str>) {
        if let Some(tenant) = world.label_of(host).filter(|label| world.position(label).is_some()) {
            let mut all = self.traceparents.lock().unwrap_or_else(PoisonError::into_inner);
            let of_tenant = all.entry(tenant.to_owned()).or_default();
            if of_tenant.len() == MOST_TRACED {
                of_tenant.remove(0);
            }
            of_tenant.push(traceparent.unwrap_or("-").to_owned());
        }
    }

    /// A request to one of the APIs.
    pub(crate) fn api(&self, api: &str, operation: &str) {
        count(&self.api, format!("{api}/{operation}"));
    }

    /// A request to a tenant's app that did not come through the edge.
    pub(crate) fn direct(&self, tenant: &str) {
        count(&self.direct, tenant.to_owned());
    }

    pub(crate) fn read(&self, world: &World) -> Counters {
        let api = self.api.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let direct = self.direct.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let traceparents = &self.traceparents;
        let traceparents = traceparents.lock().unwrap_or_else(PoisonError::into_inner).clone();
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
            direct_requests: direct,
            api_requests: api.values().sum(),
            api,
            writes: get(&self.writes),
            woken: get(&self.woken),
            traceparents,
        }
    }
}

fn count(counters: &Mutex<BTreeMap<String, u64>>, key: String) {
    let mut counters = counters.lock().unwrap_or_else(PoisonError::into_inner);
    *counters.entry(key).or_default() += 1;
}
