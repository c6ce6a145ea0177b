//! The one writer, on a thread of its own. What it can't write it keeps, within limits, and tries again.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use roundsman_alerts::notification::Changes;
use roundsman_alerts::{Incident, Silence};
use roundsman_checks::clock::Moment;
use roundsman_checks::target::{Tenant, TenantId};
use rusqlite::{Connection, OptionalExtension as _, Transaction, params};
use tokio::sync::watch;

use super::error::StoreError;
use super::ledger;
use super::lock::Lock;
use super::queue::{Next, Queue};
use super::read::remembered;
use super::schema;
use crate::history::{Day, Hour, hour_of};
use crate::remediation::ledger::Entry;
use crate::watch::{Commit, Record, Remembered, Seen};

/// How long what is not urgent waits for company.
const GATHER: Duration = Duration::from_millis(500);
/// How many writes that are not urgent one transaction holds at most.
const BATCH: usize = 5_000;
/// How long to leave a database alone that can't be written.
const STUMBLE: Duration = Duration::from_secs(1);

/// How many hours of each tenant are kept one by one: those of the day that goes on and of the one before.
const HOURS_KEPT: i32 = 48;
/// How many days longer than everything else its days are.
const DAYS_KEPT: i32 = 366;
/// How many hours of all together.
const FLEET_HOURS_KEPT: i32 = 8 * 24;

/// Something to be remembered.
#[derive(Clone, Debug)]
pub enum Write {
    /// What happened to incidents: in one transaction, at once.
    Commit(Box<Commit>),
    /// How a tenant is: when there is time.
    Record(Record),
    /// What was seen of a tenant that is well: when there is time.
    Good(String, Arc<Seen>),
    /// Who a tenant is, and whether its end is nobody's business: when there is time.
    Named(Arc<Tenant>, bool),
    /// An hour of a tenant, or of all together: when there is time.
    Hour(Option<TenantId>, Hour),
    /// A tenant is gone: when there is time.
    Gone(String),
    /// A silence, as it is now.
    Silence(Silence),
    /// A row of the ledger: at once, before what it tells of is done.
    Ledger(Box<Entry>),
    /// Everything from before this moment that is not needed any more goes.
    Forget(Timestamp),
}

impl Write {
    /// Whether it is written at once, by itself.
    pub(super) fn is_urgent(&self) -> bool {
        match self {
            Self::Commit(_) | Self::Silence(_) | Self::Ledger(_) => true,
            Self::Record(_) | Self::Good(..) | Self::Named(..) | Self::Hour(..) | Self::Gone(_) | Self::Forget(_) => {
                false
            }
        }
    }
}

/// How far a writer came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// The number of the last urgent write that is on the disk, with all before it.
    pub synced: u64,
    /// Why nothing can be written at the moment.
    pub trouble: Option<String>,
}

/// A database that this process alone writes.
#[derive(Debug)]
pub struct Store {
    queue: Arc<Queue>,
    thread: Option<JoinHandle<()>>,
    progress: watch::Receiver<Progress>,
}

impl Store {
    /// Opens a database, and gives what it remembers.
    ///
    /// # Errors
    /// [`StoreError`], all of it the user's to fix; the database is left as it is.
    pub fn open(path: &Path) -> Result<(Self, Remembered), StoreError> {
        let lock = Lock::take(path)?;
        let database = schema::open(path)?;
        let before = remembered(&database).map_err(|error| schema::named(path, &error))?;
        let queue = Arc::new(Queue::default());
        let (told, progress) = watch::channel(Progress::default());
        let writer = Writer {
            database,
            path: path.to_owned(),
            queue: Arc::clone(&queue),
            told,
            _lock: lock,
        };
        let thread = std::thread::Builder::new().name("store".to_owned());
        let thread = thread.spawn(move || writer.run());
        let thread = thread.map_err(|error| StoreError::Unusable {
            path: path.to_owned(),
            why: error.to_string(),
        })?;
        let store = Self {
            queue,
            thread: Some(thread),
            progress,
        };
        Ok((store, before))
    }

    /// Has something remembered. What is urgent has a number: it is on the disk once [`Progress::synced`] is as high.
    pub fn write(&self, write: Write) -> u64 {
        self.queue.push(write)
    }

    /// Whoever may write to it as well, as long as it is open.
    #[must_use]
    pub fn handle(&self) -> StoreHandle {
        StoreHandle {
            queue: Arc::clone(&self.queue),
            progress: self.progress.clone(),
        }
    }

    /// How far the writer came, and whatever it comes to.
    #[must_use]
    pub fn progress(&self) -> watch::Receiver<Progress> {
        self.progress.clone()
    }

    /// Why nothing can be written at the moment.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        self.progress.borrow().trouble.clone()
    }

    /// Writes what waits, and ends; it waits no longer than this for a disk that hangs. How many writes are lost by it.
    pub fn close(mut self, patience: Duration) -> usize {
        let lost = self.queue.close(patience);
        if let Some(thread) = self.thread.take().filter(|_| self.queue.has_ended()) {
            // A writer that panicked has said so itself; one that hangs ends with the process.
            let _ = thread.join();
        }
        lost
    }
}

