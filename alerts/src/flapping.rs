//! Whether something comes and goes: the last looks, the newer ones counting more.

use serde::{Deserialize, Serialize};

/// How many looks are remembered.
const LENGTH: u32 = 20;
/// The weights of the oldest and of the newest look.
const WEIGHTS: (f64, f64) = (0.75, 1.25);
/// From this share of changes on something flaps, and below this one it no longer does.
const ON: f64 = 0.30;
const OFF: f64 = 0.20;

/// The last twenty looks: of each whether its outcome was another than that of the one before it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ring {
    /// A bit each, the newest lowest.
    changes: u32,
    flapping: bool,
}

impl Ring {
    /// Adds a look that went another way than the one before it at the same witness, or did not. Whether it began or ended
    /// to flap by it.
    pub fn push(&mut self, changed: bool) -> bool {
        self.changes = (self.changes << 1 | u32::from(changed)) & ((1 << LENGTH) - 1);
        let (share, before) = (self.share(), self.flapping);
        self.flapping = if before { share >= OFF } else { share >= ON };
        before != self.flapping
    }

    /// Whether it comes and goes.
    #[must_use]
    pub fn is_flapping(&self) -> bool {
        self.flapping
    }

    /// Whether none of the last looks changed anything.
    #[must_use]
    pub fn is_calm(&self) -> bool {
        self.changes == 0
    }

    /// The weighted share of looks that changed something, from 0 to 1.
    fn share(&self) -> f64 {
        let (oldest, newest) = WEIGHTS;
        let step = (newest - oldest) / f64::from(LENGTH - 1);
        let weight = |age: u32| newest - step * f64::from(age);
        let changed = (0..LENGTH).filter(|age| self.changes >> age & 1 == 1);
        // The mean of the weights is 1.
        changed.map(weight).sum::<f64>() / f64::from(LENGTH)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_change_is_no_flapping_and_changing_all_the_time_is() {
        let mut ring = Ring::default();
        let began = [false, false, true, false, false].map(|changed| ring.push(changed));
        assert!(!began.contains(&true) && !ring.is_flapping() && !ring.is_calm());
        for _ in 0..20 {
            ring.push(true);
        }
        assert!(ring.is_flapping());
        let ended = [(); 20].map(|()| ring.push(false));
        assert!(ended.iter().position(|ended| *ended).is_some_and(|looks| looks > 10));
        assert!(!ring.is_flapping() && ring.is_calm());
    }

    #[test]
    fn between_both_limits_it_stays_as_it_is() {
        // Five changes of twenty, a quarter: above what ends it, below what begins it.
        let push = |ring: &mut Ring, looks: u32, every: u32| {
            for look in 0..looks {
                ring.push(look.is_multiple_of(every));
            }
            ring.is_flapping()
        };
        assert!(!push(&mut Ring::default(), 20, 4));
        let mut wild = Ring::default();
        assert!(push(&mut wild, 20, 1));
        assert!(push(&mut wild, 60, 4));
    }
}
