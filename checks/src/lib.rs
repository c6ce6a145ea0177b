#![cfg_attr(all(feature = "platform", feature = "probe"), doc = include_str!("../README.md"))]
#![cfg_attr(
    not(all(feature = "platform", feature = "probe")),
    doc = "What is true of a tenant behind a shared edge, and why; `README.md` shows how all of it is used."
)]

pub mod chain;
pub mod check;
#[cfg(any(feature = "platform", feature = "probe"))]
pub mod clock;
pub mod diagnosis;
#[cfg(any(feature = "platform", feature = "probe"))]
mod encodings;
pub mod evidence;
pub mod expectation;
pub mod finding;
pub mod fleet;
#[cfg(feature = "probe")]
pub mod gather;
pub mod logs;
#[cfg(any(feature = "platform", feature = "probe"))]
pub mod loopback;
pub mod matching;
pub mod platform;
#[cfg(feature = "probe")]
pub mod probe;
pub mod reading;
pub mod rejudge;
pub mod release;
pub mod round;
pub mod target;
pub mod world;

pub use chain::TrustStore;
pub use diagnosis::{Cause, Diagnosis, diagnose};
pub use expectation::Expectation;
pub use round::Round;
pub use target::{Hostname, Tenant, TenantId};
pub use world::World;

#[cfg(feature = "probe")]
pub use gather::{Assignment, ProbeSetup, ProbeTarget};
#[cfg(feature = "probe")]
pub use probe::{ProbeLimits, Prober};
