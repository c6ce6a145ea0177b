//! What waits for one destination, in which order, and what was given up there.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::super::backoff::{NOT_NOW, UNREACHABLE};
use super::super::{Message, Reason};
use super::{Delivery, DeliveryId, Outcome};
use crate::Now;
use crate::now::later;

/// How long something is tried (RFC 5321, section 4.5.4.1: four to five days).
const GIVE_UP: SignedDuration = SignedDuration::from_hours(4 * 24);
/// How often in a row nobody answers at a destination before what is older is given up: the network may come after us.
const PATIENCE: u32 = 10;
/// How many messages wait for one destination; what comes then is given up at once, and said.
const WAITING: usize = 10_000;

/// What waits for one destination.
#[derive(Clone, Debug, Default)]
pub(super) struct Line {
    pub(super) waiting: VecDeque<Delivery>,
    pub(super) dead: Vec<Delivery>,
    pub(super) in_flight: Option<DeliveryId>,
    /// Why something was given up, where nothing was taken since.
    pub(super) refused: Option<String>,
    /// How often in a row nobody answered there.
    pub(super) unanswered: u32,
    /// Not before this moment of the steady clock.
    pub(super) blocked: Option<Timestamp>,
}

impl Delivery {
    /// Tells, in the place of what was never sent, how it is by now.
    fn catch_up(&mut self, newer: &Message) {
        let before = &self.message;
        let reason = match (before.reason.is_end(), newer.reason.is_end()) {
            (_, true) => Reason::Recovered,
            // It was over, and is not any more.
            (true, false) => newer.reason,
            (false, false) => before.reason,
        };
        self.message = Arc::new(Message {
            id: before.id.clone(),
            sequence: before.sequence,
            reason,
            why: reason.sentence(newer.severity),
            since: before.since.or(newer.since),
            ..newer.clone()
        });
    }
}

/// Whether something was tried for as long as anything is, by the steady clock: the wall's may jump.
fn is_old(delivery: &Delivery, now: Now) -> bool {
    now.steady.duration_since(delivery.queued.steady) > GIVE_UP
}

impl Line {
    /// Puts a message to the others of its thread, or in the place of what it replaces.
    pub(super) fn put(&mut self, mut delivery: Delivery, changed: &mut BTreeMap<DeliveryId, Option<Delivery>>) {
        let thread = delivery.message.thread.clone();
        let is_end = delivery.message.reason.is_end();
        let in_flight = self.in_flight.clone();
        let is_of = |other: &Delivery| other.message.thread == thread;
        let unsent = |other: &Delivery| is_of(other) && !other.perhaps && in_flight.as_ref() != Some(&other.id);
        // Nobody could be told of it here yet: the first message tells how it is by now, and that it is over if it is.
        if let Some(first) = self.waiting.iter().position(|other| other.opens && unsent(other)) {
            self.waiting[first].catch_up(&delivery.message);
            let first = self.waiting[first].clone();
            // What was put behind it while it was under way says less by now.
            let stale = |other: &Delivery| unsent(other) && other.id != first.id;
            changed.extend(
                self.waiting
                    .iter()
                    .filter(|other| stale(other))
                    .map(|other| (other.id.clone(), None)),
            );
            self.waiting.retain(|other| !stale(other));
            changed.insert(first.id.clone(), Some(first));
            return;
        }
        let gave_up = self.dead.iter_mut().find(|other| is_of(other));
        if let Some(first) = gave_up {
            let is_alone = !self.waiting.iter().any(is_of);
            // Who could not be told that it fails is not told that it is over; whoever tries it again hears both.
            if is_end && is_alone && !first.perhaps {
                first.catch_up(&delivery.message);
                changed.insert(first.id.clone(), Some(first.clone()));
                return;
            }
            delivery.opens = is_alone;
            if is_end && is_alone {
                let own = Arc::clone(&delivery.message);
                delivery.catch_up(&own);
            }
        }
        let replaced = self.waiting.iter().filter(|other| unsent(other));
        changed.extend(replaced.map(|other| (other.id.clone(), None)));
        self.waiting.retain(|other| !unsent(other));
        if self.waiting.len() < WAITING {
            changed.insert(delivery.id.clone(), Some(delivery.clone()));
            self.waiting.push_back(delivery);
        } else {
            self.give_up(delivery, format!("{WAITING} messages wait already"), changed);
        }
    }

    pub(super) fn take(&mut self, now: Now) -> Option<Delivery> {
        if self.in_flight.is_some() {
            return None;
        }
        if self.blocked.is_some_and(|until| until > now.steady) {
            return None;
        }
        let delivery = self.firsts().find(|delivery| delivery.next <= now.steady)?.clone();
        self.in_flight = Some(delivery.id.clone());
        Some(delivery)
    }

    /// The first message of each thread.
    pub(super) fn firsts(&self) -> impl Iterator<Item = &Delivery> {
        let mut seen = BTreeSet::new();
        self.waiting
            .iter()
            .filter(move |delivery| seen.insert(&delivery.message.thread))
    }

