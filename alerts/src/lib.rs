//! What deserves a human, when, and said how.
//!
//! This crate knows no DNS, TLS or tenants: it takes a [`signal::Signal`] and decides, purely, what to tell whom.

pub mod signal;
