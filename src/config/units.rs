//! Durations, sizes as people write them. Turns text into values, knows no key.

use std::time::Duration;

/// What a duration looks like, for messages.
pub(crate) const DURATION_FORM: &str = "a duration such as \"30s\", \"5m\", \"250ms\" or \"1h30m\"";
/// What a size looks like, for messages.
pub(crate) const SIZE_FORM: &str = "a size such as \"64KiB\", \"1MiB\" or a number of bytes";

/// The same for the JSON Schema; it cannot say that at least one part is there, so a length of 2 goes with it.
pub(crate) const DURATION_PATTERN: &str = "^([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?$";
/// The texts of [`parse_size`] for the JSON Schema.
pub(crate) const SIZE_PATTERN: &str = "^[0-9]+(B|KiB|MiB|GiB)?$";

const DURATION_UNITS: [(&str, u64); 5] = [
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];
const SIZE_UNITS: [(&str, u64); 3] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];

/// Reads `30s`, `5m`, `250ms`, `1h30m`, `30d`: whole numbers with a unit, the larger unit first. `None` where the text
/// is anything else or exceeds what a duration holds.
pub fn parse_duration(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut total = Duration::ZERO;
    let mut smallest = u64::MAX;
    while !rest.is_empty() {
        let (number, after) = split_number(rest)?;
        let (unit, after) = split_unit(after);
        let (_, millis) = *DURATION_UNITS.iter().find(|(name, _)| *name == unit)?;
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
    let factor = match unit {
        "" | "B" => 1,
        _ => SIZE_UNITS.iter().find(|(name, _)| *name == unit)?.1,
    };
    number.checked_mul(factor)
}

/// Writes what [`parse_duration`] reads, in whole milliseconds.
pub(crate) fn write_duration(duration: Duration) -> String {
    let mut rest = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let mut text = String::new();
    for (unit, millis) in DURATION_UNITS {
        if rest >= millis {
            text.push_str(&format!("{}{unit}", rest / millis));
            rest %= millis;
        }
    }
    if text.is_empty() { "0s".into() } else { text }
}

/// Writes what [`parse_size`] reads, in the largest unit that leaves no rest.
pub(crate) fn write_size(bytes: u64) -> String {
    let unit = SIZE_UNITS
        .iter()
        .find(|(_, factor)| bytes >= *factor && bytes.is_multiple_of(*factor));
    unit.map_or_else(
        || format!("{bytes}B"),
        |(unit, factor)| format!("{}{unit}", bytes / factor),
    )
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
    #![expect(clippy::unwrap_used, reason = "a test may fail")]
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
    fn what_is_written_reads_as_the_same() {
        for text in ["0s", "250ms", "1h30m", "5m", "1d", "6h"] {
            assert_eq!(write_duration(parse_duration(text).unwrap()), text);
        }
        for text in ["64KiB", "1MiB", "1025B", "3GiB"] {
            assert_eq!(write_size(parse_size(text).unwrap()), text);
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
