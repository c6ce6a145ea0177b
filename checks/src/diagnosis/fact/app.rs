//! Facts about an app, its machines and its release.

use std::fmt;

use jiff::Timestamp;

use crate::evidence::MachineState;
use crate::reading::{MachineEnd, MachineRelease, second};

/// A fact about an app.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum AppFact {
    /// A tenant that somebody asked for and no source names.
    Unlisted(String),
    /// An organization without an app of that name.
    Missing {
        /// The organization.
        organization: String,
        /// The app.
        app: String,
    },
    /// An app without a machine.
    NoMachine(String),
    /// A machine that does not run; whether nothing starts it.
    Down {
        /// The machine.
        machine: MachineEnd,
        /// Whether the proxy may not start it.
        stays_down: bool,
    },
    /// A machine whose host does not answer.
    HostDown(MachineEnd),
    /// A machine that is on its way and does not arrive.
    Stuck {
        /// Its id.
        machine: String,
        /// How it is.
        state: MachineState,
        /// Since when, where that is known.
        since: Option<Timestamp>,
    },
    /// None of so many machines runs.
    NoneRuns(usize),
    /// A machine on its way.
    Starting {
        /// Its id.
        machine: String,
        /// How it is.
        state: MachineState,
    },
    /// What a machine runs.
    Runs(MachineRelease),
    /// The release that every machine is to run.
    Expects {
        /// The release.
        image: String,
        /// The app.
        app: String,
        /// How many machines run it, of how many.
        machines: (usize, usize),
    },
    /// The release that the answer is to carry.
    ExpectsAnswer {
        /// The tenant's host name.
        name: String,
        /// What it answers with.
        message: String,
        /// The release.
        version: String,
    },
}

impl AppFact {
    pub(super) fn is_of_a_machine(&self) -> bool {
        matches!(
            self,
            Self::Down { .. } | Self::Starting { .. } | Self::Runs(_) | Self::HostDown(_) | Self::Stuck { .. }
        )
    }

    pub(super) fn settled(&self) -> Self {
        let mut fact = self.clone();
        if let Self::Down { machine, .. } = &mut fact
            && let Some(exit) = &mut machine.exit
        {
            exit.at = None;
        }
        fact
    }
}

impl fmt::Display for AppFact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unlisted(id) => write!(f, "{id} was asked for, and no source of the inventory names it"),
            Self::Missing { organization, app } => write!(f, "organization {organization} has no app {app}"),
            Self::NoMachine(app) => write!(f, "{app} has no machine"),
            Self::Down { machine, stays_down } => {
                machine.fmt(f)?;
                f.write_str(if *stays_down { ", autostart is off" } else { "" })
            }
            Self::HostDown(machine) => write!(f, "the host of machine {} does not answer", machine.id),
            Self::Stuck { machine, state, since } => {
                write!(f, "machine {machine} is stuck in {state}")?;
                since.map_or(Ok(()), |since| write!(f, " since {}", second(since)))
            }
            Self::NoneRuns(count) => write!(f, "none of its {count} machines runs"),
            Self::Starting { machine, state } => write!(f, "machine {machine} is {state}"),
            Self::Runs(release) => release.fmt(f),
            Self::Expects {
                image,
                app,
                machines: (right, of),
            } => write!(
                f,
                "{image} is expected on every machine of {app}, and runs on {right} of {of}"
            ),
            Self::ExpectsAnswer { name, message, version } => write!(f, "{name} {message}, {version} is expected"),
        }
    }
}
