//! Incidents as alerts of Prometheus' Alertmanager (`POST /api/v2/alerts`): it is told again and again how things are, and
//! groups, routes and silences by itself.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use crate::notification::Dossier;
use crate::text::line;
use crate::{Incident, Now};

/// How long an alert holds that is not sent again: three times the usual pause.
const HOLDS: std::time::Duration = std::time::Duration::from_secs(3 * 60);

/// One alert.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Alert {
    /// What it is, the same as long as it lasts.
    pub labels: BTreeMap<&'static str, String>,
    /// What is told of it.
    pub annotations: BTreeMap<&'static str, String>,
    /// Since when.
    pub starts_at: String,
    /// When it ended; while it lasts, until when it holds without being sent again.
    pub ends_at: String,
}

/// An incident as an alert, none where it was never confirmed. Where it grew more urgent, the less urgent alert that it
/// was before is told as ended: the urgency is one of the labels that others route by.
#[must_use]
pub fn alertmanager(incident: &Incident, dossier: &Dossier, now: Now) -> Vec<Alert> {
    let Some(alert) = alert(incident, dossier, now) else {
        return Vec::new();
    };
    let opened = incident.opened().map_or(now.wall, |opened| opened.wall);
    let rose = incident.core().rose.filter(|(_, at)| *at > opened);
    let before = rose.map(|(severity, at)| {
        let mut before = alert.clone();
        before.labels.insert("severity", severity.to_string());
        before.ends_at = rfc3339(at);
        before
    });
    before.into_iter().chain([alert]).collect()
}

fn alert(incident: &Incident, dossier: &Dossier, now: Now) -> Option<Alert> {
    let core = incident.core();
    let opened = incident.opened()?;
    let ends = incident.resolved().map_or(now.plus(HOLDS).wall, |ended| ended.wall);
    let text = |text: &str| line(text, crate::text::LINE);
    let mut labels = BTreeMap::from([
        ("alertname", core.key.cause.to_string()),
        ("domain", dossier.domain.clone()),
        ("object", text(&core.key.object)),
        ("scope", core.key.scope.to_string()),
        ("severity", core.severity.to_string()),
    ]);
    // Labels are what an alert is: whoever joins or leaves does not make it another one.
    if let ("tenant", Some(first)) = (&*core.key.scope, &core.first) {
        labels.insert("tenant", text(first));
    }
    let prose = dossier.prose.get(&*core.key.cause);
    let mut annotations = BTreeMap::from([
        ("incident", core.id.to_string()),
        ("tenants", core.members.len().to_string()),
        (
            "evidence",
            core.account
                .evidence
                .iter()
                .take(3)
                .map(|line| text(line))
                .collect::<Vec<_>>()
                .join("\n"),
        ),
        (
            "remedy",
            core.account
                .remedy
                .iter()
                .take(3)
                .map(|line| text(line))
                .collect::<Vec<_>>()
                .join("\n"),
        ),
    ]);
    annotations.extend(prose.map(|prose| ("summary", prose.title.clone())));
    annotations.extend(prose.map(|prose| ("description", prose.meaning.clone())));
    annotations.extend(core.account.changed.as_ref().map(|changed| ("changed", text(changed))));
    annotations.retain(|_, value| !value.is_empty());
    Some(Alert {
        labels,
        annotations,
        starts_at: rfc3339(opened.wall),
        ends_at: rfc3339(ends),
    })
}

/// The alert that tries the channel: it ends by itself after a minute.
#[must_use]
pub fn test_alert(message: &crate::notification::Message) -> Alert {
    let ends = Now::at(message.at).plus(std::time::Duration::from_secs(60)).wall;
    Alert {
        labels: BTreeMap::from([
            ("alertname", "roundsman-test".to_owned()),
            ("domain", message.domain.clone()),
            ("scope", "agent".to_owned()),
            ("severity", message.severity.to_string()),
        ]),
        annotations: BTreeMap::from([("summary", message.why.clone())]),
        starts_at: rfc3339(message.at),
        ends_at: rfc3339(ends),
    }
}

fn rfc3339(at: Timestamp) -> String {
    at.to_string()
}
