//! A channel that carries requests: HTTP/2 or HTTP/1.1, as ALPN chose. What it has to do is done while somebody waits
//! for it, and nothing is spawned: when it is dropped, its socket is closed and nothing of it runs on.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use http::{Request, Response};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper::rt::Executor;
use hyper_util::rt::TokioIo;
use tokio::io::BufWriter;

use super::gathered::Holds;
use super::handshake::Stream;

/// How much of an answer's head is read, in bytes.
const MAX_HEAD: u32 = 64 * 1024;
/// Room for what is sent at once, in bytes: a preface, settings and a request's head fit well.
const SENT_AT_ONCE: usize = 2 * 1024;

/// An HTTP connection and all that it consists of.
pub(super) struct Channel {
    sender: Sender,
    holds: Holds,
    used: bool,
    work: Work,
}

enum Sender {
    Http1(http1::SendRequest<Empty<Bytes>>),
    Http2(http2::SendRequest<Empty<Bytes>>),
}

impl Channel {
    /// Speaks the version that ALPN chose; HTTP/1.1 where it chose none (RFC 9113, section 3.3).
    pub(super) async fn open(stream: Stream) -> hyper::Result<Self> {
        let work = Work::default();
        let holds = stream.get_ref().0.holds().clone();
        let h2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        let sender = if h2 {
            // The preface and the settings leave with the first request: one write instead of three.
            let io = TokioIo::new(BufWriter::with_capacity(SENT_AT_ONCE, stream));
            let mut builder = http2::Builder::new(work.tasks.clone());
            builder
                .max_header_list_size(MAX_HEAD)
                .initial_stream_window_size(256 * 1024)
                .max_send_buf_size(16 * 1024);
            let (sender, connection) = builder.handshake(io).await?;
            // It comes first, so that the request is there before the others write.
            work.running.push(connection.map(drop).boxed());
            Sender::Http2(sender)
        } else {
            let mut builder = http1::Builder::new();
            builder.max_buf_size(MAX_HEAD as usize);
            let (sender, connection) = builder.handshake(TokioIo::new(stream)).await?;
            work.running.push(connection.map(drop).boxed());
            Sender::Http1(sender)
        };
        Ok(Self {
            sender,
            holds,
            used: false,
            work,
        })
    }

    /// Whether requests are sent as HTTP/2.
    pub(super) fn is_http2(&self) -> bool {
        matches!(self.sender, Sender::Http2(_))
    }

    /// Sends a request and waits for the head of its answer.
    pub(super) async fn send(&mut self, request: Request<Empty<Bytes>>) -> hyper::Result<Response<Incoming>> {
        match &mut self.sender {
            Sender::Http1(sender) => {
                // One request at a time: the connection first has to be done with the one before.
                if std::mem::replace(&mut self.used, true) {
                    self.work.until(sender.ready()).await?;
                }
                self.work.until(sender.send_request(request)).await
            }
            Sender::Http2(sender) => self.work.until(sender.send_request(request)).await,
        }
    }

    /// Reads a body until its end (`true`) or the limit (`false`).
    pub(super) async fn read(&mut self, body: &mut Incoming, raw: &mut Vec<u8>, limit: usize) -> hyper::Result<bool> {
        while let Some(frame) = self.work.until(body.frame()).await {
            let Ok(data) = frame?.into_data() else { continue };
            let room = limit.saturating_sub(raw.len());
            raw.extend_from_slice(&data[..data.len().min(room)]);
            if data.len() > room {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Takes leave of the peer (RFC 9113, section 6.8; RFC 8446, section 6.1).
    pub(super) async fn close(self) {
        let Self {
            sender,
            holds,
            mut work,
            ..
        } = self;
        holds.set(true);
        drop(sender);
        poll_fn(|context| work.advance(context)).await;
    }
}

/// The futures that a connection consists of.
#[derive(Default)]
struct Work {
    running: FuturesUnordered<BoxFuture<'static, ()>>,
    tasks: Tasks,
}

impl Work {
    /// Works until `wanted` is there.
    async fn until<T>(&mut self, wanted: impl Future<Output = T>) -> T {
        let mut wanted = pin!(wanted);
        let step = |context: &mut Context<'_>| {
            if let Poll::Ready(done) = wanted.as_mut().poll(context) {
                return Poll::Ready(done);
            }
            // That everything has ended is told to `wanted` by hyper.
            let _ = self.advance(context);
            wanted.as_mut().poll(context)
        };
        poll_fn(step).await
    }

    /// Goes on with everything that can go on; ready when nothing is left to do.
    fn advance(&mut self, context: &mut Context<'_>) -> Poll<()> {
        loop {
            self.running.extend(self.tasks.take());
            match self.running.poll_next_unpin(context) {
                Poll::Ready(Some(())) => {}
                // What ran may have asked for more.
                _ if self.tasks.are_waiting() => {}
                Poll::Ready(None) => return Poll::Ready(()),
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}

/// What hyper asks to be run beside the connection.
#[derive(Clone, Default)]
struct Tasks(Arc<Mutex<Vec<BoxFuture<'static, ()>>>>);

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for Tasks {
    fn execute(&self, task: F) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(task.boxed());
    }
}

impl Tasks {
    fn take(&self) -> Vec<BoxFuture<'static, ()>> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn are_waiting(&self) -> bool {
        !self.0.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }
}
