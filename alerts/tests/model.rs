//! Every story that a small world can tell, searched breadth first: whatever is heard, however long is waited, nothing can
//! be seen for a while, who looked is gone or the agent restarts. What the book says is compared with rules that are
//! written down a second time here, as plainly as they can be.
#![expect(clippy::panic, reason = "a test may fail")]

use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};
use std::time::Duration;

use jiff::Timestamp;
use roundsman_alerts::{
    Account, Book, Change, Incident, IncidentId, Key, Members, Now, Policy, Severity, Signal, State, Transition,
    Verdict,
};

/// Beyond this many seconds no rule of the small world tells times apart.
const LONG: u64 = 4;

/// What may happen.
#[derive(Clone, Copy, Debug)]
enum Action {
    /// A look at a witness.
    Look(&'static str, Told),
    /// A second passes, and nobody asks what that changes.
    Wait,
    /// Somebody asks what time has changed.
    Tick,
    Freeze,
    Thaw,
    Acknowledge,
    Forget(&'static str),
    Restart,
}

/// What a look says.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Told {
    Warning,
    Critical,
    Transient,
    AtOnce,
    Clear,
    Unknown,
}

/// What is known of a key by the rules alone. Moments are seconds of the steady clock.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Ledger {
    state: Option<State>,
    id: u64,
    /// Of each witness how often in a row it failed or passed, and since when.
    runs: BTreeMap<&'static str, Run>,
    severity: Severity,
    at_once: bool,
    transient: bool,
    acknowledged: bool,
    recovering: u64,
    /// When it was over, also of what comes back.
    resolved: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Run {
    fails: bool,
    looks: u32,
    since: u64,
}

/// One moment of one story.
#[derive(Clone)]
struct Node {
    book: Book,
    seconds: u64,
    frozen: Option<u64>,
    /// How many ids were given.
    given: u64,
    ledgers: Vec<Ledger>,
    depth: u32,
}

struct World {
    keys: Vec<Key>,
    actions: Vec<Action>,
    policy: Policy,
}

fn tenant() -> Key {
    Key::new("site-status", "tenant", "a.example.com")
}

fn agent() -> Key {
    Key::new("vantage-offline", "agent", "agent")
}

fn policy() -> Policy {
    Policy {
        confirm: 2,
        confirm_for: Duration::from_secs(2),
        transient_for: Duration::from_secs(3),
        clear: 2,
        clear_for: Duration::from_secs(2),
        reopen_within: Duration::from_secs(3),
    }
}

fn at(seconds: u64) -> Now {
    Now::at(Timestamp::UNIX_EPOCH).plus(Duration::from_secs(seconds))
}

fn signal(key: &Key, witness: &str, told: Told) -> Signal {
    Signal {
        key: key.clone(),
        witness: witness.into(),
        verdict: match told {
            Told::Clear => Verdict::Clear,
            Told::Unknown => Verdict::Unknown,
            _ => Verdict::Firing,
        },
        members: Members::Witness,
        account: Account {
            severity: match told {
                Told::Critical => Severity::Critical,
                _ => Severity::Warning,
            },
            transient: told == Told::Transient,
            at_once: told == Told::AtOnce,
            ..Account::default()
        },
    }
}

impl Ledger {
    fn new() -> Self {
        Self {
            state: None,
            id: 0,
            runs: BTreeMap::new(),
            severity: Severity::Info,
            at_once: false,
            transient: false,
            acknowledged: false,
            recovering: 0,
            resolved: None,
        }
    }

    fn fails(&self) -> bool {
        self.runs.values().any(|run| run.fails)
    }

    fn opens_at(&self, policy: &Policy) -> Option<u64> {
        let wait = match (self.at_once, self.transient) {
            (true, _) => Duration::ZERO,
            (false, true) => policy.transient_for,
            (false, false) => policy.confirm_for,
        };
        let confirmed = |run: &&Run| run.fails && (self.at_once || run.looks >= policy.confirm);
        let runs = self.runs.values().filter(confirmed);
        runs.map(|run| run.since + wait.as_secs()).min()
    }

    fn clears_at(&self, policy: &Policy) -> Option<u64> {
        let passed = |run: &Run| !run.fails && (self.at_once || run.looks >= policy.clear);
        let wait = match self.at_once {
            true => Duration::ZERO,
            false => policy.clear_for,
        };
        let all = self.runs.values().all(passed);
        all.then(|| self.recovering + wait.as_secs())
    }

