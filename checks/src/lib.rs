//! What is true of a tenant behind a shared edge, and why.
//!
//! Data flows one way: a probe gathers [`evidence`], [`check`] judges it, [`diagnosis`] explains it. Everything but
//! `probe` (feature of the same name, the only sockets here) is a pure function over plain data: no clock, no I/O.

pub mod again;
pub mod chain;
pub mod check;
pub mod diagnosis;
pub mod evidence;
pub mod expectation;
pub mod finding;
pub mod fleet;
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
