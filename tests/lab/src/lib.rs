//! A simulated multi-tenant platform on loopback: authoritative DNS servers and a resolver, an
//! edge with a wildcard certificate, and the tenants' apps behind it, all on real sockets. Every
//! fault of a real platform can be staged in it by name and cleared again.
//!
//! ```no_run
//! # async fn example() -> Result<(), roundsman_lab::LabError> {
//! use roundsman_lab::{Lab, LabOptions};
//!
//! let lab = Lab::start(LabOptions::default()).await?;
//! lab.stage("dns-override@q7f9".parse()?).await?;
//! let config = lab.write_config(std::path::Path::new("/tmp/lab"))?;
//! // … run roundsman with that configuration …
//! lab.clear_all().await?;
//! # Ok(())
//! # }
//! ```
//!
//! The lab knows nothing of the product that is tested with it.

mod clock;
mod config;
pub mod control;
mod counters;
mod dns;
mod edge;
mod error;
mod fault;
mod lab;
mod options;
mod platform;
mod snapshot;
mod world;

pub use counters::Counters;
pub use dns::zone;
pub use error::LabError;
pub use fault::{CatalogEntry, Fault, FaultError, Scope};
pub use lab::Lab;
pub use options::{LabOptions, RootKey};
pub use platform::{Hold, HoldAt};
