//! Programs of others, started for one test each.

mod child;
mod knot;
mod nginx;
mod openssl;
mod port;
mod unbound;

pub(crate) use child::{Server, run};
pub(crate) use knot::{Knot, Served};
pub(crate) use nginx::{Nginx, page};
pub(crate) use openssl::{OpenSsl, openssl};
pub(crate) use port::Port;
pub(crate) use unbound::{Trust, Unbound, Upstream};
