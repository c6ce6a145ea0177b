//! Everything around the dispatcher: workers that take their time, a store that keeps what was committed, a world that
//! changes, and what must hold throughout.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use roundsman::history::{PHASES, Timings};
use roundsman::inventory::Inventory;
use roundsman::schedule::Cadence;
use roundsman::watch::{
    Commit, Dispatcher, Effect, Event, Examined, Reading, Record, Remembered, Settings, TenantIx, TenantMemory,
};
use roundsman_alerts::notification::{Delivery, DeliveryId, Dossier, Thread, ThreadId, Told};
use roundsman_alerts::{Change, Incident, Key, Looks, Now, Policy, Transition};
use roundsman_checks::diagnosis::{Judgement, Status};
use roundsman_checks::fleet::FleetContext;
use roundsman_checks::gather::Concurrency;
use roundsman_checks::target::{Tenant, TenantId};

use super::mail::{self, Mail};
use super::truth::{self, FleetTruth, TenantTruth};

/// How long before the end everything is well.
const QUIET: Duration = Duration::from_secs(20 * 60);
/// How late a tenant's examination may begin beyond two intervals while nothing is wrong with the agent.
const SLACK: Duration = Duration::from_secs(60);

/// What is played.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    pub tenants: usize,
    pub lasts: Duration,
    pub every: Duration,
    /// Faults of tenants and of the fleet come and go, and nothing else happens.
    pub calm: bool,
    /// One look at a tenant in so many fails by chance.
    pub noise: Option<u32>,
}

impl Plan {
    /// A day or a part of it, with everything that may happen.
    pub(super) fn drawn(seed: u64) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        Self {
            tenants: random.usize(1..40),
            lasts: Duration::from_secs(random.u64(3_600..4 * 3_600)),
            every: Duration::from_secs(*random.choice(&[10, 60, 300]).unwrap_or(&60)),
            calm: false,
            noise: None,
        }
    }
}

/// What comes back later.
enum Coming {
    Looked,
    Read,
    Examined(TenantIx, Arc<Tenant>),
    Delivered(Box<Delivery>),
    /// The world changes.
    Twist,
    Wake,
}

/// What is kept over a crash.
#[derive(Default)]
struct Kept {
    incidents: BTreeMap<Key, Incident>,
    looks: BTreeMap<Key, Looks>,
    tenants: BTreeMap<String, TenantMemory>,
    inventory: BTreeMap<TenantId, (Arc<Tenant>, bool)>,
    number: u64,
    timeline: Vec<Transition>,
    threads: BTreeMap<ThreadId, Thread>,
    outbox: BTreeMap<DeliveryId, Delivery>,
}

impl Kept {
    fn record(&mut self, record: Record) {
        let good = self.tenants.remove(&record.tenant).and_then(|memory| memory.good);
        self.tenants.insert(
            record.tenant.clone(),
            TenantMemory {
                tenant: record.tenant,
                status: record.status,
                cause: record.cause,
                since: record.at,
                last_good: record.last_good,
                good,
                by_hand: record.by_hand,
            },
        );
    }
}

pub(super) struct Model {
    plan: Plan,
    random: fastrand::Rng,
    dispatcher: Dispatcher,
    start: Timestamp,
    now: Now,
    coming: BinaryHeap<Reverse<(Timestamp, u64)>>,
    what: HashMap<u64, Coming>,
    seq: u64,
    kept: Kept,
    running: BTreeSet<TenantIx>,
    last: HashMap<TenantId, Timestamp>,
    /// Since when the process runs.
    since: Timestamp,
    context: Option<Arc<FleetContext>>,
    fleet: FleetTruth,
    fleet_failed_until: Timestamp,
    tenants: Vec<Arc<Tenant>>,
    there: BTreeSet<usize>,
    truth: BTreeMap<usize, TenantTruth>,
    /// When each was broken, or hidden by the fleet, last.
    broken_until: BTreeMap<usize, Timestamp>,
    broken_since: BTreeMap<usize, Timestamp>,
    /// Until when each was told of as one of many.
    shared_until: BTreeMap<usize, Timestamp>,
    story: Vec<String>,
    mail: Mail,
    /// What arrived just now, and is not kept yet.
    settling: Option<Box<Delivery>>,
    /// The threads whose tenants left: their end is not told.
    closed: BTreeSet<String>,
    examined: u64,
    judged: HashMap<(usize, FleetTruth2, bool), Judgement>,
}

/// A fleet's and a tenant's truth as a key.
type FleetTruth2 = (u8, u8);

