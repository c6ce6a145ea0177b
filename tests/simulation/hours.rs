//! Hours of trouble at a large fleet, in simulated time: the rest stays on schedule, what is kept does not grow, and
//! nothing comes in a burst when it is over.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use roundsman::history::Timings;
use roundsman::inventory::Inventory;
use roundsman::schedule::Cadence;
use roundsman::watch::{Dispatcher, Effect, Event, Examined, Footprint, Reading, Remembered, Settings, TenantIx};
use roundsman_alerts::notification::{Dossier, Routing};
use roundsman_alerts::{Now, Policy};
use roundsman_checks::diagnosis::{Judgement, Status};
use roundsman_checks::fleet::FleetContext;
use roundsman_checks::gather::Concurrency;
use roundsman_checks::target::Tenant;

use super::truth::{self, FleetTruth, TenantTruth};

/// How many tenants there are; more by hand. A tenth of them may be silent.
const TENANTS: usize = 2_000;
const EVERY: Duration = Duration::from_secs(300);
/// How long one that is silent is waited for, and how long one that answers takes.
const DEAF: Duration = Duration::from_secs(10);
const QUICK: Duration = Duration::from_millis(100);
const CALM: Duration = Duration::from_secs(1_800);
const TROUBLE: Duration = Duration::from_secs(3_600);
/// So many may begin in one second: tenants that are all due at once are a millisecond apart, and others have their turns.
const STARTS_A_SECOND: usize = 1_100;

fn count() -> usize {
    let by_hand = std::env::var("ROUNDSMAN_TENANTS")
        .ok()
        .and_then(|text| text.parse().ok());
    by_hand.unwrap_or(TENANTS)
}

/// What is wrong for an hour.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Trouble {
    /// A tenth of the tenants answer nothing.
    Silent,
    /// Nobody gets a connection to the edge.
    EdgeCut,
    /// Neither inventory nor APIs can be read.
    ApisDown,
    /// No name can be looked up: nothing is seen of anybody, and each look takes as long as its limits let it.
    ZoneDead,
}

enum Coming {
    Looked,
    Read,
    Examined(TenantIx, Arc<Tenant>, bool),
    Pulse,
}

struct Hours {
    trouble: Trouble,
    dispatcher: Dispatcher,
    start: Timestamp,
    now: Now,
    coming: BinaryHeap<Reverse<(Timestamp, u64)>>,
    what: HashMap<u64, Coming>,
    seq: u64,
    tenants: Vec<Arc<Tenant>>,
    context: Option<Arc<FleetContext>>,
    /// What is said of each of those who are well.
    judged: Option<Judgement>,
    /// When each was begun to be examined last, and the longest time between two of those.
    last: BTreeMap<String, Timestamp>,
    longest: BTreeMap<String, SignedDuration>,
    /// How many began in this second, and in the worst one.
    second: (i64, usize),
    worst: usize,
    opened: BTreeSet<String>,
}

impl Hours {
    fn new(trouble: Trouble) -> Self {
        let start = Timestamp::from_second(1_796_000_000).expect("a moment");
        let settings = Settings {
            cadence: Cadence::every(EVERY, None),
            fleet_every: Duration::from_secs(15),
            read_every: Duration::from_secs(30),
            read_apart: false,
            wake_every: Duration::from_secs(6 * 3600),
            policy: Policy::default(),
            concurrency: Concurrency::default(),
            severity: BTreeMap::new(),
            routing: Routing::default(),
            dossier: Dossier::default(),
        };
        let now = Now::at(start);
        let mut hours = Self {
            trouble,
            dispatcher: Dispatcher::new(settings, Remembered::default(), now),
            start,
            now,
            coming: BinaryHeap::new(),
            what: HashMap::new(),
            seq: 0,
            tenants: (0..count()).map(truth::tenant).collect(),
            context: None,
            judged: None,
            last: BTreeMap::new(),
            longest: BTreeMap::new(),
            second: (0, 0),
            worst: 0,
            opened: BTreeSet::new(),
        };
        hours.later(Duration::ZERO, Coming::Pulse);
        hours.hear(Event::Tick);
        hours
    }

    fn later(&mut self, by: Duration, coming: Coming) {
        self.seq += 1;
        self.what.insert(self.seq, coming);
        self.coming.push(Reverse((self.now.plus(by).steady, self.seq)));
    }

    fn is_wrong(&self) -> bool {
        let passed = Duration::try_from(self.now.steady.duration_since(self.start)).unwrap_or_default();
        passed >= CALM && passed < CALM + TROUBLE
    }

    /// Whether something is wrong with this tenant now.
    fn suffers(&self, tenant: &Tenant) -> bool {
        let number = tenant.id.as_str()[1..]
            .parse::<usize>()
            .expect("the number of a tenant");
        self.is_wrong()
            && match self.trouble {
                Trouble::Silent => number < count() / 10,
                Trouble::EdgeCut | Trouble::ZoneDead => true,
                Trouble::ApisDown => false,
            }
    }

