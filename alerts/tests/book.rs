//! The life of an incident as its callers see it: by looks and by time.

use std::time::Duration;

use jiff::Timestamp;
use roundsman_alerts::{
    Account, Book, Change, Incident, IncidentId, Key, Looks, Members, Now, Policy, Severity, Signal, State, Verdict,
};

/// A book, and the time that passes in it.
struct Story {
    book: Book,
    policy: Policy,
    now: Now,
}

impl Story {
    fn new() -> Self {
        Self {
            book: Book::default(),
            policy: Policy::default(),
            now: Now::at(Timestamp::UNIX_EPOCH),
        }
    }

    /// Waits, and says what happened by that.
    fn after(&mut self, seconds: u64) -> Vec<Change> {
        self.now = self.now.plus(Duration::from_secs(seconds));
        self.book
            .tick(&self.policy, self.now)
            .into_iter()
            .map(|done| done.change)
            .collect()
    }

    /// One look at a witness.
    fn look(&mut self, witness: &str, verdict: Verdict) -> Vec<Change> {
        self.hear(&signal(witness, verdict))
    }

    fn hear(&mut self, signal: &Signal) -> Vec<Change> {
        let done = self.book.observe(signal, &self.policy, self.now);
        done.into_iter().map(|done| done.change).collect()
    }

    fn state(&self) -> Option<State> {
        self.book.get(&key()).map(Incident::state)
    }

    /// Fails as often and as long as it takes.
    fn open(&mut self) {
        for pause in [0, 8, 8] {
            self.after(pause);
            self.look("a", Verdict::Firing);
        }
        assert_eq!(self.state(), Some(State::Firing));
    }

    /// The book of another process, which goes on from what was kept.
    fn restart(&mut self) {
        let kept = self.book.iter().cloned().collect::<Vec<_>>();
        let looks = self.book.looks(&key()).map(|looks| (key(), looks.clone()));
        let book = Book::restored(kept, self.book.number(), &self.policy, self.now);
        self.book = book.with_looks(looks);
    }

    /// Passes as often and as long as it takes.
    fn resolve(&mut self) {
        for pause in [0, 30, 30] {
            self.after(pause);
            self.look("a", Verdict::Clear);
        }
        assert_eq!(self.state(), Some(State::Resolved));
    }
}

fn key() -> Key {
    Key::new("site-status", "tenant", "a.example.com")
}

fn signal(witness: &str, verdict: Verdict) -> Signal {
    Signal {
        key: key(),
        witness: witness.into(),
        verdict,
        members: Members::Witness,
        account: Account {
            severity: Severity::Warning,
            ..Account::default()
        },
    }
}

fn joined(names: &[&str]) -> Change {
    Change::Members {
        joined: names.iter().map(|name| (*name).into()).collect(),
        left: Vec::new(),
    }
}

#[test]
fn opens_after_three_failures_and_fifteen_seconds() {
    let mut story = Story::new();
    assert_eq!(story.look("a", Verdict::Firing), [Change::Began]);
    assert_eq!(story.after(2), []);
    assert_eq!(story.look("a", Verdict::Firing), []);
    story.after(2);
    assert_eq!(story.look("a", Verdict::Firing), []);
    assert_eq!(story.after(10), []);
    assert_eq!(story.after(1), [Change::Opened]);
}

#[test]
fn time_without_a_third_look_opens_nothing() {
    let mut story = Story::new();
    story.look("a", Verdict::Firing);
    story.look("a", Verdict::Firing);
    assert_eq!(story.after(3_600), []);
    assert_eq!(story.look("a", Verdict::Firing), [Change::Opened]);
}

#[test]
fn a_pass_before_the_third_look_ends_it_untold() {
    let mut story = Story::new();
    story.look("a", Verdict::Firing);
    assert_eq!(
        story.look("a", Verdict::Clear),
        [
            Change::Members {
                joined: vec![],
                left: vec!["a".into()]
            },
            Change::Passed
        ]
    );
    assert_eq!(story.state(), None);
}

#[test]
fn what_is_not_known_opens_and_resolves_nothing() {
    let mut story = Story::new();
    for _ in 0..10 {
        assert_eq!(story.look("a", Verdict::Unknown), []);
        story.after(60);
    }
    story.open();
    for _ in 0..10 {
        assert_eq!(story.look("a", Verdict::Unknown), []);
        assert_eq!(story.after(600), []);
    }
    assert_eq!(story.state(), Some(State::Firing));
}

