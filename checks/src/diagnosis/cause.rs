//! Causes by name, and the words of the catalog's columns.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::Cause;
use crate::finding::{Check, FleetCheck, Outcome};

/// Whom a cause concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// The agent itself: it can't see.
    Agent,
    /// Everything behind the edge.
    Fleet,
    /// One tenant, or each of a few.
    Tenant,
}

/// A check that could show a cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Shown {
    /// A check of each tenant.
    By(Check),
    /// A check of the fleet.
    ByFleet(FleetCheck),
}

/// What a cause does to the checks that it explains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// They fail, or warn where only a part is concerned.
    Fails,
    /// They warn.
    Warns,
    /// They are unknown: nothing can be said of them.
    Hides,
}

/// Whether waiting fixes a cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// It passes by itself, as in the middle of a deploy.
    Transient,
    /// Somebody must change a record, a certificate or a route.
    Lasting,
    /// It may pass or stay.
    Neither,
}

/// How urgent a cause is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// It is not told at all.
    Off,
    /// It is told where somebody looks.
    Info,
    /// It can wait until the morning.
    Warning,
    /// Somebody is woken.
    Critical,
}

impl Severity {
    /// As in configuration and reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Tenants that share a failing cause before it is critical: then it is no longer the trouble of one.
const MANY: usize = 3;

impl Cause {
    /// How urgent it is where the configuration says nothing else: a warning is a warning, what fails is as the catalog
    /// has it, and critical where three or more tenants share it at once.
    #[must_use]
    pub fn severity(self, outcome: Outcome, tenants: usize) -> Severity {
        match outcome {
            Outcome::Warn => Severity::Warning,
            Outcome::Fail if tenants >= MANY => Severity::Critical,
            _ => self.row().severity,
        }
    }

    /// The name in reports, configuration and messages.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.row().name
    }

    /// What is wrong, in a few words.
    #[must_use]
    pub fn title(self) -> &'static str {
        self.row().title
    }

    /// What it means for users, in a sentence or two.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        self.row().meaning
    }

    /// Whether it passes by itself, as in the middle of a deploy.
    #[must_use]
    pub fn is_transient(self) -> bool {
        self.row().class == Class::Transient
    }

    /// Whether no waiting fixes it: somebody must change a record, a certificate or a route.
    #[must_use]
    pub fn is_lasting(self) -> bool {
        self.row().class == Class::Lasting
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A text that names no cause.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no cause that roundsman knows")]
pub struct UnknownCause(pub String);

impl FromStr for Cause {
    type Err = UnknownCause;
    fn from_str(text: &str) -> Result<Self, UnknownCause> {
        let mut all = Self::ALL.iter().copied();
        all.find(|cause| cause.as_str() == text)
            .ok_or_else(|| UnknownCause(text.to_owned()))
    }
}

impl TryFrom<String> for Cause {
    type Error = UnknownCause;
    fn try_from(text: String) -> Result<Self, UnknownCause> {
        text.parse()
    }
}

impl From<Cause> for String {
    fn from(cause: Cause) -> Self {
        cause.as_str().to_owned()
    }
}
