//! Reads one app's log on and on: page after page, from where it was left.

use crate::evidence::{Fault, LogLine};
use crate::logs::{Replay, names};
use crate::platform::PlatformClient;
use crate::probe::SentHeaders;
use crate::target::Hostname;

/// Lines that make a page which may not be the last.
const FULL_PAGE: usize = 100;

/// Cursor in one log.
pub(super) struct LogCursor<'l> {
    platform: &'l PlatformClient,
    app: String,
    token: Option<String>,
    left: usize,
    /// What edge or app may repeat of our requests.
    sent: SentHeaders<'static>,
}

impl<'l> LogCursor<'l> {
    /// A cursor in a log that is read at most `most` times. What was `sent` with requests is taken out of the lines.
    pub(super) fn new(platform: &'l PlatformClient, app: &str, most: usize, sent: SentHeaders<'static>) -> Self {
        Self {
            platform,
            app: app.to_owned(),
            token: None,
            left: most,
            sent,
        }
    }

    /// Whether the log may not be read again.
    pub(super) fn is_spent(&self) -> bool {
        self.left == 0
    }

    /// The lines that are new since the last time; the first time the newest.
    pub(super) async fn more(&mut self) -> Result<Vec<LogLine>, Fault> {
        let mut lines = Vec::new();
        while self.left > 0 {
            self.left -= 1;
            let page = self.platform.log(&self.app, self.token.as_deref()).await?;
            let full = self.token.is_some() && page.lines.len() >= FULL_PAGE;
            self.token = page.next.or(self.token.take());
            lines.extend(page.lines);
            if !full {
                break;
            }
        }
        lines.iter_mut().for_each(|line| self.sent.mask_line(line));
        Ok(lines)
    }
}

/// Whether a line is about a name: it says where requests for it go, or that one was refused.
pub(super) fn is_about(line: &LogLine, host: &Hostname, domain: &Hostname) -> bool {
    names(line, host) || Replay::read(&line.message).is_some_and(|replay| replay.is_of(host, domain))
}
