//! When to look again, at whom, and when it is enough. A small machine that is told the time.

use std::collections::BTreeSet;
use std::time::Duration;

use roundsman_checks::target::TenantId;

use crate::exit_code::ExitCode;

/// The first pause between two looks.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause, where a look itself does not take longer than [`SHARE`] of it.
const LONGEST_PAUSE: Duration = Duration::from_secs(15);
/// A pause is at least this many times as long as the look before it: who looks at thousands is no burden either.
const SHARE: u32 = 2;

/// What waiting for a verdict takes.
#[derive(Clone, Debug)]
pub struct Gate {
    limit: Duration,
    consecutive: u32,
    fail_fast: bool,
    passed: u32,
    pause: Duration,
    closing: bool,
}

/// What one look found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// How long ago waiting began, when the look ended.
    pub at: Duration,
    /// How long the look took.
    pub took: Duration,
    /// Whether all that was asked for was looked at, and nothing carried over.
    pub whole: bool,
    /// What it would end with.
    pub code: ExitCode,
    /// The tenants that keep it from passing; none of them may be the fleet alone.
    pub open: BTreeSet<TenantId>,
    /// Whether something was found that no waiting fixes.
    pub lasting: bool,
    /// Whether what keeps it from passing differs from the look before.
    pub changed: bool,
}

/// Selection to look at next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    /// All that was asked for.
    All,
    /// The fleet and these.
    Only(BTreeSet<TenantId>),
}

/// What comes next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// The last look decides.
    End,
    /// Another look after a pause.
    Attempt(Duration, Selection),
}

impl Gate {
    /// A gate that waits for `limit`, until all is well `consecutive` times in a row (at least once).
    #[must_use]
    pub fn new(limit: Duration, consecutive: u32, fail_fast: bool) -> Self {
        Self {
            limit,
            consecutive: consecutive.max(1),
            fail_fast,
            passed: 0,
            pause: FIRST_PAUSE,
            closing: false,
        }
    }

    /// How often all was well in a row.
    #[must_use]
    pub fn passed(&self) -> u32 {
        self.passed
    }

    /// How often that has to be.
    #[must_use]
    pub fn consecutive(&self) -> u32 {
        self.consecutive
    }

    /// Whether all was well as often as it has to be.
    #[must_use]
    pub fn is_satisfied(&self) -> bool {
        self.passed >= self.consecutive
    }

