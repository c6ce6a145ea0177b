//! What to do about a cause: a closed set of actions with the ids and names that they need as fields. Their words for a
//! person are made here, those of a platform's own tool by its [`CommandLine`]; nothing reads them back.

use std::fmt;

use serde::{Deserialize, Serialize};

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
    /// An authority's limit to be over.
    RateLimit,
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
    /// To mend what validation of a certificate misses.
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

/// How an action is carried out by a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// By typing it as it stands.
    Run,
    /// By doing what it says.
    Do,
    /// By looking.
    Look,
    /// By waiting.
    Wait,
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

    /// How a person carries it out.
    #[must_use]
    pub fn form(&self) -> Form {
        match self {
            Self::RemoveCertificate { .. } | Self::AddCertificate { .. } | Self::StartMachine { .. } => Form::Run,
            Self::RestartMachine { .. } | Self::DeleteRecords { .. } | Self::Manual(Step::Do(_)) => Form::Do,
            Self::Wait(_) => Form::Wait,
            Self::Manual(Step::Look(_)) => Form::Look,
            Self::Manual(Step::Platform(step)) => step.form(),
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

    /// What a person types, clicks or looks at, with the tool of the platform. What only a platform's tool does and this
    /// one does not is named by its kind.
    #[must_use]
    pub fn command(&self, tool: &dyn CommandLine) -> String {
        tool.command(self).unwrap_or_else(|| match self {
            Self::DeleteRecords {
                zone,
                name,
                which,
                records,
            } => delete(zone, name, *which, records),
            Self::Wait(wait) => wait.to_string(),
            Self::Manual(Step::Do(text) | Step::Look(text)) => text.clone(),
            other => other.as_str().to_owned(),
        })
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

impl PlatformStep {
    fn form(&self) -> Form {
        match self {
            Self::ShowApp(_) | Self::Deploy(_) | Self::ReadLog(_) | Self::DropAwaited { .. } => Form::Run,
            Self::ReadReplays(_) => Form::Look,
            Self::AddService(_)
            | Self::AllowReplays(_)
            | Self::MendValidation { .. }
            | Self::RollBack(_)
            | Self::NewToken
            | Self::NameOrganization
            | Self::LeaveHost { .. } => Form::Do,
        }
    }
}

/// How the tool of a platform says what to do.
pub trait CommandLine: Sync {
    /// What a person types there; `None` where the action is none of the platform's.
    fn command(&self, action: &Action) -> Option<String>;
}

impl fmt::Display for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cache(Some(seconds)) => write!(f, "wait up to {seconds} s for its time to live"),
            Self::Cache(None) => f.write_str("wait until the resolver asks again"),
            Self::Issuance => f.write_str("wait until it is issued, usually 30 to 60 seconds"),
            Self::RateLimit => f.write_str("wait until the authority's limit is over, and add nothing until then"),
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
