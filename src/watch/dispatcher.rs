//! The one owner of everything that a daemon knows: it hears events and says what is to be done. No socket, no lock, no
//! clock, so that a week passes in a test as fast as it can be told.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use roundsman_alerts::{
    Account, Book, Incident, IncidentId, Key, Members, Now, Severity, State, Transition, Unknown, Verdict,
};
use roundsman_checks::diagnosis::{Blame, Cause, Shown, Status, Totals, explain, findings_of, prove};
use roundsman_checks::finding::{Check, FleetCheck, Outcome};
use roundsman_checks::fleet::FleetContext;
use roundsman_checks::gather::Places;
use roundsman_checks::target::{Tenant, TenantId};

use super::event::{Commit, Effect, Event, Examined, Job, Reading, Record, TenantIx};
use super::inventory::compare;
use super::memory::{Remembered, TenantMemory};
use super::settings::Settings;
use super::shared::SharedState;
use super::signal;
use super::status::{FleetStatus, Health, TenantStatus};
use super::tenant::TenantState;
use crate::schedule::Agenda;

/// How long after an examination that found something new the next ones come: 2, 5 and 10 s after the first.
const AGAIN: [Duration; 3] = [Duration::from_secs(2), Duration::from_secs(3), Duration::from_secs(5)];
/// How long after that, while it is not confirmed.
const WHILE_PENDING: Duration = Duration::from_secs(60);
/// How long after an examination that found something over the next one comes, until that is confirmed.
const WHILE_RECOVERING: Duration = Duration::from_secs(30);
/// How long what is shared may be out of date after an examination.
const REVIEW: Duration = Duration::from_secs(1);
/// How far apart tenants begin that are all due at once.
const APART: Duration = Duration::from_millis(1);
/// Most calls of APIs a minute, on average.
const CALLS_A_MINUTE: u32 = 40;
/// How often the APIs are read at most.
const APIS_EVERY: Duration = Duration::from_secs(60);
/// In how many looks in a row the agent has to be blind before nothing counts any more.
const BLIND: u32 = 2;
/// How many tenants are looked at again to confirm what they have in common.
const WITNESSES: usize = 3;
/// How many tenants show that the edge fails, and of the others which part is visited all the same.
const SHOWN_BY: usize = 20;
const SAMPLE: u32 = 50;
/// The cause of a tenant that no source names any more: it is no cause of a check.
const VANISHED: &str = "tenant-vanished";
/// How far the wall's clock may move against the steady one before it has jumped.
const JUMP: SignedDuration = SignedDuration::from_secs(2);

/// The dispatcher.
pub struct Dispatcher {
    settings: Settings,
    places: Places,
    tenants: BTreeMap<TenantIx, TenantState>,
    by_id: HashMap<TenantId, TenantIx>,
    next_ix: u32,
    chores: Agenda<Job>,
    turns: Agenda<TenantIx>,
    running: usize,
    context: Option<Arc<FleetContext>>,
    totals: Totals,
    /// How many examinations saw anything since the last look at the fleet.
    sights: usize,
    shared: SharedState,
    /// How many tenants have each cause of their own.
    sharing: BTreeMap<Cause, usize>,
    book: Book,
    /// Who is gone, as long as the book does not know it.
    vanished: BTreeMap<TenantId, Arc<Tenant>>,
    /// How tenants were before this process, as long as they were not named again.
    memories: HashMap<String, TenantMemory>,
    /// In how many looks in a row the agent was blind.
    blind: u32,
    /// In how many readings in a row too many were missing.
    shrunk: u32,
    read_once: bool,
    /// When the APIs are read next; the inventory may be read more often.
    lag: Duration,
    lag_before: Duration,
    lag_since: Option<Timestamp>,
    /// When the first tenants were due, by the steady clock.
    began: Option<Timestamp>,
    /// How far the wall's clock is before the steady one.
    ahead: Option<SignedDuration>,
    commit: Commit,
}

