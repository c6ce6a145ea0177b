//! What evidence says, read once for all who need it: no outcome, no cause. Between evidence and the checks.

mod lifetime;
mod machine;
mod moment;
mod status;
mod text;

pub use lifetime::Lifetime;
pub use machine::{MachineEnd, MachineRelease};
#[cfg(feature = "probe")]
pub(crate) use moment::http_date;
pub use moment::retry_after;
pub use status::StatusLine;
pub(crate) use status::excerpt;
pub(crate) use text::{clip, joined, second};
