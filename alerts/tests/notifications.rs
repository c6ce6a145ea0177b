//! What people are told of incidents, and when: played in a time of its own.
#![expect(clippy::unwrap_used, reason = "a test may fail")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use roundsman_alerts::notification::{
    Alerting, Calendar, Changes, Delivery, DeliveryId, Destination, Dossier, Failure, GroupBy, Message, Mutes, Outcome,
    Prose, Reason, Receiver, Route, Routing, Status, Thread, Window,
};
use roundsman_alerts::{
    Account, Book, Key, Members, Now, Policy, Repair, RepairState, Severity, Signal, Silence, State, Verdict,
};

/// A world in which only time, looks and servers happen.
struct World {
    now: Now,
    book: Book,
    policy: Policy,
    routing: Routing,
    dossier: Dossier,
    alerting: Alerting,
    silences: Vec<Silence>,
    inhibited: BTreeSet<Key>,
    /// What a server does with what it gets.
    servers: BTreeMap<String, Outcome>,
    /// All that arrived: when, where, what.
    arrived: Vec<(Duration, String, Message)>,
    attempts: usize,
    /// What a database would hold.
    kept: (BTreeMap<String, Thread>, BTreeMap<DeliveryId, Delivery>),
}

fn start() -> Timestamp {
    "2026-01-05T10:00:00Z".parse().unwrap()
}

fn receiver(name: &str, recipients: &[&str]) -> Receiver {
    let to = |recipient: Option<&str>| Destination {
        channel: name.into(),
        recipient: recipient.map(Arc::from),
    };
    Receiver {
        channel: name.into(),
        to: match recipients {
            [] => vec![to(None)],
            several => several.iter().map(|recipient| to(Some(recipient))).collect(),
        },
        acknowledges: name == "pager",
    }
}

fn refused(why: &str) -> Outcome {
    Outcome::Failed(Failure {
        why: why.to_owned(),
        ..Failure::default()
    })
}

fn unreachable() -> Outcome {
    Outcome::Failed(Failure {
        why: "connection refused".to_owned(),
        unreachable: true,
        ..Failure::default()
    })
}

fn permanent(why: &str) -> Outcome {
    Outcome::Failed(Failure {
        why: why.to_owned(),
        permanent: true,
        ..Failure::default()
    })
}

impl World {
    fn new(receivers: Vec<Receiver>) -> Self {
        let title = |cause: &str, title: &str| {
            let prose = Prose {
                title: title.to_owned(),
                meaning: "It means something.".to_owned(),
            };
            (cause.to_owned(), prose)
        };
        Self {
            now: Now::at(start()),
            book: Book::default(),
            policy: Policy::default(),
            routing: Routing {
                receivers,
                ..Routing::default()
            },
            dossier: Dossier {
                domain: "example.com".to_owned(),
                vantage: "lhr".to_owned(),
                prose: [title("app-stopped", "The app does not run")].into(),
            },
            alerting: Alerting::default(),
            silences: Vec::new(),
            inhibited: BTreeSet::new(),
            servers: BTreeMap::new(),
            arrived: Vec::new(),
            attempts: 0,
            kept: Default::default(),
        }
    }

    fn mail() -> Self {
        Self::new(vec![receiver("ops", &[])])
    }

    fn since_start(&self) -> Duration {
        Duration::try_from(self.now.steady.duration_since(start())).unwrap()
    }

    /// Says of a tenant or of what is shared how it is; one look confirms it.
    fn see(&mut self, cause: &str, scope: &str, object: &str, verdict: Verdict) {
        self.see_at(cause, scope, object, verdict, Severity::Warning, Members::Witness);
    }

    fn see_at(
        &mut self,
        cause: &str,
        scope: &str,
        object: &str,
        verdict: Verdict,
        severity: Severity,
        members: Members,
    ) {
        let account = Account {
            severity,
            at_once: true,
            evidence: vec![format!("{object} fails")],
            remedy: vec![format!("fix {object}")],
            changed: Some("image v42 → v43".to_owned()),
            ..Account::default()
        };
        self.hear(&Signal {
            key: Key::new(cause, scope, object),
            witness: object.into(),
            verdict,
            members,
            account,
        });
    }

