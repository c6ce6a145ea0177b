//! Gathers the evidence of a round: the agent's own place, the zone and the edge first, then every tenant, then what is
//! still open. It paces itself, judges nothing, and asks the diagnosis what would settle what is open.
//!
//! A [`ProbeSetup`] lasts as long as its configuration, an [`Assignment`] is given to one round, and [`round`] carries
//! it out.

mod app_words;
mod assignment;
mod concurrency;
mod details;
mod edge;
mod examine;
mod fleet_look;
mod fleet_watch;
mod follow_up;
#[cfg(feature = "platform")]
mod last_lines;
#[cfg(feature = "platform")]
mod log_cursor;
#[cfg(feature = "platform")]
mod log_follower;
#[cfg(feature = "platform")]
mod log_search;
mod log_turns;
#[cfg(not(feature = "platform"))]
mod no_logs;
mod outage;
mod pacer;
mod progress;
mod quota;
mod reach;
mod retry;
mod round;
mod servers;
mod setup;
mod tenant;
mod vantage;
mod zone;

#[cfg(not(feature = "platform"))]
use no_logs as log_follower;
#[cfg(not(feature = "platform"))]
use no_logs as log_search;

pub use assignment::{ApiSnapshot, Assignment, ProbeTarget, ReusedEvidence, WakePolicy};
pub use concurrency::{Concurrency, Places};
pub use examine::Examination;
pub use fleet_watch::FleetWatch;
#[cfg(feature = "platform")]
pub use last_lines::last_lines;
pub use pacer::{Pacer, Pacers};
pub use progress::{NoProgress, Observer, Stop};
pub use reach::may_be_visited;
pub use retry::{PacedRetry, RetrySchedule};
pub use round::round;
pub use servers::{of_system as system_resolvers, of_zone as zone_servers};
pub use setup::{ProbeSetup, Timing};
pub use vantage::{Control, UrlControls};
pub use zone::fresh as control_name;
