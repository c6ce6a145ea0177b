//! Bodies in every coding, whole, cut and said to be what they are not.
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

#[test]
fn a_body_that_holds_itself_is_not_unpacked_as_often_as_its_head_says() {
    let packed = (0..5).fold(TEXT.to_vec(), |body, _| gzipped(&body));
    assert_eq!(
        end(&packed, true, "gzip, gzip, gzip, gzip, gzip"),
        (TEXT.to_vec(), true, false)
    );
    let again = gzipped(&packed);
    let told = end(&again, true, "gzip, gzip, gzip, gzip, gzip, gzip");
    assert_eq!(told, (again, true, true));
}
