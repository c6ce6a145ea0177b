//! What waits for a destination, where messages overtake each other, servers are away for long, and clocks jump.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use roundsman_alerts::Now;
use roundsman_alerts::notification::{
    Delivery, Destination, Dossier, Failure, Message, Outbox, Outcome, Reason, Status,
};

fn start() -> Now {
    Now::at(Timestamp::from_second(1_796_000_000).unwrap_or_default())
}

fn to() -> Destination {
    Destination {
        channel: "ops".into(),
        recipient: None,
    }
}

/// The message of one thread with this number.
fn message(number: u32, reason: Reason) -> Arc<Message> {
    let dossier = Dossier::default();
    let test = Message::test("ops", &dossier, start().wall);
    let status = match reason {
        Reason::Resolved => Status::Resolved,
        _ => Status::Firing,
    };
    Arc::new(Message {
        id: format!("thread-{number}"),
        sequence: number,
        reason,
        status,
        ..test
    })
}

fn put(outbox: &mut Outbox, number: u32, reason: Reason, now: Now) {
    outbox.put(&message(number, reason), [to()], number == 1, now);
}

fn failed(perhaps: bool, permanent: bool) -> Outcome {
    Outcome::Failed(Failure {
        why: "no".to_owned(),
        unreachable: !permanent,
        perhaps,
        permanent,
        ..Failure::default()
    })
}

/// What waits and what was given up: the numbers with their reasons.
fn holds(outbox: &Outbox) -> Vec<(u32, Reason, bool)> {
    let said = |delivery: &Delivery| (delivery.message.sequence, delivery.message.reason, delivery.dead);
    outbox.iter().map(said).collect()
}

/// Sends what is due, with this outcome.
fn send(outbox: &mut Outbox, outcome: &Outcome, now: Now) -> usize {
    let due = outbox.take(now);
    for delivery in &due {
        outbox.settle(&delivery.id, outcome.clone(), now);
    }
    due.len()
}

#[test]
fn what_came_while_the_first_was_under_way_is_not_told_after_what_is_newer() {
    let (mut outbox, now) = (Outbox::default(), start());
    put(&mut outbox, 1, Reason::First, now);
    let under_way = outbox.take(now);
    // It goes on while nobody knows whether the first arrives; it did not, and then it is over.
    put(&mut outbox, 2, Reason::MembershipDoubled, now);
    outbox.settle(&under_way[0].id, failed(false, false), now);
    put(&mut outbox, 3, Reason::Resolved, now);
    assert_eq!(holds(&outbox), [(1, Reason::Recovered, false)]);
    let changes = outbox.take_changes();
    let kept = changes.values().filter(|delivery| delivery.is_some()).count();
    assert_eq!((kept, changes.len()), (1, 2), "{changes:?}");
}

#[test]
fn a_clock_that_jumps_gives_nothing_up() {
    let (mut outbox, now) = (Outbox::default(), start());
    put(&mut outbox, 1, Reason::First, now);
    let jumped = Now {
        wall: now.wall + Duration::from_secs(10 * 24 * 3600),
        steady: now.steady + Duration::from_secs(60),
    };
    assert_eq!(send(&mut outbox, &failed(false, false), jumped), 1);
    assert_eq!(holds(&outbox), [(1, Reason::First, false)]);
}

#[test]
fn what_waited_for_long_is_tried_once_more_before_it_is_given_up() {
    let (mut outbox, now) = (Outbox::default(), start());
    put(&mut outbox, 1, Reason::First, now);
    let waiting = outbox.iter().cloned().collect::<Vec<_>>();
    // Nobody sent anything for a week.
    let later = now.plus(Duration::from_secs(7 * 24 * 3600));
    let mut outbox = Outbox::restored(waiting.clone(), later);
    assert_eq!(send(&mut outbox, &Outcome::Delivered("250 ok".to_owned()), later), 1);
    assert_eq!(holds(&outbox), []);
    // Where nobody answers it is not given up by the first attempt: the network may come after the agent.
    let mut outbox = Outbox::restored(waiting, later);
    let mut now = later;
    let mut attempts = 0;
    while outbox.iter().any(|delivery| !delivery.dead) {
        attempts += send(&mut outbox, &failed(false, false), now);
        now = now.plus(Duration::from_secs(3600));
    }
    assert_eq!((attempts, holds(&outbox)), (10, vec![(1, Reason::First, true)]));
}

#[test]
fn what_comes_again_before_anybody_could_be_told_is_not_told_as_over() {
    let (mut outbox, now) = (Outbox::default(), start());
    put(&mut outbox, 1, Reason::First, now);
    put(&mut outbox, 2, Reason::Resolved, now);
    put(&mut outbox, 3, Reason::FlappingStarted, now);
    assert_eq!(holds(&outbox), [(1, Reason::FlappingStarted, false)]);
}

#[test]
fn whoever_may_have_been_told_of_what_was_refused_then_is_told_of_its_end() {
    let (mut outbox, now) = (Outbox::default(), start());
    put(&mut outbox, 1, Reason::First, now);
    send(&mut outbox, &failed(true, false), now);
    let later = now.plus(Duration::from_secs(600));
    send(&mut outbox, &failed(false, true), later);
    assert_eq!(holds(&outbox), [(1, Reason::First, true)]);
    put(&mut outbox, 2, Reason::Resolved, later);
    assert_eq!(
        holds(&outbox),
        [(2, Reason::Recovered, false), (1, Reason::First, true)]
    );
}

#[test]
fn an_end_behind_what_was_given_up_is_not_told_by_itself() {
    let begin = |perhaps: bool, permanent: bool| {
        let (mut outbox, now) = (Outbox::default(), start());
        put(&mut outbox, 1, Reason::First, now);
        let under_way = outbox.take(now);
        put(&mut outbox, 2, Reason::Resolved, now);
        outbox.settle(&under_way[0].id, failed(perhaps, permanent), now);
        outbox
    };
    // It was refused: who could not be told that it fails is not told that it is over, unless somebody tries it again.
    let refused = begin(false, true);
    assert_eq!(holds(&refused), [(1, Reason::Recovered, true)]);
    // It may have arrived, and is given up after four days: what comes then tells both.
    let mut perhaps = begin(true, false);
    assert_eq!(
        holds(&perhaps),
        [(1, Reason::First, false), (2, Reason::Resolved, false)]
    );
    let later = start().plus(Duration::from_secs(5 * 24 * 3600));
    put(&mut perhaps, 3, Reason::Resolved, later);
    let refusal = Outcome::Failed(Failure {
        why: "451 not now".to_owned(),
        ..Failure::default()
    });
    assert_eq!(send(&mut perhaps, &refusal, later), 1);
    assert_eq!(
        holds(&perhaps),
        [(3, Reason::Recovered, false), (1, Reason::First, true)]
    );
}
