//! The one place of the agent that reads a clock. Everything else is told the time.
#![expect(clippy::disallowed_methods, reason = "the clock file of this crate")]

use std::time::{Duration, Instant};

use jiff::Timestamp;

/// The time by the machine's clock.
#[must_use]
pub fn now() -> Timestamp {
    Timestamp::now()
}

/// A monotonic moment, for pacing.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Moment(Instant);

impl Moment {
    /// This moment.
    #[must_use]
    pub fn now() -> Self {
        Self(Instant::now())
    }

    /// This moment and some.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0 + duration)
    }

    /// How long ago it was; zero where it is still to come.
    #[must_use]
    pub fn elapsed(self) -> Duration {
        self.0.elapsed()
    }

    /// How long after `earlier` it is; zero where it is not.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        self.0.saturating_duration_since(earlier.0)
    }

    /// The later of two.
    #[must_use]
    pub fn max(self, other: Self) -> Self {
        if self.0 >= other.0 { self } else { other }
    }
}
