//! Durations as levels of a logarithmic scale: a byte tells anything from a tenth of a millisecond to hours, within 4 %.

/// The duration of the first level, in milliseconds.
const FIRST: f64 = 0.1;
/// By how much one level is longer than the one before.
const STEP: f64 = 1.08;

/// A duration within 4 %, or none.
///
/// ```
/// # use roundsman::history::Level;
/// let level = Level::of(120.0);
/// assert!((level.ms().unwrap_or_default() - 120.0).abs() < 5.0);
/// assert_eq!(Level::NONE.ms(), None);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Level(pub u8);

impl Level {
    /// No duration.
    pub const NONE: Self = Self(0);

    /// The level of so many milliseconds. What is shorter than the first level is of that level, what is longer than the
    /// last of the last.
    #[must_use]
    pub fn of(ms: f64) -> Self {
        let steps = (ms.max(FIRST) / FIRST).ln() / STEP.ln();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it is clamped to what a byte holds"
        )]
        Self(steps.round().clamp(0.0, 254.0) as u8 + 1)
    }

    /// How many milliseconds that is; `None` where there is no duration.
    #[must_use]
    pub fn ms(self) -> Option<f64> {
        let steps = self.0.checked_sub(1)?;
        Some(FIRST * STEP.powi(steps.into()))
    }

    /// The level in the middle of these, and the one that 19 of 20 do not exceed; none of none.
    #[must_use]
    pub fn middle_and_high(levels: impl IntoIterator<Item = Self>) -> (Self, Self) {
        let mut counts = [0_usize; 256];
        for level in levels {
            counts[usize::from(level.0)] += 1;
        }
        counts[0] = 0;
        let all = counts.iter().sum::<usize>();
        let at = |share: usize| {
            let wanted = (all * share).div_ceil(100);
            let mut passed = 0;
            let mut levels = (0..=u8::MAX).zip(counts);
            let found = levels.find(|(_, count)| {
                passed += count;
                passed >= wanted
            });
            found.filter(|_| all > 0).map_or(Self::NONE, |(level, _)| Self(level))
        };
        (at(50), at(95))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_tells_its_duration_within_four_percent() {
        for ms in [0.1, 0.7, 3.0, 42.0, 999.0, 10_000.0, 3_600_000.0] {
            let told = Level::of(ms).ms().unwrap_or_default();
            assert!((told / ms - 1.0).abs() <= 0.04, "{ms} became {told}");
        }
        assert_eq!(Level::of(0.0), Level::of(0.1));
        assert_eq!(Level::of(f64::MAX), Level(255));
    }

    #[test]
    fn middle_and_high_are_of_those_that_took_any_time() {
        let levels = (1..=100).map(Level).chain([Level::NONE; 50]);
        assert_eq!(Level::middle_and_high(levels), (Level(50), Level(95)));
        assert_eq!(Level::middle_and_high([]), (Level::NONE, Level::NONE));
        assert_eq!(Level::middle_and_high([Level(7)]), (Level(7), Level(7)));
    }
}
