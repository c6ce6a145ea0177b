//! Incidents as they are shown and exported, whoever asks: a running daemon's or those of a database.

use jiff::Timestamp;
use roundsman_alerts::{Incident, Severity, Silence, State, Subject};
use serde::Serialize;

/// Most tenants that one incident names.
const MOST_TENANTS: usize = 20;

/// One incident.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct IncidentView {
    /// Its name.
    pub id: String,
    /// What is wrong.
    pub cause: String,
    /// Whom it concerns: agent, fleet or tenant.
    pub scope: String,
    /// The guilty object.
    pub object: String,
    /// How urgent it is.
    pub severity: Severity,
    /// Its state.
    pub state: State,
    /// Whom it concerns, at most 20.
    pub tenants: Vec<String>,
    /// How many it concerns.
    pub tenants_total: usize,
    /// When it was confirmed.
    pub opened_at: Option<Timestamp>,
    /// When it ended.
    pub resolved_at: Option<Timestamp>,
    /// Whether somebody looks after it.
    pub acknowledged: bool,
    /// Until when it is muted for all whom it concerns.
    pub silenced_until: Option<Timestamp>,
    /// What changed since it was last well.
    pub changed: Option<String>,
}

impl IncidentView {
    /// An incident at a moment, under these silences.
    #[must_use]
    pub fn of(incident: &Incident, silences: &[Silence], now: Timestamp) -> Self {
        let core = incident.core();
        Self {
            id: core.id.to_string(),
            cause: core.key.cause.to_string(),
            scope: core.key.scope.to_string(),
            object: core.key.object.to_string(),
            severity: core.severity,
            state: incident.state(),
            tenants: core
                .members
                .iter()
                .take(MOST_TENANTS)
                .map(ToString::to_string)
                .collect(),
            tenants_total: core.members.len(),
            opened_at: incident.opened().map(|opened| opened.wall),
            resolved_at: incident.resolved().map(|resolved| resolved.wall),
            acknowledged: core.acknowledged.is_some(),
            silenced_until: silenced_until(incident, silences, now),
            changed: core.account.changed.clone(),
        }
    }
}

/// Whether a silence mutes an incident: for everybody whom it concerns, each by any silence.
fn silenced_until(incident: &Incident, silences: &[Silence], now: Timestamp) -> Option<Timestamp> {
    let core = incident.core();
    let muted = |member: Option<&str>| {
        let subject = Subject {
            cause: &core.key.cause,
            scope: &core.key.scope,
            severity: core.severity,
            member,
            labels: &core.account.labels,
        };
        let muting = silences.iter().filter(|silence| silence.mutes(&subject, now));
        muting.map(|silence| silence.ends_at).max()
    };
    match core.members.is_empty() {
        true => muted(None),
        false => core.members.iter().map(|member| muted(Some(member))).min().flatten(),
    }
}

/// What an incident would be matched by.
#[must_use]
pub fn is_matched(incident: &Incident, silence: &Silence, now: Timestamp) -> bool {
    silenced_until(incident, std::slice::from_ref(silence), now).is_some()
}
