//! The local API of a running daemon: a Unix socket beside its database that only its owner can open. One line of JSON
//! asks, one line answers.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::UnixStream as Caller;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use roundsman_alerts::Matcher;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader as AsyncReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::remediation::ledger::Entry;

/// How long one conversation may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// The longest question, in bytes.
const LONGEST: u64 = 64 * 1024;
/// The longest answer, in bytes: the status of every tenant.
const LONGEST_ANSWER: u64 = 256 * 1024 * 1024;
/// How many conversations go on together.
const TOGETHER: usize = 32;

/// What is asked of a running daemon.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Question {
    /// How these tenants are, or all.
    Status {
        /// Their ids.
        tenants: Vec<String>,
    },
    /// Somebody looks after an incident.
    Acknowledge {
        /// Its id.
        id: String,
        /// What they say.
        comment: String,
    },
    /// Something is muted for a while.
    Silence {
        /// All have to hold.
        matchers: Vec<Matcher>,
        /// Until when.
        ends_at: Timestamp,
        /// Why.
        comment: String,
    },
    /// A silence ends.
    Expire {
        /// Its id.
        id: String,
    },
    /// What waits to be delivered, or was given up.
    Outbox,
    /// What was given up is tried again.
    Retry,
    /// How the agent does its job.
    Health,
    /// A tenant, examined now.
    Probe {
        /// Its id, its host name, or the address of its page.
        target: String,
        /// How long that may take, in milliseconds.
        within: u64,
        /// Whether in OpenMetrics.
        openmetrics: bool,
        /// Whether what was seen is told as well.
        debug: bool,
    },
    /// A row of the ledger: it is on the disk when this is answered.
    Ledger(Box<Entry>),
    /// Every number, as Prometheus reads it, or whoever asks for OpenMetrics.
    Metrics {
        /// Whether in OpenMetrics.
        openmetrics: bool,
    },
}

impl Question {
    /// Asks for a silence that lasts until a moment, or for a while from now on. `None` where its end does not lie in the
    /// future.
    #[must_use]
    pub fn silence(
        matchers: Vec<Matcher>,
        until: Option<Timestamp>,
        lasts: Option<Duration>,
        comment: String,
        now: Timestamp,
    ) -> Option<Self> {
        let by_length = || now.checked_add(SignedDuration::try_from(lasts?).ok()?).ok();
        let ends_at = until.or_else(by_length).filter(|ends| *ends > now)?;
        Some(Self::Silence {
            matchers,
            ends_at,
            comment,
        })
    }
}

/// The answer of a daemon: JSON, or why there is none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// What was asked for.
    Done(serde_json::Value),
    /// Why it was not done.
    Refused(String),
    /// Why it is not done now: asked again later, it may be.
    Busy(String),
}

/// A question on its way to the loop, and where its answer goes.
pub(super) type Asked = (Question, oneshot::Sender<Answer>);

/// Why a daemon did not answer.
#[derive(Debug, Error)]
pub enum ApiError {
    /// None runs.
    #[error("no `roundsman watch` runs on this database: start it, for this changes what it goes by")]
    NotRunning,
    /// It said no.
    #[error("{0}")]
    Refused(String),
    /// It did not answer in time, or nothing that can be read.
    #[error("the running `roundsman watch` does not answer: {0}")]
    NoAnswer(String),
}

/// Where the socket of a database is.
#[must_use]
pub fn socket_path(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(".sock");
    name.into()
}

/// Asks the daemon that runs on a database.
///
/// # Errors
/// [`ApiError`] where none runs, or it does not do what it is asked.
pub fn ask<T: DeserializeOwned>(database: &Path, question: &Question) -> Result<T, ApiError> {
    let wrong = |why: &dyn std::fmt::Display| ApiError::NoAnswer(why.to_string());
    let mut caller = Caller::connect(socket_path(database)).map_err(|_| ApiError::NotRunning)?;
    let patient = caller.set_read_timeout(Some(2 * PATIENCE));
    patient
        .and_then(|()| caller.set_write_timeout(Some(PATIENCE)))
        .map_err(|error| wrong(&error))?;
    let mut line = serde_json::to_string(question).map_err(|error| wrong(&error))?;
    line.push('\n');
    caller.write_all(line.as_bytes()).map_err(|error| wrong(&error))?;
    let mut answer = String::new();
    let mut reader = BufReader::new(caller.take(LONGEST_ANSWER));
    reader.read_line(&mut answer).map_err(|error| wrong(&error))?;
    match serde_json::from_str(&answer).map_err(|error| wrong(&error))? {
        Answer::Done(value) => serde_json::from_value(value).map_err(|error| wrong(&error)),
        Answer::Refused(why) | Answer::Busy(why) => Err(ApiError::Refused(why)),
    }
}

/// The socket of a daemon, with all conversations that go on.
pub(super) struct Api {
    listener: UnixListener,
    path: PathBuf,
    conversations: JoinSet<()>,
    asked: mpsc::Sender<Asked>,
}

impl Api {
    /// Listens beside a database. Only one daemon has it, so that a socket that is there already is nobody's.
    pub(super) fn listen(database: &Path) -> std::io::Result<(Self, mpsc::Sender<Asked>, mpsc::Receiver<Asked>)> {
        let path = socket_path(database);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        // Nobody else may connect, not even for a moment.
        let before = nix::sys::stat::umask(nix::sys::stat::Mode::from_bits_truncate(0o177));
        let listener = UnixListener::bind(&path);
        nix::sys::stat::umask(before);
        let (asked, questions) = mpsc::channel(TOGETHER);
        let api = Self {
            listener: listener?,
            path,
            conversations: JoinSet::new(),
            asked: asked.clone(),
        };
        Ok((api, asked, questions))
    }

    /// Waits for the next caller and talks to it beside everything else.
    pub(super) async fn serve(&mut self) {
        while self.conversations.try_join_next().is_some() {}
        if self.conversations.len() >= TOGETHER {
            let _ = self.conversations.join_next().await;
        }
        match self.listener.accept().await {
            Ok((stream, _)) => {
                let asked = self.asked.clone();
                self.conversations.spawn(async move {
                    // Whoever does not ask in time, or went away, is not answered.
                    let _ = timeout(PATIENCE, talk(stream, asked)).await;
                });
            }
            // No descriptor is left: others will be given back.
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}

impl Drop for Api {
    fn drop(&mut self) {
        // Where it can't be removed the next daemon does.
        let _ = std::fs::remove_file(&self.path);
    }
}

async fn talk(stream: UnixStream, asked: mpsc::Sender<Asked>) -> std::io::Result<()> {
    let mut stream = AsyncReader::new(stream);
    let mut line = String::new();
    (&mut stream).take(LONGEST).read_line(&mut line).await?;
    let answer = match serde_json::from_str(&line) {
        Ok(question) => {
            let (sender, receiver) = oneshot::channel();
            let _ = asked.send((question, sender)).await;
            receiver
                .await
                .unwrap_or_else(|_| Answer::Refused("the daemon ends".to_owned()))
        }
        Err(error) => Answer::Refused(format!("this is no question: {error}")),
    };
    let mut said = serde_json::to_vec(&answer)?;
    said.push(b'\n');
    stream.write_all(&said).await?;
    stream.flush().await
}
