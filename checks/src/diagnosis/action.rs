//! What to do about a cause: a closed set of actions with the ids and names that they need as fields. Their words for a
//! person are made here, those of a platform's own tool by its [`CommandLine`]; nothing reads them back.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::instruction::{Instruction, joined};
use crate::reading::second;

/// A record as a zone's provider, or an answer, names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordRef {
    /// The provider's id, where its listing is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The type's mnemonic.
    pub kind: String,
    /// The owner.
    pub name: String,
}

/// Which records of a name go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Records {
    /// Those that are named.
    Responder,
    /// Those that go through the provider's proxy.
    Proxied,
    /// The NS records that cut the zone there.
    Delegation,
}

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// Takes a certificate from an app.
    RemoveCertificate {
        /// The app.
        app: String,
        /// The name that it is for.
        name: String,
    },
    /// Asks for a certificate.
    AddCertificate {
        /// The app that is to hold it.
        app: String,
        /// The name that it is for.
        name: String,
    },
    /// Deletes records from the zone.
    DeleteRecords {
        /// The zone.
        zone: String,
        /// Its id at the provider, where its listing is known.
        zone_id: Option<String>,
        /// The name at which they stand.
        name: String,
        /// Which.
        which: Records,
        /// Those that were seen.
        records: Vec<RecordRef>,
    },
    /// Starts a machine.
    StartMachine {
        /// The app.
        app: String,
        /// The machine's id.
        machine: String,
    },
    /// Restarts a machine, after a look at its log.
    RestartMachine {
        /// The app.
        app: String,
        /// The machine's id.
        machine: String,
    },
    /// Waits.
    Wait(Wait),
    /// Something that only a person can do.
    Manual(Step),
}

/// What is waited for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wait {
    /// A resolver's cache; at most so many seconds, where that is known.
    Cache(Option<u32>),
    /// A certificate to be issued.
    Issuance,
    /// An authority's limit to be over; until when, where that is known.
    RateLimit(Option<Timestamp>),
    /// An app to boot.
    Boot,
    /// A deploy of this app to end.
    Deploy(String),
}

/// What a person does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// To change something.
    Do(String),
    /// To look at something.
    Look(String),
    /// To use the platform's own tool.
    Platform(PlatformStep),
    /// One of these, and a command of the system's that shows more.
    With(Box<Step>, String),
}

/// What a person does with the platform's own tool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlatformStep {
    /// To look at an app and its addresses.
    ShowApp(String),
    /// To deploy an app.
    Deploy(String),
    /// To read an app's log.
    ReadLog(String),
    /// To read the edge app's log for what it replays.
    ReadReplays(String),
    /// To give an app a service that replays reach.
    AddService(String),
    /// To allow replays across the networks of an organization.
    AllowReplays(String),
    /// To take back a certificate that is awaited while the wildcard covers its name.
    DropAwaited {
        /// The app that awaits it.
        app: String,
        /// The name that it is for.
        name: String,
    },
    /// To fix what validation of a certificate misses.
    MendValidation {
        /// The app that awaits it.
        app: String,
        /// The name that it is for.
        name: String,
    },
    /// To go back from a release.
    RollBack(String),
    /// To make a token that may read.
    NewToken,
    /// To name the organization that the token may see.
    NameOrganization,
    /// To run an app elsewhere than on a host that does not answer.
    LeaveHost {
        /// The app.
        app: String,
        /// The machine on that host.
        machine: String,
    },
}

/// An action with whether the agent may take it by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remedy {
    /// What to do.
    pub action: Action,
    /// Whether it is safe to carry out without a person.
    pub automatic: bool,
}

impl Remedy {
    /// What a person does, never the agent.
    pub(super) fn manual(step: Step) -> Self {
        Action::Manual(step).by_hand()
    }

    /// Something to change.
    pub(super) fn advise(text: impl Into<String>) -> Self {
        Self::manual(Step::Do(text.into()))
    }

    /// Something to look at.
    pub(super) fn look(text: impl Into<String>) -> Self {
        Self::manual(Step::Look(text.into()))
    }

    /// A step with the platform's own tool.
    pub(super) fn platform(step: PlatformStep) -> Self {
        Self::manual(Step::Platform(step))
    }

    pub(super) fn wait(wait: Wait) -> Self {
        Action::Wait(wait).automatically(true)
    }

    /// With a command that shows more of it: to be pasted as it stands.
    pub(super) fn shown_by(self, command: impl Into<String>) -> Self {
        match self.action {
            Action::Manual(step) => Self::manual(Step::With(Box::new(step), command.into())),
            action => Self { action, ..self },
        }
    }

    /// What a person types, clicks or looks at, with the tool of the platform.
    #[must_use]
    pub fn command(&self, tool: &dyn CommandLine) -> String {
        self.action.command(tool)
    }
}

