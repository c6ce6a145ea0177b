//! The one writer, on a thread of its own. What it can't write it keeps, and tries again.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use roundsman_alerts::{Incident, Silence};
use roundsman_checks::clock::Moment;
use rusqlite::{Connection, Transaction, params};

use super::error::StoreError;
use super::lock::Lock;
use super::read::remembered;
use super::schema;
use crate::watch::{Commit, Record, Remembered};

/// How long what is not urgent waits for company.
const GATHER: Duration = Duration::from_millis(500);
/// How many writes that are not urgent one transaction holds at most.
const BATCH: usize = 5_000;
/// How many of them wait while nothing can be written; the oldest go first.
const WAITING: usize = 200_000;
/// How long to leave a database alone that can't be written.
const STUMBLE: Duration = Duration::from_secs(1);

/// Something to be remembered.
#[derive(Clone, Debug)]
pub enum Write {
    /// What happened to incidents: in one transaction, at once.
    Commit(Box<Commit>),
    /// How a tenant is: when there is time.
    Record(Record),
    /// A silence, as it is now.
    Silence(Silence),
    /// Everything from before this moment that is not needed any more goes.
    Forget(Timestamp),
}

/// A database that this process alone writes.
#[derive(Debug)]
pub struct Store {
    sender: Option<Sender<Write>>,
    thread: Option<JoinHandle<()>>,
    trouble: Arc<Mutex<Option<String>>>,
}

impl Store {
    /// Opens a database, and gives what it remembers.
    ///
    /// # Errors
    /// [`StoreError`], all of it the user's to mend; the database is left as it is.
    pub fn open(path: &Path) -> Result<(Self, Remembered), StoreError> {
        let lock = Lock::take(path)?;
        let database = schema::open(path)?;
        let before = remembered(&database).map_err(|error| schema::named(path, &error))?;
        let (sender, receiver) = channel();
        let trouble = Arc::new(Mutex::new(None));
        let writer = Writer {
            database,
            path: path.to_owned(),
            trouble: Arc::clone(&trouble),
            urgent: VecDeque::new(),
            waiting: VecDeque::new(),
            _lock: lock,
        };
        let thread = std::thread::Builder::new().name("store".to_owned());
        let thread = thread.spawn(move || writer.run(&receiver));
        let thread = thread.map_err(|error| StoreError::Unusable {
            path: path.to_owned(),
            why: error.to_string(),
        })?;
        let store = Self {
            sender: Some(sender),
            thread: Some(thread),
            trouble,
        };
        Ok((store, before))
    }

    /// Has something remembered.
    pub fn write(&self, write: Write) {
        if let Some(sender) = &self.sender {
            // The writer ends only after this.
            let _ = sender.send(write);
        }
    }

    /// Why nothing can be written at the moment.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Writes what waits, and ends.
    pub fn close(mut self) {
        self.sender = None;
        if let Some(thread) = self.thread.take() {
            // A writer that panicked has said so itself.
            let _ = thread.join();
        }
    }
}

struct Writer {
    database: Connection,
    path: PathBuf,
    trouble: Arc<Mutex<Option<String>>>,
    urgent: VecDeque<Write>,
    waiting: VecDeque<Write>,
    _lock: Lock,
}

impl Writer {
    fn run(mut self, receiver: &Receiver<Write>) {
        // When the first of what waits came.
        let mut since = None::<Moment>;
        loop {
            let first = match since {
                None => receiver.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(since) => receiver.recv_timeout(self.patience().saturating_sub(since.elapsed())),
            };
            let over = matches!(first, Err(RecvTimeoutError::Disconnected));
            let waited = matches!(first, Err(RecvTimeoutError::Timeout));
            first
                .into_iter()
                .chain(receiver.try_iter())
                .for_each(|write| self.take(write));
            let urgent = !self.urgent.is_empty() && !self.is_troubled();
            if over || waited || urgent || self.waiting.len() >= BATCH {
                let written = self.flush();
                // What can't be written is tried again after a while.
                since = (!written).then(Moment::now);
            } else {
                since = since.or_else(|| Some(Moment::now()));
            }
            if over {
                return;
            }
        }
    }

    fn patience(&self) -> Duration {
        match self.is_troubled() {
            true => STUMBLE,
            false => GATHER,
        }
    }