    pub(super) fn wake(&self) -> Option<Timestamp> {
        if self.in_flight.is_some() {
            return None;
        }
        let next = self.firsts().map(|delivery| delivery.next).min()?;
        Some(next.max(self.blocked.unwrap_or(next)))
    }

    pub(super) fn settle(
        &mut self,
        outcome: Outcome,
        now: Now,
        changed: &mut BTreeMap<DeliveryId, Option<Delivery>>,
    ) -> Option<Delivery> {
        let id = self.in_flight.take()?;
        let position = self.waiting.iter().position(|delivery| delivery.id == id)?;
        let mut delivery = self.waiting.remove(position)?;
        delivery.attempts = delivery.attempts.saturating_add(1);
        let failure = match outcome {
            Outcome::Delivered(_) => {
                (self.unanswered, self.blocked, self.refused) = (0, None, None);
                delivery.error = None;
                changed.insert(id, None);
                // Who is told now was told: what was given up before says nothing new.
                let thread = &delivery.message.thread;
                let (gone, kept) = self.dead.drain(..).partition(|dead| dead.message.thread == *thread);
                self.dead = kept;
                let gone: Vec<Delivery> = gone;
                changed.extend(gone.into_iter().map(|dead| (dead.id, None)));
                return Some(delivery);
            }
            Outcome::Failed(failure) => failure,
        };
        delivery.perhaps |= failure.perhaps;
        delivery.error = Some(failure.why.clone());
        if failure.unreachable {
            self.unanswered = self.unanswered.saturating_add(1);
            let wait = UNREACHABLE
                .after(self.unanswered)
                .max(failure.retry_after.unwrap_or_default());
            self.blocked = Some(later(now.steady, wait));
        } else {
            (self.unanswered, self.blocked) = (0, None);
        }
        if failure.permanent {
            return Some(self.give_up(delivery, failure.why, changed));
        }
        // Only who was asked just now and did not take it has had its time: a queue that was stopped, or a clock that
        // jumped, gives up nothing by itself.
        let patient = failure.unreachable && self.unanswered < PATIENCE;
        if is_old(&delivery, now) && !patient {
            let why = format!("four days passed: {}", failure.why);
            let gone = self.give_up(delivery, why, changed);
            if failure.unreachable {
                self.give_up_old(now, changed);
            }
            return Some(gone);
        }
        if !failure.unreachable {
            delivery.refusals = delivery.refusals.saturating_add(1);
            let wait = NOT_NOW
                .after(delivery.refusals)
                .max(failure.retry_after.unwrap_or_default());
            delivery.next = later(now.steady, wait);
        }
        changed.insert(id, Some(delivery.clone()));
        self.waiting.insert(position, delivery.clone());
        Some(delivery)
    }

    fn give_up(
        &mut self,
        delivery: Delivery,
        why: String,
        changed: &mut BTreeMap<DeliveryId, Option<Delivery>>,
    ) -> Delivery {
        let delivery = Delivery {
            dead: true,
            error: Some(why),
            ..delivery
        };
        changed.insert(delivery.id.clone(), Some(delivery.clone()));
        self.refused.clone_from(&delivery.error);
        self.dead.push(delivery.clone());
        if delivery.opens {
            self.follow(&delivery, changed);
        }
        delivery
    }

    /// What opens a thread was given up: what waits behind it is the first that is told of it here. That it is over is told
    /// as one with that it failed, or goes the way of the first where that surely never arrived.
    fn follow(&mut self, first: &Delivery, changed: &mut BTreeMap<DeliveryId, Option<Delivery>>) {
        let is_behind = |other: &Delivery| {
            other.message.thread == first.message.thread
                && other.order > first.order
                && self.in_flight.as_ref() != Some(&other.id)
        };
        let Some(at) = self.waiting.iter().position(is_behind) else {
            return;
        };
        let next = &mut self.waiting[at];
        let newer = Arc::clone(&next.message);
        if newer.reason.is_end() && !first.perhaps && next.attempts == 0 {
            changed.insert(next.id.clone(), None);
            self.waiting.remove(at);
            if let Some(dead) = self.dead.last_mut() {
                dead.catch_up(&newer);
                changed.insert(dead.id.clone(), Some(dead.clone()));
            }
            return;
        }
        next.opens = true;
        if newer.reason.is_end() {
            next.catch_up(&newer);
        }
        changed.insert(next.id.clone(), Some(next.clone()));
    }

    fn give_up_old(&mut self, now: Now, changed: &mut BTreeMap<DeliveryId, Option<Delivery>>) {
        let is_old = |delivery: &Delivery| is_old(delivery, now);
        let (old, rest): (VecDeque<_>, VecDeque<_>) = self.waiting.drain(..).partition(is_old);
        self.waiting = rest;
        for delivery in old {
            let why = delivery
                .error
                .clone()
                .unwrap_or_else(|| "it was never tried".to_owned());
            self.give_up(delivery, format!("four days passed: {why}"), changed);
        }
    }
}
