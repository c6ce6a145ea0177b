//! What was seen, and how each look ended. Never a verdict, never an error: plain data that serialises.

mod reason;

pub use reason::{Alert, Reason, UnknownReason};