impl Model {
    pub(super) fn new(seed: u64, plan: Plan) -> Self {
        let start = Timestamp::from_second(1_796_000_000).expect("a moment");
        let now = Now::at(start);
        let mut model = Self {
            dispatcher: Dispatcher::new(settings(plan), Remembered::default(), now),
            plan,
            random: fastrand::Rng::with_seed(seed ^ 0x5eed),
            start,
            now,
            coming: BinaryHeap::new(),
            what: HashMap::new(),
            seq: 0,
            kept: Kept::default(),
            running: BTreeSet::new(),
            last: HashMap::new(),
            since: start,
            context: None,
            fleet: FleetTruth::Well,
            fleet_failed_until: Timestamp::MIN,
            tenants: (0..plan.tenants).map(truth::tenant).collect(),
            there: (0..plan.tenants).collect(),
            truth: BTreeMap::new(),
            broken_until: BTreeMap::new(),
            broken_since: BTreeMap::new(),
            shared_until: BTreeMap::new(),
            story: Vec::new(),
            mail: Mail::default(),
            settling: None,
            closed: BTreeSet::new(),
            examined: 0,
            judged: HashMap::new(),
        };
        model.later(1_000, Coming::Twist);
        model
    }

    pub(super) fn story(&self) -> &[String] {
        &self.story
    }

    /// How many threads were told of.
    pub(super) fn told(&self) -> usize {
        self.mail.threads()
    }

    pub(super) fn examined(&self) -> u64 {
        self.examined
    }

    fn later(&mut self, millis: u64, coming: Coming) {
        let at = self.now.plus(Duration::from_millis(millis)).steady;
        self.seq += 1;
        self.what.insert(self.seq, coming);
        self.coming.push(Reverse((at, self.seq)));
    }

    fn passed(&self) -> Duration {
        Duration::try_from(self.now.steady.duration_since(self.start)).unwrap_or_default()
    }

    /// Plays to the end; what is broken, where something is.
    pub(super) fn run(&mut self) -> Result<(), String> {
        self.hear(Event::Tick)?;
        while self.passed() < self.plan.lasts + QUIET {
            let next = self.coming.peek().map(|Reverse((at, _))| *at);
            let wake = self.dispatcher.wake_at();
            let at = [next, wake].into_iter().flatten().min().unwrap_or(self.now.steady);
            // A timer is never early, and may be a little late.
            let at = at.max(self.now.steady) + SignedDuration::from_millis(1);
            let ahead = self.now.wall.duration_since(self.now.steady);
            self.now = Now {
                steady: at,
                wall: at + ahead,
            };
            match self.coming.peek() {
                Some(Reverse((due, _))) if *due <= at => {
                    let Some(Reverse((_, seq))) = self.coming.pop() else {
                        continue;
                    };
                    if let Some(coming) = self.what.remove(&seq) {
                        self.comes(coming)?;
                    }
                }
                _ => self.comes(Coming::Wake)?,
            }
        }
        self.at_the_end()
    }

    fn comes(&mut self, coming: Coming) -> Result<(), String> {
        match coming {
            Coming::Wake => self.hear(Event::Tick),
            Coming::Twist => {
                self.twist();
                let pause = if self.plan.calm { 600_000 } else { 60_000 };
                let pause = self.random.u64(1_000..pause);
                self.later(pause, Coming::Twist);
                self.hear(Event::Tick)
            }
            Coming::Delivered(delivery) => {
                let dice = self.random.u8(0..100);
                let dice = if self.passed() < self.plan.lasts { dice } else { 99 };
                let outcome = self.mail.gets(&delivery, dice);
                self.story
                    .push(format!("{} {} {:?}", self.now.steady, delivery.message.id, outcome));
                self.settling = Some(delivery.clone());
                let heard = self.hear(Event::Delivered(delivery.id, outcome));
                self.settling = None;
                heard
            }
            Coming::Looked => {
                let context = truth::context(self.fleet, self.now.wall);
                // The directory of one snapshot is one and the same.
                let context = match &self.context {
                    Some(before) => Arc::new(before.followed_by(context.fleet.clone())),
                    None => context,
                };
                self.context = Some(Arc::clone(&context));
                let context = (!self.chance(50)).then_some(context);
                self.hear(Event::Looked(context))
            }
            Coming::Read => {
                let tenants = self
                    .there
                    .iter()
                    .map(|number| Arc::clone(&self.tenants[*number]))
                    .collect::<Vec<_>>();
                let inventory = Inventory {
                    known: tenants.clone(),
                    tenants,
                    complete: !self.chance(20),
                    ..Inventory::default()
                };
                let lost = self.chance(20);
                let changed = self.random.u8(0..10) == 0;
                self.hear(Event::Read(Box::new(Reading {
                    inventory: (!lost).then_some(inventory),
                    changed,
                    calls: 4,
                    ..Reading::default()
                })))
            }
            Coming::Examined(ix, tenant) => {
                self.running.remove(&ix);
                self.examined += 1;
                if self.chance(100) {
                    return self.hear(Event::NotExamined(ix));
                }
                let Some(context) = self.context.clone() else {
                    return Ok(());
                };
                let judgement = self.judgement(&context, &tenant);
                self.hear(Event::Examined(
                    ix,
                    Box::new(Examined {
                        judgement,
                        seen: Arc::default(),
                        woken: false,
                        ran_out: false,
                        answered_in: Some(20.0),
                        timings: Timings([Some(4.0); PHASES.len()]),
                        not_after: None,
                        at: self.now.wall,
                    }),
                ))
            }
        }
    }

