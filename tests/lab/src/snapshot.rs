//! What the servers read on every question: the staged faults and everything computed from them.
//! A snapshot never changes; staging puts another in its place.

use std::sync::{Arc, Mutex, PoisonError, RwLock};

use rustls::ServerConfig;

use crate::counters::Tally;
use crate::dns::contents::{self, Mode};
use crate::dns::zone::Zone;
use crate::edge::authority::Authority;
use crate::edge::behaviour;
use crate::edge::throttle::Bucket;
use crate::error::LabError;
use crate::fault::{Fault, FaultSet};
use crate::world::World;

/// The faults and what follows from them.
pub(crate) struct Snapshot {
    pub(crate) staged: Vec<Fault>,
    pub(crate) faults: FaultSet,
    /// Each server's zone.
    pub(crate) zones: Vec<Zone>,
    /// Each server's behaviour.
    pub(crate) modes: Vec<Mode>,
    /// How handshakes without a peculiarity of their own go on.
    pub(crate) tls: Arc<ServerConfig>,
    pub(crate) throttle: Option<Mutex<Bucket>>,
}

/// What all parts of a lab share.
pub(crate) struct Shared {
    pub(crate) world: World,
    pub(crate) authority: Authority,
    pub(crate) counters: Tally,
    servers: usize,
    current: RwLock<Arc<Snapshot>>,
}

impl Shared {
    pub(crate) fn new(world: World, authority: Authority, servers: usize) -> Result<Self, LabError> {
        let healthy = compute(&world, &authority, servers, Vec::new())?;
        Ok(Self {
            counters: Tally::new(&world),
            world,
            authority,
            servers,
            current: RwLock::new(Arc::new(healthy)),
        })
    }

    pub(crate) fn current(&self) -> Arc<Snapshot> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts other faults in the place of the staged ones. Whoever asks from now on meets them.
    pub(crate) fn replace(&self, staged: Vec<Fault>) -> Result<(), LabError> {
        let next = compute(&self.world, &self.authority, self.servers, staged)?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(next);
        Ok(())
    }
}

fn compute(world: &World, authority: &Authority, servers: usize, staged: Vec<Fault>) -> Result<Snapshot, LabError> {
    let faults = FaultSet::new(&staged);
    let zones = (0..servers)
        .map(|server| contents::zone(world, &faults, server))
        .collect::<Result<_, _>>()
        .map_err(|error| LabError::Name(error.to_string()))?;
    for tenant in faults.tenants() {
        if let Some(spec) = behaviour::own_certificate(world, &faults, tenant) {
            authority.mint(&spec)?;
        }
    }
    Ok(Snapshot {
        zones,
        modes: (0..servers).map(|server| contents::mode(&faults, server)).collect(),
        tls: authority.configuration(&behaviour::wildcard_certificate(world, &faults), false)?,
        throttle: faults.throttle().map(|limit| Mutex::new(Bucket::full(limit))),
        faults,
        staged,
    })
}