impl Dispatcher {
    /// A dispatcher that goes on from what is remembered: the incidents of before, and how each tenant was once it is there.
    #[must_use]
    pub fn new(settings: Settings, remembered: Remembered, now: Now) -> Self {
        let book = Book::restored(remembered.incidents, remembered.number, &settings.policy, now);
        let memories = remembered
            .tenants
            .into_iter()
            .map(|memory| (memory.tenant.clone(), memory));
        let mut shared = SharedState::default();
        for incident in book.iter().filter(|incident| &*incident.core().key.scope != "tenant") {
            let key = &incident.core().key;
            if let Ok(cause) = key.cause.parse::<Cause>() {
                shared.told(key, cause);
            }
        }
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
            totals: Totals::default(),
            sights: 0,
            shared,
            sharing: BTreeMap::new(),
            book,
            vanished: BTreeMap::new(),
            memories: memories.collect(),
            blind: 0,
            shrunk: 0,
            read_once: false,
            lag: Duration::ZERO,
            lag_before: Duration::ZERO,
            lag_since: None,
            began: None,
            ahead: None,
            commit: Commit::default(),
        }
    }

    /// Hears what happened, and says what is to be done.
    pub fn handle(&mut self, now: Now, event: Event) -> Vec<Effect> {
        let mut effects = Vec::new();
        self.notice_jump(now);
        match event {
            Event::Tick => {}
            Event::Read(reading) => self.read(now, *reading),
            Event::Looked(context) => self.looked(now, context),
            Event::Examined(ix, examined) => self.examined(now, ix, *examined, &mut effects),
            Event::NotExamined(ix) => {
                self.turns.finished(ix);
                self.running = self.running.saturating_sub(1);
                self.plan_next(now, ix);
            }
            Event::Reloaded(settings) => self.reloaded(now, *settings),
        }
        let done = self.book.tick(&self.settings.policy, now);
        self.note(done);
        self.begin(now, &mut effects);
        self.flush(&mut effects);
        effects
    }

    /// When something is to be done next though nothing happens, by the steady clock.
    #[must_use]
    pub fn wake_at(&self) -> Option<Timestamp> {
        let turns = self.turns.wake().filter(|_| self.may_examine());
        [self.chores.wake(), turns, self.book.next_wake()]
            .into_iter()
            .flatten()
            .min()
    }

    /// Hears how late the event loop was: fewer tenants are examined together while there is too much to do.
    pub fn pulse(&mut self, lateness: Duration) {
        self.places.pulse(lateness, self.running);
    }

    fn may_examine(&self) -> bool {
        self.context.is_some() && self.running < self.places.count()
    }

    /// Begins what is due.
    fn begin(&mut self, now: Now, effects: &mut Vec<Effect>) {
        while let Some(due) = self.chores.begin(now.steady) {
            match due.job {
                Job::Fleet => effects.push(Effect::Look),
                Job::Read => effects.push(Effect::Read),
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

    /// Whether the edge fails for every name, and enough tenants have shown it.
    fn edge_fails(&self) -> bool {
        let Some(context) = &self.context else { return false };
        let edge = &context.fleet.edge;
        let mut sockets = edge.sockets().peekable();
        let fails = |socket| {
            edge.control_at(socket)
                .is_some_and(|visit| visit.channel_end().reason().is_some())
        };
        let by_edge = |cause: Cause| {
            let shown = Shown::ByFleet(FleetCheck::Edge);
            cause.row().shown_by.contains(&shown)
        };
        sockets.peek().is_some() && sockets.all(fails) && self.shared.shown_by(by_edge) >= SHOWN_BY
    }

    /// The APIs and the inventory were read.
    fn read(&mut self, now: Now, reading: Reading) {
        self.chores.finished(Job::Read);
        let by_budget = Duration::from_secs(60) * reading.calls / CALLS_A_MINUTE;
        let every = match reading.calls {
            0 => self.settings.read_every,
            _ => self.settings.read_every.max(APIS_EVERY).max(by_budget),
        };
        self.chores.plan(Job::Read, later(now.steady, every));
        let first = !self.read_once;
        if let Some(inventory) = reading.inventory {
            self.read_once = true;
            self.take_inventory(now, &inventory);
        }
        if reading.changed || first {
            // A new directory comes with the next look, and who is not well may be so by now.
            self.chores.plan(Job::Fleet, now.steady);
            let unwell = self
                .tenants
                .iter()
                .filter(|(_, state)| state.examined.is_some() && !state.is_well());
            let unwell = unwell.map(|(ix, _)| *ix).collect::<Vec<_>>();
            self.plan_all(now, unwell);
        }
    }

    fn take_inventory(&mut self, now: Now, inventory: &crate::inventory::Inventory) {
        let known = self.tenants.values();
        let known = known.map(|state| (state.tenant.id.clone(), state.absent)).collect();
        let found = compare(inventory, &known);
        self.shrunk = if found.shrunk { self.shrunk + 1 } else { 0 };
        self.tell_shrunk(now, inventory.tenants.len(), known.len(), inventory.complete);
        let mut new = Vec::new();
        for (tenant, by_hand) in found.new {
            let ix = TenantIx(self.next_ix);
            self.next_ix += 1;
            self.by_id.insert(tenant.id.clone(), ix);
            let mut state = TenantState::new(tenant, by_hand);
            // Sleepers are not all woken at once.
            let waited = self
                .settings
                .wake_every
                .saturating_sub(state.phase.within(self.settings.wake_every));
            state.woken = now.steady.checked_sub(waited).ok();
            state.keys = self.keys_of(&state.tenant);
            if let Some(memory) = self.memories.remove(state.tenant.id.as_str()) {
                state.since = Some(memory.since);
                state.last_good = memory.last_good;
                state.memory = Some((memory.status, memory.cause));
            }
            self.tenants.insert(ix, state);
            new.push(ix);
        }
        self.plan_all(now, new);
        for (tenant, by_hand) in found.there {
            if let Some(state) = self.by_id.get(&tenant.id).and_then(|ix| self.tenants.get_mut(ix)) {
                (state.absent, state.by_hand) = (0, by_hand);
                if state.tenant != tenant {
                    state.tenant = tenant;
                }
            }
        }
        for id in &found.missing {
            if let Some(state) = self.by_id.get(id).and_then(|ix| self.tenants.get_mut(ix)) {
                state.absent += 1;
            }
        }
        for id in found.gone {
            self.remove(now, &id);
        }
        self.tell_vanished(now);
    }

    /// The incidents of a tenant from before a restart.
    fn keys_of(&self, tenant: &Tenant) -> Vec<Key> {
        let open = self.book.iter().map(Incident::core);
        let own = open.filter(|core| &*core.key.scope == "tenant" && core.witnesses.contains_key(tenant.id.as_str()));
        own.map(|core| core.key.clone()).collect()
    }

    /// A tenant is gone.
    fn remove(&mut self, now: Now, id: &TenantId) {
        let Some(ix) = self.by_id.remove(id) else { return };
        let Some(state) = self.tenants.remove(&ix) else { return };
        self.turns.cancel(ix);
        self.shared.forget(ix);
        if let Some(facts) = &state.facts {
            self.totals.remove(id, facts);
        }
        self.count_own(&state.own, Step::Down);
        for key in &state.keys {
            let done = self.book.forget_witness(key, id.as_str(), &self.settings.policy, now);
            self.note(done);
        }
        if !state.by_hand {
            self.vanished.insert(id.clone(), state.tenant);
        }
    }

    /// Tells who is gone, and who is back. Told again at each reading until the book knows: it may hear nothing just now.
    fn tell_vanished(&mut self, now: Now) {
        let told = self
            .book
            .iter()
            .filter(|incident| &*incident.core().key.cause == VANISHED);
        let told = told
            .map(|incident| TenantId::new(&*incident.core().key.object))
            .collect::<BTreeSet<_>>();
        for id in &told {
            if let Some(ix) = self.by_id.get(id) {
                let tenant = self.tenants.get(ix).map(|state| Arc::clone(&state.tenant));
                tenant
                    .into_iter()
                    .for_each(|tenant| self.tell_vanished_one(now, &tenant, Verdict::Clear));
            }
        }
        let (by_id, vanished) = (&self.by_id, &mut self.vanished);
        vanished.retain(|id, _| !by_id.contains_key(id) && !told.contains(id));
        let untold = self.vanished.values().cloned().collect::<Vec<_>>();
        untold
            .iter()
            .for_each(|tenant| self.tell_vanished_one(now, tenant, Verdict::Firing));
    }

    fn tell_vanished_one(&mut self, now: Now, tenant: &Tenant, verdict: Verdict) {
        let key = Key::new(VANISHED, "tenant", tenant.id.as_str());
        let account = Account {
            severity: Severity::Warning,
            at_once: true,
            evidence: vec![format!(
                "no source names {} any more, in two readings in a row",
                tenant.id
            )],
            remedy: vec![format!(
                "acknowledge this where {} is meant to be gone, or bring it back into the inventory",
                tenant.id
            )],
            labels: tenant.labels.clone(),
            ..Account::default()
        };
        self.observe(now, &signal::of_tenant(key, tenant, verdict, account));
    }

    fn tell_shrunk(&mut self, now: Now, count: usize, known: usize, complete: bool) {
        let key = Key::new("inventory-shrunk", "fleet", "inventory");
        let verdict = match self.shrunk {
            0 if complete => Verdict::Clear,
            0 | 1 => Verdict::Unknown,
            _ => Verdict::Firing,
        };
        let account = Account {
            severity: Severity::Critical,
            at_once: true,
            evidence: vec![format!("the inventory names {count} tenants, {known} are known")],
            remedy: vec![
                "look at the source of the tenants; until it names them again, those that are known are verified"
                    .to_owned(),
            ],
            ..Account::default()
        };
        self.observe(now, &signal::of_fleet(key, verdict, Members::default(), account));
    }

    /// Tenants that are all due now, a little apart.
    fn plan_all(&mut self, now: Now, all: Vec<TenantIx>) {
        for (number, ix) in all.into_iter().enumerate() {
            let apart = APART * u32::try_from(number).unwrap_or(u32::MAX);
            self.turns.plan(ix, later(now.steady, apart));
        }
    }

    /// Agent, zone and edge were looked at.
    fn looked(&mut self, now: Now, context: Option<Arc<FleetContext>>) {
        self.chores.finished(Job::Fleet);
        self.chores
            .plan(Job::Fleet, later(now.steady, self.settings.fleet_every));
        let Some(context) = context else { return };
        let same = |before: &Arc<FleetContext>| Arc::ptr_eq(&before.directory, &context.directory);
        if !self.context.as_ref().is_some_and(same) {
            self.regroup(&context);
        }
        self.context = Some(context);
        self.review(now);
        // What was seen before a look says nothing of what is seen after it.
        self.sights = 0;
        self.blind = if self.shared.blinds() { self.blind + 1 } else { 0 };
        match self.blind {
            0 => self.book.thaw(&self.settings.policy, now),
            looks if looks >= BLIND => self.book.freeze(now),
            _ => {}
        }
        self.tell_shared(now);
    }

    /// Releases and regions by another snapshot of the platform.
    fn regroup(&mut self, context: &FleetContext) {
        for state in self.tenants.values_mut() {
            let Some(facts) = &mut state.facts else { continue };
            self.totals.remove(&state.tenant.id, facts);
            facts.regroup(context, &state.tenant.app);
            self.totals.add(&state.tenant.id, facts);
        }
    }

    /// Proves anew what is shared. Where that is something else than before, everybody is explained anew.
    fn review(&mut self, now: Now) {
        let Some(context) = self.context.clone() else { return };
        self.totals.saw_lately(self.sights);
        let (changed, freed) = self.shared.prove(prove(&context, &self.totals));
        if changed {
            let all = self.tenants.keys().copied().collect::<Vec<_>>();
            for ix in all {
                self.explain(now, ix, false);
            }
            self.plan_all(now, freed.into_iter().collect());
        }
    }

    /// Tells the book what one look at the fleet says of all that is shared.
    fn tell_shared(&mut self, now: Now) {
        let Some(context) = self.context.clone() else { return };
        let entries = self.shared.entries.clone();
        let witnessed = self.shared.take_witnessed();
        for (key, entry) in entries {
            let sharing = self.shared.count(&key);
            let Some(severity) = signal::urgency(&self.settings, entry.cause, entry.outcome, sharing, None) else {
                continue;
            };
            let members = self.members_since(&key);
            self.shared.told(&key, entry.cause);
            let account = signal::shared_account(&entry, severity);
            let by_tenants = !entry
                .cause
                .row()
                .shown_by
                .iter()
                .any(|shown| matches!(shown, Shown::ByFleet(_)));
            if by_tenants && !witnessed.contains(&key) {
                // Nobody was looked at since: that is no second look at it.
                if let Members::Others { joined, left } = members {
                    let done = self.book.change_members(&key, joined, left, &self.settings.policy, now);
                    self.note(done);
                }
            } else {
                self.observe(now, &signal::of_fleet(key.clone(), Verdict::Firing, members, account));
            }
            let pending = self
                .book
                .get(&key)
                .is_some_and(|incident| incident.state() == State::Pending);
            if by_tenants && pending {
                // A few of them are enough to confirm it, and nobody waits for their turns.
                let few = self.shared.members(&key).take(WITNESSES).collect();
                self.plan_all(now, few);
            }
        }
        let findings = findings_of(&context, &self.shared.proven);
        for (key, cause) in self.shared.absent() {
            let told = |check: Check| {
                let facts = self.tenants.values().filter_map(|state| state.facts.as_ref());
                let mut outcomes = facts.map(|facts| facts.outcome(check));
                outcomes.any(|outcome| matches!(outcome, Outcome::Pass | Outcome::Warn | Outcome::Fail))
            };
            let verdict = signal::absent_in_fleet(cause, &findings, told);
            self.observe(
                now,
                &signal::of_fleet(
                    key.clone(),
                    verdict,
                    Members::Others {
                        joined: vec![],
                        left: vec![],
                    },
                    Account::default(),
                ),
            );
            if !self.book.remembers(&key) {
                self.shared.over(&key);
            }
        }
    }

    /// Who joined and who left something shared since the book heard of it last.
    fn members_since(&self, key: &Key) -> Members {
        let name = |ix| Some(Arc::clone(&self.tenants.get(&ix)?.name));
        let now = self.shared.members(key).filter_map(name).collect::<BTreeSet<_>>();
        let going_on = self
            .book
            .get(key)
            .filter(|incident| incident.state() != State::Resolved);
        let nobody = BTreeSet::new();
        let told = going_on.map_or(&nobody, |incident| &incident.core().members);
        Members::Others {
            joined: now.difference(told).cloned().collect(),
            left: told.difference(&now).cloned().collect(),
        }
    }

    /// A tenant was examined.
    fn examined(&mut self, now: Now, ix: TenantIx, examined: Examined, effects: &mut Vec<Effect>) {
        self.turns.finished(ix);
        self.running = self.running.saturating_sub(1);
        if let Some(ms) = examined.answered_in {
            self.places.answered(ms);
        }
        if examined.ran_out {
            self.places.exhausted(self.running + 1);
        }
        let Some(state) = self.tenants.get_mut(&ix) else { return };
        let id = state.tenant.id.clone();
        let Examined {
            judgement,
            seen,
            woken,
            at,
            ..
        } = examined;
        // Most looks see what the one before saw: it is kept once.
        let known = [&state.good, &state.seen]
            .into_iter()
            .flatten()
            .find(|known| **known == seen);
        state.seen = Some(known.cloned().unwrap_or(seen));
        if let Some(facts) = &state.facts {
            self.totals.remove(&id, facts);
        }
        self.totals.add(&id, &judgement.facts);
        self.sights += usize::from(judgement.facts.saw());
        state.facts = Some(judgement.facts);
        state.examined = state.begun.take().map(|begun| (begun, at));
        if woken {
            state.woken = Some(now.steady);
        }
        let own = std::mem::replace(&mut state.own, judgement.own);
        let own_now = state.own.clone();
        state.findings = Some(Box::new(judgement.findings));
        self.count_own(&own, Step::Down);
        self.count_own(&own_now, Step::Up);
        let before = self
            .tenants
            .get_mut(&ix)
            .map(|state| state.memory.take().unwrap_or((state.status, state.cause)));
        self.explain(now, ix, true);
        self.chores.plan(Job::Review, later(now.steady, REVIEW));
        let Some(state) = self.tenants.get_mut(&ix) else { return };
        if state.is_well() {
            state.findings = None;
        }
        let after = (state.status, state.cause);
        if before != Some(after) || state.since.is_none() {
            let first = state.since.replace(at).is_none();
            effects.push(Effect::Record(Record {
                tenant: id.to_string(),
                status: after.0,
                cause: after.1,
                at,
                first,
            }));
        }
        if state.is_well() {
            state.last_good = Some(at);
            state.good.clone_from(&state.seen);
        }
        self.plan_next(now, ix);
    }

    /// What is said of a tenant with all that is shared; where it was `looked` at, the book hears of it.
    fn explain(&mut self, now: Now, ix: TenantIx, looked: bool) {
        let (Some(context), Some(state)) = (self.context.clone(), self.tenants.get(&ix)) else {
            return;
        };
        let Some(facts) = &state.facts else { return };
        let overlay = explain(&context, &self.shared.proven, &state.tenant.id, facts, &state.own);
        let blames = overlay.blames(&self.shared.proven, &state.own).collect::<Vec<_>>();
        let status = overlay.status(facts);
        let cause = worst(&blames, |check| overlay.outcome(facts, check));
        let mut signals = Vec::new();
        let mut keys = BTreeSet::new();
        if looked {
            let held = |key: &&Key| key.cause.parse::<Cause>().is_ok();
            for (_, blame) in &blames {
                let Blame::Own(explanation) = blame else { continue };
                let key = signal::key(
                    explanation.cause,
                    roundsman_checks::diagnosis::Scope::Tenant,
                    explanation.object(),
                );
                let sharing = self.sharing.get(&explanation.cause).copied().unwrap_or_default();
                let outcome = explanation.outcome();
                let severity =
                    signal::urgency(&self.settings, explanation.cause, outcome, sharing, Some(&state.tenant));
                if let Some(severity) = severity.filter(|_| !keys.contains(&key)) {
                    let account = Account {
                        changed: state.changed(),
                        ..signal::account(explanation, severity, &state.tenant)
                    };
                    signals.push(signal::of_tenant(key.clone(), &state.tenant, Verdict::Firing, account));
                    keys.insert(key);
                }
            }
            for key in state.keys.iter().filter(|key| !keys.contains(*key)).filter(held) {
                let Ok(cause) = key.cause.parse::<Cause>() else {
                    continue;
                };
                let verdict = signal::absent_at_tenant(cause, facts, &overlay, &blames);
                // What is over is only heard of where it passes: whether it comes and goes is counted for a while.
                if verdict == Verdict::Unknown && is_over(&self.book, key) {
                    continue;
                }
                let account = Account::default();
                signals.push(signal::of_tenant(key.clone(), &state.tenant, verdict, account));
            }
            hold_back(&mut signals);
        }
        let concerned = self.shared.keys_of(&blames);
        if looked {
            self.shared.witnessed(&concerned);
        }
        self.shared.concern(ix, concerned);
        for signal in &signals {
            self.observe(now, signal);
        }
        let Some(state) = self.tenants.get_mut(&ix) else { return };
        (state.status, state.cause) = (status, cause);
        if looked {
            state.firing = keys.iter().cloned().collect();
            keys.extend(state.keys.drain(..));
            state.keys = keys.into_iter().filter(|key| self.book.remembers(key)).collect();
        }
    }

    /// Plans the next examination of a tenant.
    fn plan_next(&mut self, now: Now, ix: TenantIx) {
        let Some(state) = self.tenants.get_mut(&ix) else { return };
        let in_state = |keys: &[Key], wanted| {
            let state = |key| self.book.get(key).map(Incident::state);
            keys.iter().any(|key| state(key) == Some(wanted))
        };
        let pending = in_state(&state.firing, State::Pending);
        let recovering = in_state(&state.keys, State::Recovering);
        let regular = self.settings.cadence.due(state.phase, now.wall);
        let regular = regular.map(|due| move_by(now.steady, due.duration_since(now.wall)));
        let soon = if pending {
            let wait = AGAIN.get(usize::from(state.misses)).copied().unwrap_or(WHILE_PENDING);
            state.misses = state.misses.saturating_add(1);
            Some(later(now.steady, wait))
        } else {
            state.misses = 0;
            recovering.then(|| later(now.steady, WHILE_RECOVERING))
        };
        let first_miss = pending && state.misses == 1;
        if let Some(at) = [regular, soon].into_iter().flatten().min() {
            self.turns.replan(ix, at);
        }
        // What fails anew may be everybody's: the fleet is looked at before anything is opened.
        let stale =
            |context: &Arc<FleetContext>| now.wall.duration_since(context.fleet.now) > SignedDuration::from_secs(2);
        if first_miss && self.context.as_ref().is_some_and(stale) {
            self.chores.plan(Job::Fleet, now.steady);
        }
    }

    /// Another configuration is in force. Turns stay where they are as far as it lets them.
    fn reloaded(&mut self, now: Now, settings: Settings) {
        self.places = Places::new(settings.concurrency);
        let moved = settings.cadence != self.settings.cadence;
        self.settings = settings;
        self.chores.plan(Job::Read, now.steady);
        self.chores.plan(Job::Fleet, now.steady);
        if moved {
            for (ix, due) in self.regular_turns(now) {
                self.turns.replan(ix, due);
            }
        }
    }

    /// The wall's clock jumped: whoever has a turn sooner by it has it then. Nobody waits longer for it, however often it
    /// jumps, and nobody is examined in a burst.
    fn notice_jump(&mut self, now: Now) {
        let ahead = now.wall.duration_since(now.steady);
        let jumped = self.ahead.is_some_and(|before| (ahead - before).abs() > JUMP);
        self.ahead = Some(ahead);
        if jumped {
            for (ix, due) in self.regular_turns(now) {
                self.turns.plan(ix, due);
            }
        }
    }

    /// When everybody has a turn next by the cadence alone, who is not looked at for a reason of its own.
    fn regular_turns(&self, now: Now) -> Vec<(TenantIx, Timestamp)> {
        let calm = self
            .tenants
            .iter()
            .filter(|(_, state)| state.misses == 0 && state.examined.is_some());
        let due = |state: &TenantState| {
            Some(
                self.settings
                    .cadence
                    .due(state.phase, now.wall)?
                    .duration_since(now.wall),
            )
        };
        calm.filter_map(|(ix, state)| Some((*ix, move_by(now.steady, due(state)?))))
            .collect()
    }

    fn count_own(&mut self, own: &[roundsman_checks::diagnosis::Explanation], step: Step) {
        let causes = own.iter().map(|explanation| explanation.cause).collect::<BTreeSet<_>>();
        for cause in causes {
            let count = self.sharing.entry(cause).or_default();
            *count = match step {
                Step::Up => *count + 1,
                Step::Down => count.saturating_sub(1),
            };
        }
    }

    fn observe(&mut self, now: Now, signal: &roundsman_alerts::Signal) {
        let done = self.book.observe(signal, &self.settings.policy, now);
        self.note(done);
    }

    /// Somebody looks after an incident.
    ///
    /// # Errors
    /// [`Unknown`] where there is no such open incident.
    pub fn acknowledge(&mut self, id: &IncidentId, comment: &str, now: Now) -> Result<Vec<Effect>, Unknown> {
        let done = self.book.acknowledge(id, comment, now)?;
        let key = done.key.clone();
        self.note(vec![done]);
        if &*key.cause == VANISHED {
            let members = Members::default();
            let account = Account {
                at_once: true,
                ..Account::default()
            };
            let signal = roundsman_alerts::Signal {
                witness: Arc::clone(&key.object),
                key,
                verdict: Verdict::Clear,
                members,
                account,
            };
            self.observe(now, &signal);
        }
        let mut effects = Vec::new();
        self.flush(&mut effects);
        Ok(effects)
    }

    fn note(&mut self, done: Vec<Transition>) {
        self.commit.transitions.extend(done);
    }

    /// Says what is to be kept of what happened.
    fn flush(&mut self, effects: &mut Vec<Effect>) {
        if self.commit.transitions.is_empty() {
            return;
        }
        let mut commit = std::mem::take(&mut self.commit);
        let keys = commit
            .transitions
            .iter()
            .map(|done| done.key.clone())
            .collect::<BTreeSet<_>>();
        for key in keys {
            match self.book.get(&key) {
                Some(incident) => commit.incidents.push(incident.clone()),
                None => commit.forgotten.push(key),
            }
        }
        commit.number = self.book.number();
        effects.push(Effect::Commit(commit));
    }

    /// The incidents, those that are over but may come back included.
    pub fn incidents(&self) -> impl Iterator<Item = &Incident> {
        self.book.iter()
    }

    /// How many tenants are in each status.
    #[must_use]
    pub fn fleet(&self) -> FleetStatus {
        let mut fleet = FleetStatus::default();
        for state in self.tenants.values() {
            fleet.tenants += 1;
            match state.status {
                Status::Healthy => fleet.healthy += 1,
                Status::Degraded => fleet.degraded += 1,
                Status::Failing => fleet.failing += 1,
                Status::Unknown => fleet.unknown += 1,
            }
        }
        fleet
    }

    /// How one tenant is; `None` where nobody has this id.
    #[must_use]
    pub fn tenant(&self, id: &TenantId, now: Now) -> Option<TenantStatus> {
        let ix = self.by_id.get(id)?;
        let state = self.tenants.get(ix)?;
        let next = self.turns.next(*ix);
        Some(TenantStatus {
            tenant: state.tenant.id.to_string(),
            hostname: Some(state.tenant.hostname.to_string()),
            app: Some(state.tenant.app.clone()),
            status: state.status,
            cause: state.cause,
            since: state.since,
            last_good: state.last_good,
            examined_at: state.examined.map(|(_, wall)| wall),
            next: next.map(|at| move_by(now.wall, at.duration_since(now.steady))),
        })
    }

    /// The ids of all tenants, sorted.
    #[must_use]
    pub fn ids(&self) -> Vec<TenantId> {
        let mut ids = self.by_id.keys().cloned().collect::<Vec<_>>();
        ids.sort();
        ids
    }

    /// How the agent does its own job.
    pub fn health(&mut self, now: Now) -> Health {
        let interval = self.settings.cadence.interval(now.wall);
        let recent = SignedDuration::try_from(interval.saturating_mul(2)).unwrap_or(SignedDuration::MAX);
        let examined = self.tenants.values().filter_map(|state| state.examined);
        let on_time = examined
            .clone()
            .filter(|(begun, _)| now.steady.duration_since(*begun) <= recent)
            .count();
        let never = self.tenants.values().filter(|state| state.examined.is_none()).count();
        let mut waiting_for = Vec::new();
        if !self.read_once {
            waiting_for.push("the inventory".to_owned());
        }
        if self.context.is_none() {
            waiting_for.push("the first look at zone and edge".to_owned());
        }
        // One that hangs by itself keeps nobody waiting for ever.
        let patient = self.began.is_some_and(|began| {
            Duration::try_from(now.steady.duration_since(began)).is_ok_and(|passed| passed >= interval)
        });
        if never > 0 && !(patient && never * 100 <= self.tenants.len()) {
            waiting_for.push(format!("the first examination of {never} tenants"));
        }
        let oldest = examined.map(|(_, wall)| wall).min();
        let share = |part: usize| match self.tenants.len() {
            0 => f64::from(u8::from(self.read_once)),
            all => count(part) / count(all),
        };
        let coverage = share(on_time);
        // The lag of the last whole interval, and of the one that goes on.
        let since = *self.lag_since.get_or_insert(now.steady);
        if Duration::try_from(now.steady.duration_since(since)).is_ok_and(|passed| passed >= interval) {
            self.lag_before = std::mem::take(&mut self.lag);
            self.lag_since = Some(now.steady);
        }
        Health {
            ready: waiting_for.is_empty(),
            waiting_for,
            coverage,
            oldest,
            lag: self.lag.max(self.lag_before).as_secs_f64(),
            blind: self.book.is_frozen(),
        }
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

fn later(at: Timestamp, by: Duration) -> Timestamp {
    move_by(at, SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX))
}

fn move_by(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.saturating_add(by).unwrap_or(Timestamp::MAX)
}
