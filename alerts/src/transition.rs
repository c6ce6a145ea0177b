//! What happened to an incident, as data.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{IncidentId, Key, RepairState, Severity};

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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
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
        #[schemars(with = "Vec<String>")]
        joined: Vec<Arc<str>>,
        /// Who does not any more.
        #[schemars(with = "Vec<String>")]
        left: Vec<Arc<str>>,
    },
    /// Somebody looks after it.
    Acknowledged {
        /// What they say.
        comment: String,
    },
    /// Something was done about it without a person, or would be.
    Repair {
        /// How far that came.
        state: RepairState,
        /// What it is, in a line.
        note: String,
    },
    /// It comes and goes.
    FlappingBegan,
    /// It does not any more.
    FlappingEnded,
}

/// Most names that one sentence tells.
const MOST_NAMES: usize = 5;

/// In a few words, as logs and timelines have it.
impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Began => f.write_str("failed for the first time"),
            Self::Passed => f.write_str("passed before it was confirmed"),
            Self::Opened => f.write_str("opened"),
            Self::Reopened => f.write_str("reopened: it came back soon after its end"),
            Self::Recovering => f.write_str("recovering: nobody fails any more"),
            Self::Relapsed => f.write_str("fails again"),
            Self::Resolved => f.write_str("resolved"),
            Self::Closed => f.write_str("closed: nobody is left whom it concerns"),
            Self::Rose { from, to } => write!(f, "rose from {from} to {to}"),
            Self::Members { joined, left } => match (joined.is_empty(), left.is_empty()) {
                (true, _) => write!(f, "left: {}", some_of(left)),
                (false, true) => write!(f, "joined: {}", some_of(joined)),
                (false, false) => write!(f, "joined: {}; left: {}", some_of(joined), some_of(left)),
            },
            Self::Acknowledged { comment } if comment.is_empty() => f.write_str("acknowledged"),
            Self::Acknowledged { comment } => write!(f, "acknowledged: {comment}"),
            Self::Repair { note, .. } => f.write_str(note),
            Self::FlappingBegan => f.write_str("comes and goes"),
            Self::FlappingEnded => f.write_str("no longer comes and goes"),
        }
    }
}

fn some_of(names: &[Arc<str>]) -> String {
    let shown = names
        .iter()
        .take(MOST_NAMES)
        .map(AsRef::as_ref)
        .collect::<Vec<&str>>()
        .join(", ");
    match names.len().saturating_sub(MOST_NAMES) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
