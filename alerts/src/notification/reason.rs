//! Why something is said now.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Severity;

/// Why something is said now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// Nobody was told of it yet.
    First,
    /// It grew more urgent than it was when it was told.
    SeverityRaised,
    /// Something else is wrong too, or instead.
    CauseChanged,
    /// It concerns twice as many as when it was told, or more.
    MembershipDoubled,
    /// Half of what was told or more is over.
    PartlyResolved,
    /// It was told long ago, goes on, and nobody looks after it.
    Repeat,
    /// What muted it has ended, and it still fails.
    StillFiring,
    /// It was repaired without a person.
    Repaired,
    /// It was to be repaired without a person, and that did not help.
    RepairFailed,
    /// It would be repaired without a person, and something holds that back.
    RepairHeld,
    /// Somebody looks after it. Only for services that keep a state of their own.
    Acknowledged,
    /// It comes and goes: from now on it is told when it stays as it is.
    FlappingStarted,
    /// It stays as it is.
    FlappingEnded,
    /// All of it is over.
    Resolved,
    /// It failed and is over, and neither could be told in time.
    Recovered,
    /// Somebody tries the channel.
    Test,
}

impl Reason {
    /// Whether it says that all is over.
    #[must_use]
    pub fn is_end(self) -> bool {
        matches!(self, Self::Resolved | Self::Recovered)
    }

    /// Its name in a sentence's place, as in a subject or a log line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::SeverityRaised => "severity-raised",
            Self::CauseChanged => "cause-changed",
            Self::MembershipDoubled => "membership-doubled",
            Self::PartlyResolved => "partly-resolved",
            Self::Repeat => "repeat",
            Self::StillFiring => "still-firing",
            Self::Repaired => "repaired",
            Self::RepairFailed => "repair-failed",
            Self::RepairHeld => "repair-held",
            Self::Acknowledged => "acknowledged",
            Self::FlappingStarted => "flapping-started",
            Self::FlappingEnded => "flapping-ended",
            Self::Resolved => "resolved",
            Self::Recovered => "recovered",
            Self::Test => "test",
        }
    }

    /// The one sentence that says why this comes now.
    #[must_use]
    pub fn sentence(self, severity: Severity) -> String {
        match self {
            Self::First => "It is new.".to_owned(),
            Self::SeverityRaised => format!("It grew more urgent: {severity} now."),
            Self::CauseChanged => "More is wrong than when this was told last.".to_owned(),
            Self::MembershipDoubled => "It concerns at least twice as many as when this was told last.".to_owned(),
            Self::PartlyResolved => "At least half of what was told is over; the rest goes on.".to_owned(),
            Self::Repeat => "It still fails, and nobody has acknowledged it.".to_owned(),
            Self::StillFiring => "What muted it has ended, and it is still failing.".to_owned(),
            Self::Repaired => "It was repaired by itself, and three looks passed since then.".to_owned(),
            Self::RepairFailed => "A repair by itself did not help: somebody has to look.".to_owned(),
            Self::RepairHeld => {
                "It would be repaired by itself, and that is held back: somebody has to look.".to_owned()
            }
            Self::Acknowledged => "Somebody looks after it.".to_owned(),
            Self::FlappingStarted => "It comes and goes. You hear of it again when it stays as it is.".to_owned(),
            Self::FlappingEnded => "It no longer comes and goes.".to_owned(),
            Self::Resolved => "It is over.".to_owned(),
            Self::Recovered => {
                "It failed and recovered before this could be delivered: this channel could not be reached meanwhile."
                    .to_owned()
            }
            Self::Test => "Somebody asked for a test of this channel. Nothing is wrong.".to_owned(),
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
