//! The one owner of everything that a daemon knows: it hears events and says what is to be done. No socket, no lock, no
//! clock, so that a week passes in a test as fast as it can be told.

mod alerts;
mod answers;
mod before;
mod fleet;
mod numbers;
mod pace;
mod people;
mod repairs;
mod stall;
mod turns;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use roundsman_alerts::notification::{Alerting, Delivery, Mutes, Why};
use roundsman_alerts::render::{Alert, alertmanager};
use roundsman_alerts::{
    Account, Book, Incident, IncidentId, Key, Members, Now, Severity, Silence, State, Transition, Unknown, Verdict,
};
use roundsman_checks::diagnosis::{Blame, Cause, Shown, Status, Totals, explain, findings_of, prove};
use roundsman_checks::evidence::Reason;
use roundsman_checks::finding::{Check, FleetCheck, Outcome};
use roundsman_checks::fleet::FleetContext;
use roundsman_checks::gather::Places;
use roundsman_checks::target::TenantId;

use super::event::{Commit, Effect, Event, Examined, Job, Reading, Record, TenantIx};
use super::inventory::compare;
use super::memory::Remembered;
use super::readings::Readings;
use super::rounds::Rounds;
use super::seen::Seen;
use super::settings::Settings;
use super::shared::{SharedState, blinds};
use super::signal;
use super::status::{FleetStatus, Footprint, Health, TenantStatus};
use super::tenant::TenantState;
use crate::history::{Pace, Timings};
use crate::schedule::Agenda;

pub use numbers::TenantNumbers;
pub use repairs::{Repairable, Shares};

/// How long after an examination that found something new the next ones come: 2, 5 and 10 s after the first.
const AGAIN: [Duration; 3] = [Duration::from_secs(2), Duration::from_secs(3), Duration::from_secs(5)];
/// How long after that, while it is not confirmed.
const WHILE_PENDING: Duration = Duration::from_secs(60);
/// How long after an examination that found something over the next one comes, until that is confirmed.
const WHILE_RECOVERING: Duration = Duration::from_secs(30);
/// How long what is shared may be out of date after an examination.
const REVIEW: Duration = Duration::from_secs(1);
/// How far apart tenants begin that are all due at once: at least, and at most where they are seen again.
const APART: Duration = Duration::from_millis(1);
const FURTHEST_APART: Duration = Duration::from_millis(50);
/// How many times as many tenants as usual begin in a second while many are seen again.
const RUSH: u32 = 4;
/// In how many looks in a row the agent has to be blind before nothing counts any more.
const BLIND: u32 = 2;
/// How many tenants are looked at again to confirm what they have in common.
const WITNESSES: usize = 3;
/// How many tenants show that the edge fails, and of the others which part is visited all the same.
const SHOWN_BY: usize = 20;
const SAMPLE: u32 = 50;
/// The cause of a tenant that no source names any more: it is no cause of a check.
const VANISHED: Cause = Cause::TenantVanished;
/// How far the wall's clock may move against the steady one before it has jumped.
const JUMP: SignedDuration = SignedDuration::from_secs(2);

