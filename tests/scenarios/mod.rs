//! Every cause staged in the lab, alone and together, and what a round says of it.

mod alone;
mod answers;
mod by_design;
mod chains;
mod deeper;
mod every_cause;
mod fleet;
mod lists;
mod logs;
mod machines;
mod outages;
mod pairs;
mod platform;
mod record;
mod resolvers;
mod rounds;
mod together;
