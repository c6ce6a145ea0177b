//! Bodies: finite, endless, slow, and small ones that unpack to large ones.

use std::convert::Infallible;
use std::io::Write;
use std::sync::OnceLock;
use std::time::Duration;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures_util::stream;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Empty, Full, StreamBody};
use hyper::body::Frame;

/// The body of an answer.
pub(crate) type Body = UnsyncBoxBody<Bytes, Infallible>;

const CHUNK: usize = 16 * 1024;
const MEBIBYTE: usize = 1024 * 1024;
const BOMB: usize = 64;

pub(crate) fn empty() -> Body {
    Empty::new().boxed_unsync()
}

pub(crate) fn full(bytes: Bytes) -> Body {
    Full::new(bytes).boxed_unsync()
}

/// A body that never ends.
pub(crate) fn endless() -> Body {
    let chunk = Bytes::from(vec![b' '; CHUNK]);
    let chunks = stream::repeat_with(move || Ok(Frame::data(chunk.clone())));
    StreamBody::new(chunks).boxed_unsync()
}

/// One byte a second.
pub(crate) fn drip() -> Body {
    let bytes = stream::unfold((), |()| async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        Some((Ok(Frame::data(Bytes::from_static(b" "))), ()))
    });
    StreamBody::new(bytes).boxed_unsync()
}

/// 64 MiB of nothing, compressed.
pub(crate) fn bomb() -> Bytes {
    static MADE: OnceLock<Bytes> = OnceLock::new();
    MADE.get_or_init(|| pack().unwrap_or_default().into()).clone()
}

fn pack() -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    let nothing = vec![0; MEBIBYTE];
    for _ in 0..BOMB {
        encoder.write_all(&nothing)?;
    }
    encoder.finish()
}

/// The first half of a compressed text.
pub(crate) fn halved(text: &str) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    let written = encoder.write_all(text.as_bytes());
    let mut packed = written.and_then(|()| encoder.finish()).unwrap_or_default();
    packed.truncate(packed.len() / 2);
    packed.into()
}
