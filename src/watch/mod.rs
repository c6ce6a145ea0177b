//! The daemon: every tenant on time, for ever. One owner of all state, [`Dispatcher`], hears events and says what is to be
//! done; it has no socket, no lock and no clock. What surrounds it carries out what it says.

mod api;
mod clock;
mod dispatcher;
mod event;
mod files;
mod heartbeat;
mod inventory;
mod log;
mod seen;
mod settings;
mod shared;
mod signal;
mod status;
mod systemd;
mod tenant;
mod view;
mod watcher;
mod web;
mod work;

pub use api::{Answer, ApiError, Question, ask, socket_path};
pub use dispatcher::Dispatcher;
pub use event::{Commit, Effect, Event, Examined, Job, Reading, Record, TenantIx};
pub use seen::Seen;
pub use settings::Settings;
pub use status::{FleetStatus, Health, TenantStatus};
pub use view::{IncidentView, is_matched};
pub use watcher::{Load, Voice, Watcher, store_path};
