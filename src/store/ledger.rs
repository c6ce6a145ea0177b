//! The ledger as it is kept: a table that only grows, and its head apart.

use rusqlite::{Connection, OptionalExtension as _, Row as Line, Transaction, params};

use super::read::moment;
use crate::remediation::ledger::{Broken, Entry, Head, Phase, Row};

/// Appends a row, and moves the head with it.
pub(super) fn append(change: &Transaction<'_>, entry: &Entry) -> Result<(), rusqlite::Error> {
    let before = head(change)?;
    let seq = before.seq + 1;
    let hash = entry.hash(seq, &before.hash);
    change.execute(
        "INSERT INTO ledger (seq, at, plan, tenant, cause, action, object, phase, \"by\", undo, detail, hash)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
        params![
            seq,
            entry.at.as_microsecond(),
            entry.plan,
            entry.tenant,
            entry.cause,
            entry.action,
            entry.object,
            entry.phase.as_str(),
            entry.by,
            entry.undo,
            entry.detail,
            hash
        ],
    )?;
    change.execute(
        "INSERT OR REPLACE INTO ledger_head (one, seq, hash) VALUES (1, ?1, ?2)",
        params![seq, hash],
    )?;
    Ok(())
}

/// All rows in order, or which can't be read.
pub(super) fn rows(database: &Connection) -> Result<Result<Vec<Row>, Broken>, rusqlite::Error> {
    let mut asked = database.prepare(
        "SELECT seq, at, plan, tenant, cause, action, object, phase, \"by\", undo, detail, hash FROM ledger ORDER BY seq",
    )?;
    let mut lines = asked.query([])?;
    let mut rows = Vec::new();
    while let Some(line) = lines.next()? {
        match row(line) {
            Ok(row) => rows.push(row),
            Err(error) => {
                let unreadable = Broken::Unreadable {
                    row: rows.len() as i64 + 1,
                    why: error.to_string(),
                };
                return Ok(Err(unreadable));
            }
        }
    }
    Ok(Ok(rows))
}

/// The last row that was written, as it is kept apart.
pub(super) fn head(database: &Connection) -> Result<Head, rusqlite::Error> {
    let read = |line: &Line<'_>| {
        Ok(Head {
            seq: line.get(0)?,
            hash: line.get(1)?,
        })
    };
    let head = database.query_row("SELECT seq, hash FROM ledger_head", [], read);
    Ok(head.optional()?.unwrap_or_default())
}

fn row(line: &Line<'_>) -> Result<Row, rusqlite::Error> {
    let phase = line.get::<_, String>(7)?;
    let phase = Phase::of(&phase).ok_or_else(|| {
        let unknown = format!("`{phase}` is no phase");
        rusqlite::Error::FromSqlConversionFailure(7, rusqlite::types::Type::Text, unknown.into())
    })?;
    Ok(Row {
        seq: line.get(0)?,
        entry: Entry {
            at: moment(line.get(1)?),
            plan: line.get(2)?,
            tenant: line.get(3)?,
            cause: line.get(4)?,
            action: line.get(5)?,
            object: line.get(6)?,
            phase,
            by: line.get(8)?,
            undo: line.get(9)?,
            detail: line.get(10)?,
        },
        hash: line.get(11)?,
    })
}
