//! Doors for fuzzing, behind the feature of that name: what reads a file from its path reads it here from bytes.

use std::time::Duration;

use jiff::Timestamp;
use roundsman_checks::target::Hostname;

use crate::gate::{Baseline, BaselineError};
use crate::recording::{Recording, RecordingError};
use crate::telemetry::otlp::Signal;

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

/// An answer of a collector of OTLP.
#[derive(Debug)]
pub struct Collected<'a> {
    /// What was sent.
    pub signal: Signal,
    /// Whether over gRPC.
    pub grpc: bool,
    /// What every request shows.
    pub token: &'a str,
    /// The status of HTTP.
    pub status: u16,
    /// The fields of the head, or behind the message.
    pub fields: Vec<(&'a [u8], &'a [u8])>,
    /// The body.
    pub body: &'a [u8],
}

/// What a sender tells of an answer.
#[must_use]
pub fn collector(answer: &Collected<'_>) -> String {
    crate::telemetry::otlp::judge(answer)
}
