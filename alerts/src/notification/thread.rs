//! Incidents that are told together, and what was told of them.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Reason;
use crate::{IncidentId, Now, Severity};

/// Name of a thread, the same over restarts and never given twice: letters, digits and `-`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ThreadId(Arc<str>);

impl ThreadId {
    /// The thread that begins with an incident, opened at a moment.
    #[must_use]
    pub fn of(incident: &IncidentId, opened: Timestamp) -> Self {
        Self(format!("{incident}-{}", opened.as_second()).into())
    }

    /// A thread by its name.
    #[must_use]
    pub fn named(name: &str) -> Self {
        Self(name.into())
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ThreadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Incidents that are told together, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Thread {
    /// Its name.
    pub id: ThreadId,
    /// What its incidents have in common.
    pub common: Vec<(String, String)>,
    /// What its messages are called, all of them alike.
    pub subject: String,
    /// Where it is told.
    pub channels: BTreeSet<Arc<str>>,
    /// Where it is told too when these can't be reached.
    pub fallback: BTreeSet<Arc<str>>,
    /// What was told last; `None` where nothing was told yet.
    pub log: Option<Log>,
}

/// What was told last of a thread.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Log {
    /// How many messages there were.
    pub sequence: u32,
    /// When.
    pub at: Now,
    /// What was said of the state.
    pub told: Told,
    /// The highest severity that was told.
    pub severity: Severity,
    /// All causes that were told.
    pub causes: BTreeSet<Arc<str>>,
    /// How many it concerned.
    pub members: usize,
    /// How many of the incidents that were told were open.
    pub open: usize,
}

/// What was said of the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Told {
    /// That it fails.
    Firing,
    /// That it comes and goes.
    Flapping,
    /// That it is over.
    Resolved,
}

/// How a thread is at a moment: all that deciding goes by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Picture {
    /// How many of its incidents are open, muted ones included.
    pub open: usize,
    /// How many of those nothing mutes.
    pub loud: usize,
    /// Whether any that nothing mutes comes and goes.
    pub flapping: bool,
    /// Whether one that nothing mutes was muted since it was told, or before it could be.
    pub unmuted: bool,
    /// Whether that is true of all of them.
    pub all_unmuted: bool,
    /// How urgent what is loud is.
    pub severity: Severity,
    /// What is wrong with what is loud.
    pub causes: BTreeSet<Arc<str>>,
    /// How many what is loud concerns.
    pub members: usize,
    /// How many of those incidents that were told are open.
    pub told: usize,
    /// Since when the first of what is loud is open, by the steady clock.
    pub since: Option<Timestamp>,
    /// Since when the last of it is, by the steady clock.
    pub joined: Option<Timestamp>,
    /// Whether all of it concerns single tenants: more may come, and something wider may explain it yet.
    pub single: bool,
    /// When an incident of it opened or ended last, by the steady clock.
    pub turned: Option<Timestamp>,
    /// What a repair of it came to that nobody was told yet.
    pub news: Option<Reason>,
}
