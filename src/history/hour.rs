//! One hour of something that is looked at again and again: how often it worked, and how long it took.

use jiff::Timestamp;

use super::timings::PHASES;
use super::{Level, Timings};

/// How many looks of an hour its durations are told by: beyond that each look has the same chance to be among them.
const SAMPLES: usize = 12;
/// The length of an hour as it is kept, in bytes.
const BYTES: usize = 4 + 2 + 2 + PHASES.len() + 1;

/// The hour of a moment: whole hours since the epoch.
#[must_use]
pub fn hour_of(at: Timestamp) -> i32 {
    i32::try_from(at.as_second().div_euclid(3600)).unwrap_or_default()
}

/// One hour that is over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hour {
    /// Which: whole hours since the epoch.
    pub hour: i32,
    /// How many looks were told: those at which nobody can say how it was are not.
    pub looks: u16,
    /// At how many of them it worked.
    pub up: u16,
    /// How long each phase took, in the middle.
    pub typical: [Level; PHASES.len()],
    /// How long a whole visit took at most, but for one in twenty.
    pub slow: Level,
}

impl Hour {
    /// Two parts of one hour as one: an agent that starts again begins it again.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        let more = if self.looks >= other.looks { self } else { other };
        Self {
            looks: self.looks.saturating_add(other.looks),
            up: self.up.saturating_add(other.up),
            slow: self.slow.max(other.slow),
            ..more
        }
    }

    /// As it is kept.
    #[must_use]
    pub fn to_bytes(self) -> [u8; BYTES] {
        let mut bytes = [0; BYTES];
        bytes[..4].copy_from_slice(&self.hour.to_le_bytes());
        bytes[4..6].copy_from_slice(&self.looks.to_le_bytes());
        bytes[6..8].copy_from_slice(&self.up.to_le_bytes());
        for (byte, level) in bytes[8..].iter_mut().zip(self.typical.iter().chain([&self.slow])) {
            *byte = level.0;
        }
        bytes
    }

    /// Hours as they were kept, one after the other; what is cut off is left out.
    pub fn all_from(bytes: &[u8]) -> impl Iterator<Item = Self> + '_ {
        let (hours, _) = bytes.as_chunks::<BYTES>();
        hours.iter().map(|kept| {
            let [h0, h1, h2, h3, l0, l1, u0, u1, typical @ .., slow] = *kept;
            Self {
                hour: i32::from_le_bytes([h0, h1, h2, h3]),
                looks: u16::from_le_bytes([l0, l1]),
                up: u16::from_le_bytes([u0, u1]),
                typical: typical.map(Level),
                slow: Level(slow),
            }
        })
    }
}

/// An hour that goes on.
#[derive(Clone, Debug, Default)]
pub struct HourSoFar {
    hour: i32,
    looks: u16,
    up: u16,
    timed: u32,
    samples: [([Level; PHASES.len()], Level); SAMPLES],
}

impl HourSoFar {
    /// Counts a look at this moment: whether it worked, where anybody can say, and how long it took. The hour before, where
    /// a new one begins by it.
    pub fn add(&mut self, at: Timestamp, up: Option<bool>, timings: &Timings) -> Option<Hour> {
        let over = self.turn(at);
        if let Some(up) = up {
            self.looks = self.looks.saturating_add(1);
            self.up = self.up.saturating_add(u16::from(up));
        }
        let levels = timings.levels();
        if levels != [Level::NONE; PHASES.len()] {
            self.sample(levels, timings.total().map_or(Level::NONE, Level::of));
        }
        over
    }

    /// Another hour may have begun: the one before it then.
    fn turn(&mut self, at: Timestamp) -> Option<Hour> {
        let hour = hour_of(at);
        if hour == self.hour {
            return None;
        }
        let over = self.so_far();
        *self = Self {
            hour,
            ..Self::default()
        };
        over
    }

    /// The hour as it is until now; `None` where nothing was counted in it.
    #[must_use]
    pub fn so_far(&self) -> Option<Hour> {
        let taken = &self.samples[..SAMPLES.min(self.timed as usize)];
        let typical = std::array::from_fn(|phase| {
            let (middle, _) = Level::middle_and_high(taken.iter().map(|(levels, _)| levels[phase]));
            middle
        });
        let (_, slow) = Level::middle_and_high(taken.iter().map(|(_, total)| *total));
        (self.looks > 0 || self.timed > 0).then_some(Hour {
            hour: self.hour,
            looks: self.looks,
            up: self.up,
            typical,
            slow,
        })
    }

    fn sample(&mut self, levels: [Level; PHASES.len()], total: Level) {
        let number = self.timed as usize;
        self.timed = self.timed.saturating_add(1);
        // The n-th replaces one of those that were taken with the chance that it has: reservoir sampling, by a draw that
        // depends on nothing but the number.
        let place = match number {
            number if number < SAMPLES => number,
            number => (mixed(number as u64) % (number as u64 + 1)) as usize,
        };
        if let Some(sample) = self.samples.get_mut(place) {
            *sample = (levels, total);
        }
    }
}

/// A number that looks drawn, always the same for the same number (SplitMix64).
fn mixed(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail")]
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn took(ms: f64) -> Timings {
        Timings([Some(ms); PHASES.len()])
    }

    #[test]
    fn an_hour_tells_how_often_it_worked_and_how_long_it_took() {
        let mut hour = HourSoFar::default();
        for look in 0..600 {
            let over = hour.add(at(3600 + look * 6), Some(look % 10 != 0), &took(40.0));
            assert_eq!(over, None);
        }
        assert_eq!(hour.add(at(3700), None, &Timings::default()), None);
        let over = hour.add(at(7200), Some(true), &took(40.0)).unwrap();
        assert_eq!((over.hour, over.looks, over.up), (1, 600, 540));
        assert_eq!(over.typical, [Level::of(40.0); PHASES.len()]);
        assert_eq!(over.slow, Level::of(160.0));
        assert_eq!(hour.so_far().unwrap().looks, 1);
    }

    #[test]
    fn what_is_sampled_is_of_the_whole_hour() {
        let mut hour = HourSoFar::default();
        for look in 0..3600 {
            hour.add(at(look), Some(true), &took(if look < 1800 { 10.0 } else { 100.0 }));
        }
        let late = hour
            .samples
            .iter()
            .filter(|(_, total)| *total == Level::of(400.0))
            .count();
        assert!((2..=10).contains(&late), "{late} of {SAMPLES}");
    }

    #[test]
    fn what_is_kept_is_read_again_and_parts_of_an_hour_are_one() {
        let mut hour = HourSoFar::default();
        hour.add(at(3600), Some(true), &took(20.0));
        let first = hour.so_far().unwrap();
        let mut hour = HourSoFar::default();
        hour.add(at(3700), Some(true), &took(50.0));
        hour.add(at(3800), Some(false), &took(50.0));
        let second = hour.so_far().unwrap();
        let kept = [first.to_bytes(), second.to_bytes()].concat();
        assert_eq!(Hour::all_from(&kept).collect::<Vec<_>>(), [first, second]);
        assert_eq!(Hour::all_from(&kept[..kept.len() - 1]).count(), 1);
        let both = first.with(second);
        assert_eq!((both.looks, both.up, both.typical), (3, 2, second.typical));
        assert_eq!(both, second.with(first));
    }
}
