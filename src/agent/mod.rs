//! The agent: from a configuration and a request to rounds, and what the APIs said to each of them. Gathering evidence is
//! the work of [`roundsman_checks::gather`].
//!
//! Three lifetimes, three types: a [`Setup`] lasts until the configuration is read again, a [`Snapshot`] until the APIs
//! are, and a [`RoundRequest`] is what one command asks of its rounds.

mod platform;
mod request;
mod roots;
mod run;
mod setup;
mod snapshot;

pub use platform::{Clients, ClientsError, Fetch, platform_client, zone_client};
pub use request::RoundRequest;
pub use roots::{RootsError, anchors, roots};
pub use roundsman_checks::clock;
pub use roundsman_checks::gather::{
    ApiSnapshot, Assignment, NoProgress, Observer, Pacers, ProbeSetup, ReusedEvidence, Stop, WakePolicy, round,
};
pub use roundsman_checks::round::Round;
pub(crate) use run::edge_addresses;
pub use run::{CompletedRound, RunError, assign, run};
pub use setup::{HeaderError, Setup, SetupError, USER_AGENT, vantage_name};
pub(crate) use setup::{concurrency, headers, settings};
pub use snapshot::{NoInventory, Snapshot};
