//! What surrounds the dispatcher: the loop, its work on sockets, and how others ask it. Decides nothing about tenants.

mod api;
mod clock;
mod export;
mod heartbeat;
pub mod known;
mod log;
mod numbers;
mod repairs;
mod systemd;
mod tellers;
mod unsaid;
mod view;
mod watcher;
mod web;
mod work;

pub use api::{Answer, ApiError, Question, ask, socket_path};
pub use known::{IncidentInFull, LedgerRow, Preview};
pub use log::Line;
pub use view::{DeliveryView, IncidentView};
pub use watcher::{Load, Loaded, Voice, Watcher, store_path};
pub use web::openapi;
