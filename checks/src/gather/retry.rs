//! When a cut visit is repeated, and when enough is known: what the control name survives is the tenant's own fault,
//! what cuts both is a limit of the edge. Pure: it is told the time, and says how long to wait.

use std::time::Duration;

/// How often the control name must stand beside a cut tenant before the cut is the tenant's.
const ALONE: u32 = 2;

/// Schedule of repetitions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetrySchedule {
    /// How often one visit is repeated at most.
    pub attempts: u32,
    /// The pause after the first repetition that was cut too; doubled each time.
    pub pause: Duration,
    /// How long all repetitions of one round may take together.
    pub patience: Duration,
}

impl Default for RetrySchedule {
    fn default() -> Self {
        Self {
            attempts: 5,
            pause: Duration::from_millis(250),
            patience: Duration::from_secs(90),
        }
    }
}

/// Paced retry of one visit, with the control name right after each cut.
///
/// ```
/// # use std::time::Duration;
/// # use roundsman_checks::gather::{PacedRetry, RetrySchedule};
/// let mut retry = PacedRetry::new(&RetrySchedule::default());
/// assert!(retry.begin(Duration::ZERO));
/// let limited = true; // the control name was cut too
/// assert_eq!(retry.was_cut(limited), Some(Duration::from_millis(250)));
/// ```
#[derive(Clone, Debug)]
pub struct PacedRetry {
    left: u32,
    pause: Duration,
    patience: Duration,
    alone: u32,
}

impl PacedRetry {
    /// A retry that has not begun.
    #[must_use]
    pub fn new(schedule: &RetrySchedule) -> Self {
        Self {
            left: schedule.attempts,
            pause: schedule.pause,
            patience: schedule.patience,
            alone: 0,
        }
    }

    /// Begins an attempt, `spent` after the first repetition of the round began. `false`: none is left.
    pub fn begin(&mut self, spent: Duration) -> bool {
        if self.left == 0 || spent > self.patience {
            return false;
        }
        self.left -= 1;
        true
    }

    /// Hears that the visit was cut again, and whether the control name was cut right after it. Says how long to wait
    /// before the next attempt; nothing where there is none to wait for.
    pub fn was_cut(&mut self, control_too: bool) -> Option<Duration> {
        self.alone += u32::from(!control_too);
        if self.alone == ALONE || self.left == 0 {
            return None;
        }
        let pause = self.pause;
        self.pause *= 2;
        Some(pause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn retry() -> PacedRetry {
        PacedRetry::new(&RetrySchedule::default())
    }

    /// The pauses of a retry that hears this of the control name, attempt by attempt.
    fn pauses(control_too: impl IntoIterator<Item = bool>) -> Vec<u128> {
        let mut retry = retry();
        let heard = control_too.into_iter();
        let pauses = heard.map_while(|control_too| {
            retry.begin(Duration::ZERO).then_some(())?;
            retry.was_cut(control_too)
        });
        pauses.map(|pause| pause.as_millis()).collect()
    }

    #[test]
    fn a_limit_is_given_time_that_doubles_and_nobody_waits_after_the_last_attempt() {
        assert_eq!(pauses([true; 9]), [250, 500, 1_000, 2_000]);
    }

    #[test]
    fn what_the_control_name_survives_twice_is_settled() {
        for (control_too, expected) in [
            (&[false, false, false][..], &[250][..]),
            (&[true, false, false], &[250, 500]),
            (&[false, true, false], &[250, 500]),
            (&[true, true, true, false, false], &[250, 500, 1_000, 2_000]),
        ] {
            assert_eq!(pauses(control_too.iter().copied()), expected, "{control_too:?}");
        }
    }

    #[test]
    fn patience_is_that_of_the_whole_round() {
        let patience = RetrySchedule::default().patience;
        assert!(retry().begin(patience));
        assert!(!retry().begin(patience + Duration::from_millis(1)));
    }

    #[test]
    fn no_attempt_beyond_those_allowed() {
        let mut retry = retry();
        assert_eq!((0..9).filter(|_| retry.begin(Duration::ZERO)).count(), 5);
    }
}
