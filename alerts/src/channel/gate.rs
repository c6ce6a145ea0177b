//! A connection that gives no more than it may, and no more than a line at a time: what a server sent before TLS is never
//! taken for what it says inside of it (as in CVE-2011-0411), and a banner without end ends.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use lettre::transport::smtp::client::AsyncTokioStream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Most bytes that one connection may send us.
const MOST: usize = 1024 * 1024;
/// How much is read at once.
const CHUNK: usize = 4 * 1024;

/// A stream behind a gate.
#[derive(Debug)]
pub(super) struct Gate<S> {
    stream: S,
    peer: SocketAddr,
    read: Vec<u8>,
    given: usize,
    total: usize,
}

impl<S> Gate<S> {
    pub(super) fn new(stream: S, peer: SocketAddr) -> Self {
        Self {
            stream,
            peer,
            read: Vec::new(),
            given: 0,
            total: 0,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Gate<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let gate = &mut *self;
        if gate.given == gate.read.len() {
            let mut chunk = [0; CHUNK];
            let mut read = ReadBuf::new(&mut chunk);
            ready!(Pin::new(&mut gate.stream).poll_read(cx, &mut read))?;
            gate.total += read.filled().len();
            if gate.total > MOST {
                return Poll::Ready(Err(io::Error::other("the server sends too much")));
            }
            gate.read = read.filled().to_vec();
            gate.given = 0;
        }
        let rest = gate.read.get(gate.given..).unwrap_or_default();
        let line = rest
            .iter()
            .position(|byte| *byte == b'\n')
            .map_or(rest.len(), |end| end + 1);
        let count = line.min(buffer.remaining());
        buffer.put_slice(rest.get(..count).unwrap_or_default());
        gate.given += count;
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Gate<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl<S: AsyncRead + AsyncWrite + Send + Sync + Unpin + std::fmt::Debug> AsyncTokioStream for Gate<S> {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.peer)
    }
}