    fn is_troubled(&self) -> bool {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    fn take(&mut self, write: Write) {
        match write {
            Write::Record(_) | Write::Forget(_) => {
                self.waiting.push_back(write);
                if self.waiting.len() > WAITING {
                    self.waiting.pop_front();
                }
            }
            urgent => self.urgent.push_back(urgent),
        }
    }

    /// Writes what there is: each urgent thing by itself, the rest together. Whether it could.
    fn flush(&mut self) -> bool {
        let written = self.flush_all();
        let trouble = written
            .as_ref()
            .err()
            .map(|error| schema::named(&self.path, error).to_string());
        let ok = trouble.is_none();
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = trouble;
        ok
    }

    fn flush_all(&mut self) -> Result<(), rusqlite::Error> {
        while let Some(write) = self.urgent.front() {
            let change = self.database.transaction()?;
            apply(&change, write)?;
            change.commit()?;
            self.urgent.pop_front();
        }
        while !self.waiting.is_empty() {
            let batch = self.waiting.len().min(BATCH);
            let change = self.database.transaction()?;
            for write in self.waiting.iter().take(batch) {
                apply(&change, write)?;
            }
            change.commit()?;
            self.waiting.drain(..batch);
        }
        Ok(())
    }
}

fn apply(change: &Transaction<'_>, write: &Write) -> Result<(), rusqlite::Error> {
    match write {
        Write::Commit(commit) => write_commit(change, commit),
        Write::Record(record) => write_record(change, record),
        Write::Silence(silence) => {
            let ends = silence.ends_at.as_microsecond();
            let mut statement =
                change.prepare_cached("INSERT OR REPLACE INTO silences (id, ends_at, data) VALUES (?1, ?2, ?3)")?;
            statement.execute(params![silence.id, ends, text(silence)?])?;
            Ok(())
        }
        Write::Forget(before) => forget(change, *before),
    }
}

fn write_commit(change: &Transaction<'_>, commit: &Commit) -> Result<(), rusqlite::Error> {
    let mut event = change.prepare_cached("INSERT INTO timeline (id, at, change) VALUES (?1, ?2, ?3)")?;
    for done in &commit.transitions {
        event.execute(params![done.id.as_str(), done.at.as_microsecond(), text(&done.change)?])?;
    }
    let mut kept = change.prepare_cached(
        "INSERT OR REPLACE INTO incidents (cause, scope, object, id, state, data) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    let mut over =
        change.prepare_cached("INSERT OR REPLACE INTO history (id, resolved_at, data) VALUES (?1, ?2, ?3)")?;
    let mut reopened = change.prepare_cached("DELETE FROM history WHERE id = ?1")?;
    for incident in &commit.incidents {
        let core = incident.core();
        let (key, data) = (&core.key, text(incident)?);
        let state = incident.state().to_string();
        kept.execute(params![
            &*key.cause,
            &*key.scope,
            &*key.object,
            core.id.as_str(),
            state,
            data
        ])?;
        match incident {
            Incident::Resolved(resolved) => {
                over.execute(params![core.id.as_str(), resolved.resolved.wall.as_microsecond(), data])?;
            }
            _ => drop(reopened.execute(params![core.id.as_str()])?),
        }
    }
    let mut gone = change.prepare_cached("DELETE FROM incidents WHERE cause = ?1 AND scope = ?2 AND object = ?3")?;
    for key in &commit.forgotten {
        gone.execute(params![&*key.cause, &*key.scope, &*key.object])?;
    }
    let number = i64::try_from(commit.number).unwrap_or(i64::MAX);
    change.execute(
        "INSERT OR REPLACE INTO single (name, value) VALUES ('incident', ?1)",
        [number],
    )?;
    Ok(())
}

fn write_record(change: &Transaction<'_>, record: &Record) -> Result<(), rusqlite::Error> {
    let (status, at) = (record.status.to_string(), record.at.as_microsecond());
    let cause = record.cause.map(roundsman_checks::Cause::as_str);
    let good = (record.status == roundsman_checks::diagnosis::Status::Healthy).then_some(at);
    let mut now = change.prepare_cached(
        "INSERT INTO tenants (tenant, status, cause, since, last_good) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (tenant) DO UPDATE SET status = ?2, cause = ?3, since = ?4, last_good = coalesce(?5, last_good)",
    )?;
    now.execute(params![record.tenant, status, cause, at, good])?;
    let mut was =
        change.prepare_cached("INSERT OR REPLACE INTO changes (tenant, at, status, cause) VALUES (?1, ?2, ?3, ?4)")?;
    was.execute(params![record.tenant, at, status, cause])?;
    Ok(())
}

fn forget(change: &Transaction<'_>, before: Timestamp) -> Result<(), rusqlite::Error> {
    let before = before.as_microsecond();
    for statement in [
        "DELETE FROM changes WHERE at < ?1",
        "DELETE FROM history WHERE resolved_at < ?1",
        "DELETE FROM silences WHERE ends_at < ?1",
        "DELETE FROM timeline WHERE at < ?1 AND id NOT IN (SELECT id FROM incidents) AND id NOT IN (SELECT id FROM history)",
    ] {
        change.execute(statement, [before])?;
    }
    Ok(())
}

fn text(value: &impl serde::Serialize) -> Result<String, rusqlite::Error> {
    serde_json::to_string(value).map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))
}

/// The moment before which what is over is not kept.
#[must_use]
pub fn keep_since(now: Timestamp, retention: Duration) -> Timestamp {
    let retention = SignedDuration::try_from(retention).unwrap_or(SignedDuration::MAX);
    now.saturating_sub(retention).unwrap_or(Timestamp::MIN)
}
