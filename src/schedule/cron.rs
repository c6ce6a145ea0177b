//! Cron expressions as crontab(5) reads them: five fields, or six with seconds first, or a name such as `@daily`.
//!
//! A day matches where day of month or day of week does, as soon as both are restricted; Sunday is 0 and 7. Where clocks
//! change it is as with cron(8). What begins at certain times runs at each of them once: at the first moment after a gap
//! if the clocks skip it, the first time if they repeat it. What runs all the time, because seconds, minutes or hours
//! begin with `*`, goes on by what clocks show: through both halves of a repeated hour, and not within a gap.
//!
//! One thing differs from Vixie's cron: there a field of days that begins with `*`, as in `*/2`, counts as not restricted,
//! here as what it is.

use std::fmt;
use std::str::FromStr;

use croner::parser::{CronParser, Seconds, Year};
use croner::{Cron, Direction};
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp};
use thiserror::Error;

use super::civil::Civil;
use super::field::{FIELDS, Field};

/// A cron expression.
#[derive(Clone, Debug, PartialEq)]
pub struct CronExpression {
    text: String,
    cron: Box<Cron>,
    /// Whether it runs all the time instead of at certain times.
    running: bool,
}

/// Why a text is no cron expression.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CronError {
    /// It does not have five or six fields.
    #[error("expected five fields such as \"*/5 * * * *\", or six with seconds first, or a name such as \"@daily\"")]
    Fields,
    /// A field can't be read.
    #[error("`{text}` is no {}: {}, with lists, ranges and steps as in 1-5,7 and */2", .field.name, .field.expected)]
    Field {
        /// What is written there.
        text: String,
        /// Which one.
        field: Field,
    },
    /// There is no such day.
    #[error("this never runs")]
    Never,
}

/// Names that stand for a whole expression.
const NAMES: [(&str, &str); 7] = [
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
    ("@monthly", "0 0 1 * *"),
    ("@weekly", "0 0 * * 0"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@hourly", "0 * * * *"),
];

impl FromStr for CronExpression {
    type Err = CronError;

    fn from_str(text: &str) -> Result<Self, CronError> {
        let text = text.trim();
        let named = NAMES.iter().find(|(name, _)| name.eq_ignore_ascii_case(text));
        let mut fields = named
            .map_or(text, |(_, meaning)| meaning)
            .split_whitespace()
            .collect::<Vec<_>>();
        if fields.len() == 5 {
            fields.insert(0, "0");
        }
        let fields = <[&str; 6]>::try_from(fields).map_err(|_| CronError::Fields)?;
        for (field, text) in FIELDS.into_iter().zip(fields) {
            let alone = FIELDS.map(|other| if other == field { text } else { "*" });
            if !field.may_be(text) || read(alone).is_none() {
                let text = text.to_owned();
                return Err(CronError::Field { text, field });
            }
        }
        let expression = Self {
            text: text.to_owned(),
            // What remains wrong are days that don't go together.
            cron: Box::new(read(fields).ok_or(CronError::Never)?),
            running: fields.iter().take(3).any(|field| field.starts_with('*')),
        };
        // Any moment will do: what runs at all runs within the next leap years.
        match expression.next(Timestamp::UNIX_EPOCH, &TimeZone::UTC) {
            Some(_) => Ok(expression),
            None => Err(CronError::Never),
        }
    }
}

fn read(fields: [&str; 6]) -> Option<Cron> {
    let parser = CronParser::builder()
        .seconds(Seconds::Required)
        .year(Year::Disallowed)
        .build();
    parser.parse(&fields.join(" ")).ok()
}

impl fmt::Display for CronExpression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl CronExpression {
    /// The first run after a moment; `None` at the end of all times.
    #[must_use]
    pub fn next(&self, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        match self.running {
            true => self.next_running(after, zone),
            false => self.next_fixed(after, zone),
        }
    }

    /// The last run at a moment or before it.
    #[must_use]
    pub fn last(&self, until: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        match self.running {
            true => self.last_running(until, zone),
            false => self.last_fixed(until, zone),
        }
    }

    /// Each time on the clock is one moment, in the same order. What the clocks repeat comes before its second half.
    fn next_fixed(&self, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let mut clock = zone.to_datetime(after);
        loop {
            clock = self.on_clock(clock, false, Direction::Forward)?;
            let moment = first_at(clock, zone)?;
            if moment > after {
                return Some(moment);
            }
        }
    }

    fn last_fixed(&self, until: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let mut clock = zone.to_datetime(until);
        // In the second half of what is repeated, all of the first one is before this moment.
        if let AmbiguousOffset::Fold { before, .. } = zone.to_ambiguous_timestamp(clock).offset() {
            clock = before.to_datetime(until);
        }
        let mut found = self.on_clock(clock, true, Direction::Backward);
        loop {
            let moment = first_at(found?, zone)?;
            if moment <= until {
                return Some(moment);
            }
            found = self.on_clock(found?, false, Direction::Backward);
        }
    }

    /// From one change of the clocks to the next one, as if there were none.
    fn next_running(&self, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let (mut from, mut inclusive) = (after, false);
        loop {
            let offset = zone.to_offset(from);
            let clock = self.on_clock(offset.to_datetime(from), inclusive, Direction::Forward)?;
            let moment = offset.to_timestamp(clock).ok()?;
            match zone.following(from).next().map(|change| change.timestamp()) {
                Some(change) if change <= moment => (from, inclusive) = (change, true),
                _ => return Some(moment),
            }
        }
    }

    fn last_running(&self, until: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let mut until = until;
        loop {
            let offset = zone.to_offset(until);
            let clock = self.on_clock(offset.to_datetime(until), true, Direction::Backward)?;
            let moment = offset.to_timestamp(clock).ok()?;
            // A change at this very moment is already behind.
            let begun = until.checked_add(SignedDuration::from_nanos(1)).ok()?;
            match zone.preceding(begun).next().map(|change| change.timestamp()) {
                Some(change) if moment < change => until = change.checked_sub(SignedDuration::from_nanos(1)).ok()?,
                _ => return Some(moment),
            }
        }
    }

    /// The next time on a clock that never changes.
    fn on_clock(&self, from: DateTime, inclusive: bool, direction: Direction) -> Option<DateTime> {
        let from = Civil(from);
        let found = match direction {
            Direction::Forward => self.cron.find_next_occurrence(&from, inclusive),
            Direction::Backward => self.cron.find_previous_occurrence(&from, inclusive),
        };
        found.ok().map(|found| found.0)
    }
}

/// The first moment at which clocks show this time; if they skip it, that at which they do.
fn first_at(clock: DateTime, zone: &TimeZone) -> Option<Timestamp> {
    let ambiguous = zone.to_ambiguous_timestamp(clock);
    let earlier = ambiguous.earlier().ok()?;
    match ambiguous.offset() {
        AmbiguousOffset::Gap { .. } => Some(zone.following(earlier).next()?.timestamp()),
        _ => Some(earlier),
    }
}
