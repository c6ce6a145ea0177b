//! The simulated platform: its GraphQL and REST APIs, the DNS provider's API, and the tenant apps
//! as they answer without the edge. What faults make of them is decided in `platform::build`.

mod build;
mod cloudflare;
pub(crate) mod direct;
mod effect;
mod estate;
mod graphql;
pub(crate) mod harm;
mod hold;
pub(crate) mod lie;
mod limits;
pub(crate) mod logs;
mod present;
mod reply;
mod rest;
pub(crate) mod server;

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use hickory_proto::rr::{Name, RData};
use serde_json::Value;

use crate::clock;
use crate::fault::FaultSet;
use crate::world::World;
use estate::Estate;
use limits::Limits;

pub(crate) use build::{app_name, tenant_of};
pub use hold::{Hold, HoldAt};

pub(crate) use estate::{EDGE_APP, ORGANIZATION, Visit};

/// The platform's own domain, which each app has a name below.
pub(crate) const APP_DOMAIN: &str = "lab-apps.test";
/// What the platform takes.
pub(crate) const FLY_TOKEN: &str = "fm2_lab";
/// What the DNS provider takes.
pub(crate) const CLOUDFLARE_TOKEN: &str = "cf_lab_token";
/// Tokens that may read and change nothing.
pub(crate) const FLY_READ_TOKEN: &str = "fm2_lab_readonly";
pub(crate) const CLOUDFLARE_READ_TOKEN: &str = "cf_lab_readonly";
/// The second label in the host name of a tenant that the wildcard does not cover.
const DEEPER: &str = "eu";
const PAGE: usize = 100;

/// What somebody changed in the zone.
#[derive(Default)]
pub(crate) struct Edits {
    pub(crate) removed: Vec<(Name, RData)>,
    pub(crate) added: Vec<(Name, RData)>,
}

/// The state behind the APIs.
pub(crate) struct Platform {
    estate: Mutex<Estate>,
    limits: Limits,
    page: AtomicUsize,
    writes: Mutex<Vec<String>>,
    removed: Mutex<Vec<(Name, RData)>>,
    /// Records that somebody made.
    added: Mutex<Vec<(Name, RData)>>,
    /// What was said of them, by their ids.
    said: Mutex<HashMap<String, Value>>,
    logs: logs::Logs,
    holds: hold::Holds,
    /// Where apps answer directly.
    direct: OnceLock<Vec<IpAddr>>,
}

impl Platform {
    pub(crate) fn new(world: &World) -> Self {
        Self {
            estate: Mutex::new(build::estate(world, clock::now().seconds)),
            limits: Limits::default(),
            page: AtomicUsize::new(PAGE),
            writes: Mutex::default(),
            removed: Mutex::default(),
            added: Mutex::default(),
            said: Mutex::default(),
            logs: logs::Logs::default(),
            holds: hold::Holds::default(),
            direct: OnceLock::new(),
        }
    }

    /// The account as it is at this moment.
    fn estate(&self) -> MutexGuard<'_, Estate> {
        let mut estate = locked(&self.estate);
        estate.settle(clock::now());
        estate
    }

    pub(crate) fn follow(&self, world: &World, old: &FaultSet, new: &FaultSet) {
        let now = clock::now().seconds;
        build::follow(&mut locked(&self.estate), world, old, new, now);
        self.log_crashes(world, old, new);
    }

    /// The largest page that GraphQL gives.
    pub(crate) fn page(&self) -> usize {
        self.page.load(Ordering::Relaxed)
    }

    pub(crate) fn limit_pages(&self, page: usize) {
        self.page.store(page, Ordering::Relaxed);
    }

    /// Remembers a call that changes something.
    fn record_write(&self, call: String) {
        locked(&self.writes).push(call);
    }

    pub(crate) fn writes(&self) -> Vec<String> {
        locked(&self.writes).clone()
    }

    /// How many calls came with a token that may write.
    pub(crate) fn writer_calls(&self) -> usize {
        self.holds.calls()
    }

    /// Holds up the `number`th such call from now on.
    pub(crate) fn hold(&self, number: usize, at: HoldAt) -> Hold {
        self.holds.set(number, at)
    }

    /// Remembers a record that was deleted.
    pub(crate) fn remove_record(&self, name: Name, data: RData) {
        let record = (name, data);
        let mut added = locked(&self.added);
        match added.iter().position(|other| *other == record) {
            Some(at) => drop(added.remove(at)),
            None => locked(&self.removed).push(record),
        }
    }

    /// Remembers a record that was made.
    pub(crate) fn add_record(&self, name: Name, data: RData) {
        let record = (name, data);
        let mut removed = locked(&self.removed);
        match removed.iter().position(|other| *other == record) {
            Some(at) => drop(removed.remove(at)),
            None => locked(&self.added).push(record),
        }
    }

    /// Remembers what was said of a record when it was made.
    pub(crate) fn say(&self, id: &str, said: &Value) {
        locked(&self.said).insert(id.to_owned(), said.clone());
    }

    pub(crate) fn said(&self, id: &str) -> Option<Value> {
        locked(&self.said).get(id).cloned()
    }

    /// Forgets what was deleted or made at names whose faults change.
    pub(crate) fn forget_edits(&self, world: &World, old: &FaultSet, new: &FaultSet) {
        let stays = |(name, _): &(Name, RData)| match owner(world, name) {
            Some(tenant) => old.of(tenant) == new.of(tenant),
            None => old.general() == new.general(),
        };
        locked(&self.removed).retain(stays);
        locked(&self.added).retain(stays);
    }

    /// What was deleted, and what was made.
    pub(crate) fn edits(&self) -> Edits {
        Edits {
            removed: locked(&self.removed).clone(),
            added: locked(&self.added).clone(),
        }
    }

    pub(crate) fn set_direct(&self, addresses: Vec<IpAddr>) {
        // The lab starts once.
        let _ = self.direct.set(addresses);
    }

    /// Where the app of this name can be reached without the edge; nowhere if it has no address.
    pub(crate) fn direct_addresses(&self, app: &str) -> Vec<IpAddr> {
        let estate = self.estate();
        let Some(app) = estate.apps.get(app) else {
            return Vec::new();
        };
        let v4 = app.shared_address.is_some() || app.addresses.iter().any(|address| !address.v6);
        let v6 = app.addresses.iter().any(|address| address.v6);
        let all = self.direct.get().into_iter().flatten().copied();
        all.filter(|address| if address.is_ipv4() { v4 } else { v6 }).collect()
    }
}

/// The host name of a tenant: of two labels where the wildcard is not to cover it.
pub(crate) fn host(world: &World, faults: &FaultSet, tenant: &str) -> String {
    if faults.at(tenant, "certificate-missing").is_some() {
        return format!("{tenant}.{DEEPER}.{}", world.domain);
    }
    world.host(tenant)
}

/// The tenant whose name a record belongs to or is below.
fn owner<'a>(world: &'a World, name: &Name) -> Option<&'a str> {
    let labels = usize::from(world.apex.num_labels());
    let label = name.iter().rev().nth(labels)?;
    world.tenant(std::str::from_utf8(label).ok()?)
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
