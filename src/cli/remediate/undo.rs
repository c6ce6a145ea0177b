//! `roundsman remediate undo ID`: what a plan did is taken back, as far as that is possible.

use std::io::IsTerminal as _;

use roundsman_checks::evidence::ZoneRecord;
use roundsman_checks::gather::Stop;
use roundsman_checks::platform::{Changed, NotDone};
use serde_json::{Value, json};

use super::UndoArgs;
use super::apply::{Kept, said};
use crate::agent::{Setup, USER_AGENT, clock};
use crate::cli::args::TargetArgs;
use crate::cli::configuration::configuration;
use crate::cli::database::plain;
use crate::cli::{colour_errors, stoppable, usage_error};
use crate::config::{Flags, RepairAction, render_plain};
use crate::daemon::store_path;
use crate::exit_code::ExitCode;
use crate::remediation::ledger::{Entry, Phase};
use crate::remediation::{Hands, History, Keep as _};

/// How it ended: what is said, and the exit code.
type Told = (String, ExitCode);

pub(super) fn run(args: &UndoArgs) -> ExitCode {
    match undo(args) {
        Ok((text, ExitCode::Verified)) => crate::cli::print(&text, ExitCode::Verified),
        Ok((text, code)) => {
            let _ = usage_error(&render_plain(text.trim_end(), colour_errors()));
            code
        }
        Err(rendered) => usage_error(&rendered),
    }
}

fn undo(args: &UndoArgs) -> Result<Told, String> {
    let target = TargetArgs {
        config: args.config.config.clone(),
        ..TargetArgs::default()
    };
    let config = configuration(&target, &Flags::default()).map_err(|error| error.render(colour_errors()))?;
    let done = stoppable::run(async |stop| -> Result<Told, String> {
        let database = store_path(&config);
        // Nothing is made where nothing was ever done.
        if !database.exists() {
            return Err(plain(&unknown(&args.id)));
        }
        let setup = Setup::new(config, None).map_err(|error| plain(&error))?;
        let hands = Hands::new(&setup.config, USER_AGENT, &setup.clients.calls).map_err(|error| plain(&error))?;
        let kept = Kept::open(&database).map_err(|error| plain(&error))?;
        let told = take_back(args, &hands, &kept, stop).await;
        kept.close().await;
        told
    });
    done.map_err(|error| plain(&error))?
}

fn unknown(id: &str) -> String {
    format!("no plan `{id}`: `roundsman remediate ledger` lists them")
}

async fn take_back(args: &UndoArgs, hands: &Hands, kept: &Kept, stop: Stop) -> Result<Told, String> {
    let rows = match kept.history() {
        Ok(rows) => rows,
        Err(broken) => return Ok((broken, ExitCode::Failing)),
    };
    let entries = History::of(&rows).of_plan(&args.id);
    if entries.is_empty() {
        return Err(plain(&unknown(&args.id)));
    }
    let is_undone = |entry: &&Entry| {
        let mut undone = entries.iter().filter(|other| other.phase == Phase::Undone);
        undone.any(|other| other.object == entry.object && other.detail_id() == entry.detail_id())
    };
    let done = perhaps_done(&entries);
    if done.is_empty() {
        let none = format!("nothing of {} can be taken back: {}", args.id, why_not(&entries));
        return Ok((none, ExitCode::Failing));
    }
    let open = done
        .iter()
        .copied()
        .filter(|entry| !is_undone(entry))
        .collect::<Vec<_>>();
    if open.is_empty() {
        return Ok((format!("{} was taken back already\n", args.id), ExitCode::Verified));
    }
    if let Some(why) = refuses(hands, &open, &done).await {
        return Ok((why, ExitCode::Failing));
    }
    if !args.yes && !agreed(&open, stop).await {
        let how = "there is no terminal to say yes at, or it was not said: --yes says it; nothing was done";
        return Ok((how.to_owned(), ExitCode::Failing));
    }
    // Somebody may have taken the name while it was asked.
    if let Some(why) = refuses(hands, &open, &done).await {
        return Ok((why, ExitCode::Failing));
    }
    let mut lines = Vec::new();
    for entry in open {
        let what = format!("{} {}", entry.action, entry.object);
        let intent = entry.of_undo(Phase::Intent, &json!({ "undo": entry.detail_id() }));
        kept.append(intent).await.map_err(|error| plain(&error))?;
        match back(hands, entry).await {
            Ok(how) => {
                let undone = entry.of_undo(Phase::Undone, &json!({ "undo": entry.detail_id() }));
                kept.append(undone).await.map_err(|error| plain(&error))?;
                lines.push(match how {
                    Changed::Done(_) => format!("taken back: {what}"),
                    Changed::Already => format!("nothing to take back, it is as it was: {what}"),
                });
            }
            Err(error) => {
                let failed = entry.of_undo(Phase::Failed, &json!({ "undo": error.fault().detail }));
                kept.append(failed).await.map_err(|error| plain(&error))?;
                return Ok((
                    format!("{what} was not taken back: {}", error.fault().detail),
                    ExitCode::Failing,
                ));
            }
        }
    }
    Ok((lines.join("\n") + "\n", ExitCode::Verified))
}

