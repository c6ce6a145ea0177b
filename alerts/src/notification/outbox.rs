//! What is to be delivered where, in which order, and what became of it. Decides, and sends nothing.
//!
//! Of one thread and destination one message at a time is under way, in the order in which they were decided; threads and
//! destinations do not wait for each other, but all wait for a server that can't be reached. What waits and was never
//! sent is replaced by what is newer, so that a server that is away for days costs one message for each thread.

mod line;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use self::line::Line;
use super::backoff::NOT_NOW;
use super::{Message, ThreadId};
use crate::now::later;
use crate::{Now, Severity};

/// Where a message goes: one recipient of a channel, each by itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Destination {
    /// The channel's name.
    pub channel: Arc<str>,
    /// Its recipient, where it has several.
    pub recipient: Option<Arc<str>>,
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.recipient {
            Some(recipient) => write!(f, "{} ({recipient})", self.channel),
            None => f.write_str(&self.channel),
        }
    }
}

/// Name of a delivery: of a message, to a destination.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DeliveryId(Arc<str>);

impl DeliveryId {
    fn of(message: &str, to: &Destination) -> Self {
        let recipient = to.recipient.as_deref().unwrap_or_default();
        Self(format!("{message}/{}/{recipient}", to.channel).into())
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A message on its way to a destination.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Delivery {
    /// Its name.
    pub id: DeliveryId,
    /// Where it goes.
    pub to: Destination,
    /// What is said.
    pub message: Arc<Message>,
    /// Its place in the order of all deliveries.
    pub order: u64,
    /// When it was decided.
    pub queued: Now,
    /// How often it was tried.
    pub attempts: u32,
    /// How often a server that answered did not take it.
    pub refusals: u32,
    /// Not before this moment of the steady clock.
    pub next: Timestamp,
    /// Whether it is the first of its thread there.
    pub opens: bool,
    /// Whether it may have arrived, though nobody said so.
    pub perhaps: bool,
    /// Whether it arrived at another destination.
    pub elsewhere: bool,
    /// What went wrong last.
    pub error: Option<String>,
    /// Whether it was given up.
    pub dead: bool,
}

/// What became of one attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The server took it; what it said.
    Delivered(String),
    /// It did not.
    Failed(Failure),
}

/// Why an attempt failed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Failure {
    /// What the server said, or what happened.
    pub why: String,
    /// Whether another attempt is of no use.
    pub permanent: bool,
    /// Whether it concerns everything that goes there: nobody answers.
    pub unreachable: bool,
    /// Whether it may have arrived all the same.
    pub perhaps: bool,
    /// When the server wants to be asked again.
    pub retry_after: Option<Duration>,
}

/// What is under way of one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Its thread.
    pub thread: ThreadId,
    /// How urgent it is.
    pub severity: Severity,
    /// When it was decided.
    pub queued: Now,
    /// Whether nobody tries any more.
    pub given_up: bool,
    /// What went wrong last.
    pub error: Option<String>,
}

/// All that is to be delivered.
#[derive(Clone, Debug, Default)]
pub struct Outbox {
    lines: BTreeMap<Destination, Line>,
    order: u64,
    changed: BTreeMap<DeliveryId, Option<Delivery>>,
}

impl Outbox {
    /// An outbox that goes on where another one was. Nothing is under way; what waits is tried at once.
    #[must_use]
    pub fn restored(deliveries: impl IntoIterator<Item = Delivery>, now: Now) -> Self {
        let mut all = deliveries.into_iter().collect::<Vec<_>>();
        all.sort_by_key(|delivery| delivery.order);
        let mut outbox = Self::default();
        for mut delivery in all {
            outbox.order = outbox.order.max(delivery.order);
            delivery.queued.steady = delivery.queued.steady.min(now.steady);
            delivery.next = delivery
                .next
                .min(later(now.steady, NOT_NOW.after(delivery.refusals.max(1))));
            let line = outbox.lines.entry(delivery.to.clone()).or_default();
            match delivery.dead {
                true => {
                    line.refused.clone_from(&delivery.error);
                    line.dead.push(delivery);
                }
                // It may just have been sent when the process ended.
                false => line.waiting.push_back(Delivery {
                    perhaps: delivery.perhaps || delivery.attempts > 0,
                    ..delivery
                }),
            }
        }
        outbox
    }

    /// Something is to be said at these destinations; whether it `opens` the thread there.
    pub fn put(&mut self, message: &Arc<Message>, to: impl IntoIterator<Item = Destination>, opens: bool, now: Now) {
        for destination in to {
            self.order += 1;
            let delivery = Delivery {
                id: DeliveryId::of(&message.id, &destination),
                to: destination.clone(),
                message: Arc::clone(message),
                order: self.order,
                queued: now,
                attempts: 0,
                refusals: 0,
                next: now.steady,
                opens,
                perhaps: false,
                elsewhere: false,
                error: None,
                dead: false,
            };
            let line = self.lines.entry(destination).or_default();
            line.put(delivery, &mut self.changed);
        }
    }

    /// What is to be sent now. Each is under way until [`Outbox::settle`] hears of it.
    pub fn take(&mut self, now: Now) -> Vec<Delivery> {
        self.lines.values_mut().filter_map(|line| line.take(now)).collect()
    }

