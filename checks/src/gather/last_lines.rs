//! What an app wrote last, for whoever is told that it crashed.

use super::log_cursor::LogCursor;
use super::setup::ProbeSetup;
use crate::evidence::LogLine;
use crate::probe::SentHeaders;

/// The last lines of an app's log, at most so many, the oldest first. None where nobody can be asked, or nobody answers.
pub async fn last_lines(setup: &ProbeSetup, app: &str, most: usize) -> Vec<LogLine> {
    let Some(platform) = &setup.platform else {
        return Vec::new();
    };
    let sent = SentHeaders::of_all([setup.headers.as_slice()]);
    let lines = LogCursor::new(platform, app, 1, sent).more().await.unwrap_or_default();
    let first = lines.len().saturating_sub(most);
    lines.into_iter().skip(first).collect()
}
