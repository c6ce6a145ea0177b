//! What a round says to the outside: one report, several forms. Judges nothing; only the exit code is decided here.

mod human;
mod json;
mod text;
mod verdict;

pub use human::{Style, render as human};
pub use json::{Report, SCHEMA};
pub(crate) use text::{clean, wrap};
pub use verdict::{Demand, exit_code};
