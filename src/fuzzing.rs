//! Doors for fuzzing, behind the feature of that name: what reads a file from its path reads it here from bytes.

use std::time::Duration;

use jiff::Timestamp;
use roundsman_checks::target::Hostname;

use crate::gate::{Baseline, BaselineError};
use crate::recording::{Recording, RecordingError};

/// Reads a recording as it stands in a file.
///
/// # Errors
/// As [`crate::recording::read`].
pub fn recording(file: &[u8]) -> Result<Recording, RecordingError> {
    crate::recording::parse(file, "a recording")
}

/// Reads a report as a baseline of this domain.
///
/// # Errors
/// As [`Baseline::read`].
pub fn baseline(text: &str, domain: &Hostname, now: Timestamp, max_age: Duration) -> Result<Baseline, BaselineError> {
    Baseline::of_text(text, "a baseline".to_owned(), domain, now, max_age)
}

/// Writes a report or a trace as JSON.
///
/// # Errors
/// What writing fails with.
pub fn json(value: &impl serde::Serialize) -> std::io::Result<String> {
    crate::json::text(value)
}
