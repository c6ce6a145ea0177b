//! How long things take and how often they work, hour by hour: what is compared with "as it was last week". Kept small:
//! durations as levels of a scale, a few samples an hour. Pure.

mod hour;
mod level;
mod pace;
mod timings;
mod uptime;

pub use hour::{Hour, HourSoFar, hour_of};
pub use level::Level;
pub use pace::{Pace, Slowdown};
pub use timings::{PHASES, Timings};
pub use uptime::{Day, Uptime};
