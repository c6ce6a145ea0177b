//! The integration tests: the product over real sockets, against the lab and against others' servers.
#![expect(clippy::expect_used, clippy::panic, reason = "a test may fail")]

mod canaries;
mod cli;
mod daemon;
mod hostile;
mod remediation;
mod scenarios;
mod simulation;
mod support;
mod witness;