    /// Hears what became of an attempt. What is not under way is let pass.
    pub fn settle(&mut self, id: &DeliveryId, outcome: Outcome, now: Now) -> Option<Delivery> {
        let under_way = |(_, line): &(&Destination, &mut Line)| line.in_flight.as_ref() == Some(id);
        let (_, line) = self.lines.iter_mut().find(under_way)?;
        let settled = line.settle(outcome, now, &mut self.changed)?;
        if settled.error.is_none() {
            self.arrived(&settled.message.id);
        }
        Some(settled)
    }

    /// A message arrived somewhere: nobody has to hear of it by another way.
    fn arrived(&mut self, message: &str) {
        for line in self.lines.values_mut() {
            let mut same = line.waiting.iter_mut().chain(&mut line.dead);
            for delivery in same.by_ref().filter(|delivery| delivery.message.id == message) {
                delivery.elsewhere = true;
                self.changed.insert(delivery.id.clone(), Some(delivery.clone()));
            }
        }
    }

    /// What was given up is tried again. How many there were.
    pub fn retry(&mut self, now: Now) -> usize {
        let mut count = 0;
        for line in self.lines.values_mut() {
            (line.blocked, line.unanswered, line.refused) = (None, 0, None);
            for delivery in &mut line.waiting {
                delivery.next = delivery.next.min(now.steady);
            }
            for mut delivery in std::mem::take(&mut line.dead) {
                count += 1;
                (delivery.dead, delivery.queued, delivery.next, delivery.refusals) = (false, now, now.steady, 0);
                self.changed.insert(delivery.id.clone(), Some(delivery.clone()));
                line.waiting.push_back(delivery);
            }
            line.waiting.make_contiguous().sort_by_key(|delivery| delivery.order);
        }
        count
    }

    /// What was given up before a moment of the wall's clock is forgotten.
    pub fn forget(&mut self, before: Timestamp) {
        for line in self.lines.values_mut() {
            let (kept, gone) = line.dead.drain(..).partition(|delivery| delivery.queued.wall >= before);
            line.dead = kept;
            let gone: Vec<Delivery> = gone;
            self.changed
                .extend(gone.into_iter().map(|delivery| (delivery.id, None)));
        }
    }

    /// What goes to destinations that are not there any more is dropped: somebody took them out.
    pub fn retain(&mut self, is_there: impl Fn(&Destination) -> bool) {
        let changed = &mut self.changed;
        self.lines.retain(|destination, line| {
            let stays = is_there(destination);
            if !stays {
                let all = line.waiting.drain(..).chain(line.dead.drain(..));
                changed.extend(all.map(|delivery| (delivery.id, None)));
            }
            stays
        });
    }

    /// What changed since this was asked last: as it is now, or nothing where it is gone.
    pub fn take_changes(&mut self) -> BTreeMap<DeliveryId, Option<Delivery>> {
        std::mem::take(&mut self.changed)
    }

    /// The next moment, by the steady clock, at which something may be sent.
    #[must_use]
    pub fn next_wake(&self) -> Option<Timestamp> {
        self.lines.values().filter_map(Line::wake).min()
    }

    /// All that waits or was given up, in order for each destination.
    pub fn iter(&self) -> impl Iterator<Item = &Delivery> {
        self.lines
            .values()
            .flat_map(|line| line.waiting.iter().chain(&line.dead))
    }

    /// The messages that did not arrive anywhere yet.
    #[must_use]
    pub fn undelivered(&self) -> BTreeMap<&str, Progress> {
        let mut all = BTreeMap::<&str, Progress>::new();
        for delivery in self.iter().filter(|delivery| !delivery.elsewhere) {
            let progress = all.entry(&delivery.message.id).or_insert_with(|| Progress {
                thread: delivery.message.thread.clone(),
                severity: delivery.message.severity,
                queued: delivery.queued,
                given_up: true,
                error: None,
            });
            progress.given_up &= delivery.dead;
            progress.queued = progress.queued.min(delivery.queued);
            progress.error = progress.error.take().or_else(|| delivery.error.clone());
        }
        all
    }

    /// The destinations that refused something for good and took nothing since, or where something waits for longer than
    /// this; and why.
    #[must_use]
    pub fn troubles(&self, patience: Duration, now: Now) -> BTreeMap<Destination, String> {
        let trouble = |line: &Line| {
            let refused = line
                .refused
                .as_ref()
                .map(|why| format!("a message was given up: {why}"));
            let waits = |delivery: &&Delivery| later(delivery.queued.steady, patience) <= now.steady;
            let late = line.waiting.iter().find(waits).map(|delivery| {
                let why = delivery.error.as_deref().unwrap_or("it was not tried yet");
                format!(
                    "a message could not be delivered for {} minutes: {why}",
                    patience.as_secs() / 60
                )
            });
            late.or(refused)
        };
        let all = self.lines.iter();
        all.filter_map(|(to, line)| Some((to.clone(), trouble(line)?)))
            .collect()
    }

    /// How many messages wait for each channel.
    #[must_use]
    pub fn pending(&self) -> BTreeMap<Arc<str>, usize> {
        let mut all = BTreeMap::new();
        for (to, line) in &self.lines {
            *all.entry(Arc::clone(&to.channel)).or_default() += line.waiting.len();
        }
        all
    }
}