    fn forgotten_at(&self, policy: &Policy) -> Option<u64> {
        self.resolved.map(|resolved| resolved + policy.reopen_within.as_secs())
    }

    /// When time alone changes something.
    fn due(&self, policy: &Policy) -> Option<u64> {
        match self.state? {
            State::Pending => self.opens_at(policy),
            State::Firing => None,
            State::Recovering => self.clears_at(policy),
            State::Resolved => self.forgotten_at(policy),
        }
    }

    fn may_open(&self, policy: &Policy, now: u64) -> bool {
        self.opens_at(policy).is_some_and(|at| at <= now)
    }

    fn may_resolve(&self, policy: &Policy, now: u64) -> bool {
        self.clears_at(policy).is_some_and(|at| at <= now)
    }

    fn may_reopen(&self, policy: &Policy, now: u64) -> bool {
        self.forgotten_at(policy).is_some_and(|at| now < at)
    }

    /// Takes in a look; `anew` where something begins by it.
    fn hear(&mut self, witness: &'static str, told: Told, anew: bool, now: u64) {
        if anew {
            self.runs.clear();
            self.severity = Severity::Info;
            self.acknowledged = false;
        }
        let fails = told != Told::Clear;
        if fails {
            self.severity = self.severity.max(match told {
                Told::Critical => Severity::Critical,
                _ => Severity::Warning,
            });
            (self.at_once, self.transient) = (told == Told::AtOnce, told == Told::Transient);
        }
        let fresh = Run {
            fails,
            looks: 0,
            since: now,
        };
        let run = self.runs.entry(witness).or_insert(fresh);
        if run.fails != fails {
            *run = fresh;
        }
        run.looks += 1;
    }

    /// Where a change leads; that it may happen in this state at all is asked for here.
    fn follow(&mut self, done: &Transition, given: &mut u64, policy: &Policy, now: u64) {
        let state = self.state;
        let from = |allowed: &[State]| {
            assert!(
                state.is_some_and(|state| allowed.contains(&state)),
                "{done:?} from {state:?}"
            );
        };
        self.state = match &done.change {
            Change::Began => {
                match (state, self.may_reopen(policy, now)) {
                    (Some(State::Resolved), true) => {}
                    (None | Some(State::Resolved), _) => {
                        *given += 1;
                        (self.id, self.resolved) = (*given, None);
                    }
                    _ => panic!("{done:?} from {state:?}"),
                }
                Some(State::Pending)
            }
            Change::Passed => {
                from(&[State::Pending]);
                self.resolved.map(|_| State::Resolved)
            }
            Change::Opened | Change::Reopened => {
                from(&[State::Pending]);
                assert_eq!(done.change == Change::Reopened, self.resolved.is_some());
                self.resolved = None;
                Some(State::Firing)
            }
            Change::Recovering => {
                from(&[State::Firing]);
                self.recovering = now;
                Some(State::Recovering)
            }
            Change::Relapsed => {
                from(&[State::Recovering]);
                Some(State::Firing)
            }
            Change::Resolved => {
                from(&[State::Recovering]);
                (self.resolved, self.acknowledged) = (Some(now), false);
                Some(State::Resolved)
            }
            Change::Closed => {
                from(&[State::Pending, State::Firing, State::Recovering]);
                assert!(self.resolved.is_none(), "what was over does not end untold");
                self.acknowledged = false;
                None
            }
            _ => state,
        };
        assert_eq!(done.id, IncidentId::of(self.id));
    }

    /// The same for all stories that go on alike from here.
    fn normal(&self, now: u64) -> Self {
        let age = |moment: u64| (now - moment).min(LONG);
        let mut normal = Self {
            id: 0,
            recovering: 0,
            resolved: self.resolved.map(age),
            ..self.clone()
        };
        for run in normal.runs.values_mut() {
            run.looks = run.looks.min(2);
            run.since = if run.fails { age(run.since) } else { 0 };
        }
        match self.state {
            Some(State::Recovering) => normal.recovering = age(self.recovering),
            Some(State::Pending | State::Firing) => {}
            // Of what is over only how long it is.
            state => {
                normal = Self {
                    state,
                    resolved: state.and(normal.resolved),
                    ..Self::new()
                }
            }
        }
        normal
    }
}

impl Node {
    fn is_held(&self, key: &Key) -> bool {
        self.frozen.is_some() && &*key.scope != "agent"
    }