#[test]
fn resolves_after_two_passes_and_a_minute() {
    let mut story = Story::new();
    story.open();
    assert!(story.look("a", Verdict::Clear).contains(&Change::Recovering));
    story.after(5);
    story.look("a", Verdict::Clear);
    assert_eq!(story.after(54), []);
    assert_eq!(story.after(1), [Change::Resolved]);
}

#[test]
fn a_failure_while_it_recovers_goes_on_silently() {
    let mut story = Story::new();
    story.open();
    story.look("a", Verdict::Clear);
    story.after(30);
    assert!(story.look("a", Verdict::Firing).contains(&Change::Relapsed));
    story.look("a", Verdict::Clear);
    story.look("a", Verdict::Clear);
    assert_eq!(story.after(59), [], "the minute begins anew");
}

#[test]
fn soon_after_its_end_the_same_incident_comes_back_and_later_a_new_one() {
    let mut story = Story::new();
    story.open();
    story.resolve();
    story.after(599);
    assert_eq!(story.look("a", Verdict::Firing), [Change::Began]);
    story.after(20);
    story.look("a", Verdict::Firing);
    assert_eq!(story.look("a", Verdict::Firing), [Change::Reopened]);
    assert_eq!(
        story.book.get(&key()).map(|it| it.core().id.clone()),
        Some(IncidentId::of(1))
    );
    story.resolve();
    story.after(600);
    assert_eq!(story.state(), None);
    story.open();
    assert_eq!(
        story.book.get(&key()).map(|it| it.core().id.clone()),
        Some(IncidentId::of(2))
    );
}

#[test]
fn what_came_back_and_passed_is_still_over() {
    let mut story = Story::new();
    story.open();
    story.resolve();
    story.look("a", Verdict::Firing);
    assert!(story.look("a", Verdict::Clear).contains(&Change::Passed));
    assert_eq!(story.state(), Some(State::Resolved));
}

#[test]
fn what_passes_by_itself_opens_only_after_its_longer_while() {
    let mut story = Story::new();
    let mut deploy = signal("a", Verdict::Firing);
    deploy.account.transient = true;
    for _ in 0..4 {
        story.hear(&deploy);
        story.after(60);
    }
    assert_eq!(story.state(), Some(State::Pending));
    assert_eq!(story.after(60), [Change::Opened]);
}

#[test]
fn one_incident_has_several_members_and_recovers_with_the_last() {
    let mut story = Story::new();
    story.open();
    assert_eq!(story.look("b", Verdict::Firing), [joined(&["b"])]);
    assert!(!story.look("a", Verdict::Clear).contains(&Change::Recovering));
    assert!(story.look("b", Verdict::Clear).contains(&Change::Recovering));
    story.look("a", Verdict::Clear);
    assert_eq!(story.after(60), [], "b passed once only");
    assert_eq!(story.look("b", Verdict::Clear), [Change::Resolved]);
}

#[test]
fn others_whom_a_look_concerns_are_members_by_its_word() {
    let mut story = Story::new();
    let mut fleet = signal("fleet", Verdict::Firing);
    fleet.members = Members::Others {
        joined: vec!["a".into(), "b".into()],
        left: vec!["z".into()],
    };
    story.hear(&fleet);
    let done = story
        .book
        .change_members(&key(), vec!["b".into()], vec!["a".into()], &story.policy, story.now);
    let changes = done.into_iter().map(|done| done.change).collect::<Vec<_>>();
    assert_eq!(
        changes,
        [Change::Members {
            joined: vec![],
            left: vec!["a".into()]
        }]
    );
}

#[test]
fn urgency_rises_and_does_not_fall() {
    let mut story = Story::new();
    story.open();
    let mut worse = signal("a", Verdict::Firing);
    worse.account.severity = Severity::Critical;
    let rose = Change::Rose {
        from: Severity::Warning,
        to: Severity::Critical,
    };
    assert_eq!(story.hear(&worse), [rose]);
    assert_eq!(story.look("a", Verdict::Firing), []);
    assert_eq!(
        story.book.get(&key()).map(|it| it.core().severity),
        Some(Severity::Critical)
    );
}

#[test]
fn while_nothing_can_be_seen_neither_looks_nor_time_count() {
    let mut story = Story::new();
    story.look("a", Verdict::Firing);
    story.look("a", Verdict::Firing);
    story.look("a", Verdict::Firing);
    story.book.freeze(story.now);
    assert_eq!(story.after(3_600), []);
    assert_eq!(story.look("a", Verdict::Clear), []);
    assert_eq!(story.book.next_wake(), None);
    story.book.thaw(&story.policy, story.now);
    assert_eq!(story.after(14), []);
    assert_eq!(story.after(1), [Change::Opened]);
}

