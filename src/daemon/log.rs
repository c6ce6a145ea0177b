//! What a daemon says while it runs: a line for each change, for people and for journals.

use std::fmt::Write as _;

use jiff::Timestamp;
use roundsman_alerts::{Change, Incident, Transition};

use roundsman_checks::diagnosis::Status;

use crate::text::clean;
use crate::watch::{Commit, Record};

/// Most names that one line tells.
const MOST_NAMES: usize = 5;

/// The lines that tell what happened to incidents. What is not confirmed is not told.
pub(super) fn incidents(commit: &Commit) -> Vec<String> {
    // Who joins what is not confirmed is not told either.
    let open = |done: &&Transition| {
        let is_it = |incident: &&Incident| incident.core().id == done.id;
        let known = commit.incidents.iter().find(is_it);
        !matches!(done.change, Change::Members { .. } | Change::Rose { .. }) || known.is_some_and(Incident::is_open)
    };
    let changed = |done: &Transition| {
        let mut known = commit.incidents.iter().map(Incident::core);
        known.find(|core| core.id == done.id)?.account.changed.clone()
    };
    let told = commit.transitions.iter().filter(open);
    told.filter_map(|done| incident(done, changed(done))).collect()
}

fn incident(done: &Transition, changed: Option<String>) -> Option<String> {
    let word = match &done.change {
        Change::Opened => match changed {
            Some(changed) => format!("opened; changed: {changed}"),
            None => "opened".to_owned(),
        },
        Change::Reopened => "reopened".to_owned(),
        Change::Recovering => "recovering".to_owned(),
        Change::Relapsed => "fails again".to_owned(),
        Change::Resolved => "resolved".to_owned(),
        Change::Closed => "closed: nobody is left whom it concerns".to_owned(),
        Change::Rose { from, to } => format!("rose from {from} to {to}"),
        Change::Acknowledged { comment } if comment.is_empty() => "acknowledged".to_owned(),
        Change::Acknowledged { comment } => format!("acknowledged: {comment}"),
        Change::FlappingBegan => "comes and goes".to_owned(),
        Change::FlappingEnded => "no longer comes and goes".to_owned(),
        Change::Members { joined, left } => {
            let names = |names: &[std::sync::Arc<str>]| {
                let shown = names
                    .iter()
                    .take(MOST_NAMES)
                    .map(ToString::to_string)
                    .collect::<Vec<_>>();
                let more = names.len().saturating_sub(MOST_NAMES);
                let more = match more {
                    0 => String::new(),
                    more => format!(" and {more} more"),
                };
                format!("{}{more}", shown.join(", "))
            };
            let mut told = Vec::new();
            if !joined.is_empty() {
                told.push(format!("joined: {}", names(joined)));
            }
            if !left.is_empty() {
                told.push(format!("left: {}", names(left)));
            }
            told.join("; ")
        }
        Change::Began | Change::Passed => return None,
    };
    let mut line = at(done.at);
    let _ = write!(line, " incident {} {}: {word}", done.id, done.key);
    Some(clean(&line))
}

/// The line that tells how a tenant is now; none where a new one is well.
pub(super) fn tenant(record: &Record) -> Option<String> {
    if record.first && record.status == Status::Healthy {
        return None;
    }
    let cause = record.cause.map(|cause| format!(" ({cause})")).unwrap_or_default();
    Some(clean(&format!(
        "{} tenant {}: {}{cause}",
        at(record.at),
        record.tenant,
        record.status
    )))
}

/// A line about the agent itself.
pub(super) fn agent(now: Timestamp, text: &str) -> String {
    clean(&format!("{} {text}", at(now)))
}

/// A moment to the second.
fn at(moment: Timestamp) -> String {
    let second = Timestamp::from_second(moment.as_second()).unwrap_or(moment);
    second.to_string()
}