    /// One time in so many, where anything may happen.
    fn chance(&mut self, of: u32) -> bool {
        !self.plan.calm && self.passed() < self.plan.lasts && self.random.u32(0..of) == 0
    }

    fn number(&self, id: &TenantId) -> usize {
        id.as_str()[1..].parse().expect("the number of a tenant")
    }

    fn judgement(&mut self, context: &FleetContext, tenant: &Arc<Tenant>) -> Judgement {
        let number = self.number(&tenant.id);
        let fails = self.plan.noise.is_some_and(|of| self.random.u32(0..of) == 0);
        let truth = match fails {
            true => TenantTruth::Broken,
            false => self.truth.get(&number).copied().unwrap_or(TenantTruth::Well),
        };
        let key = (number, (self.fleet as u8, truth as u8), false);
        let fleet = self.fleet;
        self.judged
            .entry(key)
            .or_insert_with(|| truth::judgement(context, tenant, fleet, truth))
            .clone()
    }

    /// Something changes in the world.
    fn twist(&mut self) {
        if self.passed() >= self.plan.lasts {
            // It is well again, and stays so.
            self.set_fleet(FleetTruth::Well);
            self.mail.twist(false);
            for number in 0..self.tenants.len() {
                self.set(number, TenantTruth::Well);
                self.there.insert(number);
            }
            return;
        }
        if self.plan.noise.is_some() {
            return;
        }
        let number = self.random.usize(0..self.tenants.len());
        match self.random.u8(0..22) {
            20 => self.mail.twist(true),
            21 => self.mail.twist(false),
            0..=6 => self.set(number, TenantTruth::Broken),
            7..=12 => self.set(number, TenantTruth::Well),
            13 => self.set(number, TenantTruth::Hidden),
            14 => self.set_fleet(FleetTruth::EdgeDown),
            15 | 16 => self.set_fleet(FleetTruth::Well),
            17 if !self.plan.calm => self.set_fleet(FleetTruth::Blind),
            18 if !self.plan.calm => self.come_or_go(number),
            19 if !self.plan.calm => {
                // The wall's clock jumps, up to a day.
                let jump = SignedDuration::from_secs(self.random.i64(-86_400..86_400));
                self.now.wall += jump;
            }
            _ => {}
        }
    }

    fn come_or_go(&mut self, number: usize) {
        if !self.there.remove(&number) {
            self.there.insert(number);
            // Whoever comes back is looked at anew.
            self.broken_since.insert(number, self.now.steady);
        }
    }

    fn set(&mut self, number: usize, truth: TenantTruth) {
        let before = self.truth.insert(number, truth);
        if truth == TenantTruth::Broken && before != Some(TenantTruth::Broken) {
            self.broken_since.insert(number, self.now.steady);
        }
        if before == Some(TenantTruth::Broken) {
            self.broken_until.insert(number, self.now.steady);
        }
    }

    fn set_fleet(&mut self, truth: FleetTruth) {
        if self.fleet != FleetTruth::Well {
            self.fleet_failed_until = self.now.steady;
        }
        self.fleet = truth;
    }

    fn hear(&mut self, event: Event) -> Result<(), String> {
        let effects = self.dispatcher.handle(self.now, event);
        let all = effects.len();
        for (at, effect) in effects.into_iter().enumerate() {
            // It dies between any two effects.
            if self.chance(5_000) {
                self.story
                    .push(format!("{} dies before effect {at} of {all}", self.now.steady));
                self.crash();
                return Ok(());
            }
            self.carry_out(effect)?;
        }
        self.invariants()
    }

