//! The one thing this crate is told: a signal. It refuses to know where a signal came from.

use serde::{Deserialize, Serialize};

/// How urgently a human is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Worth knowing, never worth waking anybody.
    Info,
    /// Somebody should look during working hours.
    Warning,
    /// Users are affected now.
    Critical,
}

/// Whether what a signal speaks of is true, false or not known.
///
/// `Unknown` opens and closes nothing: absence of evidence is neither a failure nor a recovery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The evidence says that it holds.
    Firing,
    /// The evidence says that it does not.
    Clear,
    /// There is no evidence either way.
    Unknown,
}

/// One statement about one key at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signal {
    /// What it is about: equal keys are one incident.
    pub key: String,
    /// How urgent it is while it holds.
    pub severity: Severity,
    /// Whether it holds.
    pub verdict: Verdict,
    /// Whom it concerns, sorted and without duplicates.
    pub members: Vec<String>,
    /// Lines for a human, the most telling first.
    pub details: Vec<String>,
}
