//! Work that Ctrl-C or SIGTERM ends: it is told to stop, and then ends by itself with what is known.

use std::convert::Infallible;
use std::future::Future;
use std::io;

use tokio::signal::unix::{SignalKind, signal};

use crate::agent::Stop;

/// Does the work on a runtime of its own.
///
/// # Errors
/// Where the system gives no runtime or no signals.
pub(super) fn run<F: Future>(work: impl FnOnce(Stop) -> F) -> io::Result<F::Output> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let (pull, stop) = Stop::new();
        let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        let watch = async {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            // What is over needs no stop.
            let _ = pull.send(true);
            std::future::pending::<Infallible>().await
        };
        tokio::select! {
            done = work(stop) => Ok(done),
            never = watch => match never {},
        }
    })
}
