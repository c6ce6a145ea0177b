//! What an HTTP library reads of a TLS channel, and what it would not tell: whether anything came at all, and the alert
//! that ended it.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::handshake::Stream;
use crate::evidence::{Alert, Reason};

/// TLS did not fail.
const STANDS: u16 = u16::MAX;
/// What came is no TLS, or is not from the peer.
const BROKEN: u16 = 256;

/// A channel whose reads are listened to.
pub(super) struct Wire<S = Stream> {
    stream: S,
    heard: Heard,
}

/// What was heard on a channel. Reaches it wherever it is.
#[derive(Clone, Debug)]
pub(super) struct Heard(Arc<State>);

#[derive(Debug)]
struct State {
    anything: AtomicBool,
    /// [`STANDS`], [`BROKEN`], or the number of an alert.
    tls: AtomicU16,
    /// What came first, where it is recorded.
    first: Option<Mutex<Vec<u8>>>,
}

/// How much is recorded, in bytes.
const RECORDED: usize = 64 * 1024;

impl Heard {
    /// Whether a byte of HTTP came.
    pub(super) fn anything(&self) -> bool {
        self.0.anything.load(Relaxed)
    }

    /// How TLS failed after the handshake, where it did: by the alert that the peer sent (RFC 8446, section 6.2), or by
    /// what came.
    pub(super) fn tls(&self) -> Option<Reason> {
        match self.0.tls.load(Relaxed) {
            STANDS => None,
            alert => Some(u8::try_from(alert).map_or(Reason::TlsMalformed, |alert| Reason::TlsAlert(Alert(alert)))),
        }
    }

    /// What came first; nothing where it is not recorded.
    pub(super) fn first(&self) -> Vec<u8> {
        let first = self.0.first.as_ref();
        first
            .map(|first| first.lock().unwrap_or_else(PoisonError::into_inner).clone())
            .unwrap_or_default()
    }

    fn came(&self, bytes: &[u8]) {
        self.0.anything.store(true, Relaxed);
        if let Some(first) = &self.0.first {
            let mut first = first.lock().unwrap_or_else(PoisonError::into_inner);
            let room = RECORDED - first.len();
            first.extend_from_slice(&bytes[..bytes.len().min(room)]);
        }
    }

    fn failed(&self, error: &io::Error) {
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
        let failed = match inner {
            Some(rustls::Error::AlertReceived(alert)) => u16::from(u8::from(*alert)),
            Some(_) => BROKEN,
            None => return,
        };
        self.0.tls.store(failed, Relaxed);
    }
}

impl<S> Wire<S> {
    /// Listens to a channel that stands; what comes first is kept where it is recorded.
    pub(super) fn new(stream: S, records: bool) -> Self {
        let state = State {
            anything: AtomicBool::new(false),
            tls: AtomicU16::new(STANDS),
            first: records.then(Mutex::default),
        };
        Self {
            stream,
            heard: Heard(Arc::new(state)),
        }
    }

    /// What is heard, to be asked later.
    pub(super) fn heard(&self) -> &Heard {
        &self.heard
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Wire<S> {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        let read = Pin::new(&mut this.stream).poll_read(context, buffer);
        match &read {
            Poll::Ready(Ok(())) if buffer.filled().len() > before => this.heard.came(&buffer.filled()[before..]),
            Poll::Ready(Err(error)) => this.heard.failed(error),
            _ => {}
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Wire<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write_vectored(context, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}
