//! The tables, and how an older database becomes today's.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::error::StoreError;

/// Each step brings a database of the version that is its position to the next one.
const MIGRATIONS: &[&str] = &[
    "
    -- The incidents that are not over, or may be reopened; each as the alerts crate has it.
    CREATE TABLE incidents (
        cause TEXT NOT NULL, scope TEXT NOT NULL, object TEXT NOT NULL,
        id TEXT NOT NULL, state TEXT NOT NULL, data TEXT NOT NULL,
        PRIMARY KEY (cause, scope, object)
    ) WITHOUT ROWID;
    -- Those that are over, as they were at their end.
    CREATE TABLE history (id TEXT PRIMARY KEY, resolved_at INTEGER NOT NULL, data TEXT NOT NULL) WITHOUT ROWID;
    CREATE INDEX history_by_end ON history (resolved_at);
    -- What happened to each, in order.
    CREATE TABLE timeline (
        seq INTEGER PRIMARY KEY, id TEXT NOT NULL, at INTEGER NOT NULL, change TEXT NOT NULL
    );
    CREATE INDEX timeline_by_incident ON timeline (id, seq);
    CREATE INDEX timeline_by_time ON timeline (at);
    -- The number of the incident that was opened last, and other single values.
    CREATE TABLE single (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
    -- How each tenant is, and since when.
    CREATE TABLE tenants (
        tenant TEXT PRIMARY KEY, status TEXT NOT NULL, cause TEXT, since INTEGER NOT NULL, last_good INTEGER
    ) WITHOUT ROWID;
    -- How they were: a row for each change.
    CREATE TABLE changes (tenant TEXT NOT NULL, at INTEGER NOT NULL, status TEXT NOT NULL, cause TEXT,
        PRIMARY KEY (tenant, at)) WITHOUT ROWID;
    CREATE INDEX changes_by_time ON changes (at);
    CREATE TABLE silences (id TEXT PRIMARY KEY, ends_at INTEGER NOT NULL, data TEXT NOT NULL) WITHOUT ROWID;
",
    "
    -- How the last looks went at what failed not long ago.
    CREATE TABLE looks (cause TEXT NOT NULL, scope TEXT NOT NULL, object TEXT NOT NULL, data TEXT NOT NULL,
        PRIMARY KEY (cause, scope, object)) WITHOUT ROWID;
    -- What was seen of a tenant while it was well, and whether its end is nobody's business.
    ALTER TABLE tenants ADD COLUMN good TEXT;
    ALTER TABLE tenants ADD COLUMN by_hand INTEGER NOT NULL DEFAULT 0;
    -- What is told together, and what was told of it last; each as the alerts crate has it.
    CREATE TABLE threads (id TEXT PRIMARY KEY, data TEXT NOT NULL) WITHOUT ROWID;
    -- What is to be delivered, or was given up.
    CREATE TABLE outbox (id TEXT PRIMARY KEY, data TEXT NOT NULL) WITHOUT ROWID;
",
    "
    -- Whom the sources named: a start goes on with them where no source can be read.
    CREATE TABLE inventory (tenant TEXT PRIMARY KEY, by_hand INTEGER NOT NULL, data TEXT NOT NULL) WITHOUT ROWID;
",
    "
    -- How each tenant did in the last hours, as the history of the program packs them; a row each, never more.
    CREATE TABLE hours (tenant TEXT PRIMARY KEY, data BLOB NOT NULL) WITHOUT ROWID;
    -- And by the day: what of their hours is kept for long.
    CREATE TABLE days (tenant TEXT NOT NULL, day INTEGER NOT NULL, data BLOB NOT NULL,
        PRIMARY KEY (tenant, day)) WITHOUT ROWID;
    CREATE INDEX days_by_time ON days (day);
    -- How all of them did, for as long as one hour is compared with.
    CREATE TABLE fleet_hours (hour INTEGER PRIMARY KEY, data BLOB NOT NULL) WITHOUT ROWID;
",
    "
    -- What was repaired, tried and taken back: it only grows, and each row is hashed with the one before.
    CREATE TABLE ledger (
        seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, plan TEXT NOT NULL, tenant TEXT NOT NULL, cause TEXT NOT NULL,
        action TEXT NOT NULL, object TEXT NOT NULL, phase TEXT NOT NULL, \"by\" TEXT NOT NULL, undo TEXT,
        detail TEXT NOT NULL, hash TEXT NOT NULL
    );
    -- Its last row, kept apart: a tail that is cut off shows.
    CREATE TABLE ledger_head (one INTEGER PRIMARY KEY CHECK (one = 1), seq INTEGER NOT NULL, hash TEXT NOT NULL);
",
];

/// The version of the tables that this version of the program writes.
pub(super) fn version() -> u32 {
    u32::try_from(MIGRATIONS.len()).unwrap_or(u32::MAX)
}

/// Opens a database to write: makes it where there is none, checks it, and brings it up to date.
pub(super) fn open(path: &Path) -> Result<Connection, StoreError> {
    let unusable = |error: rusqlite::Error| named(path, &error);
    let mut database = Connection::open(path).map_err(unusable)?;
    check(path, &database)?;
    let found = stored_version(&database).map_err(unusable)?;
    database.pragma_update(None, "journal_mode", "WAL").map_err(unusable)?;
    database.pragma_update(None, "synchronous", "FULL").map_err(unusable)?;
    for step in MIGRATIONS.iter().skip(found as usize) {
        let change = database.transaction().map_err(unusable)?;
        change.execute_batch(step).map_err(unusable)?;
        let next = stored_version(&change).map_err(unusable)? + 1;
        change.pragma_update(None, "user_version", next).map_err(unusable)?;
        change.commit().map_err(unusable)?;
    }
    Ok(database)
}

/// Opens a database to read only.
pub(super) fn open_to_read(path: &Path) -> Result<Connection, StoreError> {
    if !path.exists() {
        return Err(StoreError::Missing { path: path.to_owned() });
    }
    let database =
        Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(|error| named(path, &error))?;
    check(path, &database)?;
    Ok(database)
}

/// Opens a database to read only, without reading all of it first and without waiting for whoever writes it.
pub(super) fn open_unchecked(path: &Path) -> Result<Connection, StoreError> {
    // To open a pipe would wait for who writes into it.
    if !path.is_file() {
        return Err(StoreError::Missing { path: path.to_owned() });
    }
    let open = || {
        let database = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        database.busy_timeout(Duration::ZERO)?;
        Ok(database)
    };
    let database = open().map_err(|error| named(path, &error))?;
    check_version(path, &database)?;
    Ok(database)
}

fn check_version(path: &Path, database: &Connection) -> Result<(), StoreError> {
    let found = stored_version(database).map_err(|error| named(path, &error))?;
    if found > version() {
        return Err(StoreError::Newer {
            path: path.to_owned(),
            found,
            known: version(),
        });
    }
    Ok(())
}

fn check(path: &Path, database: &Connection) -> Result<(), StoreError> {
    let damaged = |why: String| StoreError::Damaged {
        path: path.to_owned(),
        why,
    };
    check_version(path, database)?;
    let said = database.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0));
    match said {
        Ok(said) if said == "ok" => Ok(()),
        Ok(said) => Err(damaged(said)),
        Err(error) => Err(named(path, &error)),
    }
}

/// Since which version there is a ledger.
const LEDGER_SINCE: u32 = 5;

/// Whether a database should have a ledger, and whether its tables are there.
pub(super) fn has_ledger(database: &Connection) -> Result<(bool, bool), rusqlite::Error> {
    let query = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name IN ('ledger', 'ledger_head')";
    let found = database.query_row(query, [], |row| row.get::<_, i64>(0))?;
    Ok((stored_version(database)? >= LEDGER_SINCE, found == 2))
}

fn stored_version(database: &Connection) -> Result<u32, rusqlite::Error> {
    database.query_row("PRAGMA user_version", [], |row| row.get(0))
}

/// An error of the library, as what it means to whoever has to fix it.
pub(super) fn named(path: &Path, error: &rusqlite::Error) -> StoreError {
    let path = path.to_owned();
    match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::DatabaseCorrupt | rusqlite::ErrorCode::NotADatabase) => StoreError::Damaged {
            path,
            why: error.to_string(),
        },
        _ => StoreError::Unusable {
            path,
            why: error.to_string(),
        },
    }
}