    /// Lets so much time pass, and forgets what was measured before.
    fn pass(&mut self, time: Duration) {
        self.longest.clear();
        self.worst = 0;
        let end = self.now.plus(time).steady;
        while self.now.steady < end {
            let next = self.coming.peek().map(|Reverse((at, _))| *at);
            let at = [next, self.dispatcher.wake_at()].into_iter().flatten().min();
            let at = at
                .unwrap_or(end)
                .max(self.now.steady + SignedDuration::from_micros(100));
            self.now = Now::at(at);
            match next {
                Some(due) if due <= at => {
                    let Some(Reverse((_, seq))) = self.coming.pop() else {
                        continue;
                    };
                    self.what.remove(&seq).into_iter().for_each(|coming| self.comes(coming));
                }
                _ => self.hear(Event::Tick),
            }
        }
    }

    fn comes(&mut self, coming: Coming) {
        match coming {
            Coming::Pulse => {
                self.dispatcher.pulse(self.now, Duration::ZERO);
                self.later(Duration::from_millis(100), Coming::Pulse);
            }
            Coming::Looked => {
                let cut = self.is_wrong() && self.trouble == Trouble::EdgeCut;
                let fleet = if cut { FleetTruth::EdgeDown } else { FleetTruth::Well };
                let context = truth::context(fleet, self.now.wall);
                let context = match &self.context {
                    Some(before) => Arc::new(before.followed_by(context.fleet.clone())),
                    None => context,
                };
                self.context = Some(Arc::clone(&context));
                self.hear(Event::Looked(Some(context)));
            }
            Coming::Read => {
                let inventory = Inventory {
                    known: self.tenants.clone(),
                    tenants: self.tenants.clone(),
                    complete: true,
                    ..Inventory::default()
                };
                let down = self.is_wrong() && self.trouble == Trouble::ApisDown;
                self.hear(Event::Read(Box::new(Reading {
                    inventory: (!down).then_some(inventory),
                    calls: 4,
                    ..Reading::default()
                })));
            }
            Coming::Examined(ix, tenant, visited) => {
                let Some(context) = self.context.clone() else { return };
                let judgement = self.judgement(&context, &tenant, visited);
                let event = Examined {
                    judgement,
                    seen: Arc::default(),
                    woken: false,
                    ran_out: false,
                    answered_in: (!self.suffers(&tenant)).then_some(20.0),
                    timings: Timings::default(),
                    not_after: None,
                    at: self.now.wall,
                };
                self.hear(Event::Examined(ix, Box::new(event)));
            }
        }
    }

    fn judgement(&mut self, context: &FleetContext, tenant: &Arc<Tenant>, visited: bool) -> Judgement {
        let suffers = self.suffers(tenant);
        let (fleet, alone) = match self.trouble {
            Trouble::EdgeCut if suffers => (FleetTruth::EdgeDown, TenantTruth::Well),
            Trouble::Silent if suffers => (FleetTruth::Well, TenantTruth::Broken),
            Trouble::ZoneDead if suffers => (FleetTruth::Well, TenantTruth::Hidden),
            _ => (FleetTruth::Well, TenantTruth::Well),
        };
        if !visited {
            return truth::spared(context, tenant);
        }
        // Those who are well are all alike.
        if suffers {
            return truth::judgement(context, tenant, fleet, alone);
        }
        let well = || truth::judgement(context, tenant, fleet, alone);
        self.judged.get_or_insert_with(well).clone()
    }

    fn hear(&mut self, event: Event) {
        for effect in self.dispatcher.handle(self.now, event) {
            match effect {
                Effect::Look => self.later(QUICK, Coming::Looked),
                Effect::Read(_) => self.later(QUICK, Coming::Read),
                Effect::Examine { ix, tenant, visit, .. } => {
                    self.begins(tenant.id.as_str());
                    let takes = match (self.suffers(&tenant), visit) {
                        (true, true) => DEAF,
                        _ => QUICK,
                    };
                    self.later(takes, Coming::Examined(ix, tenant, visit));
                }
                Effect::Commit(commit) => {
                    let open = commit.incidents.iter().filter(|incident| incident.is_open());
                    self.opened.extend(open.map(|incident| incident.core().key.to_string()));
                }
                Effect::Record(_)
                | Effect::Good(..)
                | Effect::Named(..)
                | Effect::Hour(..)
                | Effect::Gone(_)
                | Effect::Deliver(_) => {}
            }
        }
    }

