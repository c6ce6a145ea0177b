//! What a dispatcher goes by, from one reading of the configuration to the next.

use std::collections::BTreeMap;
use std::time::Duration;

use roundsman_alerts::Policy;
use roundsman_checks::diagnosis::{Cause, Severity};
use roundsman_checks::gather::Concurrency;

use crate::schedule::Cadence;

/// Settings of a dispatcher.
#[derive(Clone, Debug)]
pub struct Settings {
    /// When each tenant has its turn.
    pub cadence: Cadence,
    /// How often agent, zone and edge are looked at.
    pub fleet_every: Duration,
    /// How often the sources of the tenants are read, and the APIs with them as far as their budget allows.
    pub read_every: Duration,
    /// How often a sleeping tenant may be woken for its page.
    pub wake_every: Duration,
    /// When an incident opens and is over.
    pub policy: Policy,
    /// How many tenants are examined together.
    pub concurrency: Concurrency,
    /// How urgent causes are, where that is not their default.
    pub severity: BTreeMap<Cause, Severity>,
}
