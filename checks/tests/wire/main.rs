//! What a visit makes of answers that no library would send: frames of HTTP/2 and lines of HTTP/1.1 by hand.
#![expect(clippy::unwrap_used, reason = "a test may fail")]

mod alerts;
mod frames;
mod http1;
mod http2;
mod server;
mod unprocessed;
