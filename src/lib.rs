//! The agent: verifies every tenant behind one shared edge, and says why one is broken.

pub mod agent;
pub mod alerting;
pub mod cli;
pub mod config;
pub mod daemon;
pub mod doctor;
pub mod exit_code;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
pub mod gate;
pub mod history;
pub mod inventory;
mod json;
pub mod recording;
pub mod remediation;
mod replace;
pub mod report;
pub mod schedule;
pub mod schema;
pub mod store;
pub mod telemetry;
pub mod text;
pub mod trace;
pub mod watch;
