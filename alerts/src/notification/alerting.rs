//! All of it together: what happens to incidents goes in, what is to be sent and kept comes out.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::notifier::{Notifier, Saying};
use super::{Delivery, DeliveryId, Destination, Dossier, Mutes, Outbox, Outcome, Routing, Thread, ThreadId};
use crate::now::later;
use crate::{Book, Change, Now, Severity, Transition};

/// How often it is looked whether something does not arrive anywhere.
const CHECK_EVERY: Duration = Duration::from_secs(5);

/// What is told, and what became of it.
#[derive(Clone, Debug, Default)]
pub struct Alerting {
    notifier: Notifier,
    outbox: Outbox,
    checked: Option<Timestamp>,
}

/// What is to be kept: written together with what happened to the incidents.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Changes {
    /// Threads as they are now.
    pub threads: Vec<Thread>,
    /// Threads that are gone.
    pub threads_gone: Vec<ThreadId>,
    /// Deliveries as they are now, or nothing where they are gone.
    pub deliveries: BTreeMap<DeliveryId, Option<Delivery>>,
}

impl Changes {
    /// Whether there is nothing to keep.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.threads.is_empty() && self.threads_gone.is_empty() && self.deliveries.is_empty()
    }

    /// Takes in what changed later: the last word counts for each.
    pub fn absorb(&mut self, later: Self) {
        let again =
            |id: &ThreadId| later.threads.iter().any(|thread| thread.id == *id) || later.threads_gone.contains(id);
        self.threads.retain(|thread| !again(&thread.id));
        self.threads_gone.retain(|id| !again(id));
        self.threads.extend(later.threads);
        self.threads_gone.extend(later.threads_gone);
        self.deliveries.extend(later.deliveries);
    }
}

impl Alerting {
    /// Goes on where another one was, with the book of incidents that was kept beside it.
    #[must_use]
    pub fn restored(
        threads: impl IntoIterator<Item = Thread>,
        deliveries: impl IntoIterator<Item = Delivery>,
        book: &Book,
        now: Now,
    ) -> Self {
        Self {
            notifier: Notifier::restored(threads, book, now),
            outbox: Outbox::restored(deliveries, now),
            checked: None,
        }
    }

    /// Hears what happened to incidents; each learns in which thread it is told.
    pub fn hear(&mut self, done: &[Transition], book: &mut Book, routing: &Routing, dossier: &Dossier, now: Now) {
        self.notifier.hear(done, book, routing, now);
        for transition in done {
            if matches!(transition.change, Change::Acknowledged { .. }) {
                let said = self.notifier.acknowledged(&transition.key, book, dossier, now);
                self.put(said, routing, now);
            }
        }
    }

    /// Silences or the configuration changed: everything is looked at again.
    pub fn look_again(&mut self, routing: &Routing, now: Now) {
        self.notifier.look_at_all(now);
        self.outbox.retain(|to| {
            routing
                .receiver(&to.channel)
                .is_some_and(|receiver| receiver.to.contains(to))
        });
    }

    /// Decides what is to be said by now.
    pub fn tick(&mut self, book: &Book, mutes: &Mutes<'_>, routing: &Routing, dossier: &Dossier, now: Now) {
        for said in self.notifier.tick(book, mutes, routing, dossier, now) {
            self.put(Some(said), routing, now);
        }
        let due = self
            .checked
            .is_none_or(|checked| later(checked, CHECK_EVERY) <= now.steady);
        if due && self.outbox.iter().next().is_some() {
            self.checked = Some(now.steady);
            for thread in self.unheard(routing, now) {
                let said = self.notifier.escalate(&thread, book, dossier, now);
                self.put(said, routing, now);
            }
        }
    }

    /// The threads of which something critical arrived nowhere for too long.
    fn unheard(&self, routing: &Routing, now: Now) -> BTreeSet<ThreadId> {
        let undelivered = self.outbox.undelivered().into_values();
        let unheard = undelivered.filter(|progress| {
            let late = later(progress.queued.steady, routing.fallback_after) <= now.steady;
            progress.severity == Severity::Critical && (late || progress.given_up)
        });
        unheard.map(|progress| progress.thread).collect()
    }

    fn put(&mut self, said: Option<Saying>, routing: &Routing, now: Now) {
        let Some(said) = said else { return };
        let receivers = said.thread.channels.iter().filter_map(|name| routing.receiver(name));
        let wanted = receivers.filter(|receiver| receiver.acknowledges || !said.only_state);
        let to = wanted.flat_map(|receiver| receiver.to.iter().cloned());
        self.outbox.put(&Arc::new(said.message), to, said.opens, now);
    }

    /// What is to be sent now. Each is under way until [`Alerting::settle`] hears of it.
    pub fn take(&mut self, now: Now) -> Vec<Delivery> {
        self.outbox.take(now)
    }

    /// Hears what became of an attempt; gives the delivery as it is now.
    pub fn settle(&mut self, id: &DeliveryId, outcome: Outcome, now: Now) -> Option<Delivery> {
        self.outbox.settle(id, outcome, now)
    }

    /// What was given up is tried again. How many there were.
    pub fn retry(&mut self, now: Now) -> usize {
        self.outbox.retry(now)
    }

    /// What was given up before a moment of the wall's clock is forgotten.
    pub fn forget(&mut self, before: Timestamp) {
        self.outbox.forget(before);
    }

    /// What is to be kept of what changed since this was asked last.
    pub fn take_changes(&mut self) -> Changes {
        let (threads, threads_gone) = self.notifier.take_changes();
        Changes {
            threads,
            threads_gone,
            deliveries: self.outbox.take_changes(),
        }
    }

    /// The next moment, by the steady clock, at which something is to be done.
    #[must_use]
    pub fn next_wake(&self) -> Option<Timestamp> {
        let check = self.outbox.iter().next().and(self.checked);
        let check = check.map(|checked| later(checked, CHECK_EVERY));
        [self.notifier.next_wake(), self.outbox.next_wake(), check]
            .into_iter()
            .flatten()
            .min()
    }

    /// What waits or was given up.
    pub fn deliveries(&self) -> impl Iterator<Item = &Delivery> {
        self.outbox.iter()
    }

    /// The destinations where something was given up or waits for too long, and why.
    #[must_use]
    pub fn troubles(&self, routing: &Routing, now: Now) -> BTreeMap<Destination, String> {
        self.outbox.troubles(routing.stuck_after, now)
    }

    /// Why nobody hears anything, where that is so: something that goes on arrived nowhere for too long.
    #[must_use]
    pub fn stuck(&self, routing: &Routing, now: Now) -> Option<String> {
        let undelivered = self.outbox.undelivered().into_values();
        let mut stuck = undelivered.filter(|progress| {
            let late = later(progress.queued.steady, routing.stuck_after) <= now.steady;
            late && (!progress.given_up || self.notifier.goes_on(&progress.thread))
        });
        let first = stuck.next()?;
        let why = first.error.as_deref().unwrap_or("it was not tried yet");
        Some(format!(
            "a notification was delivered nowhere for {} minutes: {why}",
            routing.stuck_after.as_secs() / 60
        ))
    }

    /// How many messages wait for each channel.
    #[must_use]
    pub fn pending(&self) -> BTreeMap<Arc<str>, usize> {
        self.outbox.pending()
    }
}
