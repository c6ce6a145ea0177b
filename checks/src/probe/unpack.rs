//! Takes the content codings off a body (RFC 9110, section 8.4): bounded, and telling a body that was cut from one that
//! is not what it is said to be.

use std::borrow::Cow;
use std::io::{ErrorKind, Read};

use brotli::{BrotliDecompressStream, BrotliResult, BrotliState};
use flate2::{Decompress, FlushDecompress, Status};
use http::header::{CONTENT_ENCODING, HeaderMap};

use crate::evidence::{Fault, Reason};

/// A body without its codings, as far as they came off.
pub(super) struct Unpacked<'r> {
    pub bytes: Cow<'r, [u8]>,
    /// Whether that is all of it.
    pub whole: bool,
    /// Why no browser shows it, where that is so.
    pub fault: Option<Fault>,
}

/// How unpacking ended.
#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    Complete,
    /// There is more than may be.
    Over,
    /// What there is to unpack ends before its end.
    Cut,
    /// What there is to unpack is something else.
    Broken,
}

type Decoder = fn(&[u8], usize) -> (Vec<u8>, End);

/// Unpacks what was read. `whole` is false where reading stopped early; `limit` bounds what unpacking may yield, in bytes,
/// so that a compressed bomb stays small.
pub(super) fn unpack<'r>(raw: &'r [u8], whole: bool, headers: &HeaderMap, limit: usize) -> Unpacked<'r> {
    let mut unpacked = Unpacked {
        bytes: raw.into(),
        whole,
        fault: None,
    };
    // Nothing is nothing in every coding: what has no body may still name one.
    if raw.is_empty() || !headers.contains_key(CONTENT_ENCODING) {
        return unpacked;
    }
    // A coding that nobody knows is taken for none, as browsers take it.
    for (name, decode) in codings(headers).into_iter().flatten().rev() {
        let (bytes, end) = decode(&unpacked.bytes, limit);
        let cut = end == End::Cut && unpacked.whole;
        unpacked.whole &= end == End::Complete;
        if cut || end == End::Broken {
            let why = if cut { "ends in the middle" } else { "is not what came" };
            let detail = format!("the body can't be unpacked: {name}, which it is said to be, {why}");
            unpacked.fault = Some(Fault::new(Reason::HttpMalformed, detail));
            if !bytes.is_empty() {
                unpacked.bytes = bytes.into();
            }
            return unpacked;
        }
        unpacked.bytes = bytes.into();
    }
    unpacked
}

/// The codings in the order in which they were applied; nothing where one is unknown.
fn codings(headers: &HeaderMap) -> Option<Vec<(&'static str, Decoder)>> {
    let values = headers.get_all(CONTENT_ENCODING).into_iter();
    let values = values.filter_map(|value| value.to_str().ok());
    let names = values.flat_map(|value| value.split(',')).map(str::trim);
    let names = names.filter(|name| !name.is_empty() && !name.eq_ignore_ascii_case("identity"));
    names.map(coding).collect()
}

fn coding(name: &str) -> Option<(&'static str, Decoder)> {
    Some(match name.to_ascii_lowercase().as_str() {
        "gzip" | "x-gzip" => ("gzip", gzip),
        "deflate" => ("deflate", deflate),
        "br" => ("br", brotli),
        "zstd" => ("zstd", zstd),
        _ => return None,
    })
}

/// Cuts what was unpacked at the limit.
fn bounded(mut bytes: Vec<u8>, limit: usize, end: End) -> (Vec<u8>, End) {
    let over = bytes.len() > limit;
    bytes.truncate(limit);
    (bytes, if over { End::Over } else { end })
}

/// Members one after the other (RFC 1952, section 2.2); what follows them and is none is left, as browsers leave it.
fn gzip(input: &[u8], limit: usize) -> (Vec<u8>, End) {
    let (mut rest, mut bytes) = (input, Vec::new());
    loop {
        let mut member = flate2::bufread::GzDecoder::new(rest);
        let room = (limit + 1 - bytes.len()) as u64;
        let end = match (&mut member).take(room).read_to_end(&mut bytes) {
            Ok(_) if bytes.len() > limit => End::Over,
            Ok(_) => {
                rest = member.into_inner();
                if rest.starts_with(&[0x1f, 0x8b]) {
                    continue;
                }
                End::Complete
            }
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => End::Cut,
            Err(_) => End::Broken,
        };
        return bounded(bytes, limit, end);
    }
}

