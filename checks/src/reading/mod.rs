//! What evidence says, read once for all who need it: no outcome, no cause, nothing of the fleet. Between evidence and the
//! checks.

mod app;
mod caa;
mod dns_answer;
mod lifetime;
mod machine;
mod mark;
mod moment;
mod name;
mod place;
mod refusal;
mod status;
mod text;

pub use app::{AppState, Wakes, app_state, deciding, other_releases, runs_expected, wakes};
pub use caa::{Set as CaaSet, forbids as caa_forbids, set as caa_set};
pub use dns_answer::DnsAnswer;
pub(crate) use dns_answer::is_unserved;
pub use lifetime::Lifetime;
pub use machine::{MachineEnd, MachineRelease};
pub use mark::{is_hands_off, manager};
#[cfg(any(feature = "platform", feature = "probe"))]
pub(crate) use moment::http_date;
pub use moment::retry_after;
pub use name::{is_or_below, is_under};
pub(crate) use place::value_at;
pub use place::value_at_place;
pub(crate) use refusal::leads_to_login;
pub use refusal::{asked_wait, is_limit, is_limited, is_wall};
pub use status::StatusLine;
pub(crate) use status::excerpt;
pub(crate) use text::{clip, joined, second};
