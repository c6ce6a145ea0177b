//! What is told to whoever collects numbers: of the agent, of its incidents and of each tenant, as it is now.

use std::ops::Bound;

use super::*;
use crate::watch::rounds::Ended;

/// A tenant in numbers.
pub struct TenantNumbers<'d> {
    /// Its place in the order in which all are told.
    pub ix: TenantIx,
    /// Its id.
    pub id: &'d TenantId,
    /// How it is.
    pub status: Status,
    /// How each check is, and why; nothing where it was never examined.
    pub checks: Vec<(Check, Outcome, Option<Reason>)>,
    /// When what is served for it ends.
    pub not_after: Option<Timestamp>,
}

impl Dispatcher {
    /// The rounds that ended since this was asked last.
    pub fn take_rounds(&mut self) -> Vec<Ended> {
        self.rounds.take_ended()
    }

    /// Every tenant in numbers, in an order that stays; `after` one where that is said.
    pub fn tenant_numbers(&self, after: Option<TenantIx>) -> impl Iterator<Item = TenantNumbers<'_>> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.tenants.range((from, Bound::Unbounded)).map(|(ix, state)| {
            let facts = state.facts.as_ref();
            let checks = facts.into_iter().flat_map(|facts| {
                let checks = Check::ALL.into_iter().zip(state.outcomes);
                checks.map(|(check, outcome)| (check, outcome, facts.reason(check)))
            });
            TenantNumbers {
                ix: *ix,
                id: &state.tenant.id,
                status: state.status,
                checks: checks.collect(),
                not_after: state.not_after,
            }
        })
    }

    /// How many open incidents there are of each cause, scope and severity.
    #[must_use]
    pub fn open_incidents(&self) -> BTreeMap<(String, String, Severity), usize> {
        let mut open = BTreeMap::new();
        for incident in self.book.iter().filter(|incident| incident.is_open()) {
            let core = incident.core();
            let kind = (core.key.cause.to_string(), core.key.scope.to_string(), core.severity);
            *open.entry(kind).or_insert(0) += 1;
        }
        open
    }

    /// How many messages wait to be delivered, by channel; those that were given up do not wait.
    #[must_use]
    pub fn pending_deliveries(&self) -> BTreeMap<String, usize> {
        let receivers = &self.settings.routing.receivers;
        let mut pending = receivers
            .iter()
            .map(|receiver| (receiver.channel.to_string(), 0))
            .collect::<BTreeMap<_, _>>();
        for delivery in self.alerting.deliveries().filter(|delivery| !delivery.dead) {
            *pending.entry(delivery.to.channel.to_string()).or_insert(0) += 1;
        }
        pending
    }

    /// When what the edge serves for a name that only the wildcard covers ends; of several addresses the first to end.
    #[must_use]
    pub fn wildcard_not_after(&self) -> Option<Timestamp> {
        let context = self.context.as_ref()?;
        let edge = &context.fleet.edge;
        let visits = edge.sockets().filter_map(|socket| edge.control_at(socket));
        visits.filter_map(|visit| Some(context.facts(visit)?.not_after)).min()
    }
}
