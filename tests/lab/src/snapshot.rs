//! What the servers read on every question: the staged faults and everything computed from them.
//! A snapshot never changes; staging puts another in its place.

use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use hickory_proto::rr::{Name, RData};
use rustls::ServerConfig;

use crate::clock;
use crate::counters::Tally;
use crate::dns::contents::{self, Mode};
use crate::dns::zone::Zone;
use crate::edge::authority::Authority;
use crate::edge::behaviour;
use crate::edge::throttle::Bucket;
use crate::error::LabError;
use crate::fault::{Fault, FaultSet};
use crate::platform::{Edits, Platform};
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
    /// When the faults were staged.
    since: Instant,
}

impl Snapshot {
    /// For how long the faults have been staged.
    pub(crate) fn age(&self) -> Duration {
        clock::monotonic().saturating_duration_since(self.since)
    }
}

/// What all parts of a lab share.
pub(crate) struct Shared {
    pub(crate) world: World,
    pub(crate) authority: Authority,
    pub(crate) counters: Tally,
    pub(crate) platform: Option<Platform>,
    servers: usize,
    /// Held by whoever puts another snapshot in the place of the current one.
    changing: Mutex<()>,
    current: RwLock<Arc<Snapshot>>,
}

impl Shared {
    pub(crate) fn new(world: World, authority: Authority, servers: usize) -> Result<Self, LabError> {
        let healthy = compute(&world, &authority, servers, Vec::new(), &Edits::default())?;
        Ok(Self {
            counters: Tally::new(&world),
            platform: world.platform.then(|| Platform::new(&world)),
            world,
            authority,
            servers,
            changing: Mutex::default(),
            current: RwLock::new(Arc::new(healthy)),
        })
    }

    pub(crate) fn current(&self) -> Arc<Snapshot> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts other faults in the place of the staged ones. Whoever asks from now on meets them.
    pub(crate) fn replace(&self, staged: Vec<Fault>) -> Result<(), LabError> {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let (old, new) = (self.current(), FaultSet::new(&staged));
        let platform = self.platform.as_ref();
        let edits = platform.map(|platform| {
            platform.forget_edits(&self.world, &old.faults, &new);
            platform.edits()
        });
        let edits = edits.unwrap_or_default();
        let next = compute(&self.world, &self.authority, self.servers, staged, &edits)?;
        if let Some(platform) = platform {
            platform.follow(&self.world, &old.faults, &new);
        }
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(next);
        Ok(())
    }

    /// Takes a record out of the zone, for as long as the faults of its name stay as they are.
    pub(crate) fn remove_record(&self, name: Name, data: RData) -> Result<(), LabError> {
        self.edit(|platform| platform.remove_record(name, data))
    }

    /// Puts a record into the zone, for as long as the faults of its name stay as they are.
    pub(crate) fn add_record(&self, name: Name, data: RData) -> Result<(), LabError> {
        self.edit(|platform| platform.add_record(name, data))
    }

    fn edit(&self, edit: impl FnOnce(&Platform)) -> Result<(), LabError> {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(platform) = &self.platform else { return Ok(()) };
        edit(platform);
        let staged = self.current().staged.clone();
        let next = compute(&self.world, &self.authority, self.servers, staged, &platform.edits())?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(next);
        Ok(())
    }
}

fn compute(
    world: &World,
    authority: &Authority,
    servers: usize,
    staged: Vec<Fault>,
    edits: &Edits,
) -> Result<Snapshot, LabError> {
    let faults = FaultSet::new(&staged);
    let mut zones: Vec<Zone> = (0..servers)
        .map(|server| contents::zone(world, &faults, server))
        .collect::<Result<_, _>>()
        .map_err(|error| LabError::Name(error.to_string()))?;
    for (name, data) in &edits.removed {
        zones.iter_mut().for_each(|zone| zone.remove_record(name, data));
    }
    for (name, data) in &edits.added {
        zones.iter_mut().for_each(|zone| zone.add(name, data.clone()));
    }
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
        since: clock::monotonic(),
        faults,
        staged,
    })
}
