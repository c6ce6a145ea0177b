//! What was done about an incident without a person, or would be. This crate knows no repair: it is told.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How far a repair came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RepairState {
    /// It is known what would be done, or why nothing would.
    Planned,
    /// It was done, and helped.
    Done,
    /// It was done, or tried, and did not help.
    Failed,
    /// It would be done, and something holds it back: a person is needed.
    Held,
}

/// A repair, in the words that people are told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repair {
    /// How far it came.
    pub state: RepairState,
    /// What is said of it, a line each.
    pub lines: Vec<String>,
}

impl Repair {
    /// Whether this tells people something that `before` did not. What holds a repair back is told once, in whatever words.
    pub(crate) fn is_news_after(&self, before: Option<&Self>) -> bool {
        match before {
            Some(before) if self.state == RepairState::Held => before.state != RepairState::Held,
            Some(before) => before != self,
            None => true,
        }
    }
}