    fn hear(&mut self, signal: &Signal) {
        let done = self.book.observe(signal, &self.policy, self.now);
        let (routing, dossier) = (&self.routing, &self.dossier);
        self.alerting.hear(&done, &mut self.book, routing, dossier, self.now);
        self.turn();
    }

    fn repair(&mut self, key: &Key, repair: Repair) {
        let done = self.book.repaired(key, repair, self.now);
        let done = done.into_iter().collect::<Vec<_>>();
        let (routing, dossier) = (&self.routing, &self.dossier);
        self.alerting.hear(&done, &mut self.book, routing, dossier, self.now);
        self.turn();
    }

    fn fails(&mut self, tenant: &str) {
        self.see("app-stopped", "tenant", tenant, Verdict::Firing);
    }

    fn passes(&mut self, tenant: &str) {
        self.see("app-stopped", "tenant", tenant, Verdict::Clear);
    }

    /// Decides, sends and keeps.
    fn turn(&mut self) {
        let done = self.book.tick(&self.policy, self.now);
        let (routing, dossier) = (&self.routing, &self.dossier);
        self.alerting.hear(&done, &mut self.book, routing, dossier, self.now);
        let mutes = Mutes {
            silences: &self.silences,
            inhibited: &self.inhibited,
            blind: self.book.is_frozen(),
        };
        self.alerting.tick(&self.book, &mutes, routing, dossier, self.now);
        let mut due = self.alerting.take(self.now);
        self.keep();
        while let Some(delivery) = due.pop() {
            self.attempts += 1;
            let to = delivery.to.to_string();
            let outcome = self
                .servers
                .get(&to)
                .cloned()
                .unwrap_or(Outcome::Delivered("250 ok".to_owned()));
            if matches!(outcome, Outcome::Delivered(_)) {
                self.arrived.push((self.since_start(), to, (*delivery.message).clone()));
            }
            self.alerting.settle(&delivery.id, outcome, self.now);
            due.extend(self.alerting.take(self.now));
        }
        self.keep();
    }

    fn keep(&mut self) {
        let Changes {
            threads,
            threads_gone,
            deliveries,
        } = self.alerting.take_changes();
        let (kept, outbox) = &mut self.kept;
        kept.extend(threads.into_iter().map(|thread| (thread.id.to_string(), thread)));
        threads_gone.iter().for_each(|id| drop(kept.remove(id.as_str())));
        for (id, delivery) in deliveries {
            match delivery {
                Some(delivery) => drop(outbox.insert(id, delivery)),
                None => drop(outbox.remove(&id)),
            }
        }
    }

    /// The process ends and another one goes on.
    fn restart(&mut self) {
        let incidents = self.book.iter().cloned().collect::<Vec<_>>();
        self.book = Book::restored(incidents, self.book.number(), &self.policy, self.now);
        let (threads, outbox) = self.kept.clone();
        self.alerting = Alerting::restored(threads.into_values(), outbox.into_values(), &self.book, self.now);
        self.turn();
    }

    /// Lets time pass, turning whenever something is due.
    fn wait(&mut self, seconds: u64) {
        let until = self.now.plus(Duration::from_secs(seconds));
        loop {
            let wake = [self.book.next_wake(), self.alerting.next_wake()]
                .into_iter()
                .flatten()
                .min();
            let next = wake.filter(|wake| *wake < until.steady).unwrap_or(until.steady);
            let by = Duration::try_from(next.duration_since(self.now.steady)).unwrap_or_default();
            self.now = self.now.plus(by.max(Duration::from_millis(1)));
            if self.now.steady >= until.steady {
                self.now = until;
                self.turn();
                return;
            }
            self.turn();
        }
    }

