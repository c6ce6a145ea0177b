//! The names: the zone, what faults make of it, and the servers that answer from it.

pub(crate) mod contents;
mod habit;
pub(crate) mod hostile;
pub(crate) mod resolver;
pub(crate) mod server;
pub(crate) mod sockets;
pub mod zone;