/// Writes to a store that somebody else has.
#[derive(Clone, Debug)]
pub struct StoreHandle {
    queue: Arc<Queue>,
    progress: watch::Receiver<Progress>,
}

impl StoreHandle {
    /// Has something urgent remembered, and waits until it is on the disk.
    ///
    /// # Errors
    /// Why it is not.
    pub async fn keep(&self, write: Write, patience: Duration) -> Result<(), String> {
        let mut progress = self.progress.clone();
        let number = self.queue.push(write);
        let kept = progress.wait_for(|progress| progress.synced >= number || progress.trouble.is_some());
        match tokio::time::timeout(patience, kept).await {
            Ok(Ok(progress)) => progress.trouble.clone().map_or(Ok(()), Err),
            Ok(Err(_)) => Err("the database is closed".to_owned()),
            Err(_) => Err("the disk does not answer".to_owned()),
        }
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.queue.close(Duration::ZERO);
    }
}

struct Writer {
    database: Connection,
    path: PathBuf,
    queue: Arc<Queue>,
    told: watch::Sender<Progress>,
    _lock: Lock,
}

impl Writer {
    fn run(mut self) {
        // When the first of what waits came, or when nothing could be written last.
        let mut since = None::<Moment>;
        loop {
            let troubled = self.told.borrow().trouble.is_some();
            let patience = if troubled { STUMBLE } else { GATHER };
            let patience = since.map(|since| patience.saturating_sub(since.elapsed()));
            match self.queue.wait(patience, !troubled, BATCH) {
                Next::Gather => since = since.or_else(|| Some(Moment::now())),
                Next::Write => {
                    let written = self.flush();
                    // What can't be written is tried again after a while.
                    since = (!written).then(Moment::now);
                }
                Next::End => {
                    self.flush();
                    self.queue.ended();
                    return;
                }
            }
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
        self.told
            .send_if_modified(|progress| std::mem::replace(&mut progress.trouble, trouble.clone()) != trouble);
        ok
    }

    fn flush_all(&mut self) -> Result<(), rusqlite::Error> {
        while let Some((number, write)) = self.queue.urgent() {
            let written = transact(&mut self.database, std::slice::from_ref(&write));
            if written.is_err() {
                self.queue.give_back(number, write);
                return written;
            }
            self.told.send_modify(|progress| progress.synced = number);
        }
        loop {
            let batch = self.queue.batch(BATCH);
            if batch.is_empty() {
                return Ok(());
            }
            transact(&mut self.database, &batch)?;
            self.queue.written(batch.len());
        }
    }
}

/// All of it, or nothing.
fn transact(database: &mut Connection, writes: &[Write]) -> Result<(), rusqlite::Error> {
    let change = database.transaction()?;
    for write in writes {
        apply(&change, write)?;
    }
    change.commit()
}

fn apply(change: &Transaction<'_>, write: &Write) -> Result<(), rusqlite::Error> {
    match write {
        Write::Commit(commit) => write_commit(change, commit),
        Write::Record(record) => write_record(change, record),
        Write::Good(tenant, seen) => {
            let mut statement = change.prepare_cached("UPDATE tenants SET good = ?2 WHERE tenant = ?1")?;
            statement.execute(params![tenant, text(&**seen)?])?;
            Ok(())
        }
        Write::Named(tenant, by_hand) => {
            let mut statement = change
                .prepare_cached("INSERT OR REPLACE INTO inventory (tenant, by_hand, data) VALUES (?1, ?2, ?3)")?;
            statement.execute(params![tenant.id.as_str(), by_hand, text(&**tenant)?])?;
            Ok(())
        }
        Write::Hour(Some(tenant), hour) => write_hour(change, tenant, *hour),
        Write::Hour(None, hour) => write_fleet_hour(change, *hour),
        Write::Gone(tenant) => {
            for statement in [
                "DELETE FROM tenants WHERE tenant = ?1",
                "DELETE FROM inventory WHERE tenant = ?1",
                "DELETE FROM hours WHERE tenant = ?1",
            ] {
                change.prepare_cached(statement)?.execute([tenant])?;
            }
            Ok(())
        }
        Write::Silence(silence) => {
            let ends = silence.ends_at.as_microsecond();
            let mut statement =
                change.prepare_cached("INSERT OR REPLACE INTO silences (id, ends_at, data) VALUES (?1, ?2, ?3)")?;
            statement.execute(params![silence.id, ends, text(silence)?])?;
            Ok(())
        }
        Write::Ledger(entry) => ledger::append(change, entry),
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
    let mut counted =
        change.prepare_cached("INSERT OR REPLACE INTO looks (cause, scope, object, data) VALUES (?1, ?2, ?3, ?4)")?;
    let mut calm = change.prepare_cached("DELETE FROM looks WHERE cause = ?1 AND scope = ?2 AND object = ?3")?;
    for (key, looks) in &commit.looks {
        match looks {
            Some(looks) => counted.execute(params![&*key.cause, &*key.scope, &*key.object, text(looks)?])?,
            None => calm.execute(params![&*key.cause, &*key.scope, &*key.object])?,
        };
    }
    write_told(change, &commit.told)?;
    let number = i64::try_from(commit.number).unwrap_or(i64::MAX);
    change.execute(
        "INSERT OR REPLACE INTO single (name, value) VALUES ('incident', ?1)",
        [number],
    )?;
    Ok(())
}

/// What was told, and what is to be: in the transaction of what happened.
fn write_told(change: &Transaction<'_>, told: &Changes) -> Result<(), rusqlite::Error> {
    let mut kept = change.prepare_cached("INSERT OR REPLACE INTO threads (id, data) VALUES (?1, ?2)")?;
    for thread in &told.threads {
        kept.execute(params![thread.id.as_str(), text(thread)?])?;
    }
    let mut gone = change.prepare_cached("DELETE FROM threads WHERE id = ?1")?;
    for id in &told.threads_gone {
        gone.execute(params![id.as_str()])?;
    }
    let mut kept = change.prepare_cached("INSERT OR REPLACE INTO outbox (id, data) VALUES (?1, ?2)")?;
    let mut gone = change.prepare_cached("DELETE FROM outbox WHERE id = ?1")?;
    for (id, delivery) in &told.deliveries {
        match delivery {
            Some(delivery) => kept.execute(params![id.as_str(), text(delivery)?])?,
            None => gone.execute(params![id.as_str()])?,
        };
    }
    Ok(())
}

fn write_record(change: &Transaction<'_>, record: &Record) -> Result<(), rusqlite::Error> {
    let (status, at) = (record.status.to_string(), record.at.as_microsecond());
    let cause = record.cause.map(roundsman_checks::Cause::as_str);
    let good = record.last_good.map(Timestamp::as_microsecond);
    let mut now = change.prepare_cached(
        "INSERT INTO tenants (tenant, status, cause, since, last_good, by_hand) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (tenant) DO UPDATE SET status = ?2, cause = ?3, since = ?4,
         last_good = coalesce(?5, last_good), by_hand = ?6",
    )?;
    now.execute(params![record.tenant, status, cause, at, good, record.by_hand])?;
    let mut was =
        change.prepare_cached("INSERT OR REPLACE INTO changes (tenant, at, status, cause) VALUES (?1, ?2, ?3, ?4)")?;
    was.execute(params![record.tenant, at, status, cause])?;
    Ok(())
}

/// An hour of a tenant, and its day with it. Another part of the same hour may be there already.
fn write_hour(change: &Transaction<'_>, tenant: &TenantId, hour: Hour) -> Result<(), rusqlite::Error> {
    let mut kept = change.prepare_cached("SELECT data FROM hours WHERE tenant = ?1")?;
    let kept = kept
        .query_row([tenant.as_str()], |row| row.get::<_, Vec<u8>>(0))
        .optional()?;
    let mut hours = Hour::all_from(&kept.unwrap_or_default()).collect::<Vec<_>>();
    match hours.iter_mut().find(|other| other.hour == hour.hour) {
        Some(other) => *other = other.with(hour),
        None => hours.push(hour),
    }
    hours.sort_unstable_by_key(|hour| hour.hour);
    let oldest = hours.last().map_or(0, |last| last.hour - HOURS_KEPT);
    hours.retain(|hour| hour.hour > oldest);
    let data = hours.iter().flat_map(|hour| hour.to_bytes()).collect::<Vec<_>>();
    let mut keep = change.prepare_cached("INSERT OR REPLACE INTO hours (tenant, data) VALUES (?1, ?2)")?;
    keep.execute(params![tenant.as_str(), data])?;
    let day = Day::of(hour.hour);
    hours.retain(|hour| Day::of(hour.hour) == day);
    let mut keep = change.prepare_cached("INSERT OR REPLACE INTO days (tenant, day, data) VALUES (?1, ?2, ?3)")?;
    keep.execute(params![tenant.as_str(), day, Day::from_hours(&hours).to_bytes()])?;
    Ok(())
}

fn write_fleet_hour(change: &Transaction<'_>, hour: Hour) -> Result<(), rusqlite::Error> {
    let mut keep = change.prepare_cached("INSERT OR REPLACE INTO fleet_hours (hour, data) VALUES (?1, ?2)")?;
    keep.execute(params![hour.hour, hour.to_bytes()])?;
    let mut forget = change.prepare_cached("DELETE FROM fleet_hours WHERE hour < ?1")?;
    forget.execute([hour.hour - FLEET_HOURS_KEPT])?;
    Ok(())
}

fn forget(change: &Transaction<'_>, before: Timestamp) -> Result<(), rusqlite::Error> {
    let day = Day::of(hour_of(before)).saturating_sub(DAYS_KEPT);
    change.execute("DELETE FROM days WHERE day < ?1", [day])?;
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
