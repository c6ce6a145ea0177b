//! How much of a certificate's time is left.

use std::fmt;

use jiff::Timestamp;

use crate::chain::Facts;

/// How much of a leaf's lifetime is left at some moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Lifetime {
    /// It is over since.
    Expired(Timestamp),
    /// It has not begun, and begins then.
    NotYet(Timestamp),
    /// So much is left.
    Left {
        /// The fraction, 0 to 1.
        fraction: f64,
        /// Its last moment.
        until: Timestamp,
    },
}

impl Lifetime {
    /// Of a leaf at `now`.
    #[must_use]
    pub fn of(facts: &Facts, now: Timestamp) -> Self {
        if now > facts.not_after {
            Self::Expired(facts.not_after)
        } else if now < facts.not_before {
            Self::NotYet(facts.not_before)
        } else {
            Self::Left {
                fraction: facts.remaining(now),
                until: facts.not_after,
            }
        }
    }
}

/// As in `61 % left, until 2026-12-30`.
impl fmt::Display for Lifetime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let day = |moment: &Timestamp| moment.strftime("%Y-%m-%d");
        match self {
            Self::Expired(on) => write!(f, "expired on {}", day(on)),
            Self::NotYet(before) => write!(f, "not valid before {}", day(before)),
            Self::Left { fraction, until } => write!(f, "{:.0} % left, until {}", fraction * 100.0, day(until)),
        }
    }
}