/// With a header as it should be, or bare as some servers send it and all browsers read it.
fn deflate(input: &[u8], limit: usize) -> (Vec<u8>, End) {
    match inflate(input, true, limit) {
        (bytes, End::Broken) if bytes.is_empty() => inflate(input, false, limit),
        inflated => inflated,
    }
}

fn inflate(input: &[u8], header: bool, limit: usize) -> (Vec<u8>, End) {
    let mut inflater = Decompress::new(header);
    let mut bytes = Vec::new();
    loop {
        bytes.reserve(4096);
        let (read, before) = (inflater.total_in(), bytes.len());
        let rest = usize::try_from(read)
            .ok()
            .and_then(|read| input.get(read..))
            .unwrap_or_default();
        let end = match inflater.decompress_vec(rest, &mut bytes, FlushDecompress::None) {
            Err(_) => End::Broken,
            // Without a header anything may look like a beginning, and end at once.
            Ok(Status::StreamEnd) if !header && inflater.total_in() < input.len() as u64 => End::Broken,
            Ok(Status::StreamEnd) => End::Complete,
            Ok(_) if bytes.len() > limit => End::Over,
            Ok(_) if inflater.total_in() == read && bytes.len() == before => End::Cut,
            Ok(_) => continue,
        };
        return bounded(bytes, limit, end);
    }
}

fn brotli(input: &[u8], limit: usize) -> (Vec<u8>, End) {
    let heap = brotli::enc::StandardAlloc::default;
    let mut state = BrotliState::new(heap(), heap(), heap());
    let (mut available, mut read, mut total) = (input.len(), 0, 0);
    let mut bytes = Vec::new();
    let mut room = [0; 4096];
    loop {
        let (mut free, mut written) = (room.len(), 0);
        let result = BrotliDecompressStream(
            &mut available,
            &mut read,
            input,
            &mut free,
            &mut written,
            &mut room,
            &mut total,
            &mut state,
        );
        bytes.extend_from_slice(&room[..written]);
        let end = match result {
            BrotliResult::ResultSuccess => End::Complete,
            BrotliResult::ResultFailure => End::Broken,
            BrotliResult::NeedsMoreInput => End::Cut,
            BrotliResult::NeedsMoreOutput if bytes.len() > limit => End::Over,
            BrotliResult::NeedsMoreOutput => continue,
        };
        return bounded(bytes, limit, end);
    }
}

