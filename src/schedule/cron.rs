//! Cron expressions as crontab(5) reads them: five fields, or six with seconds first, or a name such as `@daily`.
//!
//! A day matches where day of month or day of week does, as soon as both are restricted; Sunday is 0 and 7. A time that
//! the clocks skip runs at the first moment after the gap, and one that they repeat runs once; what runs in every hour or
//! every few minutes goes on through both. One thing differs from Vixie's cron: there a field that begins with `*`, as in
//! `*/2`, counts as not restricted, here as what it is.

use std::fmt;
use std::str::FromStr;

use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use thiserror::Error;

use super::local::Local;

/// A cron expression.
#[derive(Clone, Debug, PartialEq)]
pub struct CronExpression {
    text: String,
    cron: Box<Cron>,
}

/// Why a text is no cron expression.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CronError {
    /// It does not have five or six fields.
    #[error("expected five fields such as \"*/5 * * * *\", or six with seconds first")]
    Fields,
    /// A field can't be read.
    #[error("{0}")]
    Field(String),
    /// There is no such day.
    #[error("this never runs")]
    Never,
}

/// Names that stand for a whole expression.
const NAMES: [&str; 7] = [
    "@yearly",
    "@annually",
    "@monthly",
    "@weekly",
    "@daily",
    "@midnight",
    "@hourly",
];

impl FromStr for CronExpression {
    type Err = CronError;

    fn from_str(text: &str) -> Result<Self, CronError> {
        let text = text.trim();
        let fields = text.split_whitespace().count();
        if !matches!(fields, 5 | 6) && !NAMES.contains(&text.to_ascii_lowercase().as_str()) {
            return Err(CronError::Fields);
        }
        let parser = CronParser::builder()
            .seconds(Seconds::Optional)
            .year(Year::Disallowed)
            .build();
        let cron = parser
            .parse(text)
            .map_err(|error| CronError::Field(error.to_string()))?;
        let expression = Self {
            text: text.to_owned(),
            cron: Box::new(cron),
        };
        // Any moment will do: what runs at all runs within the next leap years.
        match expression.next(Timestamp::UNIX_EPOCH, &TimeZone::UTC) {
            Some(_) => Ok(expression),
            None => Err(CronError::Never),
        }
    }
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
        let after = Local(after.to_zoned_datetime(zone.clone()));
        let next = self.cron.find_next_occurrence(&after, false).ok()?;
        Some(next.0.timestamp())
    }

    /// The last run at a moment or before it.
    #[must_use]
    pub fn last(&self, until: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let until = Local(until.to_zoned_datetime(zone.clone()));
        let last = self.cron.find_previous_occurrence(&until, true).ok()?;
        Some(last.0.timestamp())
    }
}