    /// What arrived: the second, the reason, and how many it concerned.
    fn told(&self) -> Vec<(u64, Reason, usize)> {
        let all = self.arrived.iter();
        all.map(|(at, _, message)| (at.as_secs(), message.reason, message.tenants_total))
            .collect()
    }

    fn reasons(&self) -> Vec<Reason> {
        self.arrived.iter().map(|(_, _, message)| message.reason).collect()
    }

    fn silence(&mut self, matcher: &str, seconds: u64) {
        self.silences.push(Silence {
            id: format!("sil-{}", self.silences.len()),
            matchers: vec![matcher.parse().unwrap()],
            starts_at: self.now.wall,
            ends_at: self.now.plus(Duration::from_secs(seconds)).wall,
            comment: String::new(),
        });
        self.alerting.look_again(&self.routing, self.now);
    }
}

#[test]
fn four_hundred_stopped_apps_are_one_message_and_updates_as_they_double() {
    let mut world = World::mail();
    for number in 0..400 {
        world.fails(&format!("t{number}"));
        world.wait(1);
    }
    world.wait(3_600);
    let told = world.told();
    // Held while more came, for a minute at most.
    assert_eq!(told[0].1, Reason::First);
    assert!((15..=60).contains(&told[0].0), "{told:?}");
    assert!(
        told.iter()
            .skip(1)
            .all(|(_, reason, _)| *reason == Reason::MembershipDoubled),
        "{told:?}"
    );
    assert!(told.windows(2).all(|two| two[1].0 - two[0].0 >= 300), "{told:?}");
    assert!(told.len() <= 4, "{told:?}");
    // The last of them do not double it any more.
    assert!(told.last().unwrap().2 > 200, "{told:?}");
    let last = &world.arrived.last().unwrap().2;
    assert_eq!((last.tenants.len(), last.incidents.len()), (20, 20));
    let subjects = world
        .arrived
        .iter()
        .map(|(_, _, message)| &message.subject)
        .collect::<BTreeSet<_>>();
    assert_eq!(subjects.len(), 1);
    assert!(serde_json::to_string(last).unwrap().len() < 32 * 1024);
}

#[test]
fn all_is_over_is_told_once_to_whom_it_was_told() {
    let mut world = World::mail();
    world.fails("a");
    world.fails("b");
    world.wait(100);
    assert_eq!(world.reasons(), [Reason::First]);
    world.passes("a");
    world.wait(10);
    assert_eq!(world.reasons(), [Reason::First]);
    world.passes("b");
    assert_eq!(world.reasons(), [Reason::First, Reason::Resolved]);
    assert_eq!(world.arrived[1].2.status, Status::Resolved);
    assert_eq!(world.arrived[1].2.thread, world.arrived[0].2.thread);
    world.wait(3 * 86_400);
    assert_eq!(world.arrived.len(), 2);
    assert!(world.kept.0.is_empty() && world.kept.1.is_empty());
}

#[test]
fn what_ends_before_it_was_told_is_never_told() {
    let mut world = World::mail();
    world.fails("a");
    world.wait(10);
    world.passes("a");
    world.wait(86_400);
    assert_eq!(world.arrived.len(), 0);
    assert!(world.kept.0.is_empty());
}

