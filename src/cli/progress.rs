//! The progress bar: on a terminal only, on standard error, gone when the report comes.

use std::io::IsTerminal as _;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use roundsman_checks::diagnosis::FleetFinding;
use roundsman_checks::finding::Outcome;

use crate::agent::Observer;
use crate::report::wrap;

/// Shows how a round comes along.
pub struct Progress(ProgressBar);

impl Progress {
    /// A bar on a terminal; nothing elsewhere.
    #[must_use]
    pub fn new() -> Self {
        let bar = if std::io::stderr().is_terminal() {
            ProgressBar::new_spinner()
        } else {
            ProgressBar::hidden()
        };
        bar.enable_steady_tick(Duration::from_millis(120));
        Self(bar)
    }

    /// Shows what is waited for until the next look.
    pub fn rests(&self, what: &str) {
        if let Ok(style) = ProgressStyle::with_template("{spinner} {wide_msg}") {
            self.0.set_style(style);
        }
        self.0.set_message(what.to_owned());
    }

    /// Says a line that stays, on standard error; on a terminal broken to its width. `indent` columns stand before what
    /// it says.
    pub fn say(&self, line: &str, indent: usize) {
        let err = console::Term::stderr();
        let columns = err.is_term().then(|| usize::from(err.size().1).max(40));
        let line = match line.split_at_checked(indent) {
            Some((first, text)) => wrap(first, text, columns),
            None => line.to_owned(),
        };
        // Where standard error is closed there is nobody left to tell.
        self.0.suspend(|| drop(err.write_line(&line)));
    }

    /// Takes the bar off the screen.
    pub fn finish(&self) {
        self.0.finish_and_clear();
    }
}

impl Default for Progress {
    fn default() -> Self {
        Self::new()
    }
}

impl Observer for Progress {
    fn stage(&self, name: &'static str, steps: usize) {
        let template = if steps == 0 {
            "{spinner} {msg}"
        } else {
            "{msg:<14} {wide_bar} {pos}/{len} {elapsed}"
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            self.0.set_style(style);
        }
        // In this order: a bar that is drawn in between never counts beyond its end.
        self.0.set_position(0);
        self.0.set_length(steps as u64);
        self.0.set_message(name);
    }

    fn step(&self) {
        self.0.inc(1);
    }

    /// What fails for everybody is said at once: whoever waits for a large round need not wait for that.
    fn fleet(&self, findings: &[FleetFinding]) {
        for told in findings.iter().filter(|told| told.finding.outcome == Outcome::Fail) {
            self.say(&format!("{} fails: {}", told.check, told.finding.message), 0);
        }
    }
}
