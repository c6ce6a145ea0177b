//! What can be measured of the agent and of what it verifies: the instruments with their names, the numbers that are
//! counted while it runs, and how they are written for whoever collects them or sent to whoever is told.
//!
//! Owns names, units and forms. Refuses to know where the numbers come from: it is told.

mod blackbox;
mod exposition;
pub mod instrument;
mod metrics;
pub mod otlp;
mod sink;

pub use blackbox::Probed;
pub use exposition::{Exposition, Format};
pub use instrument::{ALL, Instrument, Kind, Unit, table};
pub use metrics::{Exemplar, Histogram, Metrics, Series};
pub use sink::Sink;
