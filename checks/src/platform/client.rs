//! The client of the platform that the tenants are on, whichever it is. A platform more is a variant more.

use std::sync::Arc;

use super::access::{TokenEnd, TokenScope};
use super::fly;
use super::standing::AppStanding;
use crate::evidence::{ApiAnswer, App, Fault, LogLine, Machine, Platform, SourceClock};

/// Client of a platform's APIs. It only reads, and outlives rounds with its connections; a clone is the same client.
#[derive(Clone, Debug)]
pub enum PlatformClient {
    /// Fly.io.
    Fly(Arc<fly::Client>),
}

/// Some lines of a log, oldest first, and where to go on.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LogPage {
    /// The lines.
    pub lines: Vec<LogLine>,
    /// What asks for newer ones; `None` where the answer gave none.
    pub next: Option<String>,
}

impl PlatformClient {
    /// Begins a round: an API that was asked nothing more in the last one is asked again.
    pub fn begin_round(&self) {
        match self {
            Self::Fly(client) => client.begin_round(),
        }
    }

    /// Everything that the platform knows of the organization, in bulk. What is not answered is `Unknown`.
    pub async fn read(&self) -> ApiAnswer<Platform> {
        match self {
            Self::Fly(client) => client.read().await,
        }
    }

    /// What was known of the organization with what changed since; and whether something was not told whole, and stays as
    /// it was.
    ///
    /// # Errors
    /// Why what changed can't be added: then all is to be read again.
    pub async fn changes(&self, before: &Platform) -> Result<(Platform, bool), Fault> {
        match self {
            Self::Fly(client) => client.changes(before).await,
        }
    }

    /// One app of an organization, whole, as [`Self::read`] has it; `None` where all that is asked says that there is none.
    ///
    /// # Errors
    /// Why it is not known whole.
    pub async fn app(&self, organization: &str, app: &str) -> Result<Option<App>, Fault> {
        match self {
            Self::Fly(client) => client.app(organization, app).await,
        }
    }

    /// Until when the token is valid, as far as it says so itself.
    #[must_use]
    pub fn token_end(&self) -> TokenEnd {
        match self {
            Self::Fly(client) => client.token_end(),
        }
    }

    /// Whom the token belongs to, and what it is narrowed to.
    ///
    /// # Errors
    /// The fault of the call.
    pub async fn token(&self) -> Result<TokenScope, Fault> {
        match self {
            Self::Fly(client) => client.token().await,
        }
    }

    /// How many apps an organization has, where that is told, by the API that tells of all of them.
    ///
    /// # Errors
    /// The fault of the call: `platform/not-found` where the token does not see the organization.
    pub async fn apps_total(&self, organization: &str) -> Result<Option<u64>, Fault> {
        match self {
            Self::Fly(client) => client.apps_total(organization).await,
        }
    }

    /// The names of an organization's apps.
    ///
    /// # Errors
    /// The fault of the call.
    pub async fn app_names(&self, organization: &str) -> Result<Vec<String>, Fault> {
        match self {
            Self::Fly(client) => client.app_names(organization).await,
        }
    }

    /// Whether the machines of an organization are told, of every region.
    ///
    /// # Errors
    /// The fault of the call, or the regions that are silent.
    pub async fn machines_listed(&self, organization: &str) -> Result<(), Fault> {
        match self {
            Self::Fly(client) => client.machines_listed(organization).await,
        }
    }

    /// What clocks its APIs keep, by their latest answers.
    #[must_use]
    pub fn clocks(&self) -> Vec<SourceClock> {
        match self {
            Self::Fly(client) => client.clocks().collect(),
        }
    }

    /// The machines of one app with what only their details tell: health checks, digests of images.
    ///
    /// # Errors
    /// The fault of the call.
    pub async fn machines(&self, app: &str) -> Result<Vec<Machine>, Fault> {
        match self {
            Self::Fly(client) => client.machines(app).await,
        }
    }

    /// One app and its machines in what matters before something is changed there.
    ///
    /// # Errors
    /// Why it is not known whole.
    pub async fn standing(&self, app: &str) -> Result<AppStanding, Fault> {
        match self {
            Self::Fly(client) => client.standing(app).await,
        }
    }

    /// The lines of an app's log that are newer than `since`; without it the newest that there are.
    ///
    /// # Errors
    /// Why there are none to be had; after a refusal of the token, or an outage, the same at once.
    pub async fn log(&self, app: &str, since: Option<&str>) -> Result<LogPage, Fault> {
        match self {
            Self::Fly(client) => client.log(app, since).await,
        }
    }
}
