//! What an incident is about, and what it is called.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Key of an incident: equal keys are one incident.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Key {
    /// What is wrong, by its name.
    pub cause: Arc<str>,
    /// Whom it concerns, as in `tenant` or `fleet`.
    pub scope: Arc<str>,
    /// What is guilty, as text: stable for as long as it is the same thing.
    pub object: Arc<str>,
}

impl Key {
    /// The key of these.
    #[must_use]
    pub fn new(cause: &str, scope: &str, object: &str) -> Self {
        Self {
            cause: cause.into(),
            scope: scope.into(),
            object: object.into(),
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}: {})", self.cause, self.scope, self.object)
    }
}

/// Name of an incident, the same over restarts: letters, digits and `-`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct IncidentId(Arc<str>);

impl IncidentId {
    /// The id of the incident with this number; numbers are given once.
    #[must_use]
    pub fn of(number: u64) -> Self {
        Self(format!("inc-{number}").into())
    }

    /// A name that somebody gives; whether there is such an incident shows.
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

impl fmt::Display for IncidentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
