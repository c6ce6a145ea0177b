//! Frames of HTTP/2 by hand (RFC 9113, section 4), so that they can be wrong.

/// The stream of the first request.
pub(crate) const FIRST: u32 = 1;
/// `:status: 200`, by its index in the static table (RFC 7541, appendix A).
pub(crate) const OK: &[u8] = &[0x88];

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// What a server says first.
pub(crate) fn settings() -> Vec<u8> {
    frame(SETTINGS, 0, 0, &[])
}

/// The server goes away; it processed nothing above the stream `last`.
pub(crate) fn go_away(last: u32, code: u32) -> Vec<u8> {
    frame(GOAWAY, 0, 0, &[last.to_be_bytes(), code.to_be_bytes()].concat())
}

/// The server ends the first request's stream.
pub(crate) fn reset(code: u32) -> Vec<u8> {
    frame(RST_STREAM, 0, FIRST, &code.to_be_bytes())
}

/// The head of an answer to the first request.
pub(crate) fn head(block: &[u8], ends: bool) -> Vec<u8> {
    frame(HEADERS, END_HEADERS | if ends { END_STREAM } else { 0 }, FIRST, block)
}

/// A part of its body.
pub(crate) fn data(bytes: &[u8], ends: bool) -> Vec<u8> {
    frame(DATA, if ends { END_STREAM } else { 0 }, FIRST, bytes)
}

/// A header field as it is (RFC 7541, section 6.2.2).
pub(crate) fn field(name: &str, value: &str) -> Vec<u8> {
    let text = |text: &str| [&[u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
    [vec![0], text(name), text(value)].concat()
}

/// A whole answer with these fields and this body.
pub(crate) fn answer(fields: &[Vec<u8>], body: &[u8]) -> Vec<u8> {
    let block = [OK, &fields.concat()].concat();
    [settings(), head(&block, false), data(body, true)].concat()
}
