//! What stays of a body: decoded, bounded, searched while it is whole.

use std::borrow::Cow;
use std::io::Read;

use crate::evidence::Body;
use crate::expectation::SiteExpectation;
use crate::matching::matches;

/// How much of a body evidence keeps, in bytes.
const KEPT: usize = 4096;

/// Makes evidence of the bytes that were read. `whole` is false where reading stopped early; `limit` bounds what
/// decoding may yield, so that a compressed bomb stays small.
pub(super) fn evidence(raw: &[u8], whole: bool, encoding: &str, limit: usize, expected: &SiteExpectation) -> Body {
    let (decoded, whole) = decode(raw, whole, encoding, limit);
    let text = String::from_utf8_lossy(&decoded);
    let mut end = KEPT.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    Body {
        prefix: text[..end].to_owned(),
        length: decoded.len() as u64,
        complete: whole,
        digest: if decoded.is_empty() {
            String::new()
        } else {
            digest(&decoded)
        },
        matches: matches(&text, whole, expected),
    }
}

fn decode<'r>(raw: &'r [u8], whole: bool, encoding: &str, limit: usize) -> (Cow<'r, [u8]>, bool) {
    let bounded = limit as u64 + 1;
    let mut decoded = Vec::new();
    let is = |name: &str| encoding.trim().eq_ignore_ascii_case(name);
    let outcome = if is("gzip") || is("x-gzip") {
        flate2::read::MultiGzDecoder::new(raw)
            .take(bounded)
            .read_to_end(&mut decoded)
    } else if is("deflate") {
        flate2::read::ZlibDecoder::new(raw)
            .take(bounded)
            .read_to_end(&mut decoded)
    } else if is("br") {
        brotli::Decompressor::new(raw, 4096)
            .take(bounded)
            .read_to_end(&mut decoded)
    } else {
        return (raw.into(), whole);
    };
    let fits = decoded.len() <= limit;
    decoded.truncate(limit);
    (decoded.into(), whole && fits && outcome.is_ok())
}

fn digest(bytes: &[u8]) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
    let digits = |byte: &u8| [byte >> 4, byte & 15].map(|digit| char::from(b"0123456789abcdef"[usize::from(digit)]));
    digest.as_ref().iter().flat_map(digits).collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail")]
    use std::io::Write;

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn a_bomb_stays_as_small_as_the_limit() {
        let bomb = gzip(&vec![b'a'; 10_000_000]);
        let body = evidence(&bomb, true, "gzip", 65_536, &SiteExpectation::default());
        assert_eq!((body.length, body.complete), (65_536, false));
    }

    #[test]
    fn finds_what_is_expected_behind_an_encoding() {
        let expected = SiteExpectation {
            json: [("/status".to_owned(), serde_json::json!("healthy"))].into(),
            ..SiteExpectation::default()
        };
        let body = evidence(&gzip(b"{\"status\":\"healthy\"}"), true, "gzip", 1024, &expected);
        assert_eq!(body.matches.json["/status"], Some(serde_json::json!("healthy")));
        assert!(body.complete);
    }

    #[test]
    fn a_broken_encoding_is_an_incomplete_body() {
        assert!(!evidence(b"no gzip at all", true, "gzip", 1024, &SiteExpectation::default()).complete);
    }

    #[test]
    fn the_prefix_ends_at_a_character() {
        let body = evidence(
            "ä".repeat(4000).as_bytes(),
            true,
            "",
            65_536,
            &SiteExpectation::default(),
        );
        assert_eq!(body.prefix.len(), KEPT);
    }
}
