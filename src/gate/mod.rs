//! The gate of a pipeline: what decides the exit code, how long to wait for it, and what is said meanwhile. Pure: it is
//! told the time, and holds no socket.

mod baseline;
mod compare;
mod demand;
mod story;
mod unmet;
mod wait;

pub use baseline::{Baseline, BaselineError};
pub use compare::{Change, Compared};
pub(crate) use demand::unmet;
pub use demand::{Demand, Expected, exit_code, is_lasting, open};
pub use story::{Story, clock};
pub use unmet::Unmet;
pub use wait::{Gate, Look, Next, Whom};
