//! A message for PagerDuty's Events API v2: the event `trigger`, `acknowledge` or `resolve` of one `dedup_key`.
//!
//! Limits as documented: `summary` 1,024 characters, `dedup_key` 255, the whole event 512 KB; `source` and `severity` are
//! required of a trigger.

use serde_json::{Value, json};

use super::words;
use crate::Severity;
use crate::notification::{Message, Reason, Status};
use crate::text::line;

const SUMMARY: usize = 1_024;

/// A message for PagerDuty. A test is its own incident, and is named so that it can be told apart.
#[must_use]
pub fn pagerduty(message: &Message, routing_key: &str) -> Value {
    let action = match (message.reason, message.status) {
        (Reason::Acknowledged, _) => "acknowledge",
        (_, Status::Resolved) => "resolve",
        _ => "trigger",
    };
    let mut event = json!({
        "routing_key": routing_key,
        "event_action": action,
        "dedup_key": line(message.thread.as_str(), 255),
    });
    if action != "trigger" {
        return event;
    }
    event["payload"] = json!({
        "summary": line(&format!("{}: {}", words::state(message), message.subject), SUMMARY),
        "source": format!("{} ({})", message.domain, message.vantage),
        "severity": match message.severity {
            Severity::Critical => "critical",
            Severity::Warning => "warning",
            Severity::Info => "info",
        },
        "timestamp": message.since.unwrap_or(message.at).to_string(),
        "component": message.cause,
        "group": message.domain,
        "class": message.cause,
        "custom_details": {
            "why": message.why,
            "meaning": message.meaning,
            "what_changed": message.changed,
            "who": words::who(message),
            "evidence": message.evidence,
            "what_to_do": message.remedy,
            "repair": message.repair,
            "log": message.log,
            "explain": message.explain,
            "docs": message.docs,
            "incidents": message.incidents.iter().map(|incident| &incident.id).collect::<Vec<_>>(),
        },
    });
    event["client"] = json!("roundsman");
    event
}
