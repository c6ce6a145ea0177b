//! How often something that costs others may be done, whatever fails: some at once, then one after another. And how a tenant
//! fails, by which it is told whether it was done for just that before. Pure.

use std::time::Duration;

use super::examine::Examination;
use crate::clock::Moment;
use crate::diagnosis::Cause;
use crate::finding::{Check, Outcome};

/// How many times something may still be done.
pub(super) struct Quota {
    most: f64,
    one_more: Duration,
    left: f64,
    at: Moment,
}

impl Quota {
    /// So many times at once, and once more each time that this has passed.
    pub(super) fn full(most: u32, one_more: Duration, now: Moment) -> Self {
        Self {
            most: most.into(),
            one_more,
            left: most.into(),
            at: now,
        }
    }

    /// Takes one, where there is one.
    pub(super) fn take(&mut self, now: Moment) -> bool {
        let more = now.since(self.at).as_secs_f64() / self.one_more.as_secs_f64();
        (self.left, self.at) = ((self.left + more).min(self.most), now);
        if self.left < 1.0 {
            return false;
        }
        self.left -= 1.0;
        true
    }
}

/// How a tenant fails: what fails of it, and why.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Failure(Vec<Check>, Vec<Cause>);

impl Failure {
    /// How an examination fails in a way that the tenant's app, or the way to it, may be to blame for; nothing where it
    /// does not.
    pub(super) fn of(examination: &Examination) -> Option<Self> {
        let judgement = &examination.judgement;
        let by_app = [Check::Certificate, Check::App, Check::Route, Check::Site];
        let fails = by_app
            .into_iter()
            .filter(|check| judgement.findings.of(*check).outcome == Outcome::Fail)
            .collect::<Vec<_>>();
        let causes = judgement.own.iter().map(|own| own.cause);
        (!fails.is_empty()).then(|| Self(fails, causes.collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_done_some_times_at_once_and_then_one_after_another() {
        let begun = Moment::now();
        let mut quota = Quota::full(10, Duration::from_secs(6), begun);
        let taken = |quota: &mut Quota, after: u64| {
            let now = begun.plus(Duration::from_secs(after));
            (0..10_000).filter(|_| quota.take(now)).count()
        };
        assert_eq!(taken(&mut quota, 0), 10);
        assert_eq!(taken(&mut quota, 59), 9);
        assert_eq!(taken(&mut quota, 60), 1);
        assert_eq!(taken(&mut quota, 3_600), 10);
    }
}
