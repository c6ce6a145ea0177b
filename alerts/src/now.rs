//! The moment at which something is decided.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// One moment by two clocks: the wall's, for people, and one that never jumps, for what is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Now {
    /// A clock that neither jumps nor goes back while the process runs; it began as the wall's.
    pub steady: Timestamp,
    /// The machine's clock, as people read it.
    pub wall: Timestamp,
}

impl Now {
    /// A moment at which both clocks agree.
    #[must_use]
    pub fn at(moment: Timestamp) -> Self {
        Self {
            steady: moment,
            wall: moment,
        }
    }

    /// This moment and some.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self {
            steady: later(self.steady, duration),
            wall: later(self.wall, duration),
        }
    }
}

/// A moment and some; the last moment there is where that is beyond it.
#[must_use]
pub(crate) fn later(moment: Timestamp, duration: Duration) -> Timestamp {
    let duration = SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX);
    moment.saturating_add(duration).unwrap_or(Timestamp::MAX)
}