#[test]
fn who_is_gone_bears_no_witness() {
    let mut story = Story::new();
    story.open();
    story.look("b", Verdict::Firing);
    let done = story.book.forget_witness(&key(), "a", &story.policy, story.now);
    assert_eq!(done.len(), 1);
    let done = story.book.forget_witness(&key(), "b", &story.policy, story.now);
    assert_eq!(
        done.into_iter().map(|done| done.change).collect::<Vec<_>>(),
        [Change::Closed]
    );
    assert_eq!(story.state(), None);
}

#[test]
fn a_restart_goes_on_and_what_recovers_waits_anew() {
    let mut story = Story::new();
    story.open();
    story.look("a", Verdict::Clear);
    story.look("a", Verdict::Clear);
    story.now = story.now.plus(Duration::from_secs(50));
    story.restart();
    assert_eq!(story.after(3_600), [], "nobody looked meanwhile");
    story.restart();
    story.look("a", Verdict::Clear);
    assert_eq!(story.after(59), []);
    assert_eq!(story.after(1), [Change::Resolved]);
}

#[test]
fn what_waited_to_open_opens_after_a_restart_only_by_another_look() {
    let mut story = Story::new();
    for _ in 0..3 {
        story.look("a", Verdict::Firing);
    }
    story.restart();
    assert_eq!(story.after(3_600), [], "it may be well by now");
    assert_eq!(story.look("a", Verdict::Firing), [Change::Opened]);
}

#[test]
fn what_comes_and_goes_still_does_after_a_restart() {
    let mut story = Story::new();
    let in_turn = [("a", Verdict::Firing), ("a", Verdict::Clear)];
    flapping(&mut story, in_turn.into_iter().cycle().take(20));
    story.restart();
    assert!(story.book.is_flapping(&key()));
    assert_eq!(story.book.looks(&key()).map(Looks::witness), Some("a"));
    assert_eq!(
        flapping(&mut story, [("a", Verdict::Clear); 20]),
        [(16, Change::FlappingEnded)]
    );
    assert!(!story.book.remembers(&key()));
    assert_eq!(story.book.take_forgotten(), [key()].into());
}

#[test]
fn what_is_over_names_everybody_whom_it_concerned() {
    let mut story = Story::new();
    story.open();
    story.look("b", Verdict::Firing);
    for witness in ["a", "b", "a", "b"] {
        story.look(witness, Verdict::Clear);
    }
    assert_eq!(story.after(60), [Change::Resolved]);
    let named = |story: &Story| {
        let members = story.book.get(&key()).map(|incident| &incident.core().members);
        members
            .into_iter()
            .flatten()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
    };
    assert_eq!(named(&story), ["a", "b"]);
    // Who is gone later, or fails by something else, changes nothing of that.
    let done = story.book.forget_witness(&key(), "b", &story.policy, story.now);
    assert_eq!(done, []);
    let done = story
        .book
        .change_members(&key(), vec!["c".into()], vec!["a".into()], &story.policy, story.now);
    assert_eq!(done, []);
    assert_eq!(named(&story), ["a", "b"]);
}

#[test]
fn what_cant_be_reopened_any_more_is_forgotten_and_said_to_be() {
    let mut story = Story::new();
    story.open();
    story.resolve();
    assert_eq!(story.book.take_forgotten(), [].into());
    assert_eq!(story.after(600), []);
    assert_eq!(story.state(), None);
    assert_eq!(story.book.take_forgotten(), [key()].into());
    assert_eq!(story.book.take_forgotten(), [].into());
}

#[test]
fn what_waits_waits_as_long_as_the_policy_in_force_says() {
    let mut story = Story::new();
    for _ in 0..3 {
        story.look("a", Verdict::Firing);
    }
    story.policy.confirm_for = Duration::from_secs(5);
    story.book.plan_anew(&story.policy);
    assert_eq!(story.after(4), []);
    assert_eq!(story.after(1), [Change::Opened]);
}

#[test]
fn an_acknowledgement_ends_with_the_incident() {
    let mut story = Story::new();
    story.open();
    let id = IncidentId::of(1);
    assert!(story.book.acknowledge(&id, "looking", story.now).is_ok());
    story.resolve();
    let acknowledged = |story: &Story| story.book.get(&key()).and_then(|it| it.core().acknowledged.clone());
    assert_eq!(acknowledged(&story), None);
    assert!(story.book.acknowledge(&id, "late", story.now).is_err());
}