impl Action {
    /// The kind of action, as in configuration and reports; `manual` where a person must look.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::RemoveCertificate { .. } => "remove-certificate",
            Self::AddCertificate { .. } => "add-certificate",
            Self::DeleteRecords { .. } => "delete-dns-record",
            Self::StartMachine { .. } => "start-machine",
            Self::RestartMachine { .. } => "restart-machine",
            Self::Wait(_) => "wait",
            Self::Manual(_) => "manual",
        }
    }

    /// The app that it is done to, where it is done to one.
    #[must_use]
    pub fn app(&self) -> Option<&str> {
        match self {
            Self::RemoveCertificate { app, .. }
            | Self::AddCertificate { app, .. }
            | Self::StartMachine { app, .. }
            | Self::RestartMachine { app, .. } => Some(app),
            _ => None,
        }
    }

    /// The name that it is about: of a certificate, or at which records stand.
    #[must_use]
    pub fn hostname(&self) -> Option<&str> {
        match self {
            Self::RemoveCertificate { name, .. }
            | Self::AddCertificate { name, .. }
            | Self::DeleteRecords { name, .. } => Some(name),
            _ => None,
        }
    }

    /// The machine that it is done to.
    #[must_use]
    pub fn machine(&self) -> Option<&str> {
        match self {
            Self::StartMachine { machine, .. } | Self::RestartMachine { machine, .. } => Some(machine),
            _ => None,
        }
    }

    /// The records that it deletes, as far as they were seen.
    #[must_use]
    pub fn records(&self) -> &[RecordRef] {
        match self {
            Self::DeleteRecords { records, .. } => records,
            _ => &[],
        }
    }

    /// What a person does, line by line, with the tool of the platform. What only a platform's tool does and this one does
    /// not is named by its kind.
    #[must_use]
    pub fn instructions(&self, tool: &dyn CommandLine) -> Vec<Instruction> {
        if let Self::Manual(Step::With(step, command)) = self {
            let mut lines = Self::Manual(Step::clone(step)).instructions(tool);
            lines.push(Instruction::run(command));
            return lines;
        }
        tool.instructions(self).unwrap_or_else(|| {
            let told = self.deletion();
            vec![told.unwrap_or_else(|| match self {
                Self::Wait(wait) => Instruction::wait(wait.to_string()),
                Self::Manual(Step::Do(text)) => Instruction::act(text),
                Self::Manual(Step::Look(text)) => Instruction::look(text),
                other => Instruction::act(other.as_str()),
            })]
        })
    }

    /// The same as one line, for readers that take one; of records what is to be done, without the calls that do it.
    #[must_use]
    pub fn command(&self, tool: &dyn CommandLine) -> String {
        let lines = self.instructions(tool);
        match (self, lines.first()) {
            (Self::DeleteRecords { .. }, Some(first)) => first.text.clone(),
            _ => joined(&lines),
        }
    }

    /// What deletes records, in words.
    pub(crate) fn deletion(&self) -> Option<Instruction> {
        match self {
            Self::DeleteRecords {
                zone,
                name,
                which,
                records,
                ..
            } => Some(Instruction::act(delete(zone, name, *which, records))),
            _ => None,
        }
    }

    pub(super) fn automatically(self, automatic: bool) -> Remedy {
        Remedy {
            action: self,
            automatic,
        }
    }

    pub(super) fn by_hand(self) -> Remedy {
        self.automatically(false)
    }
}

/// How the tool of a platform says what to do.
pub trait CommandLine: Sync {
    /// What a person does there; `None` where the action is none of the platform's.
    fn instructions(&self, action: &Action) -> Option<Vec<Instruction>>;
}

impl fmt::Display for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cache(Some(seconds)) => write!(f, "wait up to {seconds} s until the resolver's cache expires"),
            Self::Cache(None) => f.write_str("wait until the resolver asks again"),
            Self::Issuance => f.write_str("wait until it is issued, usually 30 to 60 seconds"),
            Self::RateLimit(Some(until)) => write!(
                f,
                "wait until {} (rate limit of the certificate authority); add no certificate before",
                second(*until)
            ),
            Self::RateLimit(None) => {
                f.write_str("wait until the rate limit of the certificate authority is over; add no certificate before")
            }
            Self::Boot => f.write_str("wait until the app has booted, usually seconds"),
            Self::Deploy(app) => write!(f, "wait until the deploy of {app} has replaced every machine"),
        }
    }
}

fn delete(zone: &str, name: &str, which: Records, records: &[RecordRef]) -> String {
    let label = label(name, zone);
    match which {
        Records::Delegation => format!("delete the NS records of {name} in zone {zone}"),
        Records::Proxied => format!("delete the proxied records of {label} in zone {zone}"),
        Records::Responder => {
            let mut kinds = Vec::<&str>::new();
            for record in records {
                if !kinds.contains(&record.kind.as_str()) {
                    kinds.push(&record.kind);
                }
            }
            let plural = if records.len() == 1 { "record" } else { "records" };
            format!("delete the {} {plural} of {label} in zone {zone}", kinds.join(" and "))
        }
    }
}

/// A name as it is called inside its zone.
fn label<'n>(name: &'n str, zone: &str) -> &'n str {
    let rest = name.strip_suffix(zone).and_then(|rest| rest.strip_suffix('.'));
    rest.unwrap_or(name)
}
