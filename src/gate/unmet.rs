//! Demands that were not met: why the exit code is worse than the findings alone. Their sentences are made here.

use std::fmt;

use roundsman_checks::evidence::Reason;
use roundsman_checks::finding::{Check, Outcome};
use serde::{Serialize, Serializer};

use super::policy::Expected;
use crate::text::counted;

/// One demand that was not met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unmet {
    /// A check that had to be judged at every tenant was not.
    Required {
        /// The check.
        check: Check,
        /// How it ended at the first of them, and why.
        ended: (Outcome, Option<Reason>),
        /// At how many tenants, of how many.
        tenants: (usize, usize),
    },
    /// A release that was expected was not judged at every tenant.
    Unjudged {
        /// The release.
        expected: Expected,
        /// How the check ended at the first of them, and why.
        ended: (Outcome, Option<Reason>),
        /// At how many tenants, of how many.
        tenants: (usize, usize),
    },
    /// A release was expected, and no tenant's was looked at.
    NoneJudged(Expected),
    /// Warnings count as failures, and there are some.
    Warnings,
    /// What chose so that nobody was left, as in `--label: none of 12 tenants has plan=pro`.
    NobodyLeft(String),
    /// There may be tenants that nobody named.
    Incomplete,
    /// All was well too seldom in a row.
    TooSeldom {
        /// How often it was.
        passed: u32,
        /// How often it had to be.
        of: u32,
    },
}

impl Unmet {
    /// What it is about, in a word or two: the option, or `inventory`.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Required { check, .. } => format!("--require {check}"),
            Self::Unjudged { expected, .. } | Self::NoneJudged(expected) => expected.option().to_owned(),
            Self::Warnings => "--fail-on warn".into(),
            Self::NobodyLeft(why) => why.split(':').next().unwrap_or("--label").to_owned(),
            Self::Incomplete => "inventory".into(),
            Self::TooSeldom { of, .. } => format!("--consecutive {of}"),
        }
    }

    /// Whether it makes the round fail; else it makes it inconclusive.
    #[must_use]
    pub fn fails(&self) -> bool {
        matches!(self, Self::Warnings)
    }
}

impl fmt::Display for Unmet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Required { ended, tenants, .. } => write!(f, "{}: {}", self.name(), Ended(*ended, *tenants)),
            Self::Unjudged {
                expected,
                ended,
                tenants,
            } => write!(f, "{}: {} {}", self.name(), expected.check(), Ended(*ended, *tenants)),
            Self::NoneJudged(_) => write!(f, "{}: no tenant's release was looked at", self.name()),
            Self::Warnings => f.write_str("--fail-on warn: warnings count as failures"),
            Self::NobodyLeft(why) => f.write_str(why),
            Self::Incomplete => f.write_str(
                "inventory: its source did not answer in full, so there may be tenants that nobody looked at",
            ),
            Self::TooSeldom { passed, .. } => {
                write!(f, "{}: passed {passed} in a row when the time was up", self.name())
            }
        }
    }
}

/// As in `skipped at 1 of 12 tenants (asleep)`.
struct Ended((Outcome, Option<Reason>), (usize, usize));

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self((outcome, reason), (count, all)) = self;
        write!(f, "{outcome} at {count} of {}", counted(*all, "tenant"))?;
        match reason {
            Some(reason) => write!(f, " ({reason})"),
            None => Ok(()),
        }
    }
}

/// Its sentence, as reports have it.
impl Serialize for Unmet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
