//! Work that Ctrl-C or SIGTERM ends: it is told to stop, and then ends by itself with what is known. What is written after
//! it ends by a signal too, whoever reads it.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::agent::Stop;

/// With fewer descriptors there is not even room for the runtime and one look.
const FEWEST_DESCRIPTORS: u64 = 16;
/// How long what is being written may go on after a signal: nobody wants half a file who can have the whole.
const GRACE: Duration = Duration::from_millis(500);

/// Does the work on a runtime of its own.
///
/// # Errors
/// Where the system gives no runtime or no signals.
pub(super) fn run<F: Future>(work: impl FnOnce(Stop) -> F) -> io::Result<F::Output> {
    let runtime = runtime()?;
    let done = runtime.block_on(async {
        let (pull, stop) = Stop::new();
        let mut signals = Signals::new()?;
        let watch = async {
            signals.any().await;
            // What is over needs no stop.
            let _ = pull.send(true);
            std::future::pending::<Infallible>().await
        };
        tokio::select! {
            done = work(stop) => Ok(done),
            never = watch => match never {},
        }
    });
    // What is still read or looked up aside is wanted by nobody any more.
    runtime.shutdown_background();
    done
}

/// Writes what the work left, aside: a pipe that nobody reads holds up its writer for ever, and a signal ends that.
///
/// # Errors
/// Where the system gives no runtime or no signals, or a signal came and it was still not written.
pub(super) fn write<T: Send + 'static>(write: impl FnOnce() -> T + Send + 'static) -> io::Result<T> {
    let runtime = runtime()?;
    let done = runtime.block_on(async {
        let mut signals = Signals::new()?;
        let mut writing = tokio::task::spawn_blocking(write);
        let written = tokio::select! {
            written = &mut writing => Some(written),
            () = signals.any() => tokio::time::timeout(GRACE, writing).await.ok(),
        };
        match written {
            Some(Ok(written)) => Ok(written),
            Some(Err(error)) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(error) => Err(io::Error::other(error)),
            },
            None => Err(io::Error::other(
                "a signal ended the program while the report was written; nothing of it can be relied on",
            )),
        }
    });
    runtime.shutdown_background();
    done
}

/// A runtime, where there are descriptors enough for one and for what it does.
///
/// # Errors
/// What the system refuses, or how many descriptors are needed.
pub(super) fn runtime() -> io::Result<Runtime> {
    // More sockets at once are the point of this program; where the limit can't be raised, a round says what it lacks.
    let most = rlimit::increase_nofile_limit(u64::MAX).unwrap_or(u64::MAX);
    if most < FEWEST_DESCRIPTORS {
        return Err(io::Error::other(format!(
            "this process may open {most} files, and needs at least {FEWEST_DESCRIPTORS}, better 1024: raise `ulimit -n`"
        )));
    }
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}

/// What ends a program in an orderly way.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn any(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