#[test]
fn what_came_back_and_passed_ended_when_it_ended_first() {
    let mut story = Story::new();
    story.open();
    story.resolve();
    let over = story.book.get(&key()).cloned();
    story.after(599);
    story.look("a", Verdict::Firing);
    story.look("a", Verdict::Clear);
    assert_eq!(story.book.get(&key()).cloned(), over);
    story.after(1);
    assert_eq!(story.state(), None, "ten minutes after its end");
}

#[test]
fn what_came_back_and_lost_its_witness_is_still_over() {
    let mut story = Story::new();
    story.open();
    story.resolve();
    story.look("a", Verdict::Firing);
    let done = story.book.forget_witness(&key(), "a", &story.policy, story.now);
    assert_eq!(done.last().map(|done| &done.change), Some(&Change::Passed));
    assert_eq!(story.state(), Some(State::Resolved));
}

#[test]
fn a_late_look_changes_nothing_of_what_time_had_changed() {
    let mut story = Story::new();
    story.open();
    story.resolve();
    // Nobody asks what time has changed before the look comes.
    story.now = story.now.plus(Duration::from_secs(600));
    assert_eq!(story.look("a", Verdict::Firing), [Change::Began]);
    assert_eq!(
        story.book.get(&key()).map(|it| it.core().id.clone()),
        Some(IncidentId::of(2))
    );
}

#[test]
fn who_is_gone_while_nothing_can_be_seen_opens_nothing() {
    let mut story = Story::new();
    for _ in 0..3 {
        story.look("a", Verdict::Firing);
        story.look("b", Verdict::Firing);
    }
    story.book.freeze(story.now);
    story.after(3_600);
    let done = story.book.forget_witness(&key(), "b", &story.policy, story.now);
    assert!(matches!(done.as_slice(), [only] if matches!(only.change, Change::Members { .. })));
    assert_eq!(story.state(), Some(State::Pending));
}

#[test]
fn clocks_that_were_set_back_over_a_restart_hold_nothing_up() {
    let mut story = Story::new();
    story.now = story.now.plus(Duration::from_secs(86_400));
    for _ in 0..3 {
        story.look("a", Verdict::Firing);
    }
    story.now = Now::at(Timestamp::UNIX_EPOCH);
    story.restart();
    story.look("a", Verdict::Firing);
    assert_eq!(story.after(15), [Change::Opened]);
}

/// The looks of the ring at which it began and ended to come and go.
fn flapping(story: &mut Story, looks: impl IntoIterator<Item = (&'static str, Verdict)>) -> Vec<(usize, Change)> {
    let mut all = Vec::new();
    for (number, (witness, verdict)) in looks.into_iter().enumerate() {
        story.after(10);
        let told = story.look(witness, verdict).into_iter();
        let told = told.filter(|change| matches!(change, Change::FlappingBegan | Change::FlappingEnded));
        all.extend(told.map(|change| (number + 1, change)));
    }
    all
}

#[test]
fn what_fails_at_every_other_look_comes_and_goes_though_it_never_opens() {
    let mut story = Story::new();
    let in_turn = [("a", Verdict::Firing), ("a", Verdict::Clear)];
    assert_eq!(
        flapping(&mut story, in_turn.into_iter().cycle().take(20)),
        [(7, Change::FlappingBegan)]
    );
    // It is told that it ended, though there is no incident any more.
    assert_eq!(story.state(), None);
    assert_eq!(
        flapping(&mut story, [("a", Verdict::Clear); 20]),
        [(16, Change::FlappingEnded)]
    );
    assert!(!story.book.remembers(&key()));
}

#[test]
fn what_fails_once_in_a_long_while_does_not_come_and_go() {
    let mut story = Story::new();
    for _ in 0..50 {
        assert_eq!(flapping(&mut story, [("a", Verdict::Firing)]), []);
        assert_eq!(flapping(&mut story, [("a", Verdict::Clear); 10]), []);
    }
}

#[test]
fn two_witnesses_of_which_one_fails_do_not_come_and_go() {
    let mut story = Story::new();
    let steady = [("a", Verdict::Firing), ("b", Verdict::Clear)];
    assert_eq!(flapping(&mut story, steady.into_iter().cycle().take(40)), []);
}

#[test]
fn passes_after_the_end_count_for_whether_it_comes_and_goes() {
    let mut story = Story::new();
    // Two changes at every twentieth look are no flapping, however short the looks are apart.
    for _ in 0..10 {
        assert_eq!(flapping(&mut story, [("a", Verdict::Firing); 3]), []);
        assert_eq!(flapping(&mut story, [("a", Verdict::Clear); 17]), []);
    }
}
