//! What deserves a human, when, and said how.
//!
//! This crate knows no DNS, TLS or tenants: it takes [`Signal`]s, keeps a [`Book`] of incidents by them, and decides,
//! purely, what happens. It reads no clock: every moment is an argument.
//!
//! ```text
//! Signal ─► Book ─► Transition
//!           Pending ─► Firing ─► Recovering ─► Resolved
//!              │          ▲          │            │
//!              ▼          └──────────┘            ▼
//!            gone          fails again         forgotten
//! ```

mod book;
#[cfg(feature = "channels")]
pub mod channel;
mod flapping;
mod incident;
mod key;
pub mod notification;
mod now;
mod policy;
pub mod render;
mod repair;
mod signal;
mod silence;
pub mod text;
mod transition;

pub use book::{Book, Looks, Unknown};
pub use flapping::Ring;
pub use incident::{Acknowledgement, Core, Firing, Incident, Pending, Recovering, Resolved, State, Witness};
pub use key::{IncidentId, Key};
pub use now::Now;
pub use policy::Policy;
pub use repair::{Repair, RepairState};
pub use signal::{Account, Members, Severity, Signal, Verdict};
pub use silence::{Matcher, MatcherError, Silence, Subject};
pub use transition::{Change, Transition};
