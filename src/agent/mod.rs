//! The hands of the agent: looks at everything once, asks the diagnosis what is still open, and looks again.

pub mod clock;
mod drill;
mod edge;
mod logs;
mod pacer;
mod plan;
mod platform;
mod roots;
mod round;
pub mod servers;
mod tenant;
mod trail;
mod zone;

pub use plan::{Carried, Observer, Plan, Quiet, Stop, Subject, Waking};
pub use platform::{Clients, ClientsError, Needs};
pub use roots::{RootsError, anchors, roots};
pub use round::{Outcome, round};
