//! The one place of this crate that reads a clock: phases are measured here, and judged nowhere.
#![expect(clippy::disallowed_methods, reason = "the clock file of this crate")]

use std::time::{Duration, Instant};

/// This moment by the machine's clock.
#[must_use]
pub(super) fn now() -> jiff::Timestamp {
    jiff::Timestamp::now()
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

    /// Milliseconds since the start.
    #[must_use]
    pub fn ms(self) -> f64 {
        self.0.elapsed().as_secs_f64() * 1000.0
    }

    /// What is left of `limit`; zero where it is over.
    #[must_use]
    pub fn left(self, limit: Duration) -> Duration {
        limit.saturating_sub(self.0.elapsed())
    }
}
