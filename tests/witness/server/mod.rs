//! Programs of others, started for one test each.

mod child;
mod knot;
mod nginx;
mod port;
mod unbound;

pub(crate) use child::{Server, until};
pub(crate) use knot::{Knot, Served};
pub(crate) use nginx::{Nginx, page};
pub(crate) use port::Port;
pub(crate) use unbound::{Trust, Unbound, Upstream};