#[test]
fn what_was_repaired_by_itself_is_told_at_once_also_where_nobody_was_told_of_it() {
    let repair = |state, line: &str| Repair {
        state,
        lines: vec![line.to_owned()],
    };
    let key = Key::new("app-stopped", "tenant", "a");
    let mut quick = World::mail();
    quick.fails("a");
    quick.wait(3);
    quick.repair(&key, repair(RepairState::Done, "repaired by itself: x"));
    quick.wait(3);
    assert_eq!(quick.reasons(), [Reason::Repaired]);
    assert_eq!(quick.arrived[0].2.repair, ["repaired by itself: x"]);
    quick.passes("a");
    quick.wait(300);
    assert_eq!(quick.reasons(), [Reason::Repaired, Reason::Resolved]);
    // Over before anybody could be told.
    let mut over = World::mail();
    over.fails("a");
    over.wait(1);
    over.repair(&key, repair(RepairState::Done, "repaired by itself: x"));
    over.passes("a");
    over.wait(86_400);
    assert_eq!(over.reasons(), [Reason::Repaired, Reason::Resolved]);
    // What is only planned comes with the first message; what holds it back is told once, in its thread.
    let mut held = World::mail();
    held.fails("a");
    held.wait(3);
    held.repair(&key, repair(RepairState::Planned, "what would be done: x"));
    held.wait(60);
    assert_eq!(held.reasons(), [Reason::First]);
    assert_eq!(held.arrived[0].2.repair, ["what would be done: x"]);
    for minute in 0..5 {
        held.repair(&key, repair(RepairState::Held, &format!("budget: {minute}")));
        held.wait(60);
    }
    assert_eq!(held.reasons(), [Reason::First, Reason::RepairHeld]);
    held.repair(
        &key,
        repair(RepairState::Failed, "a repair was done and did not help: x"),
    );
    held.wait(3);
    assert_eq!(
        held.reasons(),
        [Reason::First, Reason::RepairHeld, Reason::RepairFailed]
    );
}

#[test]
fn half_of_it_over_is_told_with_the_rest_that_goes_on() {
    let mut world = World::mail();
    for tenant in ["a", "b", "c", "d"] {
        world.fails(tenant);
    }
    world.wait(400);
    world.passes("a");
    world.wait(400);
    assert_eq!(world.reasons(), [Reason::First]);
    world.passes("b");
    world.wait(400);
    assert_eq!(world.reasons(), [Reason::First, Reason::PartlyResolved]);
    let message = &world.arrived[1].2;
    assert_eq!(
        (message.tenants.as_slice(), message.incidents_open),
        (&["c".to_owned(), "d".to_owned()][..], 2)
    );
}

#[test]
fn repeats_by_severity_until_somebody_looks_after_it() {
    let mut world = World::mail();
    world.see_at(
        "x",
        "fleet",
        "edge",
        Verdict::Firing,
        Severity::Critical,
        Members::Witness,
    );
    world.wait(9 * 3_600);
    let hours = |world: &World| world.told().iter().map(|told| told.0 / 3_600).collect::<Vec<_>>();
    assert_eq!(hours(&world), [0, 4, 8]);
    let id = world.book.iter().next().unwrap().core().id.clone();
    let done = world.book.acknowledge(&id, "mine", world.now).unwrap();
    world
        .alerting
        .hear(&[done], &mut world.book, &world.routing, &world.dossier, world.now);
    world.wait(48 * 3_600);
    assert_eq!(hours(&world), [0, 4, 8]);
    world.see_at(
        "x",
        "fleet",
        "edge",
        Verdict::Clear,
        Severity::Critical,
        Members::Witness,
    );
    assert_eq!(world.reasons().last(), Some(&Reason::Resolved));
}

#[test]
fn what_grows_more_urgent_or_wrong_in_another_way_is_told_once_each_five_minutes_apart() {
    let mut world = World::mail();
    world.routing.group_by = vec![GroupBy::Scope];
    world.fails("a");
    world.wait(60);
    world.see_at(
        "app-stopped",
        "tenant",
        "a",
        Verdict::Firing,
        Severity::Critical,
        Members::Witness,
    );
    world.see("site-status", "tenant", "b", Verdict::Firing);
    world.wait(1_000);
    let told = world.told();
    assert_eq!((told[0].1, told[1].1), (Reason::First, Reason::SeverityRaised));
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[1].0 >= told[0].0 + 300);
    world.see("site-body", "tenant", "c", Verdict::Firing);
    world.wait(1_000);
    assert_eq!(world.reasons().last(), Some(&Reason::CauseChanged));
}

