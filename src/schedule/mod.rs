//! When who is looked at: cadences, phases, and the agenda of what is due. Pure: every moment is an argument.

mod agenda;
mod cadence;
mod civil;
mod cron;
#[cfg(test)]
mod cron_table;
mod field;
mod phase;
#[cfg(test)]
mod properties;

pub use agenda::{Agenda, Due};
pub use cadence::Cadence;
pub use cron::{CronError, CronExpression};
pub use phase::Phase;
