//! The progress bar: on a terminal only, on standard error, gone when the report comes.

use std::collections::BTreeSet;
use std::io::IsTerminal as _;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use roundsman_checks::diagnosis::FleetFinding;
use roundsman_checks::finding::Outcome;

use crate::agent::Observer;
use crate::text::{clean, wrap};

/// Shows how a round comes along.
pub struct Progress {
    bar: ProgressBar,
    /// What failed for everybody when it was looked at last: said once, not at every look.
    failing: Mutex<BTreeSet<String>>,
}

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
        Self {
            bar,
            failing: Mutex::default(),
        }
    }

    /// Shows what is waited for until the next look.
    pub fn rests(&self, what: &str) {
        if let Ok(style) = ProgressStyle::with_template("{spinner} {wide_msg}") {
            self.bar.set_style(style);
        }
        self.bar.set_message(what.to_owned());
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
        self.bar.suspend(|| drop(err.write_line(&line)));
    }

    /// Takes the bar off the screen.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
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
            self.bar.set_style(style);
        }
        // In this order: a bar that is drawn in between never counts beyond its end.
        self.bar.set_position(0);
        self.bar.set_length(steps as u64);
        self.bar.set_message(name);
    }

    fn step(&self) {
        self.bar.inc(1);
    }

    /// What fails for everybody is said at once: whoever waits for a large round need not wait for that.
    fn fleet(&self, findings: &[FleetFinding]) {
        let failing = findings.iter().filter(|told| told.finding.outcome == Outcome::Fail);
        let failing = failing.map(|told| clean(&format!("{} fails: {}", told.check, told.finding.message)));
        let mut before = self.failing.lock().unwrap_or_else(PoisonError::into_inner);
        let now = failing.collect::<BTreeSet<_>>();
        now.difference(&before).for_each(|line| self.say(line, 0));
        *before = now;
    }
}