#[test]
fn a_tenant_that_comes_and_goes_all_day_is_four_messages() {
    // Every other round of five minutes it fails, long enough to be confirmed, and is over in between.
    let mut world = World::mail();
    let looks = |world: &mut World, verdict: Verdict, after: &[u64]| {
        for wait in after {
            let account = Account {
                severity: Severity::Warning,
                ..Account::default()
            };
            let signal = Signal {
                key: Key::new("site-status", "tenant", "a"),
                witness: "a".into(),
                verdict,
                members: Members::Witness,
                account,
            };
            world.hear(&signal);
            world.wait(*wait);
        }
    };
    for _ in 0..144 {
        looks(&mut world, Verdict::Firing, &[2, 3, 5, 290]);
        looks(&mut world, Verdict::Clear, &[30, 30, 30, 210]);
    }
    world.wait(3_600);
    assert_eq!(
        world.reasons(),
        [
            Reason::First,
            Reason::Resolved,
            Reason::FlappingStarted,
            Reason::FlappingEnded
        ]
    );
    assert_eq!(world.arrived[3].2.status, Status::Resolved);
}

#[test]
fn a_silence_mutes_what_begins_and_repeats_and_tells_once_what_is_left_of_it() {
    let mut world = World::mail();
    world.fails("a");
    world.wait(60);
    world.silence("tenant=*", 7_200);
    world.wait(10);
    world.see("site-status", "tenant", "b", Verdict::Firing);
    world.see("site-body", "tenant", "c", Verdict::Firing);
    world.wait(3_600);
    world.see("site-body", "tenant", "c", Verdict::Clear);
    world.wait(2_000);
    assert_eq!(world.reasons(), [Reason::First]);
    world.wait(3_600);
    // What began in it is told for the first time, what was told before once more, and what ended in it never.
    assert_eq!(
        world.reasons(),
        [Reason::First, Reason::StillFiring, Reason::StillFiring]
    );
    world.passes("a");
    assert_eq!(world.reasons().last(), Some(&Reason::Resolved));
}

#[test]
fn who_was_told_hears_of_the_end_also_in_a_silence() {
    let mut world = World::mail();
    world.fails("a");
    world.wait(60);
    world.silence("tenant=a", 7_200);
    world.wait(60);
    world.passes("a");
    assert_eq!(world.reasons(), [Reason::First, Reason::Resolved]);
}

#[derive(Debug)]
struct At(Timestamp);

impl Calendar for At {
    fn last(&self, until: Timestamp) -> Option<Timestamp> {
        (self.0 <= until).then_some(self.0)
    }
}

#[test]
fn a_maintenance_window_mutes_like_a_silence() {
    let mut world = World::mail();
    world.routing.windows = vec![Window {
        matchers: vec!["tenant=demo-*".parse().unwrap()],
        calendar: Arc::new(At(Now::at(start()).plus(Duration::from_secs(100)).wall)),
        duration: Duration::from_secs(1_000),
    }];
    world.wait(200);
    world.fails("demo-1");
    world.wait(60);
    assert_eq!(world.reasons(), []);
    world.wait(1_000);
    assert_eq!(world.told(), [(1_100, Reason::StillFiring, 1)]);
}

#[test]
fn what_something_wider_explains_is_not_told_beside_it() {
    let mut world = World::mail();
    world.fails("a");
    world.inhibited.insert(Key::new("app-stopped", "tenant", "a"));
    let members = Members::Others {
        joined: vec!["a".into(), "b".into()],
        left: vec![],
    };
    world.see_at(
        "edge-unreachable",
        "fleet",
        "edge",
        Verdict::Firing,
        Severity::Critical,
        members,
    );
    world.wait(600);
    assert_eq!(world.told(), [(15, Reason::First, 2)]);
    world.inhibited.clear();
    world.see_at(
        "edge-unreachable",
        "fleet",
        "edge",
        Verdict::Clear,
        Severity::Critical,
        Members::default(),
    );
    world.wait(120);
    assert_eq!(world.reasons(), [Reason::First, Reason::Resolved, Reason::StillFiring]);
}

