//! What a daemon says while it runs: a line for each change, for people and for journals.

use jiff::Timestamp;
use roundsman_alerts::notification::Delivery;
use roundsman_alerts::{Change, Incident, Transition};

use roundsman_checks::diagnosis::Status;

use crate::text::clean;
use crate::watch::{Commit, Record};

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
    if matches!(done.change, Change::Began | Change::Passed) {
        return None;
    }
    let changed = changed.filter(|_| done.change == Change::Opened);
    let changed = changed
        .map(|changed| format!("; changed: {changed}"))
        .unwrap_or_default();
    Some(clean(&format!(
        "{} incident {} {}: {}{changed}",
        at(done.at),
        done.id,
        done.key,
        done.change
    )))
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

/// The line that tells what became of an attempt to deliver something, which is now as it is here.
pub(super) fn delivery(now: Timestamp, delivery: &Delivery) -> String {
    let Delivery { message, to, error, .. } = delivery;
    let what = format!("notification {} ({}) to {to}", message.id, message.reason);
    agent(
        now,
        &match error {
            None => format!("{what}: delivered"),
            Some(why) if delivery.dead => format!("{what}: given up: {why}"),
            Some(why) => format!("{what}: not delivered, it is tried again: {why}"),
        },
    )
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
