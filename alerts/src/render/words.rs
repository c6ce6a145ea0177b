//! Words that several forms share.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::Severity;
use crate::notification::{Message, Status};

/// A moment as people read it.
pub(super) fn moment(at: Timestamp) -> String {
    TimeZone::UTC
        .to_datetime(at)
        .strftime("%Y-%m-%d %H:%M:%S UTC")
        .to_string()
}

/// How long something took, in the two units that tell most.
pub(super) fn span(from: Timestamp, to: Timestamp) -> String {
    let seconds = to.duration_since(from).as_secs().max(0);
    let units = [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")];
    let first = units.iter().position(|(size, _)| seconds >= *size).unwrap_or(3);
    let mut rest = seconds;
    let mut parts = Vec::new();
    for (size, name) in units.iter().skip(first).take(2) {
        let count = rest / size;
        rest %= size;
        if count > 0 || parts.is_empty() {
            parts.push(format!("{count} {name}"));
        }
    }
    parts.join(" ")
}

/// The one word that says how it is.
pub(super) fn state(message: &Message) -> &'static str {
    match (message.status, message.severity) {
        (Status::Test, _) => "TEST",
        (Status::Resolved, _) => "RESOLVED",
        (Status::Flapping, _) => "FLAPPING",
        (Status::Firing, Severity::Critical) => "CRITICAL",
        (Status::Firing, Severity::Warning) => "WARNING",
        (Status::Firing, Severity::Info) => "INFO",
    }
}

/// Whom it concerns, in a phrase: the number, then as many names as are there.
pub(super) fn who(message: &Message) -> String {
    if message.tenants_total == 0 {
        return match message.incidents.first() {
            Some(incident) => format!("{}: {}", incident.scope, incident.object),
            None => "nobody".to_owned(),
        };
    }
    let names = message.tenants.join(", ");
    match (
        message.tenants_total,
        message.tenants_total.saturating_sub(message.tenants.len()),
    ) {
        (1, _) => names,
        (all, 0) => format!("{all} tenants: {names}"),
        (all, more) => format!("{all} tenants: {names} and {more} more"),
    }
}

/// Since when, and how long that is or was.
pub(super) fn since(message: &Message) -> Option<String> {
    let since = message.since?;
    Some(match message.resolved_at {
        Some(ended) => format!("{} to {} ({})", moment(since), moment(ended), span(since, ended)),
        None => format!("{} ({} ago)", moment(since), span(since, message.at)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_units_tell_how_long() {
        let span = |seconds: i64| {
            super::span(
                Timestamp::UNIX_EPOCH,
                Timestamp::from_second(seconds).unwrap_or_default(),
            )
        };
        assert_eq!(
            [0, 59, 60, 61, 3_600, 3_725, 90_061, 86_400].map(span),
            [
                "0 s",
                "59 s",
                "1 min",
                "1 min 1 s",
                "1 h",
                "1 h 2 min",
                "1 d 1 h",
                "1 d"
            ]
        );
    }
}