#[test]
fn nothing_is_said_of_tenants_while_nothing_can_be_seen() {
    let mut world = World::mail();
    world.fails("a");
    world.see_at(
        "vantage-offline",
        "agent",
        "vantage",
        Verdict::Firing,
        Severity::Critical,
        Members::default(),
    );
    world.book.freeze(world.now);
    world.wait(4_000);
    assert_eq!(world.arrived.len(), 1);
    assert_eq!(world.arrived[0].2.cause, "vantage-offline");
}

#[test]
fn the_first_route_that_matches_says_who_is_told() {
    let mut world = World::new(vec![
        receiver("ops", &[]),
        receiver("team", &[]),
        receiver("pager", &[]),
    ]);
    let route = |matchers: &[&str], channels: &[&str]| Route {
        matchers: matchers.iter().map(|matcher| matcher.parse().unwrap()).collect(),
        channels: channels.iter().map(|name| Arc::from(*name)).collect(),
        fallback: Vec::new(),
    };
    world.routing.routes = vec![
        route(&["tenant=a*"], &["team"]),
        route(&["severity=critical"], &["pager", "ops"]),
        route(&["scope=fleet"], &["ops"]),
    ];
    world.fails("a1");
    world.fails("b1");
    let members = Members::Others {
        joined: vec!["a1".into()],
        left: vec![],
    };
    world.see_at(
        "edge-unreachable",
        "fleet",
        "edge",
        Verdict::Firing,
        Severity::Critical,
        members,
    );
    world.wait(100);
    let told = world
        .arrived
        .iter()
        .map(|(_, to, message)| (to.as_str(), message.cause.as_str()));
    // What concerns the fleet is nobody's own, and nobody wanted to hear of b1.
    let mut told = told.collect::<Vec<_>>();
    told.sort_unstable();
    assert_eq!(
        told,
        [
            ("ops", "edge-unreachable"),
            ("pager", "edge-unreachable"),
            ("team", "app-stopped")
        ]
    );
}

#[test]
fn a_server_that_is_away_gets_all_of_it_once_and_in_order_when_it_is_back() {
    let mut world = World::mail();
    world.servers.insert("ops".to_owned(), unreachable());
    world.fails("a");
    world.see("site-status", "tenant", "b", Verdict::Firing);
    world.wait(3_600);
    assert_eq!(world.arrived.len(), 0);
    // One attempt for all that waits, each two minutes at most.
    assert!((30..=40).contains(&world.attempts), "{}", world.attempts);
    world.passes("a");
    world.wait(60);
    world.servers.clear();
    world.wait(180);
    let told = world
        .arrived
        .iter()
        .map(|(_, _, message)| (message.cause.as_str(), message.reason));
    assert_eq!(
        told.collect::<Vec<_>>(),
        [("app-stopped", Reason::Recovered), ("site-status", Reason::First)]
    );
    assert!(world.kept.1.is_empty());
}

#[test]
fn a_message_that_may_have_arrived_is_sent_again_by_the_same_name_and_before_the_end() {
    let mut world = World::mail();
    let perhaps = Outcome::Failed(Failure {
        why: "the server closed before its last reply".to_owned(),
        unreachable: true,
        perhaps: true,
        ..Failure::default()
    });
    world.servers.insert("ops".to_owned(), perhaps);
    world.fails("a");
    world.wait(30);
    world.passes("a");
    world.wait(30);
    let id = world.alerting.deliveries().next().unwrap().message.id.clone();
    world.servers.clear();
    world.wait(180);
    assert_eq!(world.reasons(), [Reason::First, Reason::Resolved]);
    assert_eq!(world.arrived[0].2.id, id);
}

