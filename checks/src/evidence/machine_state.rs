//! How a machine is, in words that no platform owns: a client makes them of its platform's.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The state of a machine. Clients of platforms translate into these; a word that fits none is kept as it is, and
/// nothing is concluded from it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
#[non_exhaustive]
pub enum MachineState {
    /// It runs.
    Started,
    /// It rests, and keeps nothing in memory.
    Stopped,
    /// It rests, with its memory kept.
    Suspended,
    /// On its way to rest.
    Stopping,
    /// On its way to rest, with its memory kept.
    Suspending,
    /// It was made and never started.
    Created,
    /// It is being made.
    Creating,
    /// It boots.
    Starting,
    /// It boots again.
    Restarting,
    /// It is changed.
    Updating,
    /// Another one takes its place.
    Replacing,
    /// It failed.
    Failed,
    /// It could not be started for the first time.
    LaunchFailed,
    /// It is being taken away.
    Destroying,
    /// It was taken away.
    Destroyed,
    /// Another one has taken its place.
    Replaced,
    /// It was moved: another one has taken its place.
    Migrated,
    /// What the platform says, where that is none of these; empty where it says nothing.
    Other(Box<str>),
    /// Not told.
    #[default]
    Untold,
}

const WORDS: [(MachineState, &str); 17] = {
    use MachineState::*;
    [
        (Started, "started"),
        (Stopped, "stopped"),
        (Suspended, "suspended"),
        (Stopping, "stopping"),
        (Suspending, "suspending"),
        (Created, "created"),
        (Creating, "creating"),
        (Starting, "starting"),
        (Restarting, "restarting"),
        (Updating, "updating"),
        (Replacing, "replacing"),
        (Failed, "failed"),
        (LaunchFailed, "launch_failed"),
        (Destroying, "destroying"),
        (Destroyed, "destroyed"),
        (Replaced, "replaced"),
        (Migrated, "migrated"),
    ]
};

impl MachineState {
    /// Its word, as recordings and sentences have it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Other(word) => word,
            Self::Untold => "",
            known => WORDS
                .iter()
                .find(|(state, _)| state == known)
                .map_or("", |(_, word)| word),
        }
    }

    /// Whether it runs.
    #[must_use]
    pub fn is_running(&self) -> bool {
        *self == Self::Started
    }

    /// Whether it rests, or is about to.
    #[must_use]
    pub fn is_at_rest(&self) -> bool {
        matches!(
            self,
            Self::Stopped | Self::Suspended | Self::Stopping | Self::Suspending
        )
    }

    /// Whether nobody knows how it is: a word that is not known, or none.
    #[must_use]
    pub fn is_untold(&self) -> bool {
        matches!(self, Self::Other(_) | Self::Untold)
    }

    /// Whether it is being made to run: it passes by itself into another one.
    #[must_use]
    pub fn is_on_its_way(&self) -> bool {
        matches!(
            self,
            Self::Creating | Self::Starting | Self::Restarting | Self::Updating | Self::Replacing
        )
    }

    /// Whether it failed.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        matches!(self, Self::Failed | Self::LaunchFailed)
    }

    /// Whether it is gone for good, and listed all the same.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        matches!(
            self,
            Self::Destroyed | Self::Destroying | Self::Replaced | Self::Migrated
        )
    }
}

impl From<&str> for MachineState {
    fn from(word: &str) -> Self {
        let known = WORDS.iter().find(|(_, known)| *known == word);
        match known {
            Some((state, _)) => state.clone(),
            None if word.is_empty() => Self::Untold,
            None => Self::Other(word.into()),
        }
    }
}

impl From<String> for MachineState {
    fn from(word: String) -> Self {
        word.as_str().into()
    }
}

impl From<MachineState> for String {
    fn from(state: MachineState) -> Self {
        state.as_str().to_owned()
    }
}

impl fmt::Display for MachineState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
