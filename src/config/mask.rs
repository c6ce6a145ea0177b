//! Hides secrets in a text that is about to be shown. Keeps every byte offset, so that spans still fit.

use std::ops::Range;

/// Words in a key that say that its value is nobody's business.
const SUSPICIOUS: [&str; 11] = [
    "token",
    "secret",
    "pass",
    "pwd",
    "auth",
    "credential",
    "cookie",
    "key",
    "dsn",
    "webhook",
    "signature",
];

/// The shortest part of an address that is taken for a key.
const OPAQUE: usize = 16;

/// The text with the bytes of `spans`, the values of suspicious keys, what addresses hold before an `@` and the long parts of
/// their paths replaced by `*`.
///
/// The reader gives the spans of all that it knows to be secret; the words catch what it did not expect.
pub(crate) fn mask(text: &str, spans: &[Range<usize>]) -> String {
    let found = suspicious_values(text, false)
        .chain(user_infos(text))
        .chain(opaque_parts(text));
    replace(text, spans.iter().cloned().chain(found))
}

/// The same for a text that no reader understood, where words are all there is to go by: request headers, which may
/// be secrets under any name, are hidden too.
pub(crate) fn mask_unread(text: &str) -> String {
    let found = suspicious_values(text, true).chain(headers_within(text));
    replace(text, found.chain(user_infos(text)).chain(opaque_parts(text)))
}

fn replace(text: &str, spans: impl Iterator<Item = Range<usize>>) -> String {
    let mut bytes = text.as_bytes().to_vec();
    for span in spans {
        for byte in bytes.get_mut(span).into_iter().flatten() {
            if !matches!(byte, b'"' | b'\'' | b' ' | b'\t' | b'\n' | b'\r') {
                *byte = b'*';
            }
        }
    }
    // Whole spans of valid text were replaced by ASCII, so what is left is valid too.
    String::from_utf8(bytes).unwrap_or_default()
}

/// User and password of every URL (RFC 3986, section 3.2.1).
fn user_infos(text: &str) -> impl Iterator<Item = Range<usize>> {
    let ends = |c: char| matches!(c, '/' | '?' | '#' | '"' | '\'') || c.is_whitespace();
    text.match_indices("://").filter_map(move |(at, scheme_end)| {
        let start = at + scheme_end.len();
        let authority = text[start..].split(ends).next()?;
        Some(start..start + authority.rfind('@')?)
    })
}

/// What nobody guesses of the path and the query of every URL: a long part of one is often the key to it, as of a dead man's
/// switch or an incoming webhook.
fn opaque_parts(text: &str) -> impl Iterator<Item = Range<usize>> {
    let ends = |c: char| matches!(c, '"' | '\'') || c.is_whitespace();
    text.match_indices("://").flat_map(move |(at, scheme_end)| {
        let start = at + scheme_end.len();
        let url = text[start..].split(ends).next().unwrap_or_default();
        let path = url.find(['/', '?', '#']).map_or(url.len(), |at| at + 1).min(url.len());
        let mut from = start + path;
        let parts = url[path..].split(['/', '?', '&', '=', '#']).map(move |part| {
            let span = from..from + part.len();
            from = span.end + 1;
            span
        });
        parts.filter(|span| span.len() >= OPAQUE)
    })
}

/// Request headers in the middle of a line, as in an inline table.
fn headers_within(text: &str) -> impl Iterator<Item = Range<usize>> {
    const KEY: &str = "request_headers";
    let mut start = 0;
    text.split_inclusive('\n').filter_map(move |line| {
        let from = start;
        start += line.len();
        let after = line.find(KEY)? + KEY.len();
        // The name of a table has its headers in other lines.
        (!line.trim_start().starts_with('[')).then_some(from + after..from + line.len())
    })
}

fn suspicious_values(text: &str, unread: bool) -> impl Iterator<Item = Range<usize>> {
    let mut start = 0;
    let mut among_headers = false;
    text.split_inclusive('\n').filter_map(move |line| {
        let from = start;
        start += line.len();
        if line.trim_start().starts_with('[') {
            among_headers = unread && line.contains("request_headers");
        }
        let (key, value) = line.split_once('=')?;
        let key_lower = key.to_ascii_lowercase();
        let names_a_place = value.trim_start().starts_with('{');
        let hide = among_headers
            || (unread && key_lower.contains("request_headers"))
            || (!names_a_place && SUSPICIOUS.iter().any(|word| key_lower.contains(word)));
        hide.then(|| from + key.len() + 1..from + line.len())
    })
}

#[cfg(test)]
mod tests {
    use super::{mask, mask_unread};

    #[test]
    fn hides_spans_and_the_values_of_suspicious_keys() {
        assert_eq!(mask("a = \"xé\"", std::slice::from_ref(&(4..9))), "a = \"***\"");
        assert_eq!(
            mask("tokn = 1\nmy_token = \"abc\n", &[]),
            "tokn = 1\nmy_token = \"***\n"
        );
        assert_eq!(mask("token = { env = \"NAME\" }", &[]), "token = { env = \"NAME\" }");
    }

    #[test]
    fn hides_the_password_of_an_address_and_what_a_key_names_a_secret() {
        assert_eq!(
            mask("url = \"http://ann:pw@host/a@b\"\nx = 'https://h/'", &[]),
            "url = \"http://******@host/a@b\"\nx = 'https://h/'"
        );
        assert_eq!(
            mask(
                "url = \"https://example.com/ping/0123456789abcdef?k=fedcba98765432100#é\"",
                &[]
            ),
            "url = \"https://example.com/ping/****************?k=*****************#é\""
        );
        assert_eq!(
            mask_unread("apikey = 'abc'\nsmtp_pwd = 1"),
            "apikey = '***'\nsmtp_pwd = *"
        );
    }

    #[test]
    fn where_nothing_was_read_all_request_headers_are_hidden() {
        let text = "path = \"/a\"\n[site.request_headers]\nx-a = \"abc\n[dns]\nask = \"b\"";
        assert_eq!(mask_unread(text), text.replace("abc", "***"));
        assert_eq!(
            mask_unread("request_headers = { a = \"b\""),
            "request_headers * * * * \"*\""
        );
        assert_eq!(
            mask_unread("site = { path = \"/\", request_headers = { a = \"b\" } }"),
            "site = { path = \"/\", request_headers * * * * \"*\" * *"
        );
    }
}
