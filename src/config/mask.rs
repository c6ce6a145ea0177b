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

/// The text with the bytes of `spans`, the values of suspicious keys and what addresses hold before an `@` replaced by
/// `*`.
///
/// The reader gives the spans of all that it knows to be secret; the words catch what it did not expect.
pub(crate) fn mask(text: &str, spans: &[Range<usize>]) -> String {
    let found = suspicious_values(text, false).chain(user_infos(text));
    replace(text, spans.iter().cloned().chain(found))
}

/// The same for a text that no reader understood, where words are all there is to go by: request headers, which may
/// be secrets under any name, are hidden too.
pub(crate) fn mask_unread(text: &str) -> String {
    replace(text, suspicious_values(text, true).chain(user_infos(text)))
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
            "request_headers = * * * \"*\""
        );
    }
}
