//! Doors for fuzzing, behind the feature of that name: what a peer answers is handed in as bytes, and read as a visit or a
//! question reads it from its socket.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::channel::Channel;
use super::clock::Stopwatch;
use super::dns::Question;
use super::exchange::Asked;
use super::failure::Again;
use super::message::{answers, cut, message, parse, reply};
use super::visit::{ProbeRequest, ask, take};
use crate::evidence::{DnsReply, Exchange, RecordKind, Visit};
use crate::expectation::SiteExpectation;
use crate::target::Hostname;

/// Reads a message as the answer to a question for the addresses of `name`, whatever id stands in it.
#[must_use]
pub fn dns_answer(bytes: &[u8], name: &str, kind: RecordKind) -> Option<DnsReply> {
    let question = Question {
        name,
        kind,
        recursion: true,
        checking_disabled: false,
    };
    let query = message(question).ok()?;
    let asked = query.to_vec().ok()?;
    let mut bytes = bytes.to_vec();
    bytes.get_mut(..2)?.copy_from_slice(&query.metadata.id.to_be_bytes());
    let _ = answers(&bytes, &asked);
    let answer = parse(&bytes, &query).or_else(|| cut(&bytes, &query, &asked))?;
    Some(reply(&answer, false))
}

/// What a peer sends over a channel that stands.
#[derive(Clone, Debug)]
pub struct Sent<'a> {
    /// Whether the channel carries HTTP/2.
    pub http2: bool,
    /// The answer to each request; the connection ends behind the last.
    pub answers: Vec<&'a [u8]>,
    /// How many bytes are read at once.
    pub chunk: usize,
}

/// Asks a peer for a page, as a visit does: once more with what comes recorded, where it was malformed.
pub async fn http_answers(sent: &Sent<'_>, page: &SiteExpectation, wish: &ProbeRequest<'_>) -> Visit {
    let (visit, again) = attempt(sent, page, wish, false).await;
    match again {
        Some(Again::Recorded) => attempt(sent, page, wish, true).await.0,
        _ => visit,
    }
}

async fn attempt(
    sent: &Sent<'_>,
    page: &SiteExpectation,
    wish: &ProbeRequest<'_>,
    records: bool,
) -> (Visit, Option<Again>) {
    let name = Hostname::parse("q7f9.example.com").unwrap_or_else(|_| unreachable!("it is a host name"));
    let mut visit = Visit::new(SocketAddr::from(([192, 0, 2, 1], 443)), name);
    let again = match Channel::over(Peer::new(sent), sent.http2, Default::default(), records).await {
        Ok(channel) => ask(&mut visit, channel, page, wish, Stopwatch::start()).await,
        Err(failure) => take(&mut visit, Asked::failed(Exchange::default(), failure)),
    };
    (visit, again)
}

/// How often a reader is told that nothing came yet before the connection ends.
const PATIENCE: u32 = 8;

/// A peer that says what it was told to say, and takes whatever is written. What it says next comes when something more
/// was written, and nothing ever waits for it.
struct Peer {
    coming: VecDeque<u8>,
    later: VecDeque<Vec<u8>>,
    chunk: usize,
    left: u32,
}

impl Peer {
    fn new(sent: &Sent<'_>) -> Self {
        Self {
            coming: VecDeque::new(),
            later: sent.answers.iter().map(|answer| answer.to_vec()).collect(),
            chunk: sent.chunk.max(1),
            left: PATIENCE,
        }
    }
}

impl AsyncRead for Peer {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.coming.is_empty() && !this.later.is_empty() && this.left > 0 {
            this.left -= 1;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let (first, _) = this.coming.as_slices();
        let length = first.len().min(this.chunk).min(buffer.remaining());
        buffer.put_slice(&first[..length]);
        this.coming.drain(..length);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Peer {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.coming.is_empty() {
            this.coming = this.later.pop_front().unwrap_or_default().into();
            this.left = PATIENCE;
        }
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
