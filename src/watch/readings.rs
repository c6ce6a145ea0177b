//! Which reading of the APIs is due when: all of it while that is cheap; else what changed every minute, and all of it every
//! ten, or as soon as calls allow where something does not fit. Pure.

use std::time::Duration;

use jiff::Timestamp;

use super::dispatcher::later;
use super::event::{Extent, Reading};

/// Most calls of APIs a minute, on average.
const CALLS_A_MINUTE: u32 = 40;
/// How often the APIs are read at most.
const APIS_EVERY: Duration = Duration::from_secs(60);
/// How often all is read where what changed is read in between.
const WHOLE_EVERY: Duration = Duration::from_secs(600);
/// How long all of it may stay unread, whatever calls there were.
const AT_LAST: Duration = Duration::from_secs(3_600);

/// What the latest readings were and cost.
#[derive(Debug, Default)]
pub(super) struct Readings {
    /// When all was read last, and how many calls that took; nothing where there is nothing that changes could be added to.
    whole: Option<(Timestamp, u32)>,
    /// Whether something does not fit, so that all is to be read again.
    wanted: bool,
    /// Whether all is to be read, whatever a reading that is under way will say.
    anew: bool,
    /// When the APIs are read next, where the inventory is read without them in between.
    apis_at: Option<Timestamp>,
    /// Until when the calls that were made count, at so many a minute.
    paid_until: Option<Timestamp>,
}

impl Readings {
    /// The reading that is due now. While something fails whose end only all of it shows, that is `awaited`.
    pub(super) fn due(&mut self, now: Timestamp, awaited: bool) -> Extent {
        if std::mem::take(&mut self.anew) {
            return Extent::Whole;
        }
        if self.apis_at.is_some_and(|at| now < at) {
            return Extent::Inventory;
        }
        let Some((at, calls)) = self.whole else {
            return Extent::Whole;
        };
        if calls <= CALLS_A_MINUTE {
            return Extent::Whole;
        }
        let old = now >= later(at, WHOLE_EVERY);
        let may = self.paid_until.is_none_or(|until| now >= until);
        match may && (old || awaited || self.wanted) || now >= later(at, AT_LAST) {
            true => Extent::Whole,
            false => Extent::Changes,
        }
    }

    /// All is read next, whatever it costs: what is asked for is another.
    pub(super) fn begin_anew(&mut self) {
        *self = Self {
            anew: true,
            ..Self::default()
        };
    }

    /// A reading has ended; when the next one is due. `every` is how often the inventory is read; `apart` that no API tells
    /// who the tenants are, so that it can be read without them.
    pub(super) fn done(&mut self, now: Timestamp, reading: &Reading, every: Duration, apart: bool) -> Timestamp {
        let next = later(now, every);
        if reading.extent == Extent::Inventory {
            return self.apis_at.map_or(next, |at| at.min(next));
        }
        let apis = self.apis_after(now, reading, every);
        self.apis_at = (apart && next < apis).then_some(apis);
        if apart { apis.min(next) } else { apis }
    }

    /// When the APIs are due after a reading of them.
    fn apis_after(&mut self, now: Timestamp, reading: &Reading, every: Duration) -> Timestamp {
        let paid = self.paid_until.filter(|until| *until > now).unwrap_or(now);
        self.paid_until = Some(later(paid, cost(reading.calls)));
        match reading.extent {
            Extent::Whole => {
                self.whole = reading.told.then_some((now, reading.calls));
                self.wanted = false;
            }
            Extent::Changes => self.wanted |= reading.doubtful,
            Extent::Inventory => {}
        }
        if reading.calls == 0 {
            return later(now, every);
        }
        let soon = match reading.extent {
            Extent::Whole => later(now, every.max(APIS_EVERY)),
            Extent::Changes | Extent::Inventory => later(now, every.max(APIS_EVERY).max(cost(reading.calls))),
        };
        match self.whole {
            // What cost much and told nothing is not asked for again at once.
            None => soon.max(later(now, cost(reading.calls))),
            Some(_) if self.wanted => soon.min(self.paid_until.unwrap_or(soon)).max(now),
            Some(_) => soon,
        }
    }
}