    /// The moment that counts for a key: time stands still while nothing can be seen.
    fn moment(&self, key: &Key) -> u64 {
        self.frozen.filter(|_| self.is_held(key)).unwrap_or(self.seconds)
    }

    fn normal(&self, world: &World) -> (Option<u64>, Vec<Ledger>) {
        let ledgers = world.keys.iter().zip(&self.ledgers);
        (
            self.frozen.map(|frozen| (self.seconds - frozen).min(LONG)),
            ledgers.map(|(key, ledger)| ledger.normal(self.moment(key))).collect(),
        )
    }

    /// Everything that the book says of itself.
    fn told(&self) -> (Vec<Incident>, Option<Timestamp>, bool, u64) {
        let book = &self.book;
        (
            book.iter().cloned().collect(),
            book.next_wake(),
            book.is_frozen(),
            book.number(),
        )
    }
}

impl World {
    fn start(&self) -> Node {
        Node {
            book: Book::default(),
            seconds: 0,
            frozen: None,
            given: 0,
            ledgers: vec![Ledger::new(); self.keys.len()],
            depth: 0,
        }
    }

    /// What a node leads to. Every rule of a single step is asked for here.
    fn step(&self, node: &Node, action: Action, on: usize) -> Node {
        let mut next = node.clone();
        next.depth += 1;
        let key = &self.keys[on];
        let now = at(node.seconds);
        let before = node.ledgers[on].clone();
        let done = match action {
            Action::Look(witness, told) => next.book.observe(&signal(key, witness, told), &self.policy, now),
            Action::Wait => {
                next.seconds += 1;
                Vec::new()
            }
            Action::Tick => next.book.tick(&self.policy, now),
            Action::Freeze => {
                next.book.freeze(now);
                next.frozen.get_or_insert(node.seconds);
                Vec::new()
            }
            Action::Thaw => {
                next.book.thaw(&self.policy, now);
                self.thaw(&mut next);
                Vec::new()
            }
            Action::Acknowledge => {
                let open = matches!(before.state, Some(State::Firing | State::Recovering));
                let done = next.book.acknowledge(&IncidentId::of(before.id), "looking", now);
                assert_eq!(done.is_ok(), open);
                next.ledgers[on].acknowledged |= open;
                done.into_iter().collect()
            }
            Action::Forget(witness) => {
                let done = next.book.forget_witness(key, witness, &self.policy, now);
                next.ledgers[on].runs.remove(witness);
                done
            }
            Action::Restart => {
                self.restart(&mut next, now);
                Vec::new()
            }
        };
        self.hear(node, &mut next, action, on, &done);
        self.compare(&next);
        next
    }

    fn thaw(&self, node: &mut Node) {
        let Some(frozen) = node.frozen.take() else { return };
        let by = node.seconds - frozen;
        for (_, ledger) in self
            .keys
            .iter()
            .zip(&mut node.ledgers)
            .filter(|(key, _)| &*key.scope != "agent")
        {
            ledger.runs.values_mut().for_each(|run| run.since += by);
            ledger.recovering += by;
            ledger.resolved = ledger.resolved.map(|resolved| resolved + by);
        }
    }

    /// A restart changes no state: what recovers waits anew, and whatever waits asks for one more look.
    fn restart(&self, node: &mut Node, now: Now) {
        let before = node.told();
        node.book = Book::restored(before.0.iter().cloned(), node.book.number(), &self.policy, now);
        node.frozen = None;
        let mut expected = before.0;
        for incident in &mut expected {
            match incident {
                Incident::Recovering(recovering) => {
                    recovering.since = now.steady;
                    let witnesses = recovering.core.witnesses.values_mut();
                    witnesses.for_each(|witness| witness.looks = witness.looks.min(self.policy.clear - 1));
                }
                Incident::Pending(pending) => {
                    let failing = pending.core.witnesses.values_mut().filter(|witness| witness.fails);
                    failing.for_each(|witness| witness.looks = witness.looks.min(self.policy.confirm - 1));
                }
                Incident::Firing(_) | Incident::Resolved(_) => {}
            }
        }
        assert!(node.book.iter().eq(&expected));
        let seconds = node.seconds;
        for ledger in &mut node.ledgers {
            ledger.recovering = seconds;
            let (fails, most) = match ledger.state {
                Some(State::Pending) => (true, self.policy.confirm - 1),
                Some(State::Recovering) => (false, self.policy.clear - 1),
                _ => continue,
            };
            let such = ledger.runs.values_mut().filter(|run| run.fails == fails);
            such.for_each(|run| run.looks = run.looks.min(most));
        }
    }

