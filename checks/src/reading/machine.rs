//! How a machine is, in a few words.

use std::fmt;

use super::text::second;
use crate::evidence::{Exit, Machine, MachineState};
use crate::release::short;

/// How a machine is, and how it last ended.
#[derive(Clone, Debug, PartialEq)]
pub struct MachineEnd {
    /// Its id.
    pub id: String,
    /// How it is.
    pub state: MachineState,
    /// How it last ended, where that is known.
    pub exit: Option<Exit>,
}

impl MachineEnd {
    /// How this machine is.
    #[must_use]
    pub fn of(machine: &Machine) -> Self {
        Self {
            id: machine.id.clone(),
            state: machine.state.clone(),
            exit: machine.last_exit.clone(),
        }
    }
}

impl fmt::Display for MachineEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "machine {} is {}", self.id, self.state)?;
        let Some(exit) = &self.exit else { return Ok(()) };
        if let Some(code) = exit.code {
            write!(f, ", exit code {code}")?;
        }
        if exit.out_of_memory {
            f.write_str(", out of memory")?;
        }
        if let Some(at) = exit.at {
            write!(f, " at {}", second(at))?;
        }
        let Some(crashes) = &exit.crashes else { return Ok(()) };
        let at_least = if crashes.more { "at least " } else { "" };
        write!(f, ", {at_least}{} crashes in a row", crashes.count)?;
        match crashes.since {
            Some(since) => write!(f, " since {}", second(since)),
            None => Ok(()),
        }
    }
}

/// What a machine runs.
#[derive(Clone, Debug, PartialEq)]
pub struct MachineRelease {
    /// Its id.
    pub id: String,
    /// How it is.
    pub state: MachineState,
    /// Its image, where that is told.
    pub image: Option<String>,
}

impl MachineRelease {
    /// What this machine runs.
    #[must_use]
    pub fn of(machine: &Machine) -> Self {
        Self {
            id: machine.id.clone(),
            state: machine.state.clone(),
            image: machine.image.clone(),
        }
    }
}

/// As in `machine 3d8d runs v42`.
impl fmt::Display for MachineRelease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let image = self.image.as_deref().map_or("an unknown image".to_owned(), short);
        if self.state.is_running() {
            write!(f, "machine {} runs {image}", self.id)
        } else {
            write!(f, "machine {} is {} with {image}", self.id, self.state)
        }
    }
}
