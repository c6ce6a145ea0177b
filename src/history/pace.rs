//! Whether the whole fleet answers slower than it used to: the middle of all tenants' last visits against the same hour of
//! the last days.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::timings::PHASES;
use super::{Hour, HourSoFar, Level, Timings, hour_of};

/// The days that are compared with, and in how many of them at least something has to be known.
const DAYS: i32 = 7;
const AT_LEAST: usize = 3;
/// The phases that the edge makes: from the connection to the first byte.
const EDGE: std::ops::Range<usize> = 1..4;
/// Slow is what takes this many times as long as it used to, and so much longer, in milliseconds; it is over below the
/// second factor.
const SLOW: f64 = 2.0;
const SLOWER_BY: f64 = 50.0;
const OVER: f64 = 1.5;

/// A phase that takes longer for everybody.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Slowdown {
    /// Which.
    pub phase: &'static str,
    /// How long it takes now, in the middle of all tenants, in milliseconds.
    pub now_ms: f64,
    /// How long it took at this hour of the last days.
    pub before_ms: f64,
    /// Of how many days something is known.
    pub days: usize,
}

/// The history of a fleet.
#[derive(Clone, Debug, Default)]
pub struct Pace {
    past: BTreeMap<i32, Hour>,
    hour: HourSoFar,
    slow: bool,
}

impl Pace {
    /// What is known from before this process.
    #[must_use]
    pub fn restored(hours: impl IntoIterator<Item = Hour>) -> Self {
        Self {
            past: hours.into_iter().map(|hour| (hour.hour, hour)).collect(),
            ..Self::default()
        }
    }

    /// Counts how long each phase takes in the middle of all tenants just now. The hour before, where a new one begins.
    pub fn add(&mut self, at: Timestamp, middle: [Level; PHASES.len()]) -> Option<Hour> {
        let over = self.hour.add(at, None, &Timings(middle.map(Level::ms)));
        over.map(|over| self.keep(over))
    }

    /// The hour that goes on, as it is until now.
    pub fn so_far(&mut self) -> Option<Hour> {
        self.hour.so_far().map(|hour| self.keep(hour))
    }

    fn keep(&mut self, hour: Hour) -> Hour {
        let whole = self.past.get(&hour.hour).map_or(hour, |before| before.with(hour));
        self.past.insert(hour.hour, whole);
        let oldest = hour.hour - DAYS * 24;
        self.past.retain(|number, _| *number >= oldest);
        whole
    }

    /// Whether something takes longer for everybody than at the same hour of the last days: `None` where too little is
    /// known to say.
    pub fn judge(&mut self, at: Timestamp, middle: [Level; PHASES.len()]) -> Option<Option<Slowdown>> {
        let factor = if self.slow { OVER } else { SLOW };
        let hour = hour_of(at);
        let mut judged = false;
        let mut worst = None::<Slowdown>;
        for phase in EDGE {
            let before = (1..=DAYS).filter_map(|day| self.past.get(&(hour - day * 24)));
            let before = before
                .map(|hour| hour.typical[phase])
                .filter(|level| *level != Level::NONE);
            let before = before.collect::<Vec<_>>();
            let days = before.len();
            let (usual, _) = Level::middle_and_high(before);
            let (Some(now_ms), Some(before_ms)) = (middle[phase].ms(), usual.ms()) else {
                continue;
            };
            if days < AT_LEAST {
                continue;
            }
            judged = true;
            let is_slow = now_ms >= before_ms * factor && now_ms - before_ms >= SLOWER_BY;
            let by = |slowdown: &Slowdown| slowdown.now_ms - slowdown.before_ms;
            if is_slow && worst.as_ref().is_none_or(|worst| now_ms - before_ms > by(worst)) {
                worst = Some(Slowdown {
                    phase: PHASES[phase],
                    now_ms,
                    before_ms,
                    days,
                });
            }
        }
        if judged {
            self.slow = worst.is_some();
        }
        judged.then_some(worst)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail")]
    use super::*;

    fn at(hour: i64) -> Timestamp {
        Timestamp::from_second(hour * 3600 + 60).unwrap()
    }

    fn tls(ms: f64) -> [Level; PHASES.len()] {
        let other = Level::of(5.0);
        [other, other, Level::of(ms), other, other]
    }

    /// Days on which TLS takes 40 ms, and 200 ms at the hour of a backup.
    fn lived(days: i64) -> Pace {
        let mut pace = Pace::default();
        for hour in 0..days * 24 {
            pace.add(at(hour), tls(if hour % 24 == 3 { 200.0 } else { 40.0 }));
        }
        pace
    }

    #[test]
    fn what_is_slow_is_told_by_its_own_hour() {
        let mut pace = lived(8);
        let slow = pace.judge(at(8 * 24 + 12), tls(120.0)).unwrap().unwrap();
        assert_eq!((slow.phase, slow.days), ("tls", 7));
        assert!(slow.now_ms > 110.0 && slow.before_ms < 44.0);
        // At this hour it always is so.
        assert_eq!(lived(8).judge(at(8 * 24 + 3), tls(220.0)), Some(None));
        // Twice as long as next to nothing is nothing to tell.
        assert_eq!(lived(8).judge(at(8 * 24 + 12), tls(80.0)), Some(None));
    }

    #[test]
    fn it_is_over_only_where_it_is_well_below() {
        let mut pace = lived(8);
        assert!(pace.judge(at(204), tls(150.0)).unwrap().is_some());
        assert!(
            pace.judge(at(204), tls(100.0)).unwrap().is_some(),
            "still more than half as long again"
        );
        assert_eq!(pace.judge(at(204), tls(55.0)), Some(None));
        assert_eq!(pace.judge(at(204), tls(79.0)), Some(None));
    }

    #[test]
    fn nothing_is_said_where_too_little_is_known() {
        assert_eq!(lived(2).judge(at(2 * 24 + 12), tls(900.0)), None);
        let none = [Level::NONE; PHASES.len()];
        assert_eq!(lived(8).judge(at(8 * 24 + 12), none), None, "nobody could be visited");
    }

    #[test]
    fn a_restart_goes_on_with_what_was_kept_and_a_week_is_kept() {
        let mut pace = lived(30);
        assert!(pace.past.len() <= 7 * 24 + 1);
        let last = pace.so_far().unwrap();
        let mut again = Pace::restored(pace.past.values().copied());
        again.add(at(i64::from(last.hour)), tls(40.0));
        assert!(again.so_far().unwrap().typical == last.typical);
        assert!(again.judge(at(30 * 24 + 12), tls(150.0)).unwrap().is_some());
    }
}