/// The dispatcher.
pub struct Dispatcher {
    settings: Settings,
    places: Places,
    /// Boxed, since a node of the map stays half empty where indices only grow.
    tenants: BTreeMap<TenantIx, Box<TenantState>>,
    by_id: HashMap<TenantId, TenantIx>,
    next_ix: u32,
    chores: Agenda<Job>,
    turns: Agenda<TenantIx>,
    running: usize,
    context: Option<Arc<FleetContext>>,
    /// What was seen of a tenant last: most look alike, and it is kept once for all of them.
    alike: Option<Arc<Seen>>,
    totals: Totals,
    /// How many examinations saw anything of those that began after the last look at the fleet did; and after the one that
    /// is under way.
    sights: usize,
    sights_meanwhile: usize,
    /// When the look at the fleet began that counts.
    seen_since: Option<Timestamp>,
    shared: SharedState,
    /// How many tenants have each cause of their own.
    sharing: BTreeMap<Cause, usize>,
    book: Book,
    /// Who is gone, with their labels, as long as the book does not know it.
    vanished: BTreeMap<TenantId, BTreeMap<String, String>>,
    /// How tenants were before this process, as long as they were not named again.
    memories: HashMap<TenantId, before::Unnamed>,
    /// In how many looks in a row the agent was blind.
    blind: u32,
    /// In how many readings in a row too many were missing, and whether somebody confirmed that they left.
    shrunk: u32,
    left: bool,
    read_once: bool,
    /// Whether all of the inventory was read once.
    inventory_known: bool,
    readings: Readings,
    lag: Duration,
    lag_before: Duration,
    lag_since: Option<Timestamp>,
    /// When the first tenants were due, by the steady clock.
    began: Option<Timestamp>,
    /// How far the wall's clock is before the steady one.
    ahead: Option<SignedDuration>,
    /// When the loop was felt last, and when it turned again after it stood still, both by the steady clock.
    felt: Option<Timestamp>,
    stalled: Option<Timestamp>,
    /// When the look at the fleet began that is under way, and whether the last one counted for nothing.
    look_begun: Option<Timestamp>,
    look_doubted: bool,
    pace: Pace,
    rounds: Rounds,
    commit: Commit,
    alerting: Alerting,
    silences: Vec<Silence>,
    /// What of tenants' own something wider explains at the moment.
    inhibited: BTreeSet<Key>,
    /// When it was looked last whether something can't be delivered.
    troubles_at: Option<Timestamp>,
}

impl Dispatcher {
    /// A dispatcher that goes on from what is remembered: the incidents of before, and how each tenant was once it is there.
    #[must_use]
    pub fn new(settings: Settings, remembered: Remembered, now: Now) -> Self {
        let book = Book::restored(remembered.incidents, remembered.number, &settings.policy, now);
        let mut book = book.with_looks(remembered.looks);
        let blind = before::was_blind(&book);
        if blind {
            book.freeze(now);
        }
        let shared = before::told_of(&book);
        let mut alerting = Alerting::restored(remembered.threads, remembered.deliveries, &book, now);
        alerting.look_again(&settings.routing, now);
        let mut chores = Agenda::default();
        chores.plan(Job::Read, now.steady);
        Self {
            places: Places::new(settings.concurrency),
            settings,
            tenants: BTreeMap::new(),
            by_id: HashMap::new(),
            next_ix: 0,
            chores,
            turns: Agenda::default(),
            running: 0,
            context: None,
            alike: None,
            totals: Totals::default(),
            sights: 0,
            sights_meanwhile: 0,
            seen_since: None,
            shared,
            sharing: BTreeMap::new(),
            book,
            vanished: BTreeMap::new(),
            memories: before::unnamed(remembered.tenants, remembered.inventory),
            blind: if blind { BLIND } else { 0 },
            shrunk: 0,
            left: false,
            read_once: false,
            inventory_known: false,
            readings: Readings::default(),
            lag: Duration::ZERO,
            lag_before: Duration::ZERO,
            lag_since: None,
            began: None,
            ahead: None,
            felt: None,
            stalled: None,
            look_begun: None,
            look_doubted: false,
            pace: Pace::restored(remembered.hours),
            rounds: Rounds::default(),
            commit: Commit::default(),
            alerting,
            silences: remembered.silences,
            inhibited: BTreeSet::new(),
            troubles_at: None,
        }
    }

    /// Hears what happened, and says what is to be done.
    pub fn handle(&mut self, now: Now, event: Event) -> Vec<Effect> {
        let mut effects = Vec::new();
        self.notice_jump(now);
        self.notice_stall(now);
        match event {
            Event::Tick => {}
            Event::Read(reading) => self.read(now, *reading, &mut effects),
            Event::Looked(context) => self.looked(now, context, &mut effects),
            Event::Examined(ix, examined) => self.examined(now, ix, *examined, &mut effects),
            Event::NotExamined(ix) => {
                self.turns.finished(ix);
                self.running = self.running.saturating_sub(1);
                self.plan_next(now, ix);
            }
            Event::Delivered(id, outcome) => drop(self.alerting.settle(&id, outcome, now)),
            Event::Silenced(silences) => self.silenced(now, silences),
            Event::Forget(before) => self.alerting.forget(before),
            Event::Reloaded(settings) => self.reloaded(now, *settings),
        }
        self.begin(now, &mut effects);
        self.conclude(now, &mut effects);
        effects
    }

