//! Repairs: what would fix a cause, why it may not be done, and whoever does it, so carefully that an operator dares to let
//! it. Planning and limits are pure; carrying out speaks to APIs, never to a shell, and writes down what it is about to do
//! before it does it.

mod begin;
mod candidate;
mod carried;
mod detail;
mod execute;
mod guard;
mod hands;
pub mod ledger;
mod limits;
mod plan;
mod prove;
mod step;
mod survey;
mod switch;
mod undo;

pub use candidate::{Candidate, is_remediable};
pub use carried::{Carried, During, Ended, Keep, Permit, StepEnd};
pub use detail::Detail;
pub use execute::{Engine, Renew};
pub use guard::Guard;
pub use hands::{Hands, HandsError};
pub use limits::History;
pub use plan::{Plan, Planning, Refusal, Scene, apps_to_look_at, check_standing, crashing, plan, sharing};
pub use prove::look as look_anew;
pub use step::{Addresses, MachineRef, Step};
pub use survey::{Survey, survey};
pub use switch::{Held, Switch};
pub use undo::{TakeBack, Undo, UndoError};

#[cfg(test)]
mod properties;
