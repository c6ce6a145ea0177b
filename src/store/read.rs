//! Reading what was remembered: at a start, and by whoever asks while no agent runs.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use roundsman_alerts::{Change, Incident, Key, State};
use roundsman_checks::target::Tenant;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use serde::de::DeserializeOwned;

use super::error::StoreError;
use super::ledger;
use super::schema;
use crate::history::{Day, Hour, Uptime, hour_of};
use crate::remediation::ledger::{Broken, Head, Row as LedgerRow, verify};
use crate::watch::{Remembered, TenantMemory};

/// One thing that happened to an incident.
#[derive(Clone, Debug, PartialEq)]
pub struct TimelineEntry {
    /// When.
    pub at: Timestamp,
    /// What.
    pub change: Change,
}

/// A database that is only read.
#[derive(Debug)]
pub struct Reader {
    path: PathBuf,
    database: Connection,
}

impl Reader {
    /// Opens a database; an agent may write it meanwhile.
    ///
    /// # Errors
    /// [`StoreError`] where there is none, or it can't be read.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Ok(Self {
            path: path.to_owned(),
            database: schema::open_to_read(path)?,
        })
    }

    /// Opens a database without looking whether it is whole, and waits for nobody: for whoever types.
    ///
    /// # Errors
    /// [`StoreError`] where there is no file, or it is not one of this version.
    pub fn open_unchecked(path: &Path) -> Result<Self, StoreError> {
        Ok(Self {
            path: path.to_owned(),
            database: schema::open_unchecked(path)?,
        })
    }

    /// Everything that a start would go on from.
    ///
    /// # Errors
    /// [`StoreError`] where it can't be read.
    pub fn remembered(&self) -> Result<Remembered, StoreError> {
        remembered(&self.database).map_err(|error| schema::named(&self.path, &error))
    }

    /// The ids of incidents that are open, the latest first, at most so many.
    ///
    /// # Errors
    /// [`StoreError`] where they can't be read.
    pub fn open_incidents(&self, most: usize) -> Result<Vec<String>, StoreError> {
        let ids = || {
            let query = "SELECT id FROM incidents WHERE state IN (?1, ?2) ORDER BY length(id) DESC, id DESC LIMIT ?3";
            let mut statement = self.database.prepare(query)?;
            let open = [State::Firing, State::Recovering].map(|state| state.to_string());
            let rows = statement.query_map(params![open[0], open[1], most as i64], |row| row.get(0))?;
            rows.collect::<Result<Vec<String>, _>>()
        };
        ids().map_err(|error| schema::named(&self.path, &error))
    }

    /// The incidents that are over and were opened once, the latest first.
    ///
    /// # Errors
    /// [`StoreError`] where they can't be read.
    pub fn history(&self) -> Result<Vec<Incident>, StoreError> {
        history(&self.database).map_err(|error| schema::named(&self.path, &error))
    }

    /// How a tenant did until now.
    ///
    /// # Errors
    /// [`StoreError`] where it can't be read.
    pub fn uptime(&self, tenant: &str, now: Timestamp) -> Result<Uptime, StoreError> {
        uptime(&self.database, tenant, now).map_err(|error| schema::named(&self.path, &error))
    }

    /// The ledger with its head; which row can't be read, where one can't. A database of before there was one has none.
    ///
    /// # Errors
    /// [`StoreError`] where it can't be read.
    pub fn ledger(&self) -> Result<(Result<Vec<LedgerRow>, Broken>, Head), StoreError> {
        let named = |error| schema::named(&self.path, &error);
        match schema::has_ledger(&self.database).map_err(named)? {
            (_, true) => {}
            (false, false) => return Ok((Ok(Vec::new()), Head::default())),
            (true, false) => return Ok((Err(Broken::Missing), Head::default())),
        }
        let rows = ledger::rows(&self.database).map_err(named)?;
        Ok((rows, ledger::head(&self.database).map_err(named)?))
    }

    /// What happened to an incident, in order.
    ///
    /// # Errors
    /// [`StoreError`] where it can't be read.
    pub fn timeline(&self, id: &str) -> Result<Vec<TimelineEntry>, StoreError> {
        timeline(&self.database, id).map_err(|error| schema::named(&self.path, &error))
    }
}

/// The rows of the ledger of a database, where they are what was written; none where there is no database yet.
///
/// # Errors
/// Why they can't be had, or which row is not what was written.
pub fn intact_ledger(path: &Path) -> Result<Vec<LedgerRow>, String> {
    let reader = match Reader::open(path) {
        Ok(reader) => reader,
        Err(StoreError::Missing { .. }) => return Ok(Vec::new()),
        Err(error) => return Err(error.to_string()),
    };
    let (rows, head) = reader.ledger().map_err(|error| error.to_string())?;
    let rows = rows.map_err(|broken| broken.to_string())?;
    verify(&rows, &head).map_err(|broken| broken.to_string())?;
    Ok(rows)
}

