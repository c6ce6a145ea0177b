//! Long stories of many incidents: what holds of them in whatever order they are told.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use proptest::prelude::*;
use roundsman_alerts::{
    Account, Book, Change, Incident, IncidentId, Key, Members, Now, Policy, Severity, Signal, State, Transition,
    Verdict,
};

const WITNESSES: [&str; 3] = ["a", "b", "c"];

/// What happens next.
#[derive(Clone, Debug)]
enum Step {
    Look(Signal),
    Wait(u64),
    Freeze,
    Thaw,
    Acknowledge(u64),
    Forget(Key, &'static str),
    Restart,
}

fn key() -> impl Strategy<Value = Key> {
    let scope = prop_oneof![4 => Just("tenant"), 1 => Just("fleet"), 1 => Just("agent")];
    (scope, 0..3_u8).prop_map(|(scope, object)| Key::new("cause", scope, &format!("object-{object}")))
}

fn account() -> impl Strategy<Value = Account> {
    let severity = prop_oneof![Just(Severity::Info), Just(Severity::Warning), Just(Severity::Critical)];
    let lines = || proptest::collection::vec("\\PC{0,12}", 0..3);
    let labels = proptest::collection::btree_map("[a-z]{1,4}", "\\PC{0,6}", 0..3);
    let marks = (proptest::bool::weighted(0.2), proptest::bool::weighted(0.2));
    (
        severity,
        marks,
        lines(),
        lines(),
        proptest::option::of("\\PC{0,12}"),
        labels,
    )
        .prop_map(
            |(severity, (transient, at_once), evidence, remedy, changed, labels)| Account {
                severity,
                transient,
                at_once,
                evidence,
                remedy,
                changed,
                labels,
            },
        )
}

fn signal() -> impl Strategy<Value = Signal> {
    let verdict = prop_oneof![
        5 => Just(Verdict::Firing),
        5 => Just(Verdict::Clear),
        1 => Just(Verdict::Unknown),
    ];
    let witness = proptest::sample::select(&WITNESSES[..]);
    let names = || proptest::sample::subsequence(vec!["x", "y", "z"], 0..=3);
    let told = (names(), names());
    (key(), witness, verdict, account(), told).prop_map(|(key, witness, verdict, account, (joined, left))| {
        // The look at the fleet tells of others, everybody else of himself.
        let all = |names: Vec<&str>| names.into_iter().map(Arc::from).collect::<Vec<_>>();
        let members = match &*key.scope {
            "fleet" => Members::Others {
                joined: all(joined),
                left: all(left),
            },
            _ => Members::Witness,
        };
        Signal {
            key,
            witness: witness.into(),
            verdict,
            members,
            account,
        }
    })
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => signal().prop_map(Step::Look),
        5 => prop_oneof![0..20_u64, 0..90_u64, 0..700_u64].prop_map(Step::Wait),
        1 => Just(Step::Freeze),
        2 => Just(Step::Thaw),
        1 => (0..9_u64).prop_map(Step::Acknowledge),
        1 => (key(), proptest::sample::select(&WITNESSES[..])).prop_map(|(key, witness)| Step::Forget(key, witness)),
        1 => Just(Step::Restart),
    ]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    proptest::collection::vec(step(), 0..200)
}

/// A story as far as it was told.
struct Told {
    book: Book,
    now: Now,
    done: Vec<Transition>,
}

impl Told {
    fn nothing() -> Self {
        Self {
            book: Book::default(),
            now: Now::at(Timestamp::UNIX_EPOCH),
            done: Vec::new(),
        }
    }

    /// One step, and what time changes by then where somebody asks for it.
    fn tell(&mut self, step: &Step, policy: &Policy, ask: bool) {
        let now = self.now;
        match step {
            Step::Look(signal) => self.done.extend(self.book.observe(signal, policy, now)),
            Step::Wait(seconds) => self.now = now.plus(Duration::from_secs(*seconds)),
            Step::Freeze => self.book.freeze(now),
            Step::Thaw => self.book.thaw(policy, now),
            Step::Acknowledge(number) => {
                let done = self.book.acknowledge(&IncidentId::of(*number), "looking", now);
                self.done.extend(done);
            }
            Step::Forget(key, witness) => {
                let done = self.book.forget_witness(key, witness, policy, now);
                self.done.extend(done);
            }
            Step::Restart => {
                let kept = self.book.iter().cloned().collect::<Vec<_>>();
                self.book = Book::restored(kept, self.book.number(), policy, now);
            }
        }
        if ask {
            self.done.extend(self.book.tick(policy, self.now));
        }
    }

