//! The lab, seen over its sockets.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may end at once")]

mod certificates;
mod client;
mod cuts;
mod dns;
mod doors;
mod platform;
mod staging;
mod web;
mod zone;