pub(super) fn remembered(database: &Connection) -> Result<Remembered, rusqlite::Error> {
    let number = database
        .query_row("SELECT value FROM single WHERE name = 'incident'", [], |row| {
            row.get::<_, i64>(0)
        })
        .optional()?;
    Ok(Remembered {
        incidents: all(database, "SELECT data FROM incidents", json)?,
        looks: all(database, "SELECT data, cause, scope, object FROM looks", |row| {
            let text = |at| row.get::<_, String>(at);
            Ok((Key::new(&text(1)?, &text(2)?, &text(3)?), json(row)?))
        })?,
        number: number.and_then(|number| u64::try_from(number).ok()).unwrap_or_default(),
        tenants: all(
            database,
            "SELECT tenant, status, cause, since, last_good, good, by_hand FROM tenants",
            tenant,
        )?,
        inventory: all(database, "SELECT data, by_hand FROM inventory", |row| {
            // Who is kept as another version has it is named again by a source.
            let tenant = serde_json::from_str::<Arc<Tenant>>(&row.get::<_, String>(0)?).ok();
            Ok(tenant.zip(row.get(1).ok()))
        })?
        .into_iter()
        .flatten()
        .collect(),
        hours: all(database, "SELECT data FROM fleet_hours ORDER BY hour", |row| {
            Ok(Hour::all_from(&row.get::<_, Vec<u8>>(0)?).next())
        })?
        .into_iter()
        .flatten()
        .collect(),
        silences: all(database, "SELECT data FROM silences ORDER BY id", json)?,
        threads: all(database, "SELECT data FROM threads ORDER BY id", json)?,
        deliveries: all(database, "SELECT data FROM outbox ORDER BY id", json)?,
    })
}

fn history(database: &Connection) -> Result<Vec<Incident>, rusqlite::Error> {
    all(database, "SELECT data FROM history ORDER BY resolved_at DESC", json)
}

fn timeline(database: &Connection, id: &str) -> Result<Vec<TimelineEntry>, rusqlite::Error> {
    let mut asked = database.prepare("SELECT change, at FROM timeline WHERE id = ?1 ORDER BY seq")?;
    let rows = asked.query_map([id], |row| {
        Ok(TimelineEntry {
            change: json(row)?,
            at: moment(row.get(1)?),
        })
    })?;
    rows.collect()
}

fn uptime(database: &Connection, tenant: &str, now: Timestamp) -> Result<Uptime, rusqlite::Error> {
    let hour = hour_of(now);
    let mut kept = database.prepare("SELECT data FROM hours WHERE tenant = ?1")?;
    let kept = kept.query_row([tenant], |row| row.get::<_, Vec<u8>>(0)).optional()?;
    let hours = Hour::all_from(&kept.unwrap_or_default())
        .filter(|kept| kept.hour > hour - 24)
        .collect::<Vec<_>>();
    let mut days = database.prepare("SELECT data FROM days WHERE tenant = ?1 AND day > ?2")?;
    let days = days.query_map(params![tenant, Day::of(hour) - 30], |row| row.get::<_, Vec<u8>>(0))?;
    let days = days
        .filter_map(|data| data.map(|data| Day::from_bytes(&data)).transpose())
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Uptime::of(&hours, &days))
}

fn all<T>(
    database: &Connection,
    query: &str,
    read: impl Fn(&Row<'_>) -> Result<T, rusqlite::Error>,
) -> Result<Vec<T>, rusqlite::Error> {
    let mut asked = database.prepare(query)?;
    asked.query_map([], |row| read(row))?.collect()
}

fn json<T: DeserializeOwned>(row: &Row<'_>) -> Result<T, rusqlite::Error> {
    let text = row.get::<_, String>(0)?;
    serde_json::from_str(&text).map_err(|error| wrong(0, error))
}

fn tenant(row: &Row<'_>) -> Result<TenantMemory, rusqlite::Error> {
    let word = |at: usize, text: String| serde_json::from_value(text.into()).map_err(|error| wrong(at, error));
    let cause = row.get::<_, Option<String>>(2)?;
    Ok(TenantMemory {
        tenant: row.get(0)?,
        status: word(1, row.get(1)?)?,
        // A cause of another version is none that is known here.
        cause: cause.and_then(|cause| cause.parse().ok()),
        since: moment(row.get(3)?),
        last_good: row.get::<_, Option<i64>>(4)?.map(moment),
        // What another version kept of it is nothing to compare with.
        good: row
            .get::<_, Option<String>>(5)?
            .and_then(|seen| serde_json::from_str(&seen).ok()),
        by_hand: row.get(6)?,
    })
}

/// A moment as it is kept: microseconds since the epoch.
pub(super) fn moment(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).unwrap_or_default()
}

fn wrong(at: usize, error: serde_json::Error) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(at, rusqlite::types::Type::Text, Box::new(error))
}