#[test]
fn one_recipient_that_is_refused_costs_one_attempt_and_the_other_nothing() {
    let mut world = World::new(vec![receiver("ops", &["a@example.com", "b@example.com"])]);
    world
        .servers
        .insert("ops (b@example.com)".to_owned(), permanent("550 no such user"));
    world.fails("x");
    world.wait(3_600);
    assert_eq!(world.attempts, 2);
    assert_eq!(world.arrived.len(), 1);
    let troubles = world.alerting.troubles(&world.routing, world.now);
    let trouble = troubles
        .iter()
        .map(|(to, why)| format!("{to}: {why}"))
        .collect::<Vec<_>>();
    assert_eq!(
        trouble,
        ["ops (b@example.com): a message was given up: 550 no such user"]
    );
    // Who never heard that it fails does not hear that it is over, but for who tries it again.
    world.passes("x");
    world.wait(60);
    assert_eq!(world.attempts, 3);
    world.servers.clear();
    assert_eq!(world.alerting.retry(world.now), 1);
    world.turn();
    assert_eq!(world.reasons(), [Reason::First, Reason::Resolved, Reason::Recovered]);
    assert!(world.alerting.troubles(&world.routing, world.now).is_empty());
}

#[test]
fn a_channel_that_took_something_again_is_in_no_trouble_and_one_that_is_gone_neither() {
    let mut world = World::mail();
    world.servers.insert("ops".to_owned(), permanent("554 no"));
    world.fails("x");
    world.wait(60);
    assert_eq!(world.alerting.troubles(&world.routing, world.now).len(), 1);
    world.restart();
    assert_eq!(world.alerting.troubles(&world.routing, world.now).len(), 1);
    world.servers.clear();
    world.see("site-status", "tenant", "y", Verdict::Firing);
    world.wait(60);
    assert!(world.alerting.troubles(&world.routing, world.now).is_empty());
    // What was given up is there all the same, for whoever wants it sent.
    assert_eq!(world.alerting.deliveries().count(), 1);
    world.servers.insert("ops".to_owned(), unreachable());
    world.see("site-body", "tenant", "z", Verdict::Firing);
    world.wait(900);
    assert_eq!(world.alerting.troubles(&world.routing, world.now).len(), 1);
    world.routing.receivers.clear();
    world.alerting.look_again(&world.routing, world.now);
    world.turn();
    assert!(world.alerting.troubles(&world.routing, world.now).is_empty());
    assert_eq!(world.alerting.deliveries().count(), 0);
    assert!(world.kept.1.is_empty());
}

#[test]
fn not_now_is_tried_again_for_four_days_and_then_given_up() {
    let mut world = World::mail();
    world.servers.insert("ops".to_owned(), refused("451 try later"));
    world.fails("a");
    world.wait(2_000);
    assert_eq!(world.attempts, 5);
    world.wait(5 * 86_400);
    assert!((195..=205).contains(&world.attempts), "{}", world.attempts);
    let dead = world.alerting.deliveries().find(|delivery| delivery.dead).unwrap();
    assert!(
        dead.dead && dead.error.as_deref().unwrap().contains("451 try later"),
        "{dead:?}"
    );
}

#[test]
fn another_channel_is_told_of_what_is_critical_where_the_first_can_not_be_reached() {
    let mut world = World::new(vec![receiver("ops", &[]), receiver("pager", &[])]);
    world.routing.routes = vec![Route {
        matchers: Vec::new(),
        channels: vec!["ops".into()],
        fallback: vec!["pager".into()],
    }];
    world.servers.insert("ops".to_owned(), unreachable());
    world.fails("a");
    world.see_at(
        "edge-unreachable",
        "fleet",
        "edge",
        Verdict::Firing,
        Severity::Critical,
        Members::Witness,
    );
    world.wait(600);
    let told = world
        .arrived
        .iter()
        .map(|(at, to, message)| (at.as_secs(), to.as_str(), message.cause.as_str()));
    let told = told.collect::<Vec<_>>();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!((135..=140).contains(&told[0].0), "{told:?}");
    assert_eq!((told[0].1, told[0].2), ("pager", "edge-unreachable"));
    assert!(
        world.alerting.stuck(&world.routing, world.now).is_none(),
        "a warning is not late yet"
    );
    world.see_at(
        "edge-unreachable",
        "fleet",
        "edge",
        Verdict::Clear,
        Severity::Critical,
        Members::Witness,
    );
    world.wait(60);
    assert_eq!(
        world
            .arrived
            .last()
            .map(|(_, to, message)| (to.as_str(), message.reason)),
        Some(("pager", Reason::Resolved))
    );
    let stuck = world.alerting.stuck(&world.routing, world.now);
    assert!(stuck.is_some_and(|why| why.contains("connection refused")));
}

