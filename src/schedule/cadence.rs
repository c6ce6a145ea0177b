//! How often: every so often, or by cron.

use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::{CronExpression, Phase};

/// The longest time over which a run by cron is spread, where nothing else is said.
const LONGEST_SPREAD: Duration = Duration::from_secs(300);

/// When everybody has a turn, by the wall's clock, and how far their turns are spread.
#[derive(Clone, Debug, PartialEq)]
pub struct Cadence {
    beat: Beat,
    spread: Option<Duration>,
}

#[derive(Clone, Debug, PartialEq)]
enum Beat {
    Every(Duration),
    Cron(CronExpression, TimeZone),
}

impl Cadence {
    /// Every so often, spread over `spread`, or all of the interval.
    #[must_use]
    pub fn every(interval: Duration, spread: Option<Duration>) -> Self {
        Self {
            beat: Beat::Every(interval.max(Duration::from_millis(1))),
            spread,
        }
    }

    /// By cron in a time zone, spread over `spread`, or over the time to the next run, at most five minutes.
    #[must_use]
    pub fn cron(cron: CronExpression, zone: TimeZone, spread: Option<Duration>) -> Self {
        Self {
            beat: Beat::Cron(cron, zone),
            spread,
        }
    }

    /// The first turn after a moment of the wall's clock; `None` where there is none any more.
    #[must_use]
    pub fn due(&self, phase: Phase, after: Timestamp) -> Option<Timestamp> {
        match &self.beat {
            Beat::Every(interval) => {
                let offset = phase.within(self.spread.unwrap_or(*interval).min(*interval));
                next_multiple(after, *interval, offset)
            }
            Beat::Cron(cron, zone) => {
                let first = cron.last(after, zone).or_else(|| cron.next(after, zone))?;
                let second = cron.next(first, zone)?;
                let turn = |start: Timestamp, end: Timestamp| {
                    let gap = Duration::try_from(end.duration_since(start)).unwrap_or_default();
                    let window = self.spread.unwrap_or(LONGEST_SPREAD).min(gap);
                    start
                        .checked_add(SignedDuration::try_from(phase.within(window)).ok()?)
                        .ok()
                };
                let turn_now = turn(first, second)?;
                if turn_now > after {
                    return Some(turn_now);
                }
                turn(second, cron.next(second, zone).unwrap_or(Timestamp::MAX))
            }
        }
    }

    /// The time between two turns, by what comes next: by cron it may differ.
    #[must_use]
    pub fn interval(&self, at: Timestamp) -> Duration {
        match &self.beat {
            Beat::Every(interval) => *interval,
            Beat::Cron(cron, zone) => {
                let gap = || {
                    let first = cron.next(at, zone)?;
                    Some(cron.next(first, zone)?.duration_since(first))
                };
                gap()
                    .and_then(|gap| Duration::try_from(gap).ok())
                    .unwrap_or(Duration::MAX)
            }
        }
    }
}

/// The first moment after `after` that is `offset` later than a multiple of the interval since the epoch.
fn next_multiple(after: Timestamp, interval: Duration, offset: Duration) -> Option<Timestamp> {
    let (interval, offset) = (
        i128::try_from(interval.as_nanos()).ok()?,
        i128::try_from(offset.as_nanos()).ok()?,
    );
    let passed = (after.as_nanosecond() - offset).div_euclid(interval);
    Timestamp::from_nanosecond((passed + 1) * interval + offset).ok()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail")]
    use roundsman_checks::target::TenantId;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn each_has_one_turn_in_every_interval() {
        let cadence = Cadence::every(Duration::from_secs(300), None);
        let phase = Phase::of(&TenantId::new("acme"));
        let first = cadence.due(phase, at("2026-11-30T12:00:00Z")).unwrap();
        assert_eq!(first.to_string(), "2026-11-30T12:00:19.756755602Z");
        let second = cadence.due(phase, first).unwrap();
        assert_eq!(second.duration_since(first), SignedDuration::from_secs(300));
        // A nanosecond before its turn it is that turn.
        assert_eq!(cadence.due(phase, first - SignedDuration::from_nanos(1)), Some(first));
    }

    #[test]
    fn a_spread_keeps_turns_together() {
        let cadence = Cadence::every(Duration::from_secs(300), Some(Duration::ZERO));
        let due = cadence.due(Phase::of(&TenantId::new("acme")), at("2026-11-30T12:00:01Z"));
        assert_eq!(due, Some(at("2026-11-30T12:05:00Z")));
    }

    #[test]
    fn a_nightly_run_is_spread_over_five_minutes() {
        let cron = "0 3 * * *".parse::<CronExpression>().unwrap();
        let cadence = Cadence::cron(cron, TimeZone::UTC, None);
        let phase = Phase::of(&TenantId::new("acme"));
        let first = cadence.due(phase, at("2026-11-30T12:00:00Z")).unwrap();
        assert_eq!(first.to_string(), "2026-12-01T03:00:19.756755602Z");
        // Between the run and its own turn it is still that turn.
        assert_eq!(cadence.due(phase, at("2026-12-01T03:00:10Z")), Some(first));
        assert_eq!(
            cadence.due(phase, first).unwrap().to_string(),
            "2026-12-02T03:00:19.756755602Z"
        );
    }
}
