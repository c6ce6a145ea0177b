//! What a daemon says while it runs: a line for each change, for people, for journals and for whoever collects logs. Each
//! reads alone, and what it is about stands in it once more by keys. Neither secrets nor addresses of mail are in any.

use jiff::Timestamp;
use roundsman_alerts::notification::Delivery;
use roundsman_alerts::{Change, Incident, Severity, Transition};
use roundsman_checks::diagnosis::Status;
use serde_json::{Map, Value};

use crate::telemetry::otlp::logs::Level;
use crate::text::clean;
use crate::watch::{Commit, Record};

/// A line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// When it happened.
    pub at: Timestamp,
    /// How much it matters.
    pub level: Level,
    /// What happened, in words that read alone.
    pub message: String,
    /// What it is about, by keys.
    pub fields: Vec<(&'static str, String)>,
}

impl Line {
    /// A line about the agent itself.
    fn new(at: Timestamp, level: Level, message: &str) -> Self {
        Self {
            at,
            level,
            message: clean(&without_mailboxes(message)),
            fields: Vec::new(),
        }
    }

    fn with(mut self, key: &'static str, value: &dyn ToString) -> Self {
        self.fields.push((key, clean(&value.to_string())));
        self
    }

    /// For people: the second and the message.
    #[must_use]
    pub fn human(&self) -> String {
        let second = Timestamp::from_second(self.at.as_second()).unwrap_or(self.at);
        format!("{second} {}", self.message)
    }

    /// For machines: one object of JSON.
    #[must_use]
    pub fn json(&self) -> String {
        let fixed = [
            ("timestamp", format!("{:.3}", self.at)),
            ("level", self.level.as_str().to_owned()),
            ("message", self.message.clone()),
        ];
        let all = fixed.into_iter().chain(self.fields.iter().cloned());
        let all = all.map(|(key, value)| (key.to_owned(), Value::String(value)));
        Value::Object(all.collect::<Map<_, _>>()).to_string()
    }
}

/// What is as it should be.
pub(super) fn info(at: Timestamp, message: &str) -> Line {
    Line::new(at, Level::Info, message)
}

/// What may need a look.
pub(super) fn warn(at: Timestamp, message: &str) -> Line {
    Line::new(at, Level::Warn, message)
}

/// What needs one.
pub(super) fn error(at: Timestamp, message: &str) -> Line {
    Line::new(at, Level::Error, message)
}

/// The lines that tell what happened to incidents. What is not confirmed is not told.
pub(super) fn incidents(commit: &Commit) -> Vec<Line> {
    let known = |done: &Transition| {
        let mut known = commit.incidents.iter();
        known.find(|incident| incident.core().id == done.id)
    };
    // Who joins what is not confirmed is not told either.
    let told = commit.transitions.iter().filter(|done| {
        !matches!(done.change, Change::Members { .. } | Change::Rose { .. })
            || known(done).is_some_and(Incident::is_open)
    });
    told.filter_map(|done| incident(done, known(done))).collect()
}

fn incident(done: &Transition, known: Option<&Incident>) -> Option<Line> {
    if matches!(done.change, Change::Began | Change::Passed) {
        return None;
    }
    let opened = done.change == Change::Opened;
    let core = known.map(Incident::core);
    let changed = core.and_then(|core| core.account.changed.as_ref()).filter(|_| opened);
    let changed = changed
        .map(|changed| format!("; changed: {changed}"))
        .unwrap_or_default();
    let message = format!("incident {} {}: {}{changed}", done.id, done.key, done.change);
    let level = match core.map(|core| core.severity).filter(|_| opened) {
        Some(Severity::Critical) => Level::Error,
        Some(Severity::Warning) => Level::Warn,
        _ => Level::Info,
    };
    let line = Line::new(done.at, level, &message)
        .with("incident", &done.id)
        .with("cause", &done.key.cause)
        .with("scope", &done.key.scope);
    Some(match core {
        Some(core) => line.with("severity", &core.severity),
        None => line,
    })
}

/// The line that tells how a tenant is now; none where a new one is well.
pub(super) fn tenant(record: &Record) -> Option<Line> {
    if record.first && record.status == Status::Healthy {
        return None;
    }
    let cause = record.cause.map(|cause| format!(" ({cause})")).unwrap_or_default();
    let message = format!("tenant {}: {}{cause}", record.tenant, record.status);
    let level = match record.status {
        Status::Healthy => Level::Info,
        _ => Level::Warn,
    };
    let line = Line::new(record.at, level, &message)
        .with("tenant", &record.tenant)
        .with("status", &record.status);
    Some(match record.cause {
        Some(cause) => line.with("cause", &cause),
        None => line,
    })
}

/// The line that tells what became of an attempt to deliver something, which is now as it is here.
pub(super) fn delivery(now: Timestamp, delivery: &Delivery) -> Line {
    let Delivery { message, to, error, .. } = delivery;
    let what = format!("notification {} ({}) to {}", message.id, message.reason, to.channel);
    let (level, message_, result) = match error {
        None => (Level::Info, format!("{what}: delivered"), "delivered"),
        Some(why) if delivery.dead => (Level::Error, format!("{what}: given up: {why}"), "refused"),
        Some(why) => (
            Level::Warn,
            format!("{what}: not delivered, it is tried again: {why}"),
            "failed",
        ),
    };
    Line::new(now, level, &message_)
        .with("notification", &message.id)
        .with("channel", &to.channel)
        .with("result", &result)
        .with("cause", &message.cause)
}

/// The text without addresses of mail: servers repeat to whom something could not be delivered.
fn without_mailboxes(text: &str) -> String {
    let is_part = |c: char| c.is_alphanumeric() || ".!#$%&'*+/=?^_`{|}~-@".contains(c);
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(begins) = rest.find(is_part) {
        let word = &rest[begins..];
        let word = &word[..word.find(|c| !is_part(c)).unwrap_or(word.len())];
        kept.push_str(&rest[..begins]);
        let inside = word.trim_matches('@');
        kept.push_str(if inside.contains('@') { "(address)" } else { word });
        rest = &rest[begins + word.len()..];
    }
    kept.push_str(rest);
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_reads_alone_for_people_and_has_its_keys_for_machines() {
        let at = "2026-11-30T04:19:37.5Z".parse().unwrap_or_default();
        let record = Record {
            tenant: "q7f9".to_owned(),
            status: Status::Failing,
            cause: Some(roundsman_checks::diagnosis::Cause::DnsOverride),
            at,
            last_good: None,
            by_hand: false,
            first: false,
        };
        let line = tenant(&record);
        let line = line.as_ref();
        assert_eq!(
            line.map(Line::human).as_deref(),
            Some("2026-11-30T04:19:37Z tenant q7f9: failing (dns-override)")
        );
        insta::assert_snapshot!(
            line.map(Line::json).unwrap_or_default(),
            @r#"{"timestamp":"2026-11-30T04:19:37.500Z","level":"warn","message":"tenant q7f9: failing (dns-override)","tenant":"q7f9","status":"failing","cause":"dns-override"}"#
        );
    }

    #[test]
    fn no_address_of_mail_is_in_a_line_and_nothing_else_is_lost() {
        let said = |text| info(Timestamp::UNIX_EPOCH, text).message;
        assert_eq!(
            said("550 5.1.1 <ann.o'hara+x@example.com>: user unknown, ask postmaster@example.org."),
            "550 5.1.1 <(address)>: user unknown, ask (address)"
        );
        let plain = "q7f9.example.com: 198.51.100.7 → [::1]:443, 50 % of 3 @ noon (http://a/b?c=d)";
        assert_eq!(said(plain), plain);
    }
}
