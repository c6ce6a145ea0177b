//! The agenda: what is due when, each thing once, and never twice at the same time. Moments are of the steady clock.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;

use jiff::Timestamp;

/// What is due, and what is under way.
#[derive(Clone, Debug)]
pub struct Agenda<J> {
    queue: BTreeSet<(Timestamp, J)>,
    plans: HashMap<J, Plan>,
}

#[derive(Clone, Copy, Debug)]
struct Plan {
    /// When it is due next, where that is known.
    next: Option<Timestamp>,
    running: bool,
}

/// Something whose time has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due<J> {
    /// What.
    pub job: J,
    /// When it should have begun.
    pub planned: Timestamp,
}

impl<J> Default for Agenda<J> {
    fn default() -> Self {
        Self {
            queue: BTreeSet::new(),
            plans: HashMap::new(),
        }
    }
}

impl<J: Copy + Eq + Hash + Ord> Agenda<J> {
    /// Plans a job for a moment, or for the earlier of two where it is planned already. What is under way begins again
    /// only after its end.
    pub fn plan(&mut self, job: J, at: Timestamp) {
        let known = self.plans.get(&job).and_then(|plan| plan.next);
        if known.is_none_or(|known| at < known) {
            self.replan(job, at);
        }
    }

    /// Plans a job for this moment and no other.
    pub fn replan(&mut self, job: J, at: Timestamp) {
        let plan = self.plans.entry(job).or_insert(Plan {
            next: None,
            running: false,
        });
        if let Some(before) = plan.next.replace(at) {
            self.queue.remove(&(before, job));
        }
        if !plan.running {
            self.queue.insert((at, job));
        }
    }

    /// Takes the first job whose time has come; it is under way then, until [`Self::finished`].
    pub fn begin(&mut self, now: Timestamp) -> Option<Due<J>> {
        let (planned, job) = self.queue.first().copied().filter(|(at, _)| *at <= now)?;
        self.queue.pop_first();
        if let Some(plan) = self.plans.get_mut(&job) {
            plan.next = None;
            plan.running = true;
        }
        Some(Due { job, planned })
    }

    /// A job has ended. Whatever was planned for it meanwhile counts from now on.
    pub fn finished(&mut self, job: J) {
        let Some(plan) = self.plans.get_mut(&job) else { return };
        plan.running = false;
        match plan.next {
            Some(at) => drop(self.queue.insert((at, job))),
            None => drop(self.plans.remove(&job)),
        }
    }

    /// Takes a job off the agenda. One that is under way ends, and does not begin again.
    pub fn cancel(&mut self, job: J) {
        let Some(plan) = self.plans.get_mut(&job) else { return };
        if let Some(at) = plan.next.take() {
            self.queue.remove(&(at, job));
        }
        if !plan.running {
            self.plans.remove(&job);
        }
    }

    /// Whether a job is under way.
    #[must_use]
    pub fn is_running(&self, job: J) -> bool {
        self.plans.get(&job).is_some_and(|plan| plan.running)
    }

    /// When a job begins next, as far as that is planned.
    #[must_use]
    pub fn next(&self, job: J) -> Option<Timestamp> {
        self.plans.get(&job)?.next
    }

    /// How many jobs are planned or under way.
    #[must_use]
    pub fn len(&self) -> usize {
        self.plans.len()
    }

    /// Whether nothing is planned or under way.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.plans.is_empty()
    }

    /// When the first job is due.
    #[must_use]
    pub fn wake(&self) -> Option<Timestamp> {
        self.queue.first().map(|(at, _)| *at)
    }

    /// How many wait whose time has come.
    #[must_use]
    pub fn waiting(&self, now: Timestamp) -> usize {
        self.queue.iter().take_while(|(at, _)| *at <= now).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap_or_default()
    }

    fn begin(agenda: &mut Agenda<u32>, second: i64) -> Option<u32> {
        agenda.begin(at(second)).map(|due| due.job)
    }

    #[test]
    fn what_is_due_first_begins_first_and_nothing_before_its_time() {
        let mut agenda = Agenda::default();
        agenda.plan(1, at(20));
        agenda.plan(2, at(10));
        assert_eq!((begin(&mut agenda, 9), agenda.wake()), (None, Some(at(10))));
        assert_eq!(begin(&mut agenda, 30), Some(2));
        assert_eq!(begin(&mut agenda, 30), Some(1));
        assert_eq!(begin(&mut agenda, 30), None);
    }

    #[test]
    fn of_two_plans_the_earlier_one_counts() {
        let mut agenda = Agenda::default();
        agenda.plan(1, at(20));
        agenda.plan(1, at(10));
        agenda.plan(1, at(30));
        assert_eq!(agenda.next(1), Some(at(10)));
        agenda.replan(1, at(40));
        assert_eq!((agenda.next(1), agenda.wake()), (Some(at(40)), Some(at(40))));
    }

    #[test]
    fn what_is_under_way_begins_again_only_after_its_end() {
        let mut agenda = Agenda::default();
        agenda.plan(1, at(10));
        assert_eq!(begin(&mut agenda, 10), Some(1));
        agenda.plan(1, at(11));
        assert_eq!((begin(&mut agenda, 20), agenda.is_running(1)), (None, true));
        agenda.finished(1);
        assert_eq!(begin(&mut agenda, 20), Some(1));
        agenda.finished(1);
        assert_eq!((begin(&mut agenda, 99), agenda.is_running(1)), (None, false));
    }

    #[test]
    fn what_is_cancelled_does_not_begin_again() {
        let mut agenda = Agenda::default();
        agenda.plan(1, at(10));
        agenda.cancel(1);
        assert_eq!(begin(&mut agenda, 20), None);
        agenda.plan(1, at(10));
        assert_eq!(begin(&mut agenda, 20), Some(1));
        agenda.plan(1, at(30));
        agenda.cancel(1);
        agenda.finished(1);
        assert_eq!(begin(&mut agenda, 40), None);
    }
}
