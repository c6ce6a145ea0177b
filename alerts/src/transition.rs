//! What happened to an incident, as data.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{IncidentId, Key, Severity};

/// One thing that happened to one incident.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transition {
    /// Which incident.
    pub id: IncidentId,
    /// What it is about.
    pub key: Key,
    /// When, by the wall's clock.
    pub at: Timestamp,
    /// What.
    pub change: Change,
}

/// What happened to an incident.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// It fails for the first time: nothing is said yet.
    Began,
    /// It passed, or nobody is left to fail, before it was confirmed.
    Passed,
    /// It is confirmed.
    Opened,
    /// It came back soon after its end.
    Reopened,
    /// Nobody fails any more.
    Recovering,
    /// Somebody failed again before it was over.
    Relapsed,
    /// It is over.
    Resolved,
    /// It ended untold: nobody whom it concerned is there any more.
    Closed,
    /// It grew more urgent.
    Rose {
        /// How urgent it was.
        from: Severity,
        /// How urgent it is.
        to: Severity,
    },
    /// Whom it concerns changed.
    Members {
        /// Who fails now.
        joined: Vec<Arc<str>>,
        /// Who does not any more.
        left: Vec<Arc<str>>,
    },
    /// Somebody looks after it.
    Acknowledged {
        /// What they say.
        comment: String,
    },
    /// It comes and goes.
    FlappingBegan,
    /// It does not any more.
    FlappingEnded,
}
