//! Real servers as witnesses: what the product says of them must be what they do, and the simulated platform must agree
//! with them. All run on loopback, in directories of their own, and end with the test that started them.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may end at once")]

mod ask;
mod by_design;
mod datagrams;
mod edge;
mod knot;
mod nginx;
mod openssl;
pub(crate) mod pki;
pub(crate) mod server;
mod unbound;
mod verify;
mod zone;
