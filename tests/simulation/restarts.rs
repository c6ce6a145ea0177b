//! What a restart goes on from, told step by step: the world answers at once, and a second is a second.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use roundsman::history::{Hour, Level, PHASES, Timings};
use roundsman::inventory::Inventory;
use roundsman::schedule::Cadence;
use roundsman::watch::{Dispatcher, Effect, Event, Examined, Reading, Remembered, Seen, Settings, TenantMemory};
use roundsman_alerts::notification::{Dossier, Routing};
use roundsman_alerts::{Change, Incident, Key, Looks, Now, Policy};
use roundsman_checks::diagnosis::Status;
use roundsman_checks::fleet::FleetContext;
use roundsman_checks::gather::Concurrency;
use roundsman_checks::target::{Tenant, TenantId};

use super::truth::{self, FleetTruth, TenantTruth};

const TENANTS: usize = 4;

/// An agent, what it kept, and the world around it.
struct Life {
    dispatcher: Dispatcher,
    now: Now,
    context: Option<Arc<FleetContext>>,
    fleet: FleetTruth,
    truth: BTreeMap<usize, TenantTruth>,
    image: &'static str,
    there: BTreeSet<usize>,
    by_hand: bool,
    /// Whether no source answers.
    silent: bool,
    inventory: BTreeMap<String, (Arc<Tenant>, bool)>,
    incidents: BTreeMap<Key, Incident>,
    looks: BTreeMap<Key, Looks>,
    tenants: BTreeMap<String, TenantMemory>,
    /// How long each phase takes, in milliseconds, and how long it took by the hour.
    takes: f64,
    hours: BTreeMap<i32, Hour>,
    number: u64,
    changes: Vec<(Key, Change)>,
    /// For how long the agent stands still while it examines somebody; all is well after it.
    stands_still: Option<Duration>,
    examinations: usize,
}

fn settings(policy: Policy) -> Settings {
    Settings {
        cadence: Cadence::every(Duration::from_secs(60), None),
        fleet_every: Duration::from_secs(15),
        read_every: Duration::from_secs(30),
        read_apart: false,
        wake_every: Duration::from_secs(6 * 3600),
        policy,
        concurrency: Concurrency::Fixed(8),
        severity: BTreeMap::new(),
        routing: Routing::default(),
        dossier: Dossier::default(),
    }
}

impl Life {
    fn new() -> Self {
        let now = Now::at(Timestamp::from_second(1_796_000_000).expect("a moment"));
        Self {
            dispatcher: Dispatcher::new(settings(Policy::default()), Remembered::default(), now),
            now,
            context: None,
            fleet: FleetTruth::Well,
            truth: BTreeMap::new(),
            image: "app:v42",
            there: (0..TENANTS).collect(),
            by_hand: false,
            silent: false,
            inventory: BTreeMap::new(),
            incidents: BTreeMap::new(),
            looks: BTreeMap::new(),
            tenants: BTreeMap::new(),
            takes: 4.0,
            hours: BTreeMap::new(),
            number: 0,
            changes: Vec::new(),
            stands_still: None,
            examinations: 0,
        }
    }

    /// Another process goes on from what was kept, after so long.
    fn restart(&mut self, after: Duration) {
        self.now = self.now.plus(after);
        let remembered = Remembered {
            incidents: self.incidents.values().cloned().collect(),
            looks: self.looks.clone().into_iter().collect(),
            tenants: self.tenants.values().cloned().collect(),
            inventory: self.inventory.values().cloned().collect(),
            hours: self.hours.values().copied().collect(),
            number: self.number,
            ..Remembered::default()
        };
        self.dispatcher = Dispatcher::new(settings(Policy::default()), remembered, self.now);
        self.context = None;
    }

    fn pass(&mut self, seconds: u64) {
        for _ in 0..seconds {
            self.hear(Event::Tick);
            self.now = self.now.plus(Duration::from_secs(1));
        }
    }

    fn hear(&mut self, event: Event) {
        let effects = self.dispatcher.handle(self.now, event);
        effects.into_iter().for_each(|effect| self.carry_out(effect));
    }

    fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::Deliver(_) => {}
            Effect::Look => {
                let context = truth::context(self.fleet, self.now.wall);
                let context = match &self.context {
                    Some(before) => Arc::new(before.followed_by(context.fleet.clone())),
                    None => context,
                };
                self.context = Some(Arc::clone(&context));
                self.hear(Event::Looked(Some(context)));
            }
            Effect::Read(_) => {
                if self.silent {
                    self.hear(Event::Read(Box::default()));
                    return;
                }
                let tenants = self
                    .there
                    .iter()
                    .map(|number| truth::tenant(*number))
                    .collect::<Vec<_>>();
                let by = if self.by_hand { "list" } else { "file" };
                let inventory = Inventory {
                    named_by: tenants.iter().map(|tenant| (tenant.id.clone(), [by].into())).collect(),
                    known: tenants.clone(),
                    tenants,
                    complete: true,
                    ..Inventory::default()
                };
                self.hear(Event::Read(Box::new(Reading {
                    inventory: Some(inventory),
                    ..Reading::default()
                })));
            }
            Effect::Examine { ix, tenant, .. } => {
                let number = tenant.id.as_str()[1..].parse::<usize>().expect("a number");
                let alone = self.truth.get(&number).copied().unwrap_or(TenantTruth::Well);
                let context = self.context.clone().expect("a look came before");
                self.examinations += 1;
                let stood = self.stands_still.take();
                self.now = self.now.plus(stood.unwrap_or_default());
                let examined = Examined {
                    judgement: truth::judgement(&context, &tenant, self.fleet, alone),
                    seen: Arc::new(Seen {
                        image: Some(self.image.into()),
                        ..Seen::default()
                    }),
                    woken: false,
                    ran_out: false,
                    answered_in: Some(20.0),
                    timings: Timings([Some(self.takes); PHASES.len()]),
                    not_after: None,
                    at: self.now.wall,
                };
                if stood.is_some() {
                    self.truth.clear();
                }
                self.hear(Event::Examined(ix, Box::new(examined)));
            }
            Effect::Commit(commit) => {
                let changes = commit.transitions.into_iter();
                self.changes.extend(changes.map(|done| (done.key, done.change)));
                let incidents = commit.incidents.into_iter();
                self.incidents
                    .extend(incidents.map(|incident| (incident.core().key.clone(), incident)));
                commit.forgotten.iter().for_each(|key| drop(self.incidents.remove(key)));
                for (key, looks) in commit.looks {
                    match looks {
                        Some(looks) => drop(self.looks.insert(key, looks)),
                        None => drop(self.looks.remove(&key)),
                    }
                }
                self.number = commit.number;
            }
            Effect::Record(record) => {
                let good = self.tenants.remove(&record.tenant).and_then(|memory| memory.good);
                let memory = TenantMemory {
                    tenant: record.tenant.clone(),
                    status: record.status,
                    cause: record.cause,
                    since: record.at,
                    last_good: record.last_good,
                    good,
                    by_hand: record.by_hand,
                };
                self.tenants.insert(record.tenant, memory);
            }
            Effect::Good(tenant, seen) => {
                self.tenants.get_mut(&tenant).expect("it was recorded before").good = Some(seen);
            }
            Effect::Named(tenant, by_hand) => {
                self.inventory.insert(tenant.id.to_string(), (tenant, by_hand));
            }
            Effect::Hour(tenant, hour) => {
                if tenant.is_none() {
                    self.hours.insert(hour.hour, hour);
                }
            }
            Effect::Gone(tenant) => {
                self.tenants.remove(&tenant);
                self.inventory.remove(&tenant);
            }
        }
    }

    fn happened(&self, cause: &str, change: &Change) -> bool {
        self.changes
            .iter()
            .any(|(key, done)| &*key.cause == cause && done == change)
    }
}

#[test]
fn what_changed_over_a_restart_is_told() {
    let mut life = Life::new();
    life.pass(120);
    life.image = "app:v43";
    life.truth.insert(1, TenantTruth::Broken);
    life.restart(Duration::from_secs(600));
    life.pass(60);
    let told = life
        .dispatcher
        .incidents()
        .map(|incident| incident.core().account.changed.clone());
    assert_eq!(told.collect::<Vec<_>>(), [Some("image app:v42 → app:v43".to_owned())]);
}