    /// Decides what comes after a look. Only a look at everything counts as passed; when the time is up, one more at
    /// everything tells how it really is.
    pub fn after(&mut self, look: &Attempt) -> Next {
        let passes = look.code == ExitCode::Verified;
        self.passed = match (passes, look.whole) {
            (true, true) => self.passed + 1,
            (true, false) => self.passed,
            (false, _) => 0,
        };
        if self.is_satisfied() || self.closing {
            return Next::End;
        }
        let left = self.limit.saturating_sub(look.at);
        // A report never mixes what was seen now with what was seen earlier.
        if left.is_zero() || (self.fail_fast && look.lasting) {
            self.closing = true;
            return match look.whole {
                true => Next::End,
                false => Next::Attempt(Duration::ZERO, Selection::All),
            };
        }
        if passes && !look.whole {
            return Next::Attempt(Duration::ZERO, Selection::All);
        }
        if look.changed {
            self.pause = FIRST_PAUSE;
        }
        let pause = self.pause.max(look.took * SHARE).min(left);
        self.pause = (self.pause * 3 / 2).min(LONGEST_PAUSE);
        match passes {
            true => Next::Attempt(pause, Selection::All),
            false => Next::Attempt(pause, Selection::Only(look.open.clone())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(at: u64, whole: bool, code: ExitCode) -> Attempt {
        Attempt {
            at: Duration::from_secs(at),
            took: Duration::ZERO,
            whole,
            code,
            open: BTreeSet::from([TenantId::new("abc")]),
            lasting: false,
            changed: false,
        }
    }

    fn pause(next: &Next) -> Duration {
        match next {
            Next::Attempt(pause, _) => *pause,
            Next::End => Duration::MAX,
        }
    }

    fn minutes(minutes: u64, consecutive: u32) -> Gate {
        Gate::new(Duration::from_secs(minutes * 60), consecutive, false)
    }

    #[test]
    fn a_first_look_that_passes_is_enough() {
        let mut gate = minutes(5, 1);
        assert_eq!(gate.after(&look(0, true, ExitCode::Verified)), Next::End);
    }

    #[test]
    fn what_is_open_is_looked_at_again_and_all_of_it_at_the_end() {
        let mut gate = minutes(5, 1);
        let next = gate.after(&look(0, true, ExitCode::Failing));
        assert!(matches!(next, Next::Attempt(_, Selection::Only(open)) if open.len() == 1));
        let next = gate.after(&look(3, false, ExitCode::Verified));
        assert_eq!(next, Next::Attempt(Duration::ZERO, Selection::All));
        assert!(!gate.is_satisfied());
        assert_eq!(gate.after(&look(4, true, ExitCode::Verified)), Next::End);
        assert!(gate.is_satisfied());
    }

    #[test]
    fn a_failure_begins_the_count_again() {
        let mut gate = minutes(5, 2);
        gate.after(&look(0, true, ExitCode::Verified));
        assert_eq!(gate.passed(), 1);
        gate.after(&look(1, true, ExitCode::Failing));
        assert_eq!(gate.passed(), 0);
        gate.after(&look(2, true, ExitCode::Verified));
        assert_eq!(gate.after(&look(3, true, ExitCode::Verified)), Next::End);
    }

    #[test]
    fn inconclusive_is_no_pass() {
        let mut gate = minutes(5, 1);
        assert_ne!(gate.after(&look(0, true, ExitCode::Inconclusive)), Next::End);
    }

    #[test]
    fn when_the_time_is_up_all_is_looked_at_once_more() {
        let mut gate = minutes(1, 1);
        gate.after(&look(0, true, ExitCode::Failing));
        let next = gate.after(&look(60, false, ExitCode::Failing));
        assert_eq!(next, Next::Attempt(Duration::ZERO, Selection::All));
        assert_eq!(gate.after(&look(61, true, ExitCode::Failing)), Next::End);
        let mut whole = minutes(1, 1);
        assert_eq!(whole.after(&look(60, true, ExitCode::Failing)), Next::End);
    }

    #[test]
    fn pauses_grow_end_with_the_time_and_begin_anew_when_something_changes() {
        let mut gate = minutes(5, 1);
        let first = pause(&gate.after(&look(0, true, ExitCode::Failing)));
        let second = pause(&gate.after(&look(1, false, ExitCode::Failing)));
        assert!(first < second);
        let mut longest = second;
        for _ in 0..20 {
            longest = pause(&gate.after(&look(9, false, ExitCode::Failing)));
        }
        assert_eq!(longest, LONGEST_PAUSE);
        assert_eq!(
            pause(&gate.after(&look(297, false, ExitCode::Failing))),
            Duration::from_secs(3)
        );
        let changed = Attempt {
            changed: true,
            ..look(100, false, ExitCode::Failing)
        };
        assert_eq!(pause(&gate.after(&changed)), FIRST_PAUSE);
    }

    #[test]
    fn who_looks_long_rests_longer() {
        let mut gate = minutes(30, 1);
        let long = Attempt {
            took: Duration::from_secs(20),
            ..look(20, true, ExitCode::Failing)
        };
        assert_eq!(pause(&gate.after(&long)), Duration::from_secs(40));
    }

    #[test]
    fn only_who_is_told_to_fail_fast_ends_for_a_lasting_cause() {
        let lasting = Attempt {
            lasting: true,
            ..look(0, true, ExitCode::Failing)
        };
        assert_ne!(minutes(5, 1).after(&lasting), Next::End);
        let mut narrow = Gate::new(Duration::from_secs(300), 1, true);
        let found = Attempt {
            whole: false,
            ..lasting.clone()
        };
        assert_eq!(narrow.after(&found), Next::Attempt(Duration::ZERO, Selection::All));
        assert_eq!(narrow.after(&lasting), Next::End);
        assert_eq!(Gate::new(Duration::from_secs(300), 1, true).after(&lasting), Next::End);
    }
}
