//! Durations, sizes as people write them. Turns text into values, knows no key.

use std::time::Duration;

/// What a duration looks like, for messages.
pub(crate) const DURATION_FORM: &str = "a duration such as \"30s\", \"5m\", \"250ms\" or \"1h30m\"";
/// What a size looks like, for messages.
pub(crate) const SIZE_FORM: &str = "a size such as \"64KiB\", \"1MiB\" or a number of bytes";

/// Reads `30s`, `5m`, `250ms`, `1h30m`, `30d`: whole numbers with a unit, the larger unit first. `None` where the text
/// is anything else or exceeds what a duration holds.
pub fn parse_duration(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut total = Duration::ZERO;
    let mut smallest = u64::MAX;
    while !rest.is_empty() {
        let (number, after) = split_number(rest)?;
        let (unit, after) = split_unit(after);
        let millis: u64 = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return None,
        };
        if millis >= smallest {
            return None;
        }
        smallest = millis;
        total = total.checked_add(Duration::from_millis(number.checked_mul(millis)?))?;
        rest = after;
    }
    (smallest != u64::MAX).then_some(total)
}

/// Reads `64KiB`, `1MiB`, `1GiB`, `100B` or a plain number, in bytes. `None` where the text is anything else.
pub fn parse_size(text: &str) -> Option<u64> {
    let (number, unit) = split_number(text)?;
    let factor: u64 = match unit {
        "" | "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return None,
    };
    number.checked_mul(factor)
}

fn split_number(text: &str) -> Option<(u64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    Some((text[..end].parse().ok()?, &text[end..]))
}

fn split_unit(text: &str) -> (&str, &str) {
    text.split_at(text.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_durations_and_refuses_what_is_ambiguous() {
        assert_eq!(parse_duration("250ms"), Some(Duration::from_millis(250)));
        assert_eq!(parse_duration("1h30m"), Some(Duration::from_secs(5400)));
        assert_eq!(parse_duration("30d"), Some(Duration::from_secs(30 * 86_400)));
        for bad in [
            "",
            "5",
            "5 m",
            "5min",
            "-5s",
            "1.5s",
            "30m1h",
            "1s1s",
            "fast",
            "99999999999999999999s",
            "٣s",
        ] {
            assert_eq!(parse_duration(bad), None, "{bad}");
        }
    }

    #[test]
    fn reads_sizes_in_binary_units_only() {
        assert_eq!(parse_size("64KiB"), Some(65_536));
        assert_eq!(parse_size("1MiB"), Some(1_048_576));
        assert_eq!(parse_size("512"), Some(512));
        for bad in ["", "KiB", "64kb", "64 KiB", "-1", "99999999999GiB"] {
            assert_eq!(parse_size(bad), None, "{bad}");
        }
    }
}
