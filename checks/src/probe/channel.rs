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
use hyper::body::{Body as _, Incoming};
use hyper::client::conn::{http1, http2};
use hyper::rt::Executor;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, BufWriter};

use super::failure::{self, Failure};
use super::gathered::Holds;
use super::handshake::Stream;
use super::wire::{Heard, Wire};
use crate::evidence::{Fault, Reason};

/// How much of an answer's head is read, in bytes.
const MAX_HEAD: u32 = 64 * 1024;
/// Room for what is sent at once, in bytes: a preface, settings and a request's head fit well.
const SENT_AT_ONCE: usize = 2 * 1024;
/// How many fields of an HTTP/1.1 answer's head are read; what they weigh is bounded by [`MAX_HEAD`].
const MOST_FIELDS: usize = 1024;

/// An HTTP connection and all that it consists of.
pub(super) struct Channel {
    sender: Sender,
    holds: Holds,
    heard: Heard,
    used: bool,
    work: Work,
}

enum Sender {
    Http1(http1::SendRequest<Empty<Bytes>>),
    Http2(http2::SendRequest<Empty<Bytes>>),
}

/// What a channel may run over.
pub(super) trait Carrier: AsyncRead + AsyncWrite + Send + Unpin + 'static {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin + 'static> Carrier for S {}

impl Channel {
    /// Speaks the version that ALPN chose; HTTP/1.1 where it chose none (RFC 9113, section 3.3). What comes first is
    /// recorded where something was wrong with it before.
    pub(super) async fn open(stream: Stream, records: bool) -> Result<Self, Failure> {
        let holds = stream.get_ref().0.holds().clone();
        let h2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        Self::over(stream, h2, holds, records).await
    }

    /// The same over any stream.
    pub(super) async fn over<S: Carrier>(stream: S, h2: bool, holds: Holds, records: bool) -> Result<Self, Failure> {
        let work = Work::default();
        let wire = Wire::new(stream, records);
        let heard = wire.heard().clone();
        let opened = match h2 {
            true => Self::open_http2(wire, &work).await.map(Sender::Http2),
            false => Self::open_http1(wire, &work).await.map(Sender::Http1),
        };
        let sender = opened.map_err(|error| failure::of_request(&error, &heard, h2))?;
        Ok(Self {
            sender,
            holds,
            heard,
            used: false,
            work,
        })
    }

    async fn open_http2<S: Carrier>(wire: Wire<S>, work: &Work) -> hyper::Result<http2::SendRequest<Empty<Bytes>>> {
        // The preface and the settings leave with the first request: one write instead of three.
        let io = TokioIo::new(BufWriter::with_capacity(SENT_AT_ONCE, wire));
        let mut builder = http2::Builder::new(work.tasks.clone());
        builder
            .max_header_list_size(MAX_HEAD)
            .initial_stream_window_size(256 * 1024)
            .max_send_buf_size(16 * 1024);
        let (sender, connection) = builder.handshake(io).await?;
        // It comes first, so that the request is there before the others write.
        let ended = Arc::clone(&work.ended);
        let keep = move |end: hyper::Result<()>| {
            *ended.lock().unwrap_or_else(PoisonError::into_inner) = end.err();
        };
        work.running.push(connection.map(keep).boxed());
        Ok(sender)
    }

    /// Reads what a user agent has to: folded lines (RFC 9112, section 5.2); and what curl and browsers read besides.
    async fn open_http1<S: Carrier>(wire: Wire<S>, work: &Work) -> hyper::Result<http1::SendRequest<Empty<Bytes>>> {
        let mut builder = http1::Builder::new();
        builder
            .max_buf_size(MAX_HEAD as usize)
            .max_headers(MOST_FIELDS)
            .allow_obsolete_multiline_headers_in_responses(true)
            .allow_spaces_after_header_name_in_responses(true)
            .ignore_invalid_headers_in_responses(true);
        let (sender, connection) = builder.handshake(TokioIo::new(wire)).await?;
        work.running.push(connection.map(drop).boxed());
        Ok(sender)
    }

    /// Whether requests are sent as HTTP/2.
    pub(super) fn is_http2(&self) -> bool {
        matches!(self.sender, Sender::Http2(_))
    }

    /// Sends a request and waits for the head of its answer.
    pub(super) async fn send(&mut self, request: Request<Empty<Bytes>>) -> Result<Response<Incoming>, Failure> {
        match self.head(request).await {
            Ok(head) => Ok(head),
            Err(error) => {
                let error = self.work.why(error).await;
                Err(failure::of_request(&error, &self.heard, self.is_http2()))
            }
        }
    }

    async fn head(&mut self, request: Request<Empty<Bytes>>) -> hyper::Result<Response<Incoming>> {
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
    pub(super) async fn read(&mut self, body: &mut Incoming, raw: &mut Vec<u8>, limit: usize) -> Result<bool, Fault> {
        while let Some(frame) = self.work.until(body.frame()).await {
            let frame = match frame {
                Ok(frame) => frame,
                Err(error) => return Err(failure::fault(&self.work.why(error).await, &self.heard)),
            };
            let Ok(data) = frame.into_data() else { continue };
            let room = limit.saturating_sub(raw.len());
            raw.extend_from_slice(&data[..data.len().min(room)]);
            if data.len() > room {
                return Ok(false);
            }
        }
        // A stream may be ended without an error when all of it came (RFC 9113, section 8.1), and without all of it.
        if self.is_http2() && !body.is_end_stream() && body.size_hint().exact() != Some(0) {
            return Err(Fault::new(
                Reason::HttpClosed,
                "the peer ended the stream within the body",
            ));
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
    /// How the connection ended, where it failed.
    ended: Arc<Mutex<Option<hyper::Error>>>,
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

    /// Why a request failed: where all that it knows is that the connection is over, what the connection says. The last
    /// word of a server of HTTP/2 (GOAWAY) is about a connection.
    async fn why(&mut self, error: hyper::Error) -> hyper::Error {
        poll_fn(|context| {
            let _ = self.advance(context);
            Poll::Ready(())
        })
        .await;
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner).take();
        ended.filter(|ended| failure::says_more(ended, &error)).unwrap_or(error)
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