#[test]
fn a_restart_tells_nothing_twice_and_forgets_nothing() {
    let mut world = World::mail();
    world.fails("a");
    world.wait(5);
    world.restart();
    world.wait(60);
    assert_eq!(world.reasons(), [Reason::First]);
    world.restart();
    world.wait(600);
    assert_eq!(world.reasons(), [Reason::First]);
    world.servers.insert("ops".to_owned(), unreachable());
    world.passes("a");
    world.wait(60);
    world.restart();
    world.servers.clear();
    world.wait(180);
    assert_eq!(world.reasons(), [Reason::First, Reason::Resolved]);
    assert_eq!(world.arrived[0].2.thread, world.arrived[1].2.thread);
    assert_eq!(world.arrived[1].2.sequence, 2);
}

#[test]
fn what_comes_back_within_ten_minutes_goes_on_in_its_thread_over_a_restart() {
    let mut world = World::mail();
    world.fails("a");
    world.wait(60);
    world.passes("a");
    world.restart();
    world.wait(120);
    world.fails("a");
    world.wait(1_200);
    assert_eq!(
        world.reasons(),
        [
            Reason::First,
            Reason::Resolved,
            Reason::FlappingStarted,
            Reason::FlappingEnded
        ]
    );
    assert_eq!(world.arrived[3].2.status, Status::Firing);
    let threads = world
        .arrived
        .iter()
        .map(|(_, _, message)| &message.thread)
        .collect::<BTreeSet<_>>();
    assert_eq!(threads.len(), 1);
    assert_eq!(world.book.iter().next().unwrap().state(), State::Firing);
}

#[test]
fn an_acknowledgement_goes_to_services_that_keep_one() {
    let mut world = World::new(vec![receiver("ops", &[]), receiver("pager", &[])]);
    world.fails("a");
    world.wait(60);
    let id = world.book.iter().next().unwrap().core().id.clone();
    let done = world.book.acknowledge(&id, "mine", world.now).unwrap();
    world
        .alerting
        .hear(&[done], &mut world.book, &world.routing, &world.dossier, world.now);
    world.turn();
    let told = world
        .arrived
        .iter()
        .map(|(_, to, message)| (to.as_str(), message.reason))
        .collect::<Vec<_>>();
    assert_eq!(told.len(), 3);
    assert_eq!(told[2], ("pager", Reason::Acknowledged));
}

#[test]
fn nothing_that_a_peer_says_is_more_than_text() {
    let mut world = World::mail();
    let account = Account {
        at_once: true,
        evidence: vec![
            "<b>bold</b>\r\nBcc: x@y\u{202e}\u{1b}[2J".to_owned(),
            "x".repeat(10_000),
        ],
        remedy: vec!["y".repeat(10_000); 100],
        ..Account::default()
    };
    world.hear(&Signal {
        key: Key::new("site-status", "tenant", "a; rm -rf \r\n/"),
        witness: "a; rm -rf \r\n/".into(),
        verdict: Verdict::Firing,
        members: Members::Witness,
        account,
    });
    world.wait(30);
    let message = &world.arrived[0].2;
    let json = serde_json::to_string(message).unwrap();
    assert!(json.len() < 16 * 1024);
    let plain = |text: &str| !text.chars().any(|c| c.is_control() || c == '\u{202e}');
    assert!(
        message
            .evidence
            .iter()
            .chain(&message.tenants)
            .chain([&message.subject])
            .all(|text| plain(text))
    );
    assert_eq!(message.remedy.len(), 11);
    // No command is made of a name that means something to a shell.
    assert_eq!(message.silence, None);
}