    fn carry_out(&mut self, effect: Effect) -> Result<(), String> {
        let slow = self.random.u64(5..400);
        match effect {
            Effect::Look => self.later(slow, Coming::Looked),
            Effect::Read(_) => self.later(slow, Coming::Read),
            Effect::Examine { ix, tenant, .. } => {
                if !self.running.insert(ix) {
                    return Err(format!("{} is examined twice at once", tenant.id));
                }
                self.last.insert(tenant.id.clone(), self.now.steady);
                // Now and then one takes as long as its limits let it.
                let takes = if self.chance(50) {
                    self.random.u64(1_000..20_000)
                } else {
                    slow
                };
                self.later(takes, Coming::Examined(ix, tenant));
            }
            Effect::Deliver(delivery) => self.later(slow, Coming::Delivered(Box::new(delivery))),
            Effect::Commit(commit) => self.commit(commit)?,
            Effect::Record(record) => {
                let told = format!(
                    "{} {}: {} {:?}",
                    self.now.steady, record.tenant, record.status, record.cause
                );
                self.story.push(told);
                self.kept.record(record);
            }
            Effect::Good(tenant, seen) => {
                if let Some(memory) = self.kept.tenants.get_mut(&tenant) {
                    memory.good = Some(seen);
                }
            }
            Effect::Named(tenant, by_hand) => {
                self.kept.inventory.insert(tenant.id.clone(), (tenant, by_hand));
            }
            Effect::Hour(..) => {}
            Effect::Gone(tenant) => {
                self.kept.tenants.remove(&tenant);
                self.kept.inventory.remove(&TenantId::new(tenant));
            }
        }
        Ok(())
    }

    fn commit(&mut self, commit: Commit) -> Result<(), String> {
        for done in &commit.transitions {
            self.story.push(format!(
                "{} {} {} {:?}",
                self.now.steady, done.id, done.key, done.change
            ));
            if done.change == Change::Closed
                && let Some(thread) = self
                    .kept
                    .incidents
                    .get(&done.key)
                    .and_then(|incident| incident.core().thread.clone())
            {
                self.closed.insert(thread.to_string());
            }
            if matches!(done.change, Change::Opened | Change::Reopened) {
                self.is_no_false_accusation(&done.key)?;
            }
        }
        for thread in commit.told.threads {
            self.kept.threads.insert(thread.id.clone(), thread);
        }
        for id in &commit.told.threads_gone {
            self.kept.threads.remove(id);
        }
        for (id, delivery) in commit.told.deliveries {
            match delivery {
                Some(delivery) => drop(self.kept.outbox.insert(id, delivery)),
                None => drop(self.kept.outbox.remove(&id)),
            }
        }
        for incident in commit.incidents {
            self.kept.incidents.insert(incident.core().key.clone(), incident);
        }
        for key in &commit.forgotten {
            self.kept.incidents.remove(key);
        }
        for (key, looks) in commit.looks {
            match looks {
                Some(looks) => drop(self.kept.looks.insert(key, looks)),
                None => drop(self.kept.looks.remove(&key)),
            }
        }
        self.kept.number = commit.number;
        self.kept.timeline.extend(commit.transitions);
        Ok(())
    }

    /// What was opened was really so a moment ago: a few looks may be under way while the world changes.
    fn is_no_false_accusation(&self, key: &Key) -> Result<(), String> {
        let recent = |until: Timestamp| self.now.steady.duration_since(until) < SignedDuration::from_secs(120);
        let guilty = match &*key.cause {
            "edge-unreachable" => self.fleet == FleetTruth::EdgeDown || recent(self.fleet_failed_until),
            "vantage-offline" => self.fleet == FleetTruth::Blind || recent(self.fleet_failed_until),
            // Its own rule looks at readings, and is tested beside it.
            "tenant-vanished" | "inventory-shrunk" | "notification-undelivered" => true,
            // Many that fail alike are an outage.
            "platform-outage" => {
                let broken = self.truth.values().any(|truth| *truth == TenantTruth::Broken);
                broken || self.broken_until.values().any(|until| recent(*until))
            }
            _ => {
                let number = key
                    .object
                    .trim_start_matches('t')
                    .chars()
                    .take_while(char::is_ascii_digit);
                let number = number.collect::<String>().parse::<usize>().unwrap_or(usize::MAX);
                let broken = self.truth.get(&number) == Some(&TenantTruth::Broken);
                broken || self.broken_until.get(&number).is_some_and(|until| recent(*until))
            }
        };
        match guilty {
            true => Ok(()),
            false => Err(format!("{} opened {key}, and nothing is wrong there", self.now.steady)),
        }
    }

