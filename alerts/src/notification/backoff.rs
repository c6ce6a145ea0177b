//! How long to wait before something is tried again.

use std::time::Duration;

/// How long to wait before something is tried again, by how often it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    steps: &'static [u64],
    then: u64,
}

/// A server that can't be reached or does not answer: it may be back any moment, and everything waits for it.
pub(super) const UNREACHABLE: Backoff = Backoff {
    steps: &[5, 15, 30, 60],
    then: 120,
};

/// A server that answers "not now": it says so for a reason, greylisting for one (RFC 6647 and RFC 5321, section 4.5.4).
pub(super) const NOT_NOW: Backoff = Backoff {
    steps: &[30, 60, 5 * 60, 15 * 60],
    then: 30 * 60,
};

impl Backoff {
    /// How long to wait after this many failures, one or more.
    #[must_use]
    pub fn after(self, failures: u32) -> Duration {
        let step = usize::try_from(failures.saturating_sub(1)).unwrap_or(usize::MAX);
        Duration::from_secs(self.steps.get(step).copied().unwrap_or(self.then))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_longer_and_then_always_as_long() {
        let waits = |backoff: Backoff| {
            (1..=6)
                .map(|failures| backoff.after(failures).as_secs())
                .collect::<Vec<_>>()
        };
        assert_eq!(waits(UNREACHABLE), [5, 15, 30, 60, 120, 120]);
        assert_eq!(waits(NOT_NOW), [30, 60, 300, 900, 1800, 1800]);
    }
}
