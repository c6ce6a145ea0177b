//! When something that fails is an incident, and when one is over.

use std::time::Duration;

/// How much it takes to open and to resolve an incident.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Failing looks in a row at one witness, at least one.
    pub confirm: u32,
    /// How long these have to go on.
    pub confirm_for: Duration,
    /// How long what passes by itself has to go on, from its first failing look.
    pub transient_for: Duration,
    /// Passing looks in a row at every witness, at least one.
    pub clear: u32,
    /// How long these have to go on.
    pub clear_for: Duration,
    /// How long after its end an incident is reopened instead of a new one opened.
    pub reopen_within: Duration,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            confirm: 3,
            confirm_for: Duration::from_secs(15),
            transient_for: Duration::from_secs(5 * 60),
            clear: 2,
            clear_for: Duration::from_secs(60),
            reopen_within: Duration::from_secs(10 * 60),
        }
    }
}
