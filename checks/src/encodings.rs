//! The forms in which a text comes back from whoever repeats a request: as it is, as JSON writes it, as an address does, and
//! in base64, which may begin anywhere in what was encoded.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// The shortest piece of base64 that is looked for; a shorter one stands in any text by chance.
const SHORTEST: usize = 8;
/// What an address need not encode (RFC 3986, section 2.3), and most encoders leave as it is.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The forms of a text, itself among them.
pub(crate) fn encodings(text: &str) -> Vec<String> {
    let written = serde_json::Value::from(text).to_string();
    let mut all = vec![text.to_owned(), written[1..written.len() - 1].to_owned()];
    for kept in [NON_ALPHANUMERIC, RESERVED] {
        let encoded = utf8_percent_encode(text, kept).to_string();
        all.push(lower_digits(&encoded));
        all.push(encoded);
    }
    all.extend((0..3).flat_map(|before| in_base64(text, before)));
    all.sort_unstable();
    all.dedup();
    all
}

/// The digits behind each `%` in lower case.
fn lower_digits(encoded: &str) -> String {
    let mut digits = 0_u8;
    let lower = |c: char| match (c, digits) {
        ('%', _) => {
            digits = 2;
            c
        }
        (c, 0) => c,
        (c, _) => {
            digits -= 1;
            c.to_ascii_lowercase()
        }
    };
    encoded.chars().map(lower).collect()
}

/// What base64 always makes of a text that so many bytes stand before, whatever they are and whatever comes behind.
fn in_base64(text: &str, before: usize) -> impl Iterator<Item = String> {
    let bytes = [vec![0; before], text.as_bytes().to_vec()].concat();
    let (first, end) = ((before * 8).div_ceil(6), bytes.len() * 8 / 6);
    [STANDARD, URL_SAFE]
        .into_iter()
        .filter_map(move |alphabet| Some(alphabet.encode(&bytes).get(first..end)?.to_owned()))
        .filter(|piece| piece.len() >= SHORTEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_found_however_it_comes_back() {
        let all = encodings("k/y \"n\u{e9}");
        for form in [
            "k/y \"n\u{e9}",
            "k/y \\\"n\u{e9}",
            "k%2Fy%20%22n%C3%A9",
            "k%2fy%20%22n%c3%a9",
        ] {
            assert!(all.contains(&form.to_owned()), "{form}: {all:?}");
        }
        let secret = "s3cret-of_the~api";
        for before in ["", "u", "user:", "\0me\0", "Bearer "] {
            for behind in ["", "!", "\n\n", "more"] {
                for alphabet in [STANDARD, URL_SAFE] {
                    let encoded = alphabet.encode(format!("{before}{secret}{behind}"));
                    let found = encodings(secret).iter().any(|form| encoded.contains(form));
                    assert!(found, "{before:?} {behind:?}: {encoded}");
                }
            }
        }
    }

    #[test]
    fn nothing_short_is_looked_for_in_base64() {
        assert_eq!(encodings("on"), ["on"]);
    }
}
