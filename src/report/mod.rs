//! What a round says to the outside: one report, several forms. Judges and decides nothing.

mod github;
mod grouped_causes;
mod human;
mod json;
mod junit;
mod markdown;
#[cfg(test)]
mod sample;
#[cfg(test)]
mod scenes;
mod standing;
mod subject;

pub use github::render as github;
pub use human::render as human;
pub use json::{CauseLine, CheckLine, FleetLine, Report};
pub use junit::{JunitError, render as junit};
pub use markdown::{COMMENT_LIMIT, render as markdown};
