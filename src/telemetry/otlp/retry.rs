//! How long to wait before something is sent again (OTLP specification, "Retry"). Pure.

use std::time::Duration;

/// The first wait, and the longest that is chosen here.
const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(30);
/// The longest that a collector may ask for; one that asks for more is asked again then.
const LONGEST_ASKED: Duration = Duration::from_secs(3600);

/// The wait after so many failures in a row, at least as long as the collector asks for. `random` is from 0 to 1: those
/// who failed together do not come back together.
pub(super) fn wait(failures: u32, asked: Option<Duration>, random: f64) -> Duration {
    let doubled = FIRST
        .saturating_mul(1 << failures.saturating_sub(1).min(5))
        .min(LONGEST);
    let own = doubled.mul_f64(0.5 + random.clamp(0.0, 1.0) / 2.0);
    match asked.map(|asked| asked.min(LONGEST_ASKED)) {
        Some(asked) => asked.max(own.min(LONGEST)),
        None => own,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_half_a_minute_and_no_two_are_alike() {
        let longest = |failures| wait(failures, None, 1.0).as_secs();
        assert_eq!([1, 2, 3, 4, 5, 6, 1000].map(longest), [1, 2, 4, 8, 16, 30, 30]);
        assert_eq!(wait(1, None, 0.0), Duration::from_millis(500));
    }

    #[test]
    fn a_collector_is_left_alone_as_long_as_it_asks_for_within_reason() {
        let asked = |seconds| wait(1, Some(Duration::from_secs(seconds)), 1.0).as_secs();
        assert_eq!([0, 90, u64::MAX].map(asked), [1, 90, 3600]);
    }
}
