//! Moments and waits as HTTP writes them.

use std::time::Duration;

use jiff::Timestamp;

/// What a `Retry-After` that can't be read asks for.
const UNREADABLE: Duration = Duration::from_secs(3600);

/// A date in any of the three forms that a recipient has to take (RFC 9110, section 5.6.7).
pub(crate) fn http_date(text: &str) -> Option<Timestamp> {
    Timestamp::try_from(httpdate::parse_http_date(text.trim()).ok()?).ok()
}

/// How long `Retry-After` asks to wait from `now` on: seconds, or a date (RFC 9110, section 10.2.3). What is neither
/// counts as long.
#[must_use]
pub fn retry_after(text: &str, now: Timestamp) -> Duration {
    let text = text.trim();
    let seconds = text.parse().map(Duration::from_secs).ok();
    // A date that has passed asks for no wait at all.
    let until = || Some(Duration::try_from(http_date(text)?.duration_since(now)).unwrap_or_default());
    seconds.or_else(until).unwrap_or(UNREADABLE)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail")]
    use super::*;

    #[test]
    fn a_wait_is_seconds_or_a_date() {
        let now = "2026-11-24T09:39:13.5Z".parse().unwrap();
        for (text, expected) in [
            ("2", 2_000),
            (" 0 ", 0),
            ("Tue, 24 Nov 2026 09:39:15 GMT", 1_500),
            ("Tuesday, 24-Nov-26 09:40:13 GMT", 59_500),
            ("Tue Nov 24 09:39:14 2026", 500),
            ("Tue, 24 Nov 2026 09:39:13 GMT", 0),
            ("soon", 3_600_000),
            ("-1", 3_600_000),
        ] {
            assert_eq!(retry_after(text, now).as_millis(), expected, "{text}");
        }
    }
}