/// Frames one after the other (RFC 8878, section 3). One that ends early has all of it read.
fn zstd(input: &[u8], limit: usize) -> (Vec<u8>, End) {
    let (mut rest, mut bytes) = (input, Vec::new());
    loop {
        let room = (limit + 1 - bytes.len()) as u64;
        let read = ruzstd::decoding::StreamingDecoder::new(&mut rest)
            .map_err(|_| ())
            .and_then(|frame| frame.take(room).read_to_end(&mut bytes).map_err(|_| ()));
        let end = match read {
            Ok(_) if bytes.len() > limit => End::Over,
            Ok(_) if rest.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) => continue,
            Ok(_) => End::Complete,
            Err(()) if rest.is_empty() => End::Cut,
            Err(()) => End::Broken,
        };
        return bounded(bytes, limit, end);
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail")]
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

    use super::*;

    const TEXT: &[u8] = br#"{"status":"healthy","and":"more of the same, more of the same"}"#;
    const LIMIT: usize = 65_536;

    fn gzipped(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn zlibbed() -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(TEXT).unwrap();
        encoder.finish().unwrap()
    }

    fn deflated() -> Vec<u8> {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(TEXT).unwrap();
        encoder.finish().unwrap()
    }

    fn brotlied() -> Vec<u8> {
        let mut packed = Vec::new();
        brotli::CompressorWriter::new(&mut packed, 4096, 5, 20)
            .write_all(TEXT)
            .unwrap();
        packed
    }

    fn zstandard() -> Vec<u8> {
        ruzstd::encoding::compress_to_vec(TEXT, ruzstd::encoding::CompressionLevel::Fastest)
    }

    fn every() -> [(&'static str, Vec<u8>); 6] {
        [
            ("gzip", gzipped(TEXT)),
            ("X-GZip", gzipped(TEXT)),
            ("deflate", zlibbed()),
            ("deflate", deflated()),
            ("br", brotlied()),
            ("zstd", zstandard()),
        ]
    }

    fn headers(values: &[&'static str]) -> HeaderMap {
        let value = |value: &&'static str| (CONTENT_ENCODING, http::HeaderValue::from_static(value));
        values.iter().map(value).collect()
    }

    /// What is left of a body, whether it is whole, and whether it can't be unpacked.
    fn end(raw: &[u8], whole: bool, coding: &'static str) -> (Vec<u8>, bool, bool) {
        let unpacked = unpack(raw, whole, &headers(&[coding]), LIMIT);
        (unpacked.bytes.to_vec(), unpacked.whole, unpacked.fault.is_some())
    }

    #[test]
    fn every_coding_that_browsers_read_is_read() {
        for (coding, packed) in every() {
            assert_eq!(end(&packed, true, coding), (TEXT.to_vec(), true, false), "{coding}");
        }
        for coding in ["identity", "", "utf-8", "gzip, unheard-of"] {
            assert_eq!(end(TEXT, true, coding), (TEXT.to_vec(), true, false), "{coding}");
        }
    }

    #[test]
    fn what_is_said_and_not_done_can_not_be_unpacked() {
        for (coding, _) in every() {
            let (bytes, _, broken) = end(TEXT, true, coding);
            assert!(broken && !bytes.is_empty(), "{coding}: what came is shown");
            // Where reading stopped early, a text may be the beginning of something without a header.
            let (_, whole, broken) = end(TEXT, false, coding);
            assert!(!whole && (broken || coding == "deflate"), "{coding}");
        }
    }

    #[test]
    fn what_is_cut_is_broken_where_the_server_cut_it_and_not_where_reading_stopped() {
        for (coding, packed) in every() {
            for left in [packed.len() / 2, packed.len() - 1] {
                let (_, whole, broken) = end(&packed[..left], true, coding);
                assert_eq!((whole, broken), (false, true), "{coding}, {left} bytes");
                let (_, whole, broken) = end(&packed[..left], false, coding);
                assert_eq!(
                    (whole, broken),
                    (false, false),
                    "{coding}, {left} bytes, reading stopped"
                );
            }
        }
    }

    #[test]
    fn codings_come_off_in_the_reverse_order() {
        let twice = gzipped(&zlibbed());
        for coding in [
            &["deflate, gzip"][..],
            &["deflate", "gzip"],
            &["deflate,, identity ,gzip"],
        ] {
            let unpacked = unpack(&twice, true, &headers(coding), LIMIT);
            assert_eq!((&*unpacked.bytes, unpacked.whole), (TEXT, true));
        }
    }

    #[test]
    fn members_follow_each_other_and_what_is_none_is_left() {
        let mut packed = [gzipped(b"one "), gzipped(b"two")].concat();
        packed.extend_from_slice(b"\0\0\0");
        assert_eq!(end(&packed, true, "gzip"), (b"one two".to_vec(), true, false));
    }

    #[test]
    fn nothing_is_whole_in_every_coding() {
        for (coding, _) in every() {
            assert_eq!(end(b"", true, coding), (Vec::new(), true, false));
        }
    }

    #[test]
    fn a_bomb_stays_as_small_as_the_limit() {
        let bomb = gzipped(&vec![b'a'; 10_000_000]);
        let (bytes, whole, broken) = end(&bomb, true, "gzip");
        assert_eq!((bytes.len(), whole, broken), (LIMIT, false, false));
    }
}