    /// The process is gone with all it knew; the next one goes on from what was kept.
    fn crash(&mut self) {
        let waits = self.kept.outbox.values().map(|delivery| {
            let (message, id) = (&delivery.message, delivery.id.as_str());
            let marks = (delivery.opens, delivery.perhaps, delivery.attempts, delivery.dead);
            format!("{id} {:?} {marks:?}", message.reason)
        });
        let waits = waits.collect::<Vec<_>>();
        self.story.push(format!("waits: {waits:?}"));
        let remembered = Remembered {
            incidents: self.kept.incidents.values().cloned().collect(),
            looks: self.kept.looks.clone().into_iter().collect(),
            tenants: self.kept.tenants.values().cloned().collect(),
            inventory: self.kept.inventory.values().cloned().collect(),
            number: self.kept.number,
            threads: self.kept.threads.values().cloned().collect(),
            deliveries: self.kept.outbox.values().cloned().collect(),
            ..Remembered::default()
        };
        if let Some(delivery) = self.settling.take() {
            self.mail.lost_sight(&delivery);
        }
        for coming in self.what.values() {
            if let Coming::Delivered(delivery) = coming {
                self.mail.lost_sight(delivery);
            }
        }
        // The steady clock of a process begins as the wall's.
        self.now.steady = self.now.steady.max(self.start);
        self.dispatcher = Dispatcher::new(settings(self.plan), remembered, self.now);
        self.coming.clear();
        self.what.clear();
        self.running.clear();
        self.context = None;
        self.since = self.now.steady;
        self.later(1_000, Coming::Twist);
        self.later(1, Coming::Wake);
    }

    fn invariants(&mut self) -> Result<(), String> {
        let mut ids = BTreeSet::new();
        for incident in self.kept.incidents.values() {
            if !ids.insert(incident.core().id.clone()) {
                return Err(format!("two incidents are called {}", incident.core().id));
            }
        }
        if self.seq.is_multiple_of(16) {
            self.kept_is_known()?;
        }
        // Nobody waits longer than it should while nothing is wrong with the agent.
        let limit = 2 * self.plan.every + SLACK;
        let limit = SignedDuration::try_from(limit).unwrap_or(SignedDuration::MAX);
        if self.now.steady.duration_since(self.since) > limit && self.random.u32(0..200) == 0 {
            for id in self.dispatcher.ids() {
                let last = self.last.get(&id).copied().unwrap_or(self.since);
                let late = self.now.steady.duration_since(last.max(self.since));
                let status = self.dispatcher.tenant(&id, self.now);
                if late > limit && status.is_some_and(|status| status.examined_at.is_some()) {
                    return Err(format!("{} {id} was not examined for {late:?}", self.now.steady));
                }
            }
        }
        self.mail.invariants()?;
        self.what_lasts_is_told()
    }

    /// What is kept is what is known, and nothing else.
    fn kept_is_known(&self) -> Result<(), String> {
        let kept = self.kept.incidents.values();
        let is_kept = |(kept, known): (&Incident, &Incident)| {
            (&kept.core().key, &kept.core().id, kept.state()) == (&known.core().key, &known.core().id, known.state())
        };
        let known = self.dispatcher.incidents();
        if kept.len() != known.count() || !kept.zip(self.dispatcher.incidents()).all(is_kept) {
            return Err(format!("{} other incidents are kept than are known", self.now.steady));
        }
        Ok(())
    }

