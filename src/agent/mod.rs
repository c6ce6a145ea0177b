//! The hands of the agent: probes everything once, asks the diagnosis what is still open, and probes again.
//!
//! Three lifetimes, three types: a [`Setup`] lasts until the configuration is read again, a [`Snapshot`] until the APIs
//! are, and a [`RoundRequest`] is what one command asks of its rounds.

mod assignment;
pub mod clock;
mod drill;
mod edge;
mod logs;
mod pacer;
mod platform;
mod probes;
mod progress;
mod request;
mod roots;
mod round;
mod run;
pub mod servers;
mod setup;
mod snapshot;
mod tenant;
mod trail;
mod zone;

pub use assignment::{ApiSnapshot, Assignment, ProbeTarget, ReusedEvidence, WakePolicy};
pub use pacer::{Pacer, Pacers};
pub use platform::{Clients, ClientsError, Fetch};
pub use probes::ProbeSetup;
pub use progress::{NoProgress, Observer, Stop};
pub use request::RoundRequest;
pub use roots::{RootsError, anchors, roots};
pub use round::round;
pub use roundsman_checks::round::Round;
pub use run::{CompletedRound, RunError, assign, run};
pub use setup::{HeaderError, Setup, SetupError, USER_AGENT};
pub use snapshot::Snapshot;
