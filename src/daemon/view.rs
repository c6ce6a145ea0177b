//! Incidents as they are shown and exported, whoever asks: a running daemon's or those of a database.

use jiff::Timestamp;
use roundsman_alerts::notification::{Delivery, silenced_until};
use roundsman_alerts::{Incident, Severity, Silence, State};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Most tenants that one incident names.
const MOST_TENANTS: usize = 20;

/// One incident.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
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
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub opened_at: Option<Timestamp>,
    /// When it ended.
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub resolved_at: Option<Timestamp>,
    /// Whether somebody looks after it.
    pub acknowledged: bool,
    /// Until when it is muted for all whom it concerns.
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
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

/// What an incident would be matched by.
#[must_use]
pub(super) fn is_matched(incident: &Incident, silence: &Silence, now: Timestamp) -> bool {
    silenced_until(incident, std::slice::from_ref(silence), now).is_some()
}

/// Something that waits to be delivered, or was given up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DeliveryView {
    /// The message's name.
    pub message: String,
    /// What the message is called.
    pub subject: String,
    /// Why it was said.
    pub reason: String,
    /// Where it goes.
    pub channel: String,
    /// To whom, where the channel has several recipients.
    pub recipient: Option<String>,
    /// `pending` or `dead`.
    pub state: String,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was decided.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub queued_at: Timestamp,
    /// What went wrong last.
    pub error: Option<String>,
}

impl DeliveryView {
    /// One of them.
    #[must_use]
    pub fn of(delivery: &Delivery) -> Self {
        Self {
            message: delivery.message.id.clone(),
            subject: delivery.message.subject.clone(),
            reason: delivery.message.reason.to_string(),
            channel: delivery.to.channel.to_string(),
            recipient: delivery.to.recipient.as_deref().map(str::to_owned),
            state: if delivery.dead { "dead" } else { "pending" }.to_owned(),
            attempts: delivery.attempts,
            queued_at: delivery.queued.wall,
            error: delivery.error.clone(),
        }
    }
}
