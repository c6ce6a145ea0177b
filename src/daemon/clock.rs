//! The two clocks of a daemon, read here and told to everything else.

use jiff::{SignedDuration, Timestamp};
use roundsman_alerts::Now;
use roundsman_checks::clock::{Moment, now};

/// Clocks that agreed when they were started.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clocks {
    wall: Timestamp,
    steady: Moment,
}

impl Clocks {
    pub(super) fn start() -> Self {
        Self {
            wall: now(),
            steady: Moment::now(),
        }
    }

    /// This moment by both.
    pub(super) fn now(self) -> Now {
        let passed = SignedDuration::try_from(self.steady.elapsed()).unwrap_or(SignedDuration::MAX);
        Now {
            steady: self.wall.saturating_add(passed).unwrap_or(Timestamp::MAX),
            wall: now(),
        }
    }
}