#[test]
fn when_it_was_well_last_is_known_after_a_restart() {
    let mut life = Life::new();
    life.pass(600);
    life.truth.insert(1, TenantTruth::Broken);
    let broke = life.now.wall;
    life.pass(120);
    life.restart(Duration::from_secs(60));
    life.pass(60);
    let status = life
        .dispatcher
        .tenant(&TenantId::new("t0001"), life.now)
        .expect("it is known");
    let before = broke.duration_since(status.last_good.expect("it was well"));
    assert!(before.as_secs() <= 60, "{before:?}");
}

#[test]
fn who_left_while_no_agent_ran_is_missed_and_their_incidents_end() {
    for by_hand in [false, true] {
        let mut life = Life::new();
        life.by_hand = by_hand;
        life.truth.insert(1, TenantTruth::Broken);
        life.pass(60);
        assert!(life.happened("site-status", &Change::Opened));
        life.there.remove(&1);
        life.restart(Duration::from_secs(600));
        life.pass(20);
        assert!(
            !life.happened("site-status", &Change::Closed),
            "one reading is not enough"
        );
        life.pass(60);
        assert!(life.happened("site-status", &Change::Closed));
        assert_eq!(life.happened("tenant-vanished", &Change::Opened), !by_hand);
        assert!(!life.tenants.contains_key("t0001"));
        assert_eq!(
            life.incidents.len(),
            usize::from(!by_hand),
            "{:?}",
            life.incidents.keys()
        );
    }
}

#[test]
fn a_restart_whose_sources_are_silent_goes_on_with_whom_it_knew() {
    let mut life = Life::new();
    life.pass(60);
    life.silent = true;
    life.restart(Duration::from_secs(600));
    assert!(!life.dispatcher.health(life.now).ready);
    life.truth.insert(1, TenantTruth::Broken);
    life.pass(60);
    assert!(life.happened("site-status", &Change::Opened));
    assert!(life.dispatcher.health(life.now).ready);
    assert_eq!(life.dispatcher.ids().len(), TENANTS);
    assert!(life.dispatcher.known_with(Vec::new()).len() == TENANTS);
    // The sources answer again: everybody is still there, and nobody is new.
    life.silent = false;
    life.pass(120);
    assert_eq!(life.dispatcher.ids().len(), TENANTS);
    assert!(!life.happened("tenant-vanished", &Change::Opened));
}

#[test]
fn many_who_left_are_held_until_somebody_confirms_it() {
    let mut life = Life::new();
    life.there = (0..40).collect();
    life.pass(60);
    life.there = (0..10).collect();
    life.pass(120);
    assert!(life.happened("inventory-shrunk", &Change::Opened));
    assert_eq!(life.dispatcher.ids().len(), 40);
    let shrunk = life.dispatcher.incidents().find(|incident| incident.is_open());
    let id = shrunk.expect("one is open").core().id.clone();
    let effects = life.dispatcher.acknowledge(&id, "we closed a plan", life.now);
    effects
        .expect("it is open")
        .into_iter()
        .for_each(|effect| life.carry_out(effect));
    life.pass(1);
    assert_eq!(life.dispatcher.ids().len(), 10, "the next reading is believed");
    life.pass(120);
    assert!(life.happened("inventory-shrunk", &Change::Resolved));
    assert!(!life.happened("tenant-vanished", &Change::Opened), "somebody said so");
    assert_eq!((life.tenants.len(), life.inventory.len()), (10, 10));
}

#[test]
fn nothing_counts_after_a_restart_until_something_can_be_seen() {
    let mut life = Life::new();
    life.pass(60);
    life.fleet = FleetTruth::Blind;
    life.pass(120);
    assert!(life.happened("vantage-offline", &Change::Opened));
    life.restart(Duration::from_secs(60));
    assert!(life.dispatcher.health(life.now).blind);
    life.pass(60);
    assert!(life.dispatcher.health(life.now).blind);
    life.fleet = FleetTruth::Well;
    life.pass(60);
    assert!(!life.dispatcher.health(life.now).blind);
    life.pass(120);
    assert!(life.happened("vantage-offline", &Change::Resolved));
}

