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

/// Most codings that are taken off, one in the other. Nobody applies two; a client that knows no end unpacks a body that
/// holds itself as often as its head says.
const MOST_CODINGS: usize = 5;

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
    let codings = codings(headers).unwrap_or_default();
    if codings.len() > MOST_CODINGS {
        let detail = format!(
            "the body is said to be packed {} times, {MOST_CODINGS} are read",
            codings.len()
        );
        unpacked.fault = Some(Fault::new(Reason::HttpMalformed, detail));
        return unpacked;
    }
    for (name, decode) in codings.into_iter().rev() {
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
mod tests;
