//! What is known now, for whoever asks.

use jiff::Timestamp;
use roundsman_checks::diagnosis::{Cause, Status};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::history::Uptime;

/// How one tenant is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TenantStatus {
    /// Its id.
    pub tenant: String,
    /// Its host name; `None` where only the database tells of it.
    pub hostname: Option<String>,
    /// Its app, likewise.
    pub app: Option<String>,
    /// How it is.
    pub status: Status,
    /// The cause that decides that.
    #[schemars(with = "Option<String>")]
    pub cause: Option<Cause>,
    /// Since when it is so; `None` where it was never examined.
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub since: Option<Timestamp>,
    /// When it was well last.
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub last_good: Option<Timestamp>,
    /// When it was examined last.
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub examined_at: Option<Timestamp>,
    /// When it is examined next.
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub next: Option<Timestamp>,
    /// How it did until now; `None` where nobody asked the database.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uptime: Option<Uptime>,
}

/// How many tenants are in each status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FleetStatus {
    /// All of them.
    pub tenants: usize,
    /// Those that are well.
    pub healthy: usize,
    /// Those that work and need a look.
    pub degraded: usize,
    /// Those that fail.
    pub failing: usize,
    /// Those of whom nothing is known.
    pub unknown: usize,
}

/// How much a dispatcher keeps, in numbers of things: what grows for ever shows here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Footprint {
    /// Tenants.
    pub tenants: usize,
    /// What is planned or under way.
    pub planned: usize,
    /// What explains tenants where nothing shared does.
    pub explanations: usize,
    /// The incidents, their witnesses, whom they concern, and keys whose looks still count.
    pub incidents: usize,
    /// Who is concerned by what is shared.
    pub members: usize,
}

/// How the agent does its own job.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Health {
    /// Whether everything was read and everybody examined once.
    pub ready: bool,
    /// What it waits for, in a few words each.
    pub waiting_for: Vec<String>,
    /// The share of tenants whose last examination began within two intervals, from 0 to 1.
    pub coverage: f64,
    /// When the longest ago of all last examinations began.
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub oldest: Option<Timestamp>,
    /// The worst lateness of a start in the last interval, in seconds.
    pub lag: f64,
    /// Whether nothing can be seen from here.
    pub blind: bool,
    /// Why nobody hears of what is wrong, where that is so.
    pub alerting: Option<String>,
}
