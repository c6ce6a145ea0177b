//! The daemon: every tenant on time, for ever. One owner of all state, [`Dispatcher`], hears events and says what is to be
//! done; it has no socket, no lock and no clock. What surrounds it carries out what it says.

mod dispatcher;
mod event;
mod inventory;
mod settings;
mod shared;
mod signal;
mod status;
mod tenant;

pub use dispatcher::Dispatcher;
pub use event::{Commit, Effect, Event, Examined, Job, Reading, Record, TenantIx};
pub use settings::Settings;
pub use status::{FleetStatus, Health, TenantStatus};
