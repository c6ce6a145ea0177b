//! The progress bar: on a terminal only, on standard error, gone when the report comes.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::io::IsTerminal as _;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressState, ProgressStyle};
use roundsman_checks::clock::Moment;
use roundsman_checks::diagnosis::FleetFinding;
use roundsman_checks::finding::Outcome;

use super::output::shows_ascii_alone;
use crate::agent::Observer;
use crate::text::{clean, wrap};

/// How long a stage has to go on before its end is guessed: until then the rate is that of its first answers.
const BEFORE_A_GUESS: Duration = Duration::from_secs(3);
/// The shortest time that is told: less is over before it is read.
const SHORTEST: Duration = Duration::from_secs(2);

/// Shows how a round comes along.
pub struct Progress {
    bar: ProgressBar,
    /// Whether only ASCII can be shown.
    ascii: bool,
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
        let progress = Self {
            bar,
            ascii: shows_ascii_alone(),
            failing: Mutex::default(),
        };
        // Before it is drawn for the first time.
        if let Some(style) = progress.style("{spinner} {msg}") {
            progress.bar.set_style(style);
        }
        progress.bar.enable_steady_tick(Duration::from_millis(120));
        progress
    }

    /// Shows what is waited for until the next look.
    pub fn rests(&self, what: &str) {
        if let Some(style) = self.style("{spinner} {wide_msg}") {
            self.bar.set_style(style);
        }
        self.bar.set_message(what.to_owned());
    }

    /// A style in characters that can be shown here.
    fn style(&self, template: &str) -> Option<ProgressStyle> {
        let style = ProgressStyle::with_template(template).ok()?;
        Some(match self.ascii {
            true => style.progress_chars("#>-").tick_chars("|/-\\ "),
            false => style,
        })
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
            "{msg:<14} {wide_bar} {pos}/{len} {elapsed}{left}"
        };
        if let Some(style) = self.style(template) {
            let began = Moment::now();
            let guess = move |state: &ProgressState, out: &mut dyn Write| {
                // The library reckons by the latest rate: what is seconds old counts little.
                let done = state.len().is_none_or(|steps| state.pos() >= steps);
                let left = if done { None } else { left(began.elapsed(), state.eta()) };
                // Writing to a line that is made in memory does not fail.
                let _ = left.map(|left| out.write_str(&left));
            };
            self.bar.set_style(style.with_key("left", guess));
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

/// What is said of the time that is left, by how long the stage has gone on and the rate of its latest steps.
fn left(elapsed: Duration, rest: Duration) -> Option<String> {
    if elapsed < BEFORE_A_GUESS || rest < SHORTEST {
        return None;
    }
    let seconds = rest.as_secs();
    Some(match seconds {
        ..60 => format!(", about {seconds} s left"),
        60..3600 => format!(", about {} min left", seconds.div_ceil(60)),
        // Nothing came for so long that the rate says nothing.
        86_400.. => return None,
        _ => format!(", about {} h left", seconds.div_ceil(3600)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_guessed_after_some_seconds_and_roughly() {
        let told = |elapsed, rest| left(Duration::from_secs(elapsed), Duration::from_secs(rest));
        let said = |rest| told(10, rest).unwrap_or_default();
        assert_eq!((told(2, 500), told(10, 1), told(10, 0)), (None, None, None));
        assert_eq!(said(42), ", about 42 s left");
        assert_eq!(
            (said(61).as_str(), said(3599).as_str()),
            (", about 2 min left", ", about 60 min left")
        );
        assert_eq!(said(3601), ", about 2 h left");
        // Whatever the library makes of a rate of nearly nothing.
        assert_eq!(left(Duration::from_secs(10), Duration::MAX), None);
        assert!(said(42).is_ascii());
    }

    #[test]
    fn ascii_is_enough_where_the_locale_has_no_more() {
        let progress = Progress {
            bar: ProgressBar::hidden(),
            ascii: true,
            failing: Mutex::default(),
        };
        let style = progress.style("{spinner} {wide_bar}");
        assert!(style.is_some_and(|style| (0..4).all(|tick| style.get_tick_str(tick).is_ascii())));
    }
}
