//! `roundsman remediate ledger`: what was done, tried and taken back, held against its hashes.

use serde::Serialize;

use super::LedgerArgs;
use crate::cli::args::Shape;
use crate::cli::database::{json, path, plain, second};
use crate::cli::{colour_errors, usage_error};
use crate::config::render_plain;
use crate::exit_code::ExitCode;
use crate::remediation::ledger::{Broken, Row, verify};
use crate::store::{Reader, StoreError};
use crate::text::clean;

pub(super) fn run(args: &LedgerArgs) -> ExitCode {
    match show(args) {
        Ok((text, broken)) => {
            let code = crate::cli::print(
                &text,
                if broken.is_some() {
                    ExitCode::Failing
                } else {
                    ExitCode::Verified
                },
            );
            if let Some(broken) = broken {
                let _ = usage_error(&render_plain(&broken.to_string(), colour_errors()));
            }
            code
        }
        Err(rendered) => usage_error(&rendered),
    }
}

fn show(args: &LedgerArgs) -> Result<(String, Option<Broken>), String> {
    let (rows, broken) = read(&path(&args.config)?)?;
    let text = match args.format {
        Shape::Json => json(&rows.iter().map(Shown::of).collect::<Vec<_>>())?,
        Shape::Human => human(&rows),
    };
    Ok((text, broken))
}

fn read(database: &std::path::Path) -> Result<(Vec<Row>, Option<Broken>), String> {
    let reader = match Reader::open(database) {
        Ok(reader) => reader,
        // Nothing was ever done.
        Err(StoreError::Missing { .. }) => return Ok((Vec::new(), None)),
        Err(error) => return Err(plain(&error)),
    };
    let (rows, head) = reader.ledger().map_err(|error| plain(&error))?;
    match rows {
        Ok(rows) => {
            let broken = verify(&rows, &head).err();
            Ok((rows, broken))
        }
        Err(broken) => Ok((Vec::new(), Some(broken))),
    }
}

/// A row as it is shown: its detail as what it is.
#[derive(Serialize)]
struct Shown<'r> {
    seq: i64,
    at: jiff::Timestamp,
    plan: &'r str,
    tenant: &'r str,
    cause: &'r str,
    action: &'r str,
    object: &'r str,
    phase: &'static str,
    by: &'r str,
    undo: Option<&'r str>,
    detail: serde_json::Value,
    hash: &'r str,
}

impl<'r> Shown<'r> {
    fn of(row: &'r Row) -> Self {
        let entry = &row.entry;
        Self {
            seq: row.seq,
            at: entry.at,
            plan: &entry.plan,
            tenant: &entry.tenant,
            cause: &entry.cause,
            action: &entry.action,
            object: &entry.object,
            phase: entry.phase.as_str(),
            by: &entry.by,
            undo: entry.undo.as_deref(),
            detail: serde_json::from_str(&entry.detail).unwrap_or_default(),
            hash: &row.hash,
        }
    }
}

fn human(rows: &[Row]) -> String {
    if rows.is_empty() {
        return "nothing was ever repaired\n".to_owned();
    }
    let mut lines = rows
        .iter()
        .map(|row| {
            let (at, entry) = (second(row.entry.at), &row.entry);
            let what = clean(&format!("{} {}", entry.action, entry.object));
            format!(
                "{:>4}  {at}  {}  {:<8}  {what}, by {}",
                row.seq,
                entry.plan,
                entry.phase,
                clean(&entry.by)
            )
        })
        .collect::<Vec<_>>();
    let undone = |plan: &str| {
        let mut rows = rows.iter();
        rows.any(|row| row.entry.plan == plan && row.entry.phase == crate::remediation::ledger::Phase::Undone)
    };
    let mut told = std::collections::BTreeSet::new();
    for row in rows {
        if let Some(undo) = &row.entry.undo
            && !undone(&row.entry.plan)
            && told.insert(row.entry.plan.clone())
        {
            lines.push(format!("{} can be taken back: {undo}", row.entry.plan));
        }
    }
    if let Some(last) = rows.last() {
        lines.push(format!("head: row {}, {}", last.seq, last.hash));
    }
    lines.join("\n") + "\n"
}
