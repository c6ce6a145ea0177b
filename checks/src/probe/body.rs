//! What stays of a body: unpacked, bounded, searched while it is whole.

use http::HeaderMap;

use super::echo::SentHeaders;
use super::unpack::unpack;
use crate::evidence::{Body, Fault};
use crate::expectation::SiteExpectation;
use crate::matching::matches;

/// How much of a body evidence keeps, in bytes.
const KEPT: usize = 4096;

/// Makes evidence of the bytes that were read, and says why it can't be unpacked where it can't. `whole` is false where
/// reading stopped early; `limit` bounds what unpacking may yield. What was sent is taken out before anything is cut.
pub(super) fn evidence(
    raw: &[u8],
    whole: bool,
    headers: &HeaderMap,
    limit: usize,
    expected: &SiteExpectation,
    sent: &SentHeaders<'_>,
) -> (Body, Option<Fault>) {
    let unpacked = unpack(raw, whole, headers, limit);
    let text = String::from_utf8_lossy(&unpacked.bytes);
    let shown = sent.hidden(&text, !unpacked.whole);
    let end = shown.floor_char_boundary(KEPT);
    let body = Body {
        prefix: shown[..end].to_owned(),
        length: unpacked.bytes.len() as u64,
        complete: unpacked.whole,
        digest: if unpacked.bytes.is_empty() {
            String::new()
        } else {
            digest(&unpacked.bytes)
        },
        matches: matches(&text, unpacked.whole, expected),
    };
    (body, unpacked.fault)
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

    use http::header::{CONTENT_ENCODING, HeaderValue};

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn healthy() -> SiteExpectation {
        SiteExpectation {
            json: [("/status".to_owned(), serde_json::json!("healthy"))].into(),
            ..SiteExpectation::default()
        }
    }

    #[test]
    fn finds_what_is_expected_behind_an_encoding() {
        let headers = HeaderMap::from_iter([(CONTENT_ENCODING, HeaderValue::from_static("gzip"))]);
        let (body, fault) = evidence(
            &gzip(b"{\"status\":\"healthy\"}"),
            true,
            &headers,
            1024,
            &healthy(),
            &SentHeaders::default(),
        );
        assert_eq!(body.matches.json["/status"], Some(serde_json::json!("healthy")));
        assert!(body.complete && fault.is_none());
    }

    #[test]
    fn a_mark_before_json_is_no_part_of_it() {
        let text = "\u{feff}{\"status\":\"healthy\"}";
        let (body, _) = evidence(
            text.as_bytes(),
            true,
            &HeaderMap::new(),
            1024,
            &healthy(),
            &SentHeaders::default(),
        );
        assert_eq!(body.matches.json["/status"], Some(serde_json::json!("healthy")));
    }

    #[test]
    fn the_prefix_ends_at_a_character() {
        let text = "ä".repeat(4000);
        let expected = SiteExpectation::default();
        let (body, _) = evidence(
            text.as_bytes(),
            true,
            &HeaderMap::new(),
            65_536,
            &expected,
            &SentHeaders::default(),
        );
        assert_eq!(body.prefix.len(), KEPT);
    }

    #[test]
    fn what_was_sent_is_taken_out_before_the_body_is_cut() {
        let headers = [("x-key".to_owned(), "hunter2-hunter2".to_owned())];
        let text = format!("{}hunter2-hunter2", "a".repeat(KEPT - 7));
        let expected = SiteExpectation::default();
        for length in [text.len(), text.len() - 4] {
            let whole = length == text.len();
            let sent = SentHeaders::new(&headers);
            let (body, _) = evidence(
                &text.as_bytes()[..length],
                whole,
                &HeaderMap::new(),
                65_536,
                &expected,
                &sent,
            );
            assert!(!body.prefix.contains("hunter"), "{}", &body.prefix[KEPT - 20..]);
        }
    }
}
