//! Programs of others, started for one test each.

mod child;
mod knot;
mod port;
mod unbound;

pub(crate) use knot::{Knot, Served};
pub(crate) use unbound::{Unbound, Upstream};
