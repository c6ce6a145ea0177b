//! Hides secrets in a text that is about to be shown. Keeps every byte offset, so that spans still fit.

use std::ops::Range;

/// Words in a key that say that its value is nobody's business.
const SUSPICIOUS: [&str; 9] = [
    "token",
    "secret",
    "password",
    "passwd",
    "auth",
    "credential",
    "cookie",
    "bypass",
    "api_key",
];

/// The text with the bytes of `spans` and the values of suspicious keys replaced by `*`.
///
/// The reader gives the spans of all that it knows to be secret; the words catch what it did not expect.
pub(crate) fn mask(text: &str, spans: &[Range<usize>]) -> String {
    replace(text, spans.iter().cloned().chain(suspicious_values(text, false)))
}

/// The same for a text that no reader understood, where words are all there is to go by: request headers, which may
/// be secrets under any name, are hidden too.
pub(crate) fn mask_unread(text: &str) -> String {
    replace(text, suspicious_values(text, true))
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
    fn where_nothing_was_read_all_request_headers_are_hidden() {
        let text = "path = \"/a\"\n[site.request_headers]\nx-a = \"abc\n[dns]\nask = \"b\"";
        assert_eq!(mask_unread(text), text.replace("abc", "***"));
        assert_eq!(
            mask_unread("request_headers = { a = \"b\""),
            "request_headers = * * * \"*\""
        );
    }
}
