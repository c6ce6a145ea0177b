//! `[store]`, `[web]` and `[heartbeat]`: what only a process that goes on needs.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use thiserror::Error;

use crate::config::form::{duration, file, interval, listener, optional, optional_url, quoted, secret};
use crate::config::secret::{Secret, SecretError, SecretString};
use crate::config::table::table;

table! {
    /// What `watch` remembers.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Store {
        /// The database; relative paths are looked for beside this file.
        path: PathBuf = PathBuf::from("roundsman.db") => file().written(|path| Some(quoted(&path.display().to_string())));
        /// How long results and incidents that are over are kept.
        retention: Duration = Duration::from_secs(30 * 24 * 3600) => duration();
    }
}

table! {
    /// Where `watch` answers: /healthz, /readyz, /metrics, /probe and the API.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Web {
        /// The address, "ip:port"; port 0 takes a free one.
        listen: SocketAddr = SocketAddr::from(([127, 0, 0, 1], 9464)) => listener();
        /// What whoever asks has to show as a bearer token, but for /healthz and /readyz. By default that of
        /// ROUNDSMAN_WEB_TOKEN, where it is set; needed where others than this machine may ask.
        token: Option<Secret> = None => optional(secret()), sample = "{ env = \"ROUNDSMAN_WEB_TOKEN\" }";
    }
}

table! {
    /// Tells a dead man's switch that the agent does its job; it says nothing about tenants.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Heartbeat {
        /// Pinged while all is well, and with /fail behind it otherwise; empty: nobody is told.
        url: Option<String> = None => optional_url();
        /// How often.
        every: Duration = Duration::from_secs(60) => interval();
    }
}

/// Why nobody may ask.
#[derive(Debug, Error)]
pub enum WebError {
    /// The token can't be had.
    #[error("[web] token: {0}")]
    Token(#[from] SecretError),
    /// There is none, and others than this machine may ask.
    #[error(
        "[web] listen = \"{0}\" is not loopback, so whoever asks needs a token: set ROUNDSMAN_WEB_TOKEN, or write \
         token = {{ env = \"NAME\" }} below [web]"
    )]
    Needed(SocketAddr),
}

impl Web {
    /// What whoever asks has to show; `None`: nothing.
    ///
    /// # Errors
    /// [`WebError`] where a token is needed or configured, and can't be had.
    pub fn token(&self) -> Result<Option<SecretString>, WebError> {
        if let Some(token) = &self.token {
            return Ok(Some(token.read()?));
        }
        match Secret::Env("ROUNDSMAN_WEB_TOKEN".to_owned()).read() {
            Ok(token) => Ok(Some(token)),
            Err(SecretError::Unset(_)) if self.listen.ip().is_loopback() => Ok(None),
            Err(SecretError::Unset(_)) => Err(WebError::Needed(self.listen)),
            Err(error) => Err(error.into()),
        }
    }
}