    fn begins(&mut self, id: &str) {
        let now = self.now.steady;
        if let Some(last) = self.last.insert(id.to_owned(), now) {
            let longest = self.longest.entry(id.to_owned()).or_default();
            *longest = (*longest).max(now.duration_since(last));
        }
        let second = now.as_second();
        self.second = if self.second.0 == second {
            (second, self.second.1 + 1)
        } else {
            (second, 1)
        };
        self.worst = self.worst.max(self.second.1);
    }

    /// Whoever does not suffer is looked at in every interval, by its own phase.
    fn is_on_schedule(&mut self, within: Duration) {
        let within = SignedDuration::try_from(EVERY + within).expect("short");
        let late = self.longest.iter().filter(|(_, longest)| **longest > within);
        let late = late
            .map(|(id, longest)| format!("{id} {longest:?}"))
            .take(5)
            .collect::<Vec<_>>();
        assert!(late.is_empty(), "{:?}: late: {late:?}", self.trouble);
        assert_eq!(self.longest.len(), count());
        let health = self.dispatcher.health(self.now);
        assert!(
            health.coverage >= 1.0 && health.lag < 1.0,
            "{:?}: {health:?}",
            self.trouble
        );
    }

    fn open(&self) -> Vec<String> {
        let open = self.dispatcher.incidents().filter(|incident| incident.is_open());
        open.map(|incident| incident.core().key.to_string()).collect()
    }

    fn all_are(&self, status: Status) -> bool {
        let ids = self.dispatcher.ids();
        let mut all = ids
            .iter()
            .map(|id| self.dispatcher.tenant(id, self.now).map(|known| known.status));
        all.all(|known| known == Some(status))
    }
}

/// A calm hour, one of trouble, and what comes after it; how much is kept before, in the middle, at the end of the trouble
/// and in the end.
fn lived_through(trouble: Trouble) -> (Hours, [Footprint; 4]) {
    let mut hours = Hours::new(trouble);
    hours.pass(CALM);
    assert!(hours.all_are(Status::Healthy) && hours.open().is_empty());
    let before = hours.dispatcher.footprint();
    // The very first looks come as fast as they can; what is measured is what comes after them.
    hours.pass(TROUBLE / 2);
    let within = hours.dispatcher.footprint();
    hours.pass(TROUBLE / 2);
    hours.is_on_schedule(Duration::from_secs(2));
    let at_its_end = hours.dispatcher.footprint();
    let during = hours.worst;
    let failing = match trouble {
        Trouble::Silent => count() / 10,
        // Only the site is judged here, and the edge explains the certificate: nothing is known of anybody.
        Trouble::EdgeCut | Trouble::ApisDown | Trouble::ZoneDead => 0,
    };
    assert_eq!(hours.dispatcher.fleet().failing, failing, "{trouble:?}");
    hours.pass(2 * CALM);
    assert!(
        hours.worst <= STARTS_A_SECOND,
        "{trouble:?}: {} in a second",
        hours.worst
    );
    assert!(hours.all_are(Status::Healthy), "{trouble:?}");
    assert_eq!(hours.open(), [""; 0], "{trouble:?}");
    eprintln!(
        "{trouble:?}: at most {during} begin in a second during it, {} after it",
        hours.worst
    );
    // Whoever flapped is forgotten after twenty calm looks.
    hours.pass(20 * EVERY);
    hours.is_on_schedule(Duration::from_secs(2));
    let after = hours.dispatcher.footprint();
    assert_eq!(before, after, "{trouble:?}: nothing stays of it");
    (hours, [before, within, at_its_end, after])
}

#[test]
fn a_tenth_is_silent_for_an_hour_and_the_rest_stays_on_schedule() {
    let (hours, [_, within, at_its_end, _]) = lived_through(Trouble::Silent);
    assert_eq!(within, at_its_end, "nothing grows while it lasts");
    assert!(!hours.opened.is_empty());
}

#[test]
fn the_edge_is_cut_for_an_hour() {
    let (hours, [_, within, at_its_end, _]) = lived_through(Trouble::EdgeCut);
    assert_eq!(within, at_its_end, "nothing grows while it lasts");
    assert!(!hours.opened.is_empty());
    assert!(
        hours.opened.iter().all(|key| key.contains("edge-unreachable")),
        "{:?}",
        hours.opened
    );
}

#[test]
fn the_apis_are_down_for_an_hour() {
    let (hours, footprints) = lived_through(Trouble::ApisDown);
    assert_eq!(footprints, [footprints[0]; 4]);
    assert_eq!(hours.opened, BTreeSet::new());
}

#[test]
fn the_zones_servers_are_dead_for_an_hour() {
    let (hours, footprints) = lived_through(Trouble::ZoneDead);
    assert_eq!(footprints, [footprints[0]; 4]);
    assert_eq!(hours.opened, BTreeSet::new(), "what nobody knows opens nothing");
}
