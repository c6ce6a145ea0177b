//! What GitHub Actions gives a step: that it is there, a summary to append to, and a log that it reads commands from.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::Path;

use super::args::Format;
use super::colour_errors;
use crate::config::render_warning;
use crate::report::{Report, markdown};

/// What the summary of one step may hold.
const SUMMARY_LIMIT: u64 = 1024 * 1024;
/// Below this a report would say nothing.
const LEAST: u64 = 1024;

/// The form for standard output where none is asked for: GitHub sets `GITHUB_ACTIONS` in every step.
#[must_use]
pub fn default_format() -> Format {
    if std::env::var_os("GITHUB_ACTIONS").is_some_and(|value| value == "true") {
        Format::Github
    } else {
        Format::Human
    }
}

/// A word that nobody can guess, from the system's randomness: 128 bits in hexadecimal digits.
///
/// # Errors
/// Where the system gives none.
pub fn token() -> io::Result<String> {
    let mut bytes = [0_u8; 16];
    rustls::crypto::aws_lc_rs::default_provider()
        .secure_random
        .fill(&mut bytes)
        .map_err(|_| io::Error::other("the system gives no random numbers"))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Appends the report to the step's summary. One that can't be written is told and changes nothing else.
pub fn append_summary(report: &Report<'_>) {
    let Some(path) = std::env::var_os("GITHUB_STEP_SUMMARY").filter(|path| !path.is_empty()) else {
        return;
    };
    let path = Path::new(&path);
    if let Err(error) = append(report, path) {
        let warning = format!(
            "GITHUB_STEP_SUMMARY: {}: {error}; the job's summary lacks this report, all else is as it should be",
            path.display()
        );
        let rendered = render_warning(&warning, colour_errors());
        // Where standard error is closed there is nobody left to tell.
        let _ = writeln!(io::stderr(), "{rendered}");
    }
}

/// What stands there already, of an earlier command of the step, counts towards the limit.
fn append(report: &Report<'_>, path: &Path) -> io::Result<()> {
    let mut file = OpenOptions::new().create(true).append(true).open(path)?;
    let held = file.metadata()?.len();
    let room = SUMMARY_LIMIT.saturating_sub(held + 1);
    if room < LEAST {
        let full = format!("{held} bytes are there already, and GitHub takes {SUMMARY_LIMIT}");
        return Err(io::Error::other(full));
    }
    let text = markdown(report, usize::try_from(room).unwrap_or(usize::MAX));
    file.write_all(format!("{text}\n").as_bytes())
}
