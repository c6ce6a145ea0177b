//! One TCP connection, timed, with typed ends.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpStream;

use super::clock::Stopwatch;
use super::exhaustion;
use crate::evidence::{Connect, Reason, StepStatus};

/// Connects within `timeout`.
pub(super) async fn connect(address: SocketAddr, timeout: Duration) -> (Connect, Option<TcpStream>) {
    let watch = Stopwatch::start();
    let outcome = tokio::time::timeout(timeout, TcpStream::connect(address)).await;
    let ms = watch.ms();
    match outcome {
        Err(_) => {
            let detail = format!("no connection within {timeout:?}");
            (
                Connect {
                    end: StepStatus::failed(Reason::TcpTimeout, detail),
                    ms,
                },
                None,
            )
        }
        Ok(Err(error)) => (
            Connect {
                end: end(&error, address),
                ms,
            },
            None,
        ),
        Ok(Ok(stream)) => {
            // Small frames follow each other: waiting to fill a segment would be measured as the peer's slowness.
            // A failure costs time only.
            let _ = stream.set_nodelay(true);
            (
                Connect {
                    end: StepStatus::Done,
                    ms,
                },
                Some(stream),
            )
        }
    }
}

fn end(error: &io::Error, address: SocketAddr) -> StepStatus {
    if let Some(what) = exhaustion::of_connect(error, address) {
        return StepStatus::Exhausted(what);
    }
    let reason = match error.raw_os_error() {
        Some(libc::ECONNREFUSED) => Reason::TcpRefused,
        Some(libc::ETIMEDOUT) => Reason::TcpTimeout,
        Some(libc::ECONNRESET | libc::EPIPE | libc::ECONNABORTED) => Reason::TcpReset,
        _ => Reason::TcpUnreachable,
    };
    // The system's number says nothing that its words and the reason do not.
    let text = error.to_string();
    StepStatus::failed(reason, text.split(" (os error ").next().unwrap_or(&text))
}
