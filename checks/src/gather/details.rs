//! The details of an app's machines, which the platform tells app by app: asked for at few apps, and kept for a while, so
//! that what is said of a tenant does not depend on whether there was room to ask just then.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lru::LruCache;

use super::quota::Quota;
use super::setup::ProbeSetup;
use crate::clock::Moment;
use crate::evidence::Machine;

/// About how many apps a round asks for: what fails at more of them is no single app's.
const IN_A_ROUND: u32 = 50;
/// How many apps are asked for at once by who looks for ever, and how long it takes until there is room for one more.
const AT_ONCE: u32 = 10;
const ONE_MORE: Duration = Duration::from_secs(6);
/// How long an answer is as good as a new one, and how long it is better than none.
const FRESH: Duration = Duration::from_secs(60);
const KEPT: Duration = Duration::from_secs(600);
/// Of how many apps answers are kept.
const MOST: NonZeroUsize = NonZeroUsize::MIN.saturating_add(999);

/// Asks for the details of machines, within limits.
pub(super) struct Details(Mutex<Known>);

struct Known {
    quota: Quota,
    told: LruCache<String, (Moment, Arc<[Machine]>)>,
}

/// What is done where somebody wants to know.
enum Next {
    Ask,
    Told(Arc<[Machine]>),
    Rest,
}

impl Known {
    fn next(&mut self, app: &str, now: Moment) -> Next {
        let told = self.told.get(app).map(|(at, told)| (now.since(*at), Arc::clone(told)));
        match told {
            Some((age, told)) if age < FRESH => Next::Told(told),
            _ if self.quota.take(now) => Next::Ask,
            Some((age, told)) if age < KEPT => Next::Told(told),
            _ => Next::Rest,
        }
    }
}

impl Details {
    /// For one round.
    pub(super) fn of_a_round() -> Self {
        Self::new(IN_A_ROUND, Duration::MAX)
    }

    /// For looks that go on for ever.
    pub(super) fn for_ever() -> Self {
        Self::new(AT_ONCE, ONE_MORE)
    }

    fn new(most: u32, one_more: Duration) -> Self {
        Self(Mutex::new(Known {
            quota: Quota::full(most, one_more, Moment::now()),
            told: LruCache::new(MOST),
        }))
    }

    /// The machines of an app in detail, none where the platform did not tell; `None` where it was not asked.
    pub(super) async fn of(&self, setup: &ProbeSetup, app: &str) -> Option<Vec<Machine>> {
        let next = self.known().next(app, Moment::now());
        let machines = match next {
            Next::Ask => setup.machines(app).await?,
            Next::Told(told) => return Some(told.to_vec()),
            Next::Rest => return None,
        };
        let told = (Moment::now(), machines.as_slice().into());
        self.known().told.put(app.to_owned(), told);
        Some(machines)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_kept_and_only_so_many_are_asked_for() {
        let details = Details::for_ever();
        let (mut known, began) = (details.known(), Moment::now());
        let told = |known: &mut Known, app: &str, at| known.told.put(app.to_owned(), (at, Arc::from([])));
        for app in 0..AT_ONCE {
            assert!(matches!(known.next(&app.to_string(), began), Next::Ask));
        }
        assert!(matches!(known.next("more", began), Next::Rest));
        told(&mut known, "0", began);
        assert!(matches!(known.next("0", began), Next::Told(_)));
        // Once it is no longer fresh, it is asked for again where there is room, and is good enough where there is none.
        let later = began.plus(FRESH);
        for app in 0..AT_ONCE {
            assert!(matches!(known.next(&format!("other {app}"), later), Next::Ask));
        }
        assert!(matches!(known.next("0", later), Next::Told(_)));
        assert!(matches!(known.next("0", later.plus(ONE_MORE)), Next::Ask));
        for app in 0..AT_ONCE {
            let _ = known.next(&format!("another {app}"), began.plus(KEPT));
        }
        assert!(matches!(known.next("0", began.plus(KEPT)), Next::Rest));
    }
}
