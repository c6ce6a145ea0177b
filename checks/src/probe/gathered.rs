//! A TCP stream that sends at once what was written one by one: a segment for each turn, not for each message.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// How much is gathered at most, in bytes.
const MOST: usize = 16 * 1024;

/// A TLS library ends a handshake with a message of its own, and the first request follows in another; HTTP/2 and TLS
/// take leave one after the other. Each write costs a system call and a packet, here and at the peer, so that they leave
/// together. While it holds, what is written is sent when there is nothing to read, and at the end. It holds from the
/// start to the end of a handshake, and again when the channel is closed; between, what is written and what is left of
/// the handshake is sent by a flush.
#[derive(Debug)]
pub(super) struct Gathered {
    tcp: TcpStream,
    holds: Holds,
    written: Vec<u8>,
    sent: usize,
    /// How sending failed, where it did.
    broken: Option<io::ErrorKind>,
}

/// Whether a stream holds what is written. Reaches it wherever it is.
#[derive(Clone, Debug, Default)]
pub(super) struct Holds(Arc<AtomicBool>);

impl Holds {
    pub(super) fn set(&self, holds: bool) {
        self.0.store(holds, Ordering::Relaxed);
    }

    fn get(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl Gathered {
    /// A stream over which a handshake begins.
    pub(super) fn new(tcp: TcpStream) -> Self {
        Self {
            tcp,
            holds: Holds(Arc::new(AtomicBool::new(true))),
            written: Vec::new(),
            sent: 0,
            broken: None,
        }
    }

    /// Whether it holds, to be changed.
    pub(super) fn holds(&self) -> &Holds {
        &self.holds
    }

    /// Sends what was gathered.
    pub(super) async fn send(&mut self) -> io::Result<()> {
        std::future::poll_fn(|context| self.poll_send(context)).await
    }

    /// Who no longer takes what is sent may have said why: that is read first, and only where nothing was said is the
    /// failure told. Whoever writes believes that it was sent.
    fn poll_send(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.sent < self.written.len() {
            match ready!(Pin::new(&mut self.tcp).poll_write(context, &self.written[self.sent..])) {
                Ok(0) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Ok(sent) => self.sent += sent,
                Err(error) if is_gone(error.kind()) => {
                    self.broken = Some(error.kind());
                    break;
                }
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
        self.written.clear();
        self.sent = 0;
        Poll::Ready(Ok(()))
    }
}

/// Whether an error of sending means that the peer takes no more.
fn is_gone(kind: io::ErrorKind) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset};
    matches!(kind, BrokenPipe | ConnectionAborted | ConnectionReset)
}

impl AsyncRead for Gathered {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        let read = Pin::new(&mut this.tcp).poll_read(context, buffer);
        if let (Poll::Ready(Ok(())), Some(broken)) = (&read, this.broken)
            && buffer.filled().len() == before
        {
            return Poll::Ready(Err(broken.into()));
        }
        if read.is_pending()
            && this.holds.get()
            && let Poll::Ready(Err(error)) = this.poll_send(context)
        {
            return Poll::Ready(Err(error));
        }
        read
    }
}

impl AsyncWrite for Gathered {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(context, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.written.len() >= MOST {
            ready!(this.poll_send(context))?;
        }
        let before = this.written.len();
        parts.iter().for_each(|part| this.written.extend_from_slice(part));
        Poll::Ready(Ok(this.written.len() - before))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.holds.get() {
            return Poll::Ready(Ok(()));
        }
        self.get_mut().poll_send(context)
    }

    /// The rest of it is left to closing the socket, which comes right after.
    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().poll_send(context)
    }
}
