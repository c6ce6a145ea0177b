//! The only sockets of this crate. A probe returns evidence, never a verdict, and never an error.

mod body;
mod channel;
mod connect;
mod dns;
mod echo;
mod exchange;
mod exhaustion;
mod failure;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod gathered;
mod handshake;
mod heads;
mod limits;
mod message;
mod unguessable;
mod unpack;
mod vantage;
mod visit;
mod wire;

pub use crate::clock;
#[cfg(feature = "platform")]
pub(crate) use echo::SentHeaders;
pub(crate) use unguessable::bytes as unguessable;

pub use dns::{DnsClient, Question as DnsQuestion};
pub use vantage::{control_socket, date, families};
pub use visit::{ProbeLimits, ProbeRequest, Prober, ProberError};
