//! What is true of a tenant behind a shared edge, and why.
//!
//! Data flows one way: `probe` looks and `gather` decides where, what they saw is [`evidence`], [`check`] judges it,
//! [`diagnosis`] explains it. Everything but those two (feature `probe`) and the API clients (feature `platform`) is a
//! pure function over plain data: no clock, no I/O.

pub mod again;
pub mod chain;
pub mod check;
pub mod diagnosis;
pub mod evidence;
pub mod expectation;
pub mod finding;
pub mod fleet;
#[cfg(feature = "probe")]
pub mod gather;
pub mod logs;
pub mod matching;
pub mod platform;
#[cfg(feature = "probe")]
pub mod probe;
pub mod reading;
pub mod release;
pub mod round;
pub mod target;
pub mod world;
