//! The calls that change something at Fly.io, each made once with a token that may write. What it is about to change it
//! reads with the same token right before.

use reqwest::Method;
use serde_json::json;

use super::client::Settings;
use super::standing;
use crate::evidence::Fault;
use crate::platform::Token;
use crate::platform::http::{Api, ApiError, Calls, NotDone, Path};
use crate::platform::standing::{AppStanding, CertificateStanding};
use crate::platform::writer::Changed;

/// Whoever may change certificates and machines.
#[derive(Debug)]
pub struct Writer {
    graphql: Api,
    rest: Api,
}

impl Writer {
    /// A writer with a token as it is kept.
    ///
    /// # Errors
    /// [`ApiError`] where an address can't be used.
    pub fn new(settings: &Settings, token: &str, user_agent: &str, calls: &Calls) -> Result<Self, ApiError> {
        let token = Token::fly(token);
        let api = |name, url: &str| Api::new(name, url, token.clone(), user_agent, calls.clone());
        Ok(Self {
            graphql: api("graphql", &settings.api_url)?,
            rest: api("machines", &settings.machines_url)?,
        })
    }

    /// Begins a run: an API that was asked nothing more in the last one is asked again.
    pub fn begin(&self) {
        self.graphql.begin_round();
        self.rest.begin_round();
    }

    /// One app and its machines.
    ///
    /// # Errors
    /// Why it is not known whole.
    pub async fn standing(&self, app: &str) -> Result<AppStanding, Fault> {
        standing::app(&self.graphql, &self.rest, app).await
    }

    /// One certificate; `None`: the app holds none for the name.
    ///
    /// # Errors
    /// The fault of the call.
    pub async fn certificate(&self, app: &str, hostname: &str) -> Result<Option<CertificateStanding>, Fault> {
        standing::certificate(&self.rest, app, hostname).await
    }

    /// Takes a certificate from an app, whatever is under way for it.
    ///
    /// # Errors
    /// [`NotDone`].
    pub async fn remove_certificate(&self, app: &str, hostname: &str) -> Result<Changed, NotDone> {
        let path = Path {
            segments: &["v1", "apps", app, "certificates", hostname],
            query: &[],
        };
        let reply = self
            .rest
            .change("certificate-remove", Method::DELETE, &path, None)
            .await?;
        match reply.status {
            200..=299 => Ok(Changed::Done(reply.body)),
            404 => Ok(Changed::Already),
            _ => Err(reply.refusal()),
        }
    }

    /// Asks for a certificate of an authority.
    ///
    /// # Errors
    /// [`NotDone`].
    pub async fn add_certificate(&self, app: &str, hostname: &str) -> Result<Changed, NotDone> {
        let path = Path {
            segments: &["v1", "apps", app, "certificates", "acme"],
            query: &[],
        };
        let body = json!({ "hostname": hostname });
        let reply = self
            .rest
            .change("certificate-add", Method::POST, &path, Some(&body))
            .await?;
        match reply.status {
            200..=299 => Ok(Changed::Done(reply.body)),
            409 | 422 if reply.words().contains("already exists") => Ok(Changed::Already),
            _ => Err(reply.refusal()),
        }
    }

    /// Starts a machine that rests.
    ///
    /// # Errors
    /// [`NotDone`].
    pub async fn start_machine(&self, app: &str, machine: &str) -> Result<Changed, NotDone> {
        self.act("machine-start", app, machine, "start").await
    }

    /// Stops a machine and starts it again.
    ///
    /// # Errors
    /// [`NotDone`].
    pub async fn restart_machine(&self, app: &str, machine: &str) -> Result<Changed, NotDone> {
        self.act("machine-restart", app, machine, "restart").await
    }

    async fn act(&self, operation: &str, app: &str, machine: &str, action: &str) -> Result<Changed, NotDone> {
        let path = Path {
            segments: &["v1", "apps", app, "machines", machine, action],
            query: &[],
        };
        let reply = self.rest.change(operation, Method::POST, &path, None).await?;
        match reply.status {
            200..=299 => Ok(Changed::Done(reply.body)),
            _ => Err(reply.refusal()),
        }
    }
}
