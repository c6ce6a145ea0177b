//! What a server said, as people and logs may see it.

use std::cmp::Reverse;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use reqwest::Url;

use crate::text::line;

/// Most characters of an answer that are shown.
const MOST: usize = 300;
/// The shortest piece of base64, and of a path, that is hidden; shorter ones stand in any text by chance.
const SHORTEST: usize = 8;
const SHORTEST_SEGMENT: usize = 16;
/// What an address need not encode (RFC 3986, section 2.3), and most encoders leave as it is.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// An answer as one harmless line, without any of these secrets.
pub(super) fn shown(text: &str, secrets: &[impl AsRef<str>]) -> String {
    line(hidden(text, secrets).trim(), MOST)
}

/// A text without these secrets, in whatever form a server repeats them: as they are, as JSON and addresses write them, or in
/// base64, wherever they begin in what was encoded.
#[must_use]
pub fn hidden(text: &str, secrets: &[impl AsRef<str>]) -> String {
    let mut forms = secrets
        .iter()
        .flat_map(|secret| forms(secret.as_ref()))
        .collect::<Vec<_>>();
    // None is left in pieces by one that it holds.
    forms.sort_unstable_by_key(|form| Reverse(form.len()));
    forms
        .iter()
        .fold(text.to_owned(), |text, form| match text.contains(form) {
            true => text.replace(form, "[masked]"),
            false => text,
        })
}

/// What is secret of an address where it may be one: the whole, what lets in, and what nobody guesses of path and query.
#[must_use]
pub fn secrets_of_url(url: &str) -> Vec<String> {
    let Ok(parsed) = url.parse::<Url>() else {
        return vec![url.to_owned()];
    };
    let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let password = parsed
        .password()
        .into_iter()
        .flat_map(|text| [text.to_owned(), decoded(text)]);
    let segments = parsed.path_segments().into_iter().flatten();
    let values = parsed.query().into_iter().flat_map(|query| query.split(['&', '=']));
    let parts = segments.chain(values).filter(|part| part.len() >= SHORTEST_SEGMENT);
    let parts = parts.flat_map(|part| [part.to_owned(), decoded(part)]);
    [url.to_owned()].into_iter().chain(password).chain(parts).collect()
}

fn forms(secret: &str) -> Vec<String> {
    if secret.is_empty() {
        return Vec::new();
    }
    let written = serde_json::Value::from(secret).to_string();
    let mut all = vec![secret.to_owned(), written[1..written.len() - 1].to_owned()];
    for kept in [NON_ALPHANUMERIC, RESERVED] {
        let encoded = utf8_percent_encode(secret, kept).to_string();
        // Some write the digits behind a `%` in lower case.
        let lower = encoded.split('%').enumerate().map(|(at, part)| match at {
            0 => part.to_owned(),
            _ => format!("%{}{}", part[..2].to_ascii_lowercase(), &part[2..]),
        });
        all.push(lower.collect());
        all.push(encoded);
    }
    for before in 0..3 {
        let bytes = [vec![0; before], secret.as_bytes().to_vec()].concat();
        // What stands before or behind has no part in these.
        let (first, end) = ((before * 8).div_ceil(6), bytes.len() * 8 / 6);
        let pieces = [STANDARD, URL_SAFE].map(|alphabet| alphabet.encode(&bytes).get(first..end).map(str::to_owned));
        all.extend(pieces.into_iter().flatten().filter(|piece| piece.len() >= SHORTEST));
    }
    all
}

/// An error with what is behind it: libraries hide that a certificate is wrong, or that a connection was refused.
pub(super) fn with_sources(error: &dyn std::error::Error) -> String {
    let mut said = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let more = error.to_string();
        if !said.contains(&more) {
            said = format!("{said}: {more}");
        }
        source = error.source();
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_that_a_server_repeats_are_not_shown() {
        assert_eq!(
            shown("no key s3cret\r\nhere ", &["s3cret", ""]),
            "no key [masked]\u{fffd} here"
        );
    }

    #[test]
    fn nor_are_they_in_any_other_form() {
        let secret = "s3/cr e\"t-k3y";
        for (text, expected) in [
            (r#"{"a":"s3/cr e\"t-k3y"}"#, r#"{"a":"[masked]"}"#),
            ("s3%2Fcr%20e%22t-k3y", "[masked]"),
            ("s3%2fcr%20e%22t%2dk3y", "[masked]"),
        ] {
            assert_eq!(hidden(text, &[secret]), expected);
        }
        for before in ["", "a", "ab", "\0user\0"] {
            let encoded = STANDARD.encode(format!("{before}{secret}\n"));
            let left = hidden(&encoded, &[secret]).replace("[masked]", "");
            // What is left are the digits that others have a part in.
            assert!(left.len() <= before.len().div_ceil(3) * 4 + 5, "{encoded}: {left}");
        }
    }

    #[test]
    fn of_an_address_what_lets_in_is_secret_and_its_server_is_not() {
        let secrets =
            secrets_of_url("https://ann:p%40ss@example.com/services/T00/0123456789abcdefg?key=fedcba98765432100");
        let said = "example.com: no /services/T00/0123456789abcdefg?key=fedcba98765432100 for p@ss, p%40ss";
        let expected = "example.com: no /services/T00/[masked]?key=[masked] for [masked], [masked]";
        assert_eq!(hidden(said, &secrets), expected);
    }
}
