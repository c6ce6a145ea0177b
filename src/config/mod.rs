//! The configuration: `roundsman.toml`, the flags that stand for it, and what they mean for one tenant.
//!
//! Owns reading, checking and explaining mistakes. Refuses to know what is done with the values.

mod apply;
mod error;
mod example;
mod files;
mod flags;
mod form;
mod glob;
mod load;
mod locate;
mod mask;
mod model;
mod nearest;
mod reader;
mod schema;
mod secret;
mod section;
mod source;
mod table;
mod units;

pub use error::{ConfigError, Invalid, Mistake, render_plain, render_warning};
pub use example::{FirstFile, example};
pub use files::ConfigFiles;
pub use flags::{Flags, FlagsError};
pub use form::parse_domain;
pub(crate) use form::read_cause;
pub use glob::Glob;
pub use load::DEFAULT_FILE;
pub use model::{Config, Release};
pub use roundsman_checks::gather::Control;
pub use schema::schema;
pub use secret::{HeaderText, Secret, SecretError, SecretString};
pub use section::{
    AlertChannel, AlertMatch, AlertRoute, Alerts, Ask, Certificate, ChannelKind, CloudTable, Cloudflare, Dns, Edge,
    Fields, Fly, Heartbeat, Incidents, ListedTenant, Maintenance, Match, OtlpProtocol, Override, PerTenant,
    Remediation, RemediationMode, RepairAction, Schedule, Server, Site, Source, Store, Telemetry, Tenants, Traces,
    Vantage, Web, WebError,
};
pub use source::ReadError;
pub use table::Patch;
pub(crate) use units::write_duration;
pub use units::{parse_duration, parse_size};

pub(crate) use load::read_tenants_toml;
pub(crate) use locate::at_line;
pub(crate) use nearest::nearest;
pub(crate) use source::{read_bounded, read_text};

#[cfg(test)]
mod tests;