    fn all(steps: &[Step]) -> Self {
        let mut told = Self::nothing();
        for step in steps {
            told.tell(step, &Policy::default(), true);
        }
        told
    }

    fn incidents(&self) -> Vec<Incident> {
        self.book.iter().cloned().collect()
    }
}

/// What the timeline alone says of an incident.
#[derive(Clone, Debug, Default, PartialEq)]
struct Replayed {
    state: Option<State>,
    opened: bool,
    acknowledged: bool,
    flapping: bool,
}

fn replay(timeline: &[Transition]) -> BTreeMap<IncidentId, Replayed> {
    let mut all = BTreeMap::<IncidentId, Replayed>::new();
    for done in timeline {
        let one = all.entry(done.id.clone()).or_default();
        match &done.change {
            Change::Began => one.state = Some(State::Pending),
            Change::Passed => one.state = one.opened.then_some(State::Resolved),
            Change::Opened => {
                assert!(!one.opened, "told for the first time once");
                (one.state, one.opened) = (Some(State::Firing), true);
            }
            Change::Reopened => {
                assert!(one.opened);
                one.state = Some(State::Firing);
            }
            Change::Relapsed => one.state = Some(State::Firing),
            Change::Recovering => one.state = Some(State::Recovering),
            Change::Resolved => (one.state, one.acknowledged) = (Some(State::Resolved), false),
            Change::Closed => (one.state, one.acknowledged) = (None, false),
            Change::Acknowledged { .. } => one.acknowledged = true,
            Change::FlappingBegan => one.flapping = true,
            Change::FlappingEnded => one.flapping = false,
            Change::Rose { from, to } => assert!(from < to),
            Change::Repair { note, .. } => assert!(!note.is_empty()),
            Change::Members { joined, left } => assert!(!joined.is_empty() || !left.is_empty()),
        }
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// The timeline is complete: it says of each incident what the book says.
    #[test]
    fn the_timeline_alone_tells_how_each_incident_is(steps in steps()) {
        let told = Told::all(&steps);
        let replayed = replay(&told.done);
        let mut known = BTreeSet::new();
        for incident in told.book.iter() {
            let core = incident.core();
            let by_timeline = &replayed[&core.id];
            prop_assert_eq!(by_timeline.state, Some(incident.state()), "{}", core.id);
            prop_assert_eq!(by_timeline.acknowledged, core.acknowledged.is_some());
            prop_assert_eq!(by_timeline.opened, incident.opened().is_some());
            prop_assert!(known.insert(core.id.clone()), "an id is of one incident");
        }
        // What the book has forgotten is over, or was never told.
        for (id, one) in replayed.iter().filter(|(id, _)| !known.contains(*id)) {
            prop_assert!(matches!(one.state, None | Some(State::Resolved)), "{id}: {one:?}");
        }
    }

    /// Severity rises until the end, as the timeline says.
    #[test]
    fn severity_never_falls_before_the_end(steps in steps()) {
        let mut told = Told::nothing();
        let mut known = BTreeMap::<IncidentId, Severity>::new();
        for step in &steps {
            told.tell(step, &Policy::default(), true);
            let now = told.book.iter().filter(|incident| incident.state() != State::Resolved);
            let now = now.map(|it| (it.core().id.clone(), it.core().severity)).collect::<BTreeMap<_, _>>();
            for (id, severity) in &now {
                prop_assert!(known.get(id).is_none_or(|before| before <= severity), "{id}");
            }
            known = now;
        }
    }

    #[test]
    fn the_same_story_makes_the_same_book(steps in steps()) {
        let (one, other) = (Told::all(&steps), Told::all(&steps));
        prop_assert_eq!(&one.done, &other.done);
        prop_assert_eq!(one.incidents(), other.incidents());
        prop_assert_eq!(one.book.next_wake(), other.book.next_wake());
    }

    /// Incidents know nothing of each other.
    #[test]
    fn looks_at_different_keys_may_come_in_any_order(
        before in steps(),
        looks in proptest::collection::vec(signal(), 2..8),
        order in any::<proptest::sample::Index>(),
    ) {
        // One look for each key; none that would begin something, because ids are given in the order of beginnings.
        let mut one = Told::all(&before);
        let mut keys = BTreeSet::new();
        let mut looks = looks;
        looks.retain(|look| one.book.get(&look.key).is_some_and(|it| it.state() != State::Resolved) && keys.insert(look.key.clone()));
        let mut other = Told::all(&before);
        for look in &looks {
            one.tell(&Step::Look(look.clone()), &Policy::default(), true);
        }
        let turn = if looks.is_empty() { 0 } else { order.index(looks.len()) };
        looks.rotate_left(turn);
        for look in looks.iter().rev() {
            other.tell(&Step::Look(look.clone()), &Policy::default(), true);
        }
        prop_assert_eq!(one.incidents(), other.incidents());
        prop_assert_eq!(one.book.next_wake(), other.book.next_wake());
        let sorted = |told: &Told| {
            let mut done = told.done.iter().map(|done| format!("{done:?}")).collect::<Vec<_>>();
            done.sort();
            done
        };
        prop_assert_eq!(sorted(&one), sorted(&other));
    }

    /// Nobody has to ask between two looks what time has changed: it is found at the next look, or whenever somebody asks.
    /// What was over is so from then on, so that the same one may come back instead of a new one.
    #[test]
    fn asking_more_often_changes_no_state(steps in steps()) {
        let quiet = |step: &&Step| !matches!(step, Step::Freeze | Step::Thaw | Step::Restart | Step::Acknowledge(_) | Step::Forget(..));
        let steps = steps.iter().filter(quiet).collect::<Vec<_>>();
        let (mut often, mut late) = (Told::nothing(), Told::nothing());
        for step in steps {
            often.tell(step, &Policy::default(), true);
            late.tell(step, &Policy::default(), false);
        }
        late.done.extend(late.book.tick(&Policy::default(), late.now));
        let states = |told: &Told| {
            let states = told.book.iter().map(|it| (it.core().key.clone(), it.state()));
            states.filter(|(_, state)| *state != State::Resolved).collect::<Vec<_>>()
        };
        prop_assert_eq!(states(&often), states(&late));
    }

    #[test]
    fn what_is_kept_is_read_as_it_was(steps in steps()) {
        let told = Told::all(&steps);
        for incident in told.book.iter() {
            let text = serde_json::to_string(incident).unwrap();
            prop_assert_eq!(&serde_json::from_str::<Incident>(&text).unwrap(), incident, "{}", text);
        }
        for done in &told.done {
            let text = serde_json::to_string(done).unwrap();
            prop_assert_eq!(&serde_json::from_str::<Transition>(&text).unwrap(), done, "{}", text);
        }
    }
}

#[test]
fn each_state_has_its_name_in_what_is_kept() {
    let mut told = Told::nothing();
    let look = |verdict| {
        Step::Look(Signal {
            key: Key::new("site-status", "tenant", "a"),
            witness: "a".into(),
            verdict,
            members: Members::Witness,
            account: Account::default(),
        })
    };
    let mut names = Vec::new();
    for step in [
        look(Verdict::Firing),
        look(Verdict::Firing),
        look(Verdict::Firing),
        Step::Wait(15),
        look(Verdict::Clear),
        look(Verdict::Clear),
        Step::Wait(60),
        look(Verdict::Firing),
    ] {
        told.tell(&step, &Policy::default(), true);
        for incident in told.book.iter() {
            let kept = serde_json::to_value(incident).unwrap();
            let Some(state) = kept["state"].as_str() else {
                panic!("{kept}")
            };
            assert_eq!(state, incident.state().to_string());
            names.push(state.to_owned());
        }
    }
    names.dedup();
    assert_eq!(names, ["pending", "firing", "recovering", "resolved", "pending"]);
}
