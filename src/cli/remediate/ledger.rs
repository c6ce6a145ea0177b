//! `roundsman remediate ledger`: what was done, tried and taken back, held against its hashes.

use super::LedgerArgs;
use crate::cli::args::Shape;
use crate::cli::database::{json, path, plain, second};
use crate::cli::{colour_errors, usage_error};
use crate::config::render_plain;
use crate::daemon::{LedgerRow, known};
use crate::exit_code::ExitCode;
use crate::remediation::ledger::{Broken, Row};
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
    let (rows, broken) = known::ledger(&path(&args.config)?).map_err(|error| plain(&error))?;
    let text = match args.format {
        Shape::Json => json(&rows.iter().map(LedgerRow::of).collect::<Vec<_>>())?,
        Shape::Human => human(&rows),
    };
    Ok((text, broken))
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