/// What can be taken back: what was done, and each record of which nobody knows whether it was deleted, because the call
/// was cut off or got no answer.
fn perhaps_done<'l>(entries: &[&'l Entry]) -> Vec<&'l Entry> {
    let ends = |at: usize, intent: &Entry| {
        let mut later = entries.iter().skip(at + 1);
        later.find(|row| row.object == intent.object).map(|row| row.phase)
    };
    let is_open = |at: usize, row: &Entry| match row.phase {
        Phase::Done => row.undo.is_some(),
        Phase::Intent => row.saved().is_some() && matches!(ends(at, row), None | Some(Phase::Failed)),
        _ => false,
    };
    let rows = entries.iter().copied().enumerate();
    rows.filter(|(at, row)| is_open(*at, row)).map(|(_, row)| row).collect()
}

/// Why nothing can be taken back, with what a person would type.
fn why_not(entries: &[&Entry]) -> String {
    let done = entries.iter().filter(|entry| entry.phase == Phase::Done);
    let by_hand = done.filter_map(|entry| {
        let (app, object) = entry.object.split_once('/')?;
        let way = match entry.action.as_str() {
            "remove-certificate" => format!("fly certs add {object} -a {app}"),
            "start-machine" => format!("fly machine stop {object} -a {app}"),
            _ => return None,
        };
        Some(format!("{} has no way back; a person would type: {way}", entry.action))
    });
    let by_hand = by_hand.collect::<Vec<_>>();
    match by_hand.is_empty() {
        true => "it did nothing".to_owned(),
        false => by_hand.join(", "),
    }
}

/// Why nothing may be taken back: there is no token, or the name holds something else meanwhile.
async fn refuses(hands: &Hands, open: &[&Entry], done: &[&Entry]) -> Option<String> {
    let saved = done.iter().filter_map(|entry| entry.saved()).collect::<Vec<_>>();
    let text = |record: &Value, key: &str| record.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    for entry in open {
        let Some(record) = entry.saved() else { continue };
        let name = text(&record, "name");
        let there = match hands.records_at(&name).await {
            Ok(there) => there,
            Err(fault) => return Some(format!("what stands at {name} can't be read: {}", fault.detail)),
        };
        let ours = |other: &ZoneRecord| {
            let same = |saved: &Value| text(saved, "type") == other.kind && text(saved, "content") == other.content;
            saved.iter().any(same)
        };
        if let Some(other) = there.iter().find(|other| !ours(other)) {
            let what = format!("{} {}", other.kind, other.content);
            return Some(format!("{name} holds something else now ({what}): nothing was done"));
        }
    }
    None
}

async fn agreed(open: &[&Entry], stop: Stop) -> bool {
    if !std::io::stdin().is_terminal() {
        return false;
    }
    let what = open.iter().map(|entry| format!("{} {}", entry.action, entry.object));
    let what = crate::text::clean(&what.collect::<Vec<_>>().join(", "));
    let said = said(&format!("take back {what}? [y/N] "), stop).await;
    said.is_some_and(|said| matches!(said.to_lowercase().as_str(), "y" | "yes"))
}

async fn back(hands: &Hands, entry: &Entry) -> Result<Changed, NotDone> {
    match entry.saved() {
        Some(saved) => hands.put_back(&saved).await,
        None => hands.remove_added(&entry.object).await,
    }
}

impl Entry {
    fn detail(&self) -> Value {
        serde_json::from_str(&self.detail).unwrap_or_default()
    }

    /// What it takes to make a deleted record again.
    fn saved(&self) -> Option<Value> {
        let saved = self.detail().get("saved").filter(|saved| saved.is_object())?.clone();
        (self.action == RepairAction::DeleteDnsRecord.as_str()).then_some(saved)
    }

    /// What tells rows of one object apart: the id of the record that was deleted, or that an undo names.
    fn detail_id(&self) -> String {
        let detail = self.detail();
        let id = detail.pointer("/saved/id").or(detail.get("undo"));
        id.and_then(Value::as_str).unwrap_or_default().to_owned()
    }

    /// A row that tells of taking this one back.
    fn of_undo(&self, phase: Phase, detail: &Value) -> Self {
        Self {
            at: clock::now(),
            phase,
            by: super::who(),
            undo: None,
            detail: detail.to_string(),
            ..self.clone()
        }
    }
}
