//! The gate of a pipeline: what decides the exit code, how long to wait for it, and what is said meanwhile. Pure: it is
//! told the time, and holds no socket.

mod baseline;
mod compare;
mod policy;
mod release;
mod unmet;
mod wait;
mod wait_log;

pub use baseline::{Baseline, BaselineError, Known};
pub use compare::{Change, Compared};
pub(crate) use policy::unmet;
pub use policy::{Expected, GatePolicy, exit_code, is_lasting, open};
pub(crate) use release::release_seen;
pub use unmet::Unmet;
pub use wait::{Attempt, Gate, Next, Selection};
pub use wait_log::{WaitLog, clock};
