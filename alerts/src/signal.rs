//! The one thing this crate is told: a signal. It refuses to know where a signal came from.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Key;

/// How urgently a human is needed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Worth knowing, never worth waking anybody.
    #[default]
    Info,
    /// Somebody should look during working hours.
    Warning,
    /// Users are affected now.
    Critical,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        })
    }
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

/// One statement about one key: what one look of one witness says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signal {
    /// What it is about.
    pub key: Key,
    /// Who was looked at. Looks are counted for each witness by itself.
    pub witness: Arc<str>,
    /// Whether it holds there.
    pub verdict: Verdict,
    /// Whom it concerns.
    pub members: Members,
    /// What is to be told of it, where it holds.
    pub account: Account,
}

/// Whom a signal concerns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Members {
    /// The witness itself, for as long as it fails.
    #[default]
    Witness,
    /// Others, of whom the witness tells.
    Others {
        /// Who is concerned from now on.
        joined: Vec<Arc<str>>,
        /// Who is not any more.
        left: Vec<Arc<str>>,
    },
}

impl Members {
    /// Nobody: what it is about concerns no tenant by itself.
    #[must_use]
    pub fn nobody() -> Self {
        Self::Others {
            joined: Vec::new(),
            left: Vec::new(),
        }
    }
}

/// What is to be told of something that holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// How urgent it is.
    pub severity: Severity,
    /// Whether it passes by itself, as in the middle of a deploy: it opens only after a longer while.
    pub transient: bool,
    /// Whether one look is enough to open and to resolve it: what was confirmed before it became a signal.
    pub at_once: bool,
    /// Lines that prove it, the most telling first.
    pub evidence: Vec<String>,
    /// What to do about it, a line each.
    pub remedy: Vec<String>,
    /// What changed since it was last well, in a line.
    pub changed: Option<String>,
    /// What routes and silences can match.
    pub labels: BTreeMap<String, String>,
}