    /// What has been broken for a long while, with nothing in front of it, is an incident. Who was told of as one of many
    /// stands alone within two rounds after that ended, and what it takes to confirm it.
    fn what_lasts_is_told(&mut self) -> Result<(), String> {
        let open = self.dispatcher.incidents().filter(|incident| incident.is_open());
        let shared = open.filter(|incident| &*incident.core().key.scope != "tenant");
        let shared = shared.map(|incident| &incident.core().members).collect::<Vec<_>>();
        for number in self.truth.keys().filter(|_| !shared.is_empty()) {
            let id = self.tenants[*number].id.as_str();
            if shared.iter().any(|members| members.contains(id)) {
                self.shared_until.insert(*number, self.now.steady);
            }
        }
        let alone = SignedDuration::try_from(2 * self.plan.every + SLACK).unwrap_or(SignedDuration::MAX);
        let long =
            SignedDuration::try_from(2 * self.plan.every + Duration::from_secs(300)).unwrap_or(SignedDuration::MAX);
        let calm = self.now.steady.duration_since(self.since) > long
            && self.fleet == FleetTruth::Well
            && self.now.steady.duration_since(self.fleet_failed_until) > long;
        if !calm {
            return Ok(());
        }
        for (number, truth) in &self.truth {
            let since = self.broken_since.get(number).copied().unwrap_or(self.now.steady);
            let lasts = *truth == TenantTruth::Broken && self.now.steady.duration_since(since) > long;
            let id = &self.tenants[*number].id;
            let known = self
                .dispatcher
                .tenant(id, self.now)
                .is_some_and(|status| status.examined_at.is_some());
            let told = |incident: &Incident| incident.is_open() && incident.core().members.contains(id.as_str());
            let shared = self.shared_until.get(number);
            let one_of_many = shared.is_some_and(|until| self.now.steady.duration_since(*until) <= alone);
            if lasts && known && !one_of_many && !self.dispatcher.incidents().any(told) {
                return Err(format!(
                    "{} {id} has been broken since {since}, and nobody is told",
                    self.now.steady
                ));
            }
        }
        Ok(())
    }

    /// In the end all is well, and that is known.
    fn at_the_end(&mut self) -> Result<(), String> {
        let open = self.dispatcher.incidents().filter(|incident| incident.is_open());
        let open = open.map(|incident| incident.core().key.to_string()).collect::<Vec<_>>();
        if !open.is_empty() {
            return Err(format!("all has been well for a while, and this is open: {open:?}"));
        }
        for id in self.dispatcher.ids() {
            let status = self.dispatcher.tenant(&id, self.now).map(|status| status.status);
            if status != Some(Status::Healthy) {
                return Err(format!("all has been well for a while, and {id} is {status:?}"));
            }
        }
        if self.dispatcher.ids().len() != self.tenants.len() {
            return Err("not everybody is there who should be".to_owned());
        }
        let closed = |id: &str| self.closed.iter().any(|thread| id.starts_with(thread.as_str()));
        let failing = self.mail.left_failing();
        // What comes and goes is told when it has stayed as it is for long.
        let flaps = |thread: &&Thread| thread.log.as_ref().is_some_and(|log| log.told == Told::Flapping);
        let flapping = self.kept.threads.values().filter(flaps);
        let flapping = flapping.map(|thread| thread.id.as_str()).collect::<Vec<_>>();
        let waits = |id: &str| flapping.iter().any(|thread| id.starts_with(thread));
        let failing = failing
            .iter()
            .filter(|id| !closed(id) && !waits(id))
            .collect::<Vec<_>>();
        if !failing.is_empty() {
            return Err(format!(
                "all has been well for a while, and nobody was told: {failing:?}"
            ));
        }
        let waiting = self.dispatcher.deliveries().map(|delivery| delivery.id.as_str());
        let waiting = waiting.collect::<Vec<_>>();
        if !waiting.is_empty() {
            return Err(format!("all has been well for a while, and this waits: {waiting:?}"));
        }
        self.timeline_tells_all()
    }

    /// Every incident that opened ended once before it opened again, by what was kept.
    fn timeline_tells_all(&self) -> Result<(), String> {
        let mut open = BTreeSet::new();
        for done in &self.kept.timeline {
            let fits = match done.change {
                Change::Opened | Change::Reopened => open.insert(done.id.clone()),
                Change::Resolved => open.remove(&done.id),
                Change::Closed => {
                    open.remove(&done.id);
                    true
                }
                _ => true,
            };
            if !fits {
                return Err(format!(
                    "{} {:?} of {} does not fit what was before",
                    done.at, done.change, done.id
                ));
            }
        }
        match open.is_empty() {
            true => Ok(()),
            false => Err(format!("{open:?} opened and never ended")),
        }
    }
}

fn settings(plan: Plan) -> Settings {
    Settings {
        cadence: Cadence::every(plan.every, None),
        fleet_every: Duration::from_secs(15),
        read_every: Duration::from_secs(30),
        read_apart: false,
        wake_every: Duration::from_secs(6 * 3600),
        policy: Policy::default(),
        concurrency: Concurrency::Fixed(8),
        severity: BTreeMap::new(),
        routing: mail::routing(),
        dossier: Dossier::default(),
    }
}
