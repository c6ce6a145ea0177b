//! How a tenant did over the last day and the last weeks, from its hours.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::timings::PHASES;
use super::{Hour, Level};

/// The length of a day as it is kept, in bytes.
const BYTES: usize = 4 + 4 + PHASES.len() + 1;

/// One day of a tenant (UTC), made of its hours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Day {
    /// How many looks were told.
    pub looks: u32,
    /// At how many of them it worked.
    pub up: u32,
    /// How long each phase took: the middle of what its hours had in the middle.
    pub typical: [Level; PHASES.len()],
    /// How long a whole visit took at most in all but one in twenty of its hours.
    pub slow: Level,
}

impl Day {
    /// The day of an hour: whole days since the epoch.
    #[must_use]
    pub fn of(hour: i32) -> i32 {
        hour.div_euclid(24)
    }

    /// What hours come to.
    #[must_use]
    pub fn from_hours(hours: &[Hour]) -> Self {
        let typical = std::array::from_fn(|phase| {
            let (middle, _) = Level::middle_and_high(hours.iter().map(|hour| hour.typical[phase]));
            middle
        });
        let (_, slow) = Level::middle_and_high(hours.iter().map(|hour| hour.slow));
        Self {
            looks: hours.iter().map(|hour| u32::from(hour.looks)).sum(),
            up: hours.iter().map(|hour| u32::from(hour.up)).sum(),
            typical,
            slow,
        }
    }

    /// As it is kept.
    #[must_use]
    pub fn to_bytes(self) -> [u8; BYTES] {
        let mut bytes = [0; BYTES];
        bytes[..4].copy_from_slice(&self.looks.to_le_bytes());
        bytes[4..8].copy_from_slice(&self.up.to_le_bytes());
        for (byte, level) in bytes[8..].iter_mut().zip(self.typical.iter().chain([&self.slow])) {
            *byte = level.0;
        }
        bytes
    }

    /// As it was kept; `None` where it was cut.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let [l0, l1, l2, l3, u0, u1, u2, u3, typical @ .., slow] = <[u8; BYTES]>::try_from(bytes).ok()?;
        Some(Self {
            looks: u32::from_le_bytes([l0, l1, l2, l3]),
            up: u32::from_le_bytes([u0, u1, u2, u3]),
            typical: typical.map(Level),
            slow: Level(slow),
        })
    }
}

/// How a tenant did, as it is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Uptime {
    /// The share of looks in the last 24 hours at which it worked, from 0 to 1; `None` where there were none.
    pub day: Option<f64>,
    /// The same of the last 30 days.
    pub month: Option<f64>,
    /// How long a visit of the last 24 hours took in the middle, in milliseconds, by phase.
    pub typical_ms: Phases,
    /// How long the whole visit took at most in 19 of 20 hours of them, in milliseconds.
    pub slow_ms: Option<f64>,
}

/// A duration for each phase, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Phases {
    /// Asking the DNS servers.
    pub resolve: Option<f64>,
    /// The TCP connection.
    pub connect: Option<f64>,
    /// The handshake.
    pub tls: Option<f64>,
    /// From the request to the first byte.
    pub processing: Option<f64>,
    /// From the first byte to the last.
    pub transfer: Option<f64>,
}

impl Uptime {
    /// What the hours of the last day and the days of the last month come to.
    #[must_use]
    pub fn of(last_day: &[Hour], last_month: &[Day]) -> Self {
        let share = |up: u32, looks: u32| (looks > 0).then(|| f64::from(up) / f64::from(looks));
        let day = Day::from_hours(last_day);
        let sum = |of: fn(&Day) -> u32| last_month.iter().map(of).fold(0, u32::saturating_add);
        // A tenth of a millisecond is all that a level tells.
        let told = |level: Level| level.ms().map(|ms| (ms * 10.0).round() / 10.0);
        let [resolve, connect, tls, processing, transfer] = day.typical.map(told);
        Self {
            day: share(day.up, day.looks),
            month: share(sum(|day| day.up), sum(|day| day.looks)),
            typical_ms: Phases {
                resolve,
                connect,
                tls,
                processing,
                transfer,
            },
            slow_ms: told(day.slow),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_made_of_its_hours() {
        let hour = |number: i32, up: u16, level: u8| Hour {
            hour: number,
            looks: 12,
            up,
            typical: [Level(level); PHASES.len()],
            slow: Level(level + 10),
        };
        let hours = [hour(0, 12, 50), hour(1, 6, 90), hour(2, 12, 52)];
        let day = Day::from_hours(&hours);
        assert_eq!((day.looks, day.up), (36, 30));
        assert_eq!((day.typical[0], day.slow), (Level(52), Level(100)));
        assert_eq!(Day::from_bytes(&day.to_bytes()), Some(day));
        assert_eq!(Day::from_bytes(&[1, 2]), None);
        let told = Uptime::of(&hours[..1], &[day, day]);
        assert_eq!((told.day, told.month), (Some(1.0), Some(60.0 / 72.0)));
        assert_eq!(Uptime::of(&[], &[]), Uptime::default());
    }
}
