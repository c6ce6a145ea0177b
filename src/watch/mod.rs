//! What a daemon knows, and what it decides by that: every tenant on time, for ever. One owner of all state,
//! [`Dispatcher`], hears events and says what is to be done; it has no socket, no lock and no clock. What carries that out
//! is in [`crate::daemon`], what is kept of it in [`crate::store`].

mod dispatcher;
mod event;
mod inventory;
mod memory;
mod readings;
mod rounds;
mod seen;
mod settings;
mod shared;
mod signal;
mod status;
mod tenant;

pub use dispatcher::{Dispatcher, Repairable, Shares, TenantNumbers};
pub use event::{Commit, Effect, Event, Examined, Extent, Job, Reading, Record, TenantIx};
pub use memory::{Remembered, TenantMemory};
pub use rounds::Ended;
pub use seen::Seen;
pub use settings::Settings;
pub use status::{FleetStatus, Footprint, Health, TenantStatus};
