//! What keeps an incident from being told: somebody looks after it, somebody does not want to hear of it, it is planned,
//! something else explains it, or nothing can be seen at all. Each with its own end.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::Routing;
use crate::{Incident, Key, Silence, Subject};

/// Why an incident is not told now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mute {
    /// Why.
    pub why: Why,
    /// Until when, by the wall's clock; `None`: until something else happens.
    pub until: Option<Timestamp>,
}

/// Why an incident is not told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// Somebody looks after it.
    Acknowledged,
    /// A silence covers all whom it concerns.
    Silenced,
    /// It is planned.
    Maintenance,
    /// Something wider explains what failed here.
    Inhibited,
    /// The agent itself can see nothing.
    VantageHeld,
}

/// What mutes incidents at a moment.
#[derive(Clone, Copy, Debug)]
pub struct Mutes<'m> {
    /// The silences.
    pub silences: &'m [Silence],
    /// What something wider explains at the moment.
    pub inhibited: &'m BTreeSet<Key>,
    /// Whether the agent can see nothing but itself.
    pub blind: bool,
}

impl Mutes<'_> {
    /// Why an incident is not told at a moment; the reason that ends last, but for an acknowledgement, which only ends
    /// with the incident.
    #[must_use]
    pub fn mute(&self, incident: &Incident, routing: &Routing, at: Timestamp) -> Option<Mute> {
        let core = incident.core();
        let mute = |why, until| Some(Mute { why, until });
        if self.blind && &*core.key.scope != "agent" {
            return mute(Why::VantageHeld, None);
        }
        if self.inhibited.contains(&core.key) {
            return mute(Why::Inhibited, None);
        }
        let silenced = silenced_until(incident, self.silences, at);
        let planned = routing.in_maintenance(incident, at);
        match (silenced, planned) {
            (Some(silenced), planned) if planned.is_none_or(|planned| planned <= silenced) => {
                mute(Why::Silenced, Some(silenced))
            }
            (_, Some(planned)) => mute(Why::Maintenance, Some(planned)),
            _ if core.acknowledged.is_some() => mute(Why::Acknowledged, None),
            _ => None,
        }
    }
}

/// Until when an incident is muted by silences: for everybody whom it concerns, each by any of them.
#[must_use]
pub fn silenced_until(incident: &Incident, silences: &[Silence], at: Timestamp) -> Option<Timestamp> {
    let core = incident.core();
    if silences.is_empty() {
        return None;
    }
    let muted = |member: Option<&str>| {
        let subject = Subject {
            cause: &core.key.cause,
            scope: &core.key.scope,
            severity: core.severity,
            member,
            labels: &core.account.labels,
        };
        let muting = silences.iter().filter(|silence| silence.mutes(&subject, at));
        muting.map(|silence| silence.ends_at).max()
    };
    match core.members.is_empty() {
        true => muted(None),
        // The first end is when somebody is loud again.
        false => core.members.iter().map(|member| muted(Some(member))).min().flatten(),
    }
}