    /// Follows what is said to have happened, and asks whether it may have.
    fn hear(&self, before: &Node, after: &mut Node, action: Action, on: usize, done: &[Transition]) {
        if let Action::Look(_, told) = action
            && (told == Told::Unknown || before.is_held(&self.keys[on]))
        {
            assert!(done.is_empty());
            assert_eq!(before.told(), after.told(), "what is not known changes nothing at all");
            return;
        }
        if matches!(action, Action::Tick) {
            assert!(
                done.iter().all(|done| !before.is_held(&done.key)),
                "nothing happens while frozen"
            );
        }
        let moments = self.keys.iter().map(|key| before.moment(key)).collect::<Vec<_>>();
        let began = done.iter().any(|done| done.change == Change::Began);
        let unheard = after.ledgers[on].clone();
        if let Action::Look(witness, told) = action
            && (began || before.ledgers[on].state.is_some_and(|state| state != State::Resolved))
        {
            // What was over by time alone before the look is not heard any more.
            let over = done.iter().any(|done| done.change == Change::Resolved) && told == Told::Clear;
            let ended_before = over && unheard.may_resolve(&self.policy, moments[on]);
            if !ended_before {
                after.ledgers[on].hear(witness, told, began, moments[on]);
            }
        }
        for done in done {
            let Some(at) = self.keys.iter().position(|key| *key == done.key) else {
                panic!("{done:?} of no key");
            };
            let heard = after.ledgers[at].clone();
            let either = |rule: &dyn Fn(&Ledger) -> bool| rule(&heard) || at == on && rule(&unheard);
            match done.change {
                Change::Opened | Change::Reopened => {
                    assert!(either(&|ledger| ledger.may_open(&self.policy, moments[at])), "{done:?}");
                }
                Change::Resolved => {
                    // It began to recover in this very step only where one look is enough.
                    let rule = |ledger: &Ledger| ledger.may_resolve(&self.policy, moments[at]);
                    assert!(either(&rule), "{done:?}");
                }
                Change::Rose { from, to } => assert!(from < to),
                _ => {}
            }
            after.ledgers[at].follow(done, &mut after.given, &self.policy, moments[at]);
        }
        // What can't come back any more is forgotten without a word.
        for (at, key) in self.keys.iter().enumerate() {
            let ledger = &mut after.ledgers[at];
            if ledger.state == Some(State::Resolved) && after.book.get(key).is_none() {
                assert!(!ledger.may_reopen(&self.policy, moments[at]), "forgotten too early");
                *ledger = Ledger {
                    id: ledger.id,
                    ..Ledger::new()
                };
            }
        }
    }

    /// The book knows what the rules know.
    fn compare(&self, node: &Node) {
        assert_eq!(node.book.number(), node.given);
        assert_eq!(node.book.is_frozen(), node.frozen.is_some());
        let free = self
            .keys
            .iter()
            .zip(&node.ledgers)
            .filter(|(key, _)| !node.is_held(key));
        let wake = free.filter_map(|(_, ledger)| ledger.due(&self.policy)).min();
        assert_eq!(node.book.next_wake(), wake.map(|seconds| at(seconds).steady));
        for (key, ledger) in self.keys.iter().zip(&node.ledgers) {
            let incident = node.book.get(key);
            assert_eq!(incident.map(Incident::state), ledger.state);
            let Some(incident) = incident else { continue };
            let core = incident.core();
            assert_eq!(core.id, IncidentId::of(ledger.id));
            assert_eq!(core.acknowledged.is_some(), ledger.acknowledged);
            let (recovering, resolved) = match incident {
                Incident::Pending(pending) => (None, pending.reopens.as_ref().map(|before| before.resolved)),
                Incident::Firing(_) => (None, None),
                Incident::Recovering(recovering) => (Some(recovering.since), None),
                Incident::Resolved(resolved) => (None, Some(resolved.resolved)),
            };
            assert_eq!(
                resolved.map(|now| now.steady),
                ledger.resolved.map(|seconds| at(seconds).steady)
            );
            assert!(recovering.is_none_or(|since| since == at(ledger.recovering).steady));
            if ledger.state == Some(State::Resolved) {
                continue;
            }
            assert_eq!(core.severity, ledger.severity);
            assert_eq!(ledger.fails(), ledger.state != Some(State::Recovering));
            let runs = core.witnesses.iter();
            let runs = runs.map(|(name, run)| (&**name, run.fails, run.looks, run.since.as_second()));
            let known = ledger.runs.iter();
            let known = known.map(|(name, run)| (*name, run.fails, run.looks, run.since.cast_signed()));
            assert!(runs.eq(known), "{:?} {:?}", core.witnesses, ledger.runs);
            let failing = ledger.runs.iter().filter(|(_, run)| run.fails).map(|(name, _)| *name);
            let members = core.members.iter().map(|member| &**member);
            assert_eq!(members.collect::<BTreeSet<_>>(), failing.collect::<BTreeSet<_>>());
        }
    }

