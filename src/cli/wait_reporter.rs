//! Tells on standard error how waiting comes along: the story's lines as they come, and what is waited for meanwhile.

use std::collections::BTreeSet;
use std::time::Duration;

use super::progress::Progress;
use crate::agent::Round;
use crate::agent::clock::Moment;
use crate::exit_code::ExitCode;
use crate::gate::{Attempt, GatePolicy, WaitLog, open, unmet};
use crate::inventory::{InventoryError, Unknown};

/// Tells how waiting comes along, where somebody waits.
pub(super) struct WaitReporter<'p> {
    story: WaitLog,
    told: bool,
    unknown: BTreeSet<String>,
    stumbled: Option<String>,
    progress: &'p Progress,
    began: Moment,
}

impl<'p> WaitReporter<'p> {
    /// Tells from now on; nothing where nobody waits (`told`).
    pub(super) fn new(progress: &'p Progress, told: bool) -> Self {
        Self {
            story: WaitLog::default(),
            told,
            unknown: BTreeSet::new(),
            stumbled: None,
            progress,
            began: Moment::now(),
        }
    }

    /// How long ago waiting began.
    pub(super) fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// Names that may be slips of the keyboard are told once, with what they may have been meant to be.
    pub(super) fn unknown_names(&mut self, names: &[Unknown]) {
        for name in names {
            if self.told && self.unknown.insert(name.name.clone()) {
                let nearest = match name.nearest.as_slice() {
                    [] => String::new(),
                    nearest => format!(" (the nearest names there: {})", nearest.join(", ")),
                };
                let line = format!("{} is not in the inventory yet{nearest}", name.name);
                self.progress
                    .say(&WaitLog::note(self.began.elapsed(), &line), WaitLog::INDENT);
            }
        }
    }

    /// Whether what is waited for is news.
    pub(super) fn waits(&mut self, look: &Attempt, round: &Round, demand: &GatePolicy) -> bool {
        if !self.told || look.code == ExitCode::Verified {
            return false;
        }
        let line = self
            .story
            .waiting(look.at, &round.diagnosis, &look.open, !demand.tenants_only);
        line.is_some_and(|line| {
            self.progress.say(&line, WaitLog::INDENT);
            true
        })
    }

    /// A look at everything passed.
    pub(super) fn passes(&mut self, at: Duration, passed: u32, of: u32) {
        if let Some(line) = self.story.passed(at, passed, of).filter(|_| self.told) {
            self.progress.say(&line, WaitLog::INDENT);
        }
    }

    /// Says once why the inventory can't be read.
    pub(super) fn stumbles(&mut self, error: &InventoryError) {
        let text = error.to_string();
        if self.stumbled.as_ref() != Some(&text) {
            let line = format!("the inventory can't be read just now: {text}");
            self.progress
                .say(&WaitLog::note(self.began.elapsed(), &line), WaitLog::INDENT);
            self.stumbled = Some(text);
        }
    }

    /// Shows what is waited for until the next look.
    pub(super) fn rests(&self, pause: Duration) {
        let when = match pause.as_secs_f64().ceil() {
            0.0 => "looking once more at everything".to_owned(),
            seconds => format!("looking again in {seconds} s"),
        };
        self.progress
            .rests(&format!("{when}; waiting for {}", self.story.last()));
    }

    /// The last line; `why` waiting has ended where it is no pass.
    pub(super) fn ends(&self, code: ExitCode, round: &Round, demand: &GatePolicy, why: &str) {
        if self.told {
            let open = open(&round.diagnosis, demand);
            let seen = (&round.world, &round.diagnosis);
            let shortfalls = unmet(&round.diagnosis, demand);
            let at = self.began.elapsed();
            let line = WaitLog::end(at, code, seen, &open, !demand.tenants_only, &shortfalls, why);
            self.progress.say(&line, WaitLog::INDENT);
        }
    }
}
