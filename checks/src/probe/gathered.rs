//! A TCP stream that sends at once what was written one by one: a segment for each turn, not for each message.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// How much is gathered at most, in bytes.
const MOST: usize = 16 * 1024;

/// A TLS library ends a handshake with a message of its own, and the first request follows in another. Each write costs
/// a system call and a packet, here and at the peer, so that they leave together: what is written during a handshake is
/// sent when there is nothing to read, and what is written after its end with the first flush.
#[derive(Debug)]
pub(super) struct Gathered {
    tcp: TcpStream,
    shaking: bool,
    written: Vec<u8>,
    sent: usize,
}

impl Gathered {
    /// A stream over which a handshake begins.
    pub(super) fn new(tcp: TcpStream) -> Self {
        Self {
            tcp,
            shaking: true,
            written: Vec::new(),
            sent: 0,
        }
    }

    /// Says that the handshake is over: from now on a flush is one.
    pub(super) fn shaken(&mut self) {
        self.shaking = false;
    }

    /// Sends what was gathered.
    pub(super) async fn send(&mut self) -> io::Result<()> {
        std::future::poll_fn(|context| self.poll_send(context)).await
    }

    fn poll_send(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.sent < self.written.len() {
            let sent = ready!(Pin::new(&mut self.tcp).poll_write(context, &self.written[self.sent..]))?;
            if sent == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.sent += sent;
        }
        self.written.clear();
        self.sent = 0;
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for Gathered {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let read = Pin::new(&mut this.tcp).poll_read(context, buffer);
        if read.is_pending()
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
        if self.shaking {
            // A peer that waits for this is read from next, and the read sends it.
            return Poll::Ready(Ok(()));
        }
        self.get_mut().poll_send(context)
    }

    /// The rest of it is left to closing the socket, which comes right after.
    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().poll_send(context)
    }
}
