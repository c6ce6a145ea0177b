//! How one app and its machines stand at this moment, in what matters before something is changed there: who acted last,
//! whether a deploy goes on, what somebody marked. Read by itself, never in bulk.

use jiff::Timestamp;

use crate::evidence::MachineState;

/// One app.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AppStanding {
    /// Whether a release of it goes on.
    pub releasing: bool,
    /// All its machines.
    pub machines: Vec<MachineStanding>,
}

/// One machine.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MachineStanding {
    /// Its id.
    pub id: String,
    /// How it is.
    pub state: MachineState,
    /// Whether its metadata says that nothing is to be changed at it.
    pub hands_off: bool,
    /// Whether somebody holds a lease on it.
    pub leased: bool,
    /// What happened to it, the newest first.
    pub events: Vec<MachineHappening>,
}

/// Something that happened to a machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MachineHappening {
    /// What, as the platform names it: `start`, `stop`, `update`, `exit` …
    pub kind: String,
    /// Who did it, as the platform names it: `user`, `flyd` …
    pub source: String,
    /// When.
    pub at: Timestamp,
}

/// One certificate of an app.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CertificateStanding {
    /// The name that it is for.
    pub hostname: String,
    /// Whether it was imported: its key is nowhere else.
    pub imported: bool,
    /// When it was asked for.
    pub created_at: Option<Timestamp>,
    /// Whether it is issued and serves.
    pub ready: bool,
    /// Until when the authority refuses.
    pub rate_limited_until: Option<Timestamp>,
}

impl MachineStanding {
    /// Whether it is gone for good, and listed all the same.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        self.state.is_gone()
    }
}
