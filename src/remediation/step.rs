//! One step of a repair: a closed set, each with the ids and names that it needs as fields, and with what was seen of its
//! object when it was planned.

use jiff::Timestamp;
use roundsman_checks::diagnosis::{Action, CommandLine, RecordRef, Records, Wait};
use roundsman_checks::evidence::{MachineState, ZoneRecord};

use crate::config::RepairAction;

/// One thing to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Takes a certificate from an app.
    RemoveCertificate {
        /// The app.
        app: String,
        /// The name that it is for.
        name: String,
        /// When it was asked for, where that is known.
        created_at: Option<Timestamp>,
    },
    /// Asks for a certificate.
    AddCertificate {
        /// The app that is to hold it.
        app: String,
        /// The name that it is for.
        name: String,
    },
    /// Deletes a record of the zone.
    DeleteRecord(ZoneRecord),
    /// Starts a machine.
    StartMachine(MachineRef),
    /// Restarts a machine.
    RestartMachine(MachineRef),
    /// Waits for the certificate of a name to be issued.
    Wait {
        /// The app that awaits it.
        app: String,
        /// The name.
        name: String,
    },
}

/// A machine as it was seen.
#[derive(Clone, Debug, PartialEq)]
pub struct MachineRef {
    /// Its app.
    pub app: String,
    /// Its id.
    pub id: String,
    /// How it was.
    pub state: MachineState,
}

/// Where calls go, for whoever reads which ones they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Addresses {
    /// The platform's API for machines and certificates, without a slash at its end.
    pub machines: String,
    /// The DNS provider's.
    pub cloudflare: String,
    /// The id of the zone, where it is known.
    pub zone_id: Option<String>,
}

impl Step {
    /// What kind of action it is.
    #[must_use]
    pub fn action(&self) -> RepairAction {
        match self {
            Self::RemoveCertificate { .. } => RepairAction::RemoveCertificate,
            Self::AddCertificate { .. } => RepairAction::AddCertificate,
            Self::DeleteRecord(_) => RepairAction::DeleteDnsRecord,
            Self::StartMachine(_) => RepairAction::StartMachine,
            Self::RestartMachine(_) => RepairAction::RestartMachine,
            Self::Wait { .. } => RepairAction::Wait,
        }
    }

    /// Whether it changes anything.
    #[must_use]
    pub fn changes(&self) -> bool {
        !matches!(self, Self::Wait { .. })
    }

    /// What it is done to, the same whenever it is done again: a record by its type and name, a certificate by its app and
    /// name, a machine by its app and id.
    #[must_use]
    pub fn object(&self) -> String {
        match self {
            Self::RemoveCertificate { app, name, .. }
            | Self::AddCertificate { app, name }
            | Self::Wait { app, name } => {
                format!("{app}/{name}")
            }
            Self::DeleteRecord(record) => format!("{} {}", record.kind, record.name),
            Self::StartMachine(machine) | Self::RestartMachine(machine) => format!("{}/{}", machine.app, machine.id),
        }
    }

    /// The app that it is done to.
    #[must_use]
    pub fn app(&self) -> Option<&str> {
        match self {
            Self::RemoveCertificate { app, .. } | Self::AddCertificate { app, .. } | Self::Wait { app, .. } => {
                Some(app)
            }
            Self::StartMachine(machine) | Self::RestartMachine(machine) => Some(&machine.app),
            Self::DeleteRecord(_) => None,
        }
    }

    /// The name that it is about.
    #[must_use]
    pub fn hostname(&self) -> Option<&str> {
        match self {
            Self::RemoveCertificate { name, .. } | Self::AddCertificate { name, .. } | Self::Wait { name, .. } => {
                Some(name)
            }
            Self::DeleteRecord(record) => Some(&record.name),
            Self::StartMachine(_) | Self::RestartMachine(_) => None,
        }
    }

    /// The record that goes.
    #[must_use]
    pub fn record(&self) -> Option<&ZoneRecord> {
        match self {
            Self::DeleteRecord(record) => Some(record),
            _ => None,
        }
    }

    /// The machine.
    #[must_use]
    pub fn machine(&self) -> Option<&MachineRef> {
        match self {
            Self::StartMachine(machine) | Self::RestartMachine(machine) => Some(machine),
            _ => None,
        }
    }

    /// Whether `remediate undo` can take it back.
    #[must_use]
    pub fn can_be_undone(&self) -> bool {
        matches!(self, Self::AddCertificate { .. } | Self::DeleteRecord(_))
    }

    /// What a person would type or click for it.
    #[must_use]
    pub fn command(&self, zone: &str, tool: &dyn CommandLine) -> String {
        let (app, name) = (
            self.app().unwrap_or_default().to_owned(),
            self.hostname().unwrap_or_default().to_owned(),
        );
        let action = match self {
            Self::RemoveCertificate { .. } => Action::RemoveCertificate { app, name },
            Self::AddCertificate { .. } => Action::AddCertificate { app, name },
            Self::DeleteRecord(record) => Action::DeleteRecords {
                zone: zone.to_owned(),
                zone_id: None,
                name,
                which: if record.proxied {
                    Records::Proxied
                } else {
                    Records::Responder
                },
                records: vec![RecordRef {
                    id: Some(record.id.clone()),
                    kind: record.kind.clone(),
                    name: record.name.clone(),
                }],
            },
            Self::StartMachine(machine) => Action::StartMachine {
                app,
                machine: machine.id.clone(),
            },
            Self::RestartMachine(machine) => Action::RestartMachine {
                app,
                machine: machine.id.clone(),
            },
            Self::Wait { .. } => Action::Wait(Wait::Issuance),
        };
        let command = action.command(tool);
        match self {
            Self::DeleteRecord(record) => format!("{command} (content {})", record.content),
            _ => command,
        }
    }

    /// The call that carries it out; nothing where none does.
    #[must_use]
    pub fn call(&self, to: &Addresses) -> Option<String> {
        let Addresses {
            machines, cloudflare, ..
        } = to;
        Some(match self {
            Self::RemoveCertificate { app, name, .. } => {
                format!("DELETE {machines}/v1/apps/{app}/certificates/{name}")
            }
            Self::AddCertificate { app, name } => {
                format!("POST {machines}/v1/apps/{app}/certificates/acme {{\"hostname\":\"{name}\"}}")
            }
            Self::DeleteRecord(record) => {
                let zone = to.zone_id.as_deref().unwrap_or("ZONE");
                format!("DELETE {cloudflare}/zones/{zone}/dns_records/{}", record.id)
            }
            Self::StartMachine(machine) => {
                format!("POST {machines}/v1/apps/{}/machines/{}/start", machine.app, machine.id)
            }
            Self::RestartMachine(machine) => {
                format!(
                    "POST {machines}/v1/apps/{}/machines/{}/restart",
                    machine.app, machine.id
                )
            }
            Self::Wait { .. } => return None,
        })
    }

    /// What would take it back.
    #[must_use]
    pub fn undo(&self, plan: &str) -> String {
        match self {
            Self::AddCertificate { .. } | Self::DeleteRecord(_) => format!("roundsman remediate undo {plan}"),
            Self::RemoveCertificate { app, name, .. } => {
                format!("nothing by itself; by hand, should that app need it after all: fly certs add {name} -a {app}")
            }
            Self::StartMachine(machine) => format!(
                "nothing by itself; by hand: fly machine stop {} -a {}",
                machine.id, machine.app
            ),
            Self::RestartMachine(_) => "nothing: it ran before, and runs again".to_owned(),
            Self::Wait { .. } => "nothing: it changes nothing".to_owned(),
        }
    }
}
