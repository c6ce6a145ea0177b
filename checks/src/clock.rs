//! The one place that reads clocks, for this crate and for the agent. Everything else is told the time.
#![expect(clippy::disallowed_methods, reason = "the clock file of this crate")]

use std::time::{Duration, Instant};

use crate::evidence::Millis;

/// This moment by the machine's clock.
#[must_use]
pub fn now() -> jiff::Timestamp {
    jiff::Timestamp::now()
}

/// Moment of a clock that never jumps, for pacing.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Moment(Instant);

impl From<Instant> for Moment {
    fn from(instant: Instant) -> Self {
        Self(instant)
    }
}

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

/// Measures from one moment on.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts to measure.
    #[must_use]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// How long ago the start was.
    #[must_use]
    pub fn ms(self) -> Millis {
        Millis(self.0.elapsed().as_secs_f64() * 1000.0)
    }

    /// What is left of `limit`; zero where it is over.
    #[must_use]
    pub fn left(self, limit: Duration) -> Duration {
        limit.saturating_sub(self.0.elapsed())
    }
}
