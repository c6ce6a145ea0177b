//! What holds of cadences and agendas whatever is asked of them.
#![expect(clippy::unwrap_used, reason = "a test may fail")]

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use roundsman_checks::target::TenantId;

use super::{Agenda, Cadence, CronExpression, Phase};

fn config() -> ProptestConfig {
    ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

fn moment() -> impl Strategy<Value = Timestamp> {
    let second = 0_i64..4_000_000_000;
    (second, 0_i32..1_000_000_000).prop_map(|(second, nanos)| Timestamp::new(second, nanos).unwrap())
}

fn phase() -> impl Strategy<Value = Phase> {
    "[a-z]{1,8}".prop_map(|id| Phase::of(&TenantId::new(id)))
}

fn seconds(from: u64, to: u64) -> impl Strategy<Value = Duration> {
    (from..=to).prop_map(Duration::from_secs)
}

proptest! {
    #![proptest_config(config())]

    /// From any moment on, the turns are one in each interval, at the same place of it.
    #[test]
    fn each_tenant_has_one_turn_in_each_interval(
        phase in phase(),
        interval in seconds(1, 100_000),
        spread in proptest::option::of(seconds(0, 200_000)),
        after in moment(),
    ) {
        let cadence = Cadence::every(interval, spread);
        let first = cadence.due(phase, after).unwrap();
        let length = SignedDuration::try_from(interval).unwrap();
        prop_assert!(after < first && first <= after + length);
        prop_assert_eq!(cadence.due(phase, first), Some(first + length));
        let within = u128::try_from(first.as_nanosecond()).unwrap() % interval.as_nanos();
        let window = spread.unwrap_or(interval).min(interval);
        prop_assert!(within < window.as_nanos().max(1));
        prop_assert_eq!(within, phase.within(window).as_nanos());
    }

    /// By cron a turn is after its run and before the next one, and none is missing.
    #[test]
    fn each_tenant_has_one_turn_between_two_runs(
        phase in phase(),
        cron in proptest::sample::select(vec!["* * * * *", "*/7 * * * *", "0,30 2 * * *", "0 0 31 * *", "@weekly", "*/20 * * * * *"]),
        zone in proptest::sample::select(vec!["UTC", "Europe/London", "America/New_York"]),
        spread in proptest::option::of(seconds(0, 100_000)),
        after in moment(),
    ) {
        let cron = cron.parse::<CronExpression>().unwrap();
        let zone = TimeZone::get(zone).unwrap();
        let cadence = Cadence::cron(cron.clone(), zone.clone(), spread);
        let mut turn = cadence.due(phase, after).unwrap();
        prop_assert!(turn > after);
        for _ in 0..3 {
            let (run, end) = (cron.last(turn, &zone).unwrap(), cron.next(turn, &zone).unwrap());
            let at_once = run - SignedDuration::from_nanos(1);
            prop_assert_eq!(cadence.due(phase, at_once.max(after)), Some(turn), "the first one of its run");
            turn = cadence.due(phase, turn).unwrap();
            prop_assert_eq!(cron.last(turn, &zone), Some(end), "one for each run");
        }
    }
}

#[test]
fn no_second_holds_more_than_three_times_the_mean() {
    let phases = (0..100_000).map(|tenant| Phase::of(&TenantId::new(format!("tenant-{tenant}"))));
    let phases = phases.collect::<Vec<_>>();
    for interval in [60, 300, 900, 3_600] {
        let cadence = Cadence::every(Duration::from_secs(interval), None);
        let mut held = BTreeMap::<i64, u64>::new();
        for phase in &phases {
            let due = cadence.due(*phase, Timestamp::UNIX_EPOCH).unwrap();
            *held.entry(due.as_second()).or_default() += 1;
        }
        let most = held.values().max().unwrap();
        assert!(*most <= 3 * 100_000 / interval, "{most} in one second of {interval}");
    }
}

/// What can be done with an agenda.
#[derive(Clone, Copy, Debug)]
enum Step {
    Plan(u8, i64),
    Replan(u8, i64),
    Begin(i64),
    Finished(u8),
    Cancel(u8),
}

fn step() -> impl Strategy<Value = Step> {
    let (job, at) = (|| 0_u8..5, || 0_i64..20);
    prop_oneof![
        (job(), at()).prop_map(|(job, at)| Step::Plan(job, at)),
        (job(), at()).prop_map(|(job, at)| Step::Replan(job, at)),
        at().prop_map(Step::Begin),
        job().prop_map(Step::Finished),
        job().prop_map(Step::Cancel),
    ]
}

/// An agenda as a list of what is planned and one of what is under way.
#[derive(Default)]
struct Naive {
    planned: BTreeMap<u8, i64>,
    running: Vec<u8>,
}

impl Naive {
    fn waiting(&self) -> Vec<(i64, u8)> {
        let free = self.planned.iter().filter(|(job, _)| !self.running.contains(job));
        let mut waiting = free.map(|(job, at)| (*at, *job)).collect::<Vec<_>>();
        waiting.sort_unstable();
        waiting
    }

    fn take(&mut self, step: Step) -> Option<(i64, u8)> {
        match step {
            Step::Plan(job, at) => {
                let planned = self.planned.entry(job).or_insert(at);
                *planned = at.min(*planned);
            }
            Step::Replan(job, at) => drop(self.planned.insert(job, at)),
            Step::Finished(job) => self.running.retain(|other| *other != job),
            Step::Cancel(job) => drop(self.planned.remove(&job)),
            Step::Begin(now) => {
                let (at, job) = self.waiting().into_iter().next().filter(|(at, _)| *at <= now)?;
                self.planned.remove(&job);
                self.running.push(job);
                return Some((at, job));
            }
        }
        None
    }
}

proptest! {
    #![proptest_config(config())]

    /// Nothing that runs begins again, nothing is lost, what is due first begins first, and `wake` says when.
    #[test]
    fn an_agenda_does_what_two_lists_do(steps in proptest::collection::vec(step(), 0..60)) {
        let at = |second| Timestamp::from_second(second).unwrap();
        let (mut agenda, mut naive) = (Agenda::default(), Naive::default());
        for step in steps {
            let begun = match step {
                Step::Plan(job, second) => { agenda.plan(job, at(second)); None }
                Step::Replan(job, second) => { agenda.replan(job, at(second)); None }
                Step::Finished(job) => { agenda.finished(job); None }
                Step::Cancel(job) => { agenda.cancel(job); None }
                Step::Begin(now) => agenda.begin(at(now)).map(|due| (due.planned.as_second(), due.job)),
            };
            prop_assert_eq!(begun, naive.take(step));
            let waiting = naive.waiting();
            prop_assert_eq!(agenda.wake(), waiting.first().map(|(second, _)| at(*second)));
            for job in 0..5 {
                prop_assert_eq!(agenda.is_running(job), naive.running.contains(&job));
                prop_assert_eq!(agenda.next(job), naive.planned.get(&job).map(|second| at(*second)));
            }
            for now in 0..20 {
                prop_assert_eq!(agenda.waiting(at(now)), waiting.iter().filter(|(second, _)| *second <= now).count());
            }
        }
    }
}