/// How long so many calls have to last.
fn cost(calls: u32) -> Duration {
    Duration::from_secs(60) * calls / CALLS_A_MINUTE
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    const EVERY: Duration = Duration::from_secs(30);

    fn at(seconds: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_secs(seconds)
    }

    fn reading(extent: Extent, calls: u32) -> Reading {
        Reading {
            extent,
            calls,
            told: true,
            ..Reading::default()
        }
    }

    /// Plays so many seconds from a first reading on: when which reading began, at these calls each.
    fn play(seconds: i64, whole: u32, changes: u32) -> Vec<(i64, Extent)> {
        let (mut readings, mut now, mut seen) = (Readings::default(), at(0), Vec::new());
        while now < at(seconds) {
            let extent = readings.due(now, false);
            seen.push((now.as_second(), extent));
            let calls = if extent == Extent::Whole { whole } else { changes };
            now = readings.done(now, &reading(extent, calls), EVERY, false);
        }
        seen
    }

    #[test]
    fn while_it_is_cheap_all_is_read_every_minute() {
        let seen = play(300, 30, 1);
        assert_eq!(seen, [0, 60, 120, 180, 240].map(|at| (at, Extent::Whole)));
    }

    #[test]
    fn what_changed_is_read_every_minute_and_all_every_ten() {
        let seen = play(1_201, 115, 2);
        let whole = seen.iter().filter(|(_, extent)| *extent == Extent::Whole);
        assert_eq!(whole.map(|(at, _)| *at).collect::<Vec<_>>(), [0, 600, 1_200]);
        assert!(seen.windows(2).all(|pair| pair[1].0 - pair[0].0 == 60), "{seen:?}");
    }

    #[test]
    fn calls_stay_below_their_budget_whatever_they_find() {
        for (whole, changes) in [(41, 1), (115, 10), (120, 12), (900, 20)] {
            let day = play(24 * 3_600, whole, changes);
            let cost = |extent| if extent == Extent::Whole { whole } else { changes };
            let calls = day.iter().map(|(_, extent)| cost(*extent)).sum::<u32>();
            // What began within the day may be paid for after it.
            assert!(
                calls <= 24 * 60 * CALLS_A_MINUTE + whole,
                "{whole} and {changes}: {calls} a day"
            );
        }
    }

    #[test]
    fn what_does_not_fit_is_read_again_as_soon_as_calls_allow() {
        let mut readings = Readings::default();
        readings.done(at(0), &reading(Extent::Whole, 120), EVERY, false);
        let doubtful = Reading {
            doubtful: true,
            ..reading(Extent::Changes, 1)
        };
        assert_eq!(readings.done(at(60), &doubtful, EVERY, false), at(120));
        assert_eq!(
            readings.due(at(120), false),
            Extent::Changes,
            "120 calls count for three minutes"
        );
        assert_eq!(
            readings.done(at(240), &doubtful, EVERY, false),
            at(241) + SignedDuration::from_millis(500)
        );
        assert_eq!(readings.due(at(242), false), Extent::Whole);
        readings.done(at(242), &reading(Extent::Whole, 120), EVERY, false);
        assert_eq!(readings.due(at(800), false), Extent::Changes);
    }

    #[test]
    fn what_only_all_of_it_shows_is_awaited_as_calls_allow() {
        let mut readings = Readings::default();
        readings.done(at(0), &reading(Extent::Whole, 120), EVERY, false);
        assert_eq!(readings.due(at(120), true), Extent::Changes);
        assert_eq!(readings.due(at(180), true), Extent::Whole);
    }

    #[test]
    fn without_what_could_be_added_to_all_is_read() {
        let mut readings = Readings::default();
        let failed = Reading {
            told: false,
            ..reading(Extent::Whole, 80)
        };
        assert_eq!(readings.done(at(0), &failed, EVERY, false), at(120));
        assert_eq!(readings.due(at(120), false), Extent::Whole);
        assert_eq!(
            readings.done(at(0), &Reading::default(), EVERY, false),
            at(30),
            "no API was asked"
        );
    }

    #[test]
    fn an_inventory_of_its_own_is_read_as_often_as_it_says_and_the_apis_no_more_than_before() {
        let mut readings = Readings::default();
        let (mut now, mut seen) = (at(0), Vec::new());
        while now < at(121) {
            let extent = readings.due(now, false);
            seen.push((now.as_second(), extent));
            let calls = if extent == Extent::Inventory { 0 } else { 30 };
            now = readings.done(now, &reading(extent, calls), EVERY, true);
        }
        assert_eq!(
            seen,
            [
                (0, Extent::Whole),
                (30, Extent::Inventory),
                (60, Extent::Whole),
                (90, Extent::Inventory),
                (120, Extent::Whole)
            ]
        );
    }

    #[test]
    fn what_is_begun_anew_reads_all_whatever_was_under_way() {
        let mut readings = Readings::default();
        assert_eq!(readings.due(at(0), false), Extent::Whole);
        readings.begin_anew();
        // The reading that was under way ends, and knows nothing of what is asked for now.
        readings.done(at(5), &reading(Extent::Whole, 30), EVERY, true);
        assert_eq!(readings.due(at(5), false), Extent::Whole);
        readings.done(at(6), &reading(Extent::Whole, 30), EVERY, true);
        assert_eq!(readings.due(at(36), false), Extent::Inventory);
    }
}
