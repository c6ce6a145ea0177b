//! The tables of `roundsman.toml`, a file per table. Each declares its own keys and knows no other table.

mod alerts;
mod certificate;
mod daemon;
mod dns;
mod edge;
mod incidents;
mod listed;
mod overrides;
mod platform;
mod remediation;
mod schedule;
mod site;
mod telemetry;
mod tenants;
mod vantage;

pub use alerts::{AlertChannel, AlertMatch, AlertRoute, Alerts, ChannelKind, Maintenance, Server};
pub use certificate::Certificate;
pub(super) use certificate::check_patch;
pub use daemon::{Heartbeat, Store, Web, WebError};
pub use dns::{Ask, Dns};
pub use edge::Edge;
pub use incidents::Incidents;
pub use listed::ListedTenant;
pub(super) use listed::listed;
pub use overrides::{Match, Override};
pub(crate) use platform::fly_of_environment;
pub use platform::{CloudTable, Cloudflare, Fly};
pub use remediation::{Remediation, RemediationMode, RepairAction};
pub use schedule::Schedule;
pub use site::Site;
pub use telemetry::{OtlpProtocol, PerTenant, Telemetry, Traces};
pub use tenants::{Fields, Source, Tenants};
pub use vantage::Vantage;
