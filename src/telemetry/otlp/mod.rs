//! Numbers, traces and logs for others, by OTLP 1.x over HTTP or gRPC: what they look like there, where they go, and the queue
//! and the tasks that bring them.
//!
//! The messages are those that OpenTelemetry publishes. The sender is ours: the one that is published with them counts
//! nothing that is lost, only logs what a collector rejects, and has a thread of its own that this program's runtime does
//! not end. gRPC here is one unary call, so it goes through the same client as HTTP: one stack of TLS, one set of limits.

mod batch;
pub mod context;
mod exporter;
pub mod logs;
mod points;
mod queue;
pub mod repairs;
mod resource;
mod retry;
mod send;
mod settings;
mod signal;
mod span;
pub mod spans;

pub use batch::Batch;
pub use context::SpanRef;
pub use exporter::{Exporter, FLUSH_WITHIN, News, Undelivered};
pub use points::Points;
pub use queue::{Dropped, Why};
#[cfg(feature = "fuzzing")]
pub(crate) use send::judge;
pub use settings::{Endpoint, Settings, Variables};
pub use signal::Signal;
