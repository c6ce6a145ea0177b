//! What a dispatcher hears, and what it says is to be done. Plain data.

use std::sync::Arc;

use jiff::Timestamp;
use roundsman_alerts::notification::{Changes, Delivery, DeliveryId, Outcome};
use roundsman_alerts::{Incident, Key, Looks, Silence, Transition};
use roundsman_checks::diagnosis::Judgement;
use roundsman_checks::fleet::FleetContext;
use roundsman_checks::target::{Tenant, TenantId};

use super::{Seen, Settings};
use crate::history::{Hour, Timings};
use crate::inventory::Inventory;

/// Names a tenant of a dispatcher; never given to another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TenantIx(pub(super) u32);

/// Something that is done again and again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Job {
    /// The look at agent, zone and edge.
    Fleet,
    /// Reading the APIs and the inventory.
    Read,
    /// What is shared, proven anew.
    Review,
    /// The examination of a tenant.
    Tenant(TenantIx),
}

/// What happened.
pub enum Event {
    /// Time has passed.
    Tick,
    /// The APIs and the inventory were read.
    Read(Box<Reading>),
    /// Agent, zone and edge were looked at; `None` where that could not even begin.
    Looked(Option<Arc<FleetContext>>),
    /// A tenant was examined.
    Examined(TenantIx, Box<Examined>),
    /// A tenant could not be examined.
    NotExamined(TenantIx),
    /// What became of an attempt to deliver something.
    Delivered(DeliveryId, Outcome),
    /// The silences are these from now on.
    Silenced(Vec<Silence>),
    /// What was given up before this moment of the wall's clock is forgotten.
    Forget(Timestamp),
    /// Another configuration is in force.
    Reloaded(Box<Settings>),
}

/// How much of the APIs is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Extent {
    /// All of it.
    #[default]
    Whole,
    /// What changed since then at the machines of the platform.
    Changes,
    /// Nothing: only who the tenants are is asked for.
    Inventory,
}

/// What one reading brought.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    /// How much was read.
    pub extent: Extent,
    /// Whether the platform's word is known now, so that what changes can be added to it.
    pub told: bool,
    /// Whether some of what changed is not known, or does not fit.
    pub doubtful: bool,
    /// Who the tenants are; `None` where nobody could be asked.
    pub inventory: Option<Inventory>,
    /// Whether the platform's word is another one than before.
    pub changed: bool,
    /// How many calls of APIs it took.
    pub calls: u32,
}

/// What one examination brought.
#[derive(Clone, Debug)]
pub struct Examined {
    /// What is said of the tenant alone.
    pub judgement: Judgement,
    /// What was seen of it that is worth comparing with what was seen while it was well.
    pub seen: Arc<Seen>,
    /// Whether it slept, and was woken for its page.
    pub woken: bool,
    /// Whether the agent itself ran out of something while it looked.
    pub ran_out: bool,
    /// How long its first visit took until the answer, in milliseconds.
    pub answered_in: Option<f64>,
    /// How long each part of that visit took.
    pub timings: Timings,
    /// When what is served for it ends; `None` where nothing was served.
    pub not_after: Option<Timestamp>,
    /// When the examination began, by the wall's clock.
    pub at: Timestamp,
}

/// What is to be done.
#[derive(Clone, Debug)]
pub enum Effect {
    /// Look at agent, zone and edge.
    Look,
    /// Read the APIs, so much of them, and the inventory.
    Read(Extent),
    /// Examine a tenant.
    Examine {
        /// Which.
        ix: TenantIx,
        /// Who it is.
        tenant: Arc<Tenant>,
        /// Whether it is visited, or spared that because the edge fails for every name.
        visit: bool,
        /// Whether it may be woken for its page.
        wake: bool,
    },
    /// Keep what happened to incidents, in one transaction.
    Commit(Commit),
    /// Deliver something, once what led to it is kept.
    Deliver(Delivery),
    /// Keep what is known of a tenant, when there is time.
    Record(Record),
    /// Keep what was seen of a tenant that is well, where that is not what was kept.
    Good(String, Arc<Seen>),
    /// Keep who a tenant is, and whether its end is nobody's business: a source names it so from now on.
    Named(Arc<Tenant>, bool),
    /// Keep an hour of a tenant; `None`: of all together.
    Hour(Option<TenantId>, Hour),
    /// Keep nothing of a tenant any more but what happened.
    Gone(String),
}

/// What happened to incidents: written together, or not at all.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Commit {
    /// What happened, in order.
    pub transitions: Vec<Transition>,
    /// The incidents as they are now.
    pub incidents: Vec<Incident>,
    /// The incidents that are not there any more.
    pub forgotten: Vec<Key>,
    /// How the looks at each key of these went; `None` where that counts no more.
    pub looks: Vec<(Key, Option<Looks>)>,
    /// The number of the incident that was opened last.
    pub number: u64,
    /// What was told of them, and what is to be.
    pub told: Changes,
}

/// What changed at a tenant.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Its id.
    pub tenant: String,
    /// How it is.
    pub status: roundsman_checks::diagnosis::Status,
    /// The cause that decides that.
    pub cause: Option<roundsman_checks::diagnosis::Cause>,
    /// When that was found, by the wall's clock.
    pub at: Timestamp,
    /// When it was well last, by the wall's clock.
    pub last_good: Option<Timestamp>,
    /// Whether its end is nobody's business: who named it took it out by hand.
    pub by_hand: bool,
    /// Whether nothing was known of it before.
    pub first: bool,
}

impl Commit {
    /// Both as one, where what is later cannot be written by itself: of each incident and key the later word. Of what
    /// happened at most so much is kept, the latest.
    pub(crate) fn absorb(&mut self, later: Self, most: usize) {
        let Self {
            transitions,
            incidents,
            forgotten,
            looks,
            number,
            told,
        } = later;
        self.transitions.extend(transitions);
        let before = self.transitions.len().saturating_sub(most);
        self.transitions.drain(..before);
        let again = |key: &Key| incidents.iter().any(|incident| incident.core().key == *key) || forgotten.contains(key);
        self.incidents.retain(|incident| !again(&incident.core().key));
        self.forgotten.retain(|key| !again(key));
        self.looks
            .retain(|(key, _)| !looks.iter().any(|(other, _)| other == key));
        self.incidents.extend(incidents);
        self.forgotten.extend(forgotten);
        self.looks.extend(looks);
        self.number = number;
        self.told.absorb(told);
    }
}
