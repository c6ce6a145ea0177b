//! What is known from before this process.

use std::sync::Arc;

use jiff::Timestamp;
use roundsman_alerts::notification::{Delivery, Thread};
use roundsman_alerts::{Incident, Key, Looks, Silence};
use roundsman_checks::diagnosis::{Cause, Status};
use roundsman_checks::target::Tenant;

use super::Seen;
use crate::history::Hour;

/// Everything that a start goes on from.
#[derive(Clone, Debug, Default)]
pub struct Remembered {
    /// The incidents that are not over, or may be reopened.
    pub incidents: Vec<Incident>,
    /// How looks went at what comes and goes.
    pub looks: Vec<(Key, Looks)>,
    /// The number of the incident that was opened last.
    pub number: u64,
    /// How tenants were.
    pub tenants: Vec<TenantMemory>,
    /// Whom the sources named, and whether their end is nobody's business.
    pub inventory: Vec<(Arc<Tenant>, bool)>,
    /// How long things took in the middle of all tenants, by the hour.
    pub hours: Vec<Hour>,
    /// The silences that are not over.
    pub silences: Vec<Silence>,
    /// What is told together.
    pub threads: Vec<Thread>,
    /// What is to be delivered, or was given up.
    pub deliveries: Vec<Delivery>,
}

/// How a tenant was.
#[derive(Clone, Debug, PartialEq)]
pub struct TenantMemory {
    /// Its id.
    pub tenant: String,
    /// How it was.
    pub status: Status,
    /// The cause that decided that.
    pub cause: Option<Cause>,
    /// Since when.
    pub since: Timestamp,
    /// When it was well last.
    pub last_good: Option<Timestamp>,
    /// What was seen of it then.
    pub good: Option<Arc<Seen>>,
    /// Whether its end is nobody's business: who named it took it out by hand.
    pub by_hand: bool,
}
