//! What a daemon remembers: incidents, how tenants are and were, silences. One SQLite database with one writer.
//!
//! What happened to incidents is written in one transaction that outlives a power cut (`synchronous = FULL`), at once;
//! how tenants are is written when there is time. What can't be written waits, within limits, and is tried again.

mod error;
mod ledger;
mod lock;
mod queue;
mod read;
mod schema;
mod writer;

pub use error::StoreError;
pub use lock::Exclusive;
pub use read::{Reader, TimelineEntry, intact_ledger};
pub use writer::{Progress, Store, StoreHandle, Write, keep_since};

#[cfg(test)]
mod power_cut;
#[cfg(test)]
mod tests;