    /// What time alone does: all that it should, nothing before it is due, and nothing twice.
    fn let_time_pass(&self, node: &Node) {
        let ticked = self.step(node, Action::Tick, 0);
        let again = self.step(&ticked, Action::Tick, 0);
        assert_eq!(ticked.told(), again.told(), "a second tick at one moment does nothing");
        for (key, ledger) in self
            .keys
            .iter()
            .zip(&ticked.ledgers)
            .filter(|(key, _)| !node.is_held(key))
        {
            let now = node.moment(key);
            match ledger.state {
                Some(State::Pending) => assert!(!ledger.may_open(&self.policy, now)),
                Some(State::Recovering) => assert!(!ledger.may_resolve(&self.policy, now)),
                Some(State::Resolved) => assert!(ledger.may_reopen(&self.policy, now)),
                Some(State::Firing) | None => {}
            }
        }
        let mut later = ticked.clone();
        for _ in 0..LONG {
            later.seconds += 1;
            let wake = later.book.next_wake();
            let due = wake.is_some_and(|wake| wake <= at(later.seconds).steady);
            let changed = self.step(&later, Action::Tick, 0).told() != later.told();
            assert_eq!(changed, due, "the book says when time changes something");
            if due {
                break;
            }
        }
    }

    /// Everything that can be reached: how many moments that go on differently, and how many steps the farthest takes.
    fn explore(&self) -> (usize, u32) {
        let start = self.start();
        let mut known = HashSet::from([start.normal(self)]);
        let mut open = VecDeque::from([start]);
        let mut depth = 0;
        while let Some(node) = open.pop_front() {
            depth = node.depth;
            self.let_time_pass(&node);
            for action in &self.actions {
                let everywhere = matches!(
                    action,
                    Action::Wait | Action::Tick | Action::Freeze | Action::Thaw | Action::Restart
                );
                for on in 0..if everywhere { 1 } else { self.keys.len() } {
                    let next = self.step(&node, *action, on);
                    if known.insert(next.normal(self)) {
                        open.push_back(next);
                    }
                }
            }
        }
        (known.len(), depth)
    }
}

#[test]
fn two_witnesses_of_a_tenant_tell_no_story_against_the_rules() {
    let world = World {
        keys: vec![tenant()],
        actions: vec![
            Action::Look("a", Told::Warning),
            Action::Look("a", Told::Clear),
            Action::Look("a", Told::Unknown),
            Action::Look("b", Told::Warning),
            Action::Look("b", Told::Clear),
            Action::Wait,
            Action::Tick,
            Action::Freeze,
            Action::Thaw,
            Action::Forget("a"),
            Action::Restart,
        ],
        policy: policy(),
    };
    assert_eq!(world.explore(), (4_176, 23));
}

#[test]
fn whatever_is_told_of_one_witness_keeps_the_rules() {
    let world = World {
        keys: vec![tenant()],
        actions: vec![
            Action::Look("a", Told::Warning),
            Action::Look("a", Told::Critical),
            Action::Look("a", Told::Transient),
            Action::Look("a", Told::AtOnce),
            Action::Look("a", Told::Clear),
            Action::Wait,
            Action::Tick,
            Action::Freeze,
            Action::Thaw,
            Action::Acknowledge,
            Action::Forget("a"),
            Action::Restart,
        ],
        policy: policy(),
    };
    assert_eq!(world.explore(), (2_052, 15));
}

#[test]
fn the_agent_goes_on_while_tenants_are_frozen() {
    let world = World {
        keys: vec![tenant(), agent()],
        actions: vec![
            Action::Look("a", Told::Warning),
            Action::Look("a", Told::Clear),
            Action::Wait,
            Action::Tick,
            Action::Forget("a"),
            Action::Freeze,
            Action::Thaw,
        ],
        policy: policy(),
    };
    assert_eq!(world.explore(), (21_600, 25));
}
