//! Whoever may change something at the platform, whichever it is. A platform more is a variant more.

use std::sync::Arc;

use serde_json::Value;

use super::fly;
use super::http::NotDone;
use super::standing::{AppStanding, CertificateStanding};
use crate::evidence::Fault;

/// What came of a call that was to change something.
#[derive(Clone, Debug, PartialEq)]
pub enum Changed {
    /// It was done; what the API answered.
    Done(Value),
    /// It was so already.
    Already,
}

/// A platform's API with a token that may write.
#[derive(Clone, Debug)]
pub enum PlatformWriter {
    /// Fly.io.
    Fly(Arc<fly::Writer>),
}

impl PlatformWriter {
    /// Begins a run: an API that was asked nothing more in the last one is asked again.
    pub fn begin(&self) {
        match self {
            Self::Fly(writer) => writer.begin(),
        }
    }

    /// One app and its machines in what matters before something is changed there.
    ///
    /// # Errors
    /// Why it is not known whole.
    pub async fn standing(&self, app: &str) -> Result<AppStanding, Fault> {
        match self {
            Self::Fly(writer) => writer.standing(app).await,
        }
    }

    /// One certificate; `None`: the app holds none for the name.
    ///
    /// # Errors
    /// The fault of the call.
    pub async fn certificate(&self, app: &str, hostname: &str) -> Result<Option<CertificateStanding>, Fault> {
        match self {
            Self::Fly(writer) => writer.certificate(app, hostname).await,
        }
    }

    /// Takes a certificate from an app.
    ///
    /// # Errors
    /// [`NotDone`].
    pub async fn remove_certificate(&self, app: &str, hostname: &str) -> Result<Changed, NotDone> {
        match self {
            Self::Fly(writer) => writer.remove_certificate(app, hostname).await,
        }
    }

    /// Asks for a certificate of an authority.
    ///
    /// # Errors
    /// [`NotDone`].
    pub async fn add_certificate(&self, app: &str, hostname: &str) -> Result<Changed, NotDone> {
        match self {
            Self::Fly(writer) => writer.add_certificate(app, hostname).await,
        }
    }

    /// Starts a machine that rests.
    ///
    /// # Errors
    /// [`NotDone`].
    pub async fn start_machine(&self, app: &str, machine: &str) -> Result<Changed, NotDone> {
        match self {
            Self::Fly(writer) => writer.start_machine(app, machine).await,
        }
    }

    /// Stops a machine and starts it again.
    ///
    /// # Errors
    /// [`NotDone`].
    pub async fn restart_machine(&self, app: &str, machine: &str) -> Result<Changed, NotDone> {
        match self {
            Self::Fly(writer) => writer.restart_machine(app, machine).await,
        }
    }
}
