//! What a round says to the outside: one report, several forms. Judges and decides nothing.

mod human;
mod json;
mod text;

pub use human::{Style, render as human};
pub use json::{Report, SCHEMA};
pub(crate) use text::{clean, wrap};
