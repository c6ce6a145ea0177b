//! From what happens to incidents to what people are told of it, purely: which incidents are one [`Thread`], whether
//! something is to be said now and why ([`decide`]), what ([`Message`]), and what became of each [`Delivery`].
//!
//! What is *true* is the book's, what was *told* is kept here. Both are written together, so that nothing is told twice
//! and nothing is forgotten, whenever the process ends.

mod alerting;
mod backoff;
mod compose;
mod decide;
mod message;
mod mute;
mod notifier;
mod outbox;
mod reason;
mod routing;
mod thread;

pub use alerting::{Alerting, Changes};
pub use backoff::Backoff;
pub use compose::{Dossier, Prose};
pub use decide::{Decision, decide};
pub use message::{Brief, Message, Status};
pub use mute::{Mute, Mutes, Why, silenced_until};
pub use outbox::{Delivery, DeliveryId, Destination, Failure, Outbox, Outcome, Progress};
pub use reason::Reason;
pub use routing::{Calendar, GroupBy, Receiver, Repeat, Route, Routing, Window};
pub use thread::{Log, Picture, Thread, ThreadId, Told};