    /// When something is to be done next though nothing happens, by the steady clock.
    #[must_use]
    pub fn wake_at(&self) -> Option<Timestamp> {
        let turns = self.turns.wake().filter(|_| self.may_examine());
        [
            self.chores.wake(),
            turns,
            self.book.next_wake(),
            self.alerting.next_wake(),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    fn may_examine(&self) -> bool {
        self.context.is_some() && self.running < self.places.count()
    }

    /// Begins what is due.
    fn begin(&mut self, now: Now, effects: &mut Vec<Effect>) {
        while let Some(due) = self.chores.begin(now.steady) {
            match due.job {
                Job::Fleet => {
                    self.look_begun = Some(now.steady);
                    self.sights_meanwhile = 0;
                    effects.push(Effect::Look);
                }
                Job::Read => {
                    let extent = self.readings.due(now.steady, self.holds_conflict());
                    effects.push(Effect::Read(extent));
                }
                Job::Review => {
                    self.chores.finished(Job::Review);
                    self.review(now);
                }
                Job::Tenant(_) => self.chores.finished(due.job),
            }
        }
        if self.context.is_some() && !self.tenants.is_empty() {
            self.began.get_or_insert(now.steady);
        }
        let spare = self.edge_fails();
        while self.may_examine()
            && let Some(due) = self.turns.begin(now.steady)
        {
            let Some(state) = self.tenants.get_mut(&due.job) else {
                self.turns.finished(due.job);
                continue;
            };
            self.running += 1;
            let late = now.steady.duration_since(due.planned);
            self.lag = self.lag.max(Duration::try_from(late).unwrap_or_default());
            state.begun = Some(now.steady);
            let wake_every = SignedDuration::try_from(self.settings.wake_every).unwrap_or(SignedDuration::MAX);
            effects.push(Effect::Examine {
                ix: due.job,
                tenant: Arc::clone(&state.tenant),
                visit: !spare || due.job.0.is_multiple_of(SAMPLE),
                wake: state
                    .woken
                    .is_none_or(|woken| now.steady.duration_since(woken) >= wake_every),
            });
        }
    }

    /// The APIs and the inventory were read.
    fn read(&mut self, now: Now, reading: Reading, effects: &mut Vec<Effect>) {
        self.chores.finished(Job::Read);
        let next = self
            .readings
            .done(now.steady, &reading, self.settings.read_every, self.settings.read_apart);
        self.chores.plan(Job::Read, next);
        let first = !self.read_once;
        match reading.inventory {
            Some(inventory) => self.take_inventory(now, &inventory, effects),
            None => self.hold_unnamed(now),
        }
        if reading.changed || first {
            // A new directory comes with the next look, and who is not well may be so by now.
            self.chores.plan(Job::Fleet, now.steady);
            let unwell = self
                .tenants
                .iter()
                .filter(|(_, state)| state.examined.is_some() && !state.is_well());
            let unwell = unwell.map(|(ix, _)| *ix).collect::<Vec<_>>();
            self.plan_again(now, unwell);
        }
    }

    /// Whether a certificate is where it should not be: what changed at machines does not show that it is gone.
    fn holds_conflict(&self) -> bool {
        let facts = self.tenants.values().filter_map(|state| state.facts.as_ref());
        let mut conflicts = facts.map(|facts| facts.outcome(Check::Conflicts));
        conflicts.any(|outcome| outcome == Outcome::Fail)
    }

    fn states(&self) -> impl Iterator<Item = &TenantState> {
        self.tenants.values().map(Box::as_ref)
    }

    /// Tenants that are all to be seen again now, as far apart as no burst asks for: what has just come back is not
    /// brought down by whoever looks at it.
    fn plan_again(&mut self, now: Now, all: Vec<TenantIx>) {
        let tenants = u32::try_from(self.tenants.len()).unwrap_or(u32::MAX).max(1);
        let usual = self.settings.cadence.interval(now.wall) / tenants;
        self.plan_all(now, all, (usual / RUSH).clamp(APART, FURTHEST_APART));
    }

    /// Tenants that are all due now, so far apart.
    fn plan_all(&mut self, now: Now, all: Vec<TenantIx>, apart: Duration) {
        for (number, ix) in all.into_iter().enumerate() {
            let wait = apart.saturating_mul(u32::try_from(number).unwrap_or(u32::MAX));
            self.turns.plan(ix, later(now.steady, wait));
        }
    }

    /// Another configuration is in force. Turns stay where they are as far as it lets them.
    fn reloaded(&mut self, now: Now, settings: Settings) {
        self.places = Places::new(settings.concurrency);
        let moved = settings.cadence != self.settings.cadence;
        self.settings = settings;
        self.book.plan_anew(&self.settings.policy);
        self.alerting.look_again(&self.settings.routing, now);
        self.readings.begin_anew();
        self.chores.plan(Job::Read, now.steady);
        self.chores.plan(Job::Fleet, now.steady);
        if moved {
            for (ix, due) in self.regular_turns(now) {
                self.turns.replan(ix, due);
            }
        }
    }

    fn observe(&mut self, now: Now, signal: &roundsman_alerts::Signal) {
        let done = self.book.observe(signal, &self.settings.policy, now);
        self.note(done);
    }

    fn note(&mut self, done: Vec<Transition>) {
        self.commit.transitions.extend(done);
    }

    /// Says what is to be kept of what happened.
    fn flush(&mut self, effects: &mut Vec<Effect>) {
        let told = self.alerting.take_changes();
        let mut keys = self.book.take_forgotten();
        keys.extend(self.commit.transitions.iter().map(|done| done.key.clone()));
        if keys.is_empty() && told.is_empty() {
            return;
        }
        let mut commit = std::mem::take(&mut self.commit);
        commit.told = told;
        for key in keys {
            commit.looks.push((key.clone(), self.book.looks(&key).cloned()));
            match self.book.get(&key) {
                Some(incident) => commit.incidents.push(incident.clone()),
                None => commit.forgotten.push(key),
            }
        }
        commit.number = self.book.number();
        effects.push(Effect::Commit(commit));
    }
}

/// Whether nothing of a key is left that is not over.
fn is_over(book: &Book, key: &Key) -> bool {
    book.get(key).is_none_or(|incident| incident.state() == State::Resolved)
}

/// Whether something is counted or taken out.
#[derive(Clone, Copy)]
enum Step {
    Up,
    Down,
}

#[expect(clippy::cast_precision_loss, reason = "nobody has so many tenants")]
fn count(number: usize) -> f64 {
    number as f64
}

/// The cause of the worst check; of several the first explained.
fn worst(blames: &[(Check, Blame<'_>)], outcome: impl Fn(Check) -> Outcome) -> Option<Cause> {
    let worst = blames.iter().map(|(check, _)| outcome(*check)).max()?;
    let mut worst_ones = blames.iter().filter(|(check, _)| outcome(*check) == worst);
    worst_ones.next().map(|(_, blame)| blame.cause())
}

/// While what proved a cause is not known, no second incident stands beside it that only says that nothing explains it.
fn hold_back(signals: &mut Vec<roundsman_alerts::Signal>) {
    let unknown = signals.iter().any(|signal| signal.verdict == Verdict::Unknown);
    if unknown {
        let unexplained = Cause::Unexplained.as_str();
        signals.retain(|signal| signal.verdict != Verdict::Firing || &*signal.key.cause != unexplained);
    }
}

pub(super) fn later(at: Timestamp, by: Duration) -> Timestamp {
    move_by(at, SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX))
}

fn move_by(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.saturating_add(by).unwrap_or(Timestamp::MAX)
}
