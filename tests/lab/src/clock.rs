//! The only file that reads a clock. Everything else takes a moment as an argument.
#![expect(clippy::disallowed_methods, reason = "the clock file of this crate")]

use std::time::{Duration, Instant, SystemTime};

/// A moment of the wall clock, in seconds since 1970, as the lab tells it.
///
/// `offset` is how far the lab's clock is ahead of the machine's (see the fault `clock-wrong`).
#[must_use]
pub(crate) fn lab_seconds(offset: i64) -> i64 {
    let since = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or(Duration::ZERO);
    i64::try_from(since.as_secs())
        .unwrap_or(i64::MAX)
        .saturating_add(offset)
}

/// A moment of the monotonic clock.
#[must_use]
pub(crate) fn monotonic() -> Instant {
    Instant::now()
}

/// The same moment on both clocks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Now {
    /// Seconds since 1970 by the machine's clock.
    pub(crate) seconds: i64,
    pub(crate) instant: Instant,
}

/// This moment.
#[must_use]
pub(crate) fn now() -> Now {
    Now {
        seconds: lab_seconds(0),
        instant: monotonic(),
    }
}

/// A moment as RFC 3339 writes it.
#[must_use]
pub(crate) fn rfc3339(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds)
        .unwrap_or(jiff::Timestamp::UNIX_EPOCH)
        .to_string()
}

/// This moment to the microsecond, as RFC 3339 writes it; `offset` as in [`lab_seconds`].
#[must_use]
pub(crate) fn precise(offset: i64) -> String {
    let since = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or(Duration::ZERO);
    let microseconds = i64::try_from(since.as_micros()).unwrap_or(i64::MAX);
    let microseconds = microseconds.saturating_add(offset.saturating_mul(1_000_000));
    jiff::Timestamp::from_microsecond(microseconds)
        .unwrap_or(jiff::Timestamp::UNIX_EPOCH)
        .to_string()
}

/// A moment as the `Date` header of HTTP writes it.
#[must_use]
pub(crate) fn http_date(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds)
        .unwrap_or(jiff::Timestamp::UNIX_EPOCH)
        .strftime("%a, %d %b %Y %H:%M:%S GMT")
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::http_date;

    #[test]
    fn writes_dates_as_http_wants_them() {
        assert_eq!(http_date(784_111_777), "Sun, 06 Nov 1994 08:49:37 GMT");
    }
}
