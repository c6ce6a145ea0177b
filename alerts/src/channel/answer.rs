//! What a server said, as people and logs may see it.

use crate::text::line;

/// Most characters of an answer that are shown.
const MOST: usize = 300;

/// An answer as one harmless line, without any of these secrets.
pub(super) fn shown(text: &str, secrets: &[&str]) -> String {
    let mut text = text.to_owned();
    for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
        text = text.replace(secret, "[masked]");
    }
    line(text.trim(), MOST)
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
}