#[test]
fn what_waits_waits_as_long_as_a_new_configuration_says() {
    let mut life = Life::new();
    life.pass(60);
    life.truth.insert(1, TenantTruth::Broken);
    life.pass(60);
    life.truth.clear();
    // It ends by its next looks, but only after the minute that the policy asks for.
    while !life.happened("site-status", &Change::Recovering) {
        life.pass(1);
    }
    life.pass(35);
    assert!(!life.happened("site-status", &Change::Resolved));
    let policy = Policy {
        clear_for: Duration::from_secs(5),
        ..Policy::default()
    };
    life.hear(Event::Reloaded(Box::new(settings(policy))));
    assert!(life.happened("site-status", &Change::Resolved));
}

#[test]
fn what_is_long_over_leaves_no_row() {
    let mut life = Life::new();
    life.pass(60);
    life.truth.insert(1, TenantTruth::Broken);
    life.pass(60);
    life.truth.clear();
    life.pass(300);
    assert!(life.happened("site-status", &Change::Resolved));
    assert_eq!((life.incidents.len(), life.looks.len()), (1, 1));
    life.pass(1_500);
    assert_eq!((life.incidents.len(), life.looks.len()), (0, 0));
}

#[test]
fn all_slower_than_last_week_are_one_incident() {
    let mut life = Life::new();
    // A week is behind it, in which everything took 4 ms; the hours of before the restart count.
    let last = i32::try_from(life.now.wall.as_second() / 3600).expect("an hour");
    let hours = (1..=7 * 24 + 3).map(|back| Hour {
        hour: last + 3 - back,
        typical: [Level::of(4.0); PHASES.len()],
        ..Hour::default()
    });
    life.hours = hours.map(|hour| (hour.hour, hour)).collect();
    life.restart(Duration::ZERO);
    life.pass(300);
    assert!(life.changes.is_empty(), "{:?}", life.changes);
    life.takes = 90.0;
    life.pass(180);
    let open = life.dispatcher.incidents().map(Incident::core);
    let told = open.map(|core| (core.key.to_string(), core.account.changed.clone(), core.members.len()));
    assert_eq!(
        told.collect::<Vec<_>>(),
        [(
            "edge-slow (fleet: edge)".to_owned(),
            Some("connect 4 ms → 87 ms".to_owned()),
            0
        )]
    );
    life.takes = 4.0;
    life.pass(300);
    assert!(life.happened("edge-slow", &Change::Resolved));
    // The hour that went by is kept, slow as it was for a while.
    life.pass(3600);
    assert!(life.hours.contains_key(&last));
}

/// How often the first tenant is examined, and how it is told to be, where the agent stands still for so long while it does.
fn stood_still(pulses: bool, stood: Duration) -> (usize, Vec<Status>) {
    let mut life = Life::new();
    life.there = [0].into();
    life.pass(90);
    if pulses {
        life.dispatcher.pulse(life.now, Duration::ZERO);
    }
    life.truth.insert(0, TenantTruth::Broken);
    (life.stands_still, life.examinations) = (Some(stood), 0);
    while life.examinations == 0 {
        life.hear(Event::Tick);
        if pulses {
            life.dispatcher.pulse(life.now, Duration::ZERO);
        }
        life.now = life.now.plus(Duration::from_millis(100));
    }
    life.hear(Event::Tick);
    let told = life.tenants.values().map(|memory| memory.status);
    (life.examinations, told.collect())
}

#[test]
fn what_is_found_while_the_agent_stood_still_is_looked_at_again_before_it_counts() {
    let still = Duration::from_secs(5);
    assert_eq!(stood_still(true, still), (2, vec![Status::Healthy]));
    // Without a stall, or where nobody feels the loop, it counts at once.
    assert_eq!(
        stood_still(true, Duration::from_millis(500)),
        (1, vec![Status::Failing])
    );
    assert_eq!(stood_still(false, still), (1, vec![Status::Failing]));
}
