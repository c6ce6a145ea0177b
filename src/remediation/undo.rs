//! Taking back what a plan did: what of it can be, whether it still may, and doing it. Only what the ledger says was done,
//! or of which nobody knows whether it was, is taken back.

use roundsman_checks::clock::now;
use roundsman_checks::evidence::ZoneRecord;
use roundsman_checks::platform::{Changed, NotDone};
use serde_json::Value;
use thiserror::Error;

use super::carried::Keep;
use super::detail::Detail;
use super::hands::Hands;
use super::ledger::{Entry, Phase, Row};
use super::limits::History;
use crate::config::RepairAction;

/// What there is to take back of a plan.
#[derive(Debug)]
pub enum Undo<'l> {
    /// No row names the plan.
    Unknown,
    /// Nothing, and why.
    Nothing(String),
    /// It was taken back.
    Already,
    /// This.
    Open(TakeBack<'l>),
}

/// What of a plan is taken back.
#[derive(Debug)]
pub struct TakeBack<'l> {
    open: Vec<&'l Entry>,
    /// The same, with what was taken back before.
    done: Vec<&'l Entry>,
}

/// Why something was not taken back.
#[derive(Debug, Error)]
pub enum UndoError {
    /// It can't be written down.
    #[error("{0}")]
    Ledger(String),
    /// The call failed, or was refused.
    #[error("{what} was not taken back: {why}")]
    Failed {
        /// What.
        what: String,
        /// What was answered.
        why: String,
    },
}

impl<'l> Undo<'l> {
    /// What the ledger says of a plan.
    #[must_use]
    pub fn of(rows: &'l [Row], plan: &str) -> Self {
        let entries = History::of(rows).of_plan(plan);
        if entries.is_empty() {
            return Self::Unknown;
        }
        let is_undone = |entry: &&Entry| {
            let mut undone = entries.iter().filter(|other| other.phase == Phase::Undone);
            undone
                .any(|other| other.object == entry.object && other.details().record_id() == entry.details().record_id())
        };
        let done = perhaps_done(&entries);
        if done.is_empty() {
            return Self::Nothing(why_not(&entries));
        }
        let open = done.iter().copied().filter(|entry| !is_undone(entry));
        let open = open.collect::<Vec<_>>();
        match open.is_empty() {
            true => Self::Already,
            false => Self::Open(TakeBack { open, done }),
        }
    }
}

impl TakeBack<'_> {
    /// What is taken back, each as `action object`.
    pub fn objects(&self) -> impl Iterator<Item = String> {
        self.open.iter().copied().map(what)
    }

    /// Why nothing may be taken back: what is there can't be read, or the name holds something else meanwhile.
    pub async fn refuses(&self, hands: &Hands) -> Option<String> {
        let saved = self
            .done
            .iter()
            .filter_map(|entry| deleted_record(entry))
            .collect::<Vec<_>>();
        for record in self.open.iter().filter_map(|entry| deleted_record(entry)) {
            let name = text(&record, "name");
            let there = match hands.records_at(name).await {
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

    /// Takes back one after the other, each written down before and after; a line for each. `by` is who has it done.
    ///
    /// # Errors
    /// [`UndoError`]; what came before it is taken back then, and written down.
    pub async fn carry_out(&self, hands: &Hands, keep: &dyn Keep, by: &str) -> Result<Vec<String>, UndoError> {
        let mut lines = Vec::new();
        for entry in &self.open {
            let note = async |phase, why: Option<String>| {
                let row = row(entry, phase, by, why);
                keep.append(row).await.map_err(UndoError::Ledger)
            };
            note(Phase::Intent, None).await?;
            match back(hands, entry).await {
                Ok(how) => {
                    note(Phase::Undone, None).await?;
                    let what = what(entry);
                    lines.push(match how {
                        Changed::Done(_) => format!("taken back: {what}"),
                        Changed::Already => format!("nothing to take back, it is as it was: {what}"),
                    });
                }
                Err(error) => {
                    let why = error.fault().detail.clone();
                    note(Phase::Failed, Some(why.clone())).await?;
                    return Err(UndoError::Failed { what: what(entry), why });
                }
            }
        }
        Ok(lines)
    }
}

fn what(entry: &Entry) -> String {
    format!("{} {}", entry.action, entry.object)
}

/// A row that tells of taking another one back.
fn row(of: &Entry, phase: Phase, by: &str, why: Option<String>) -> Entry {
    let detail = Detail {
        undo: Some(of.details().record_id().to_owned()),
        why,
        ..Detail::default()
    };
    Entry {
        at: now(),
        phase,
        by: by.to_owned(),
        undo: None,
        detail: detail.into(),
        ..of.clone()
    }
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
        Phase::Intent => deleted_record(row).is_some() && matches!(ends(at, row), None | Some(Phase::Failed)),
        _ => false,
    };
    let rows = entries.iter().copied().enumerate();
    rows.filter(|(at, row)| is_open(*at, row)).map(|(_, row)| row).collect()
}

/// Why nothing can be taken back, with what a person would type.
fn why_not(entries: &[&Entry]) -> String {
    const REMOVED: &str = RepairAction::RemoveCertificate.as_str();
    const STARTED: &str = RepairAction::StartMachine.as_str();
    let done = entries.iter().filter(|entry| entry.phase == Phase::Done);
    let by_hand = done.filter_map(|entry| {
        let (app, object) = entry.object.split_once('/')?;
        let way = match entry.action.as_str() {
            REMOVED => format!("fly certs add {object} -a {app}"),
            STARTED => format!("fly machine stop {object} -a {app}"),
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

/// The record that a row deleted, as it was.
fn deleted_record(entry: &Entry) -> Option<Value> {
    let saved = entry.details().saved.filter(Value::is_object)?;
    (entry.action == RepairAction::DeleteDnsRecord.as_str()).then_some(saved)
}

fn text<'v>(record: &'v Value, key: &str) -> &'v str {
    record.get(key).and_then(Value::as_str).unwrap_or_default()
}

async fn back(hands: &Hands, entry: &Entry) -> Result<Changed, NotDone> {
    match deleted_record(entry) {
        Some(saved) => hands.put_back(&saved).await,
        None => hands.remove_added(&entry.object).await,
    }
}
