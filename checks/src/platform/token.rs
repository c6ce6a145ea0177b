//! What lets into an API: sent in one header, shown nowhere, and taken out of what comes back.

use std::sync::Arc;

use memchr::memmem;

use crate::encodings::encodings;

/// A token ready for the `Authorization` header. Never shown.
#[derive(Clone)]
pub struct Token {
    pub(super) header: String,
    /// Each token in it, without its scheme, in every form: what must not stand in what an API says back.
    forms: Arc<[String]>,
}

impl Token {
    /// A bearer token.
    #[must_use]
    pub fn bearer(token: &str) -> Self {
        Self {
            header: format!("Bearer {token}"),
            forms: forms(token),
        }
    }

    /// The platform's tokens: a list separated by commas, each with or without its scheme; macaroons (`fm1r`, `fm1a`,
    /// `fm2`) go as `FlyV1`, others as bearer tokens.
    #[must_use]
    pub fn fly(text: &str) -> Self {
        let clean = |token: &str| {
            let token = token.trim();
            token
                .strip_prefix("Bearer ")
                .or_else(|| token.strip_prefix("FlyV1 "))
                .unwrap_or(token)
                .trim()
                .to_owned()
        };
        let tokens = text
            .split(',')
            .map(clean)
            .filter(|token| !token.is_empty())
            .collect::<Vec<_>>();
        let is_macaroon =
            |token: &&String| ["fm1r", "fm1a", "fm2"].contains(&token.split('_').next().unwrap_or_default());
        let macaroons = tokens.iter().filter(is_macaroon).cloned().collect::<Vec<_>>();
        let bearer = Self::bearer(&tokens.join(","));
        match macaroons.is_empty() {
            true => bearer,
            false => Self {
                header: format!("FlyV1 {}", macaroons.join(",")),
                ..bearer
            },
        }
    }

    /// Takes out of an answer what it says back of the token, before anything is read or cut.
    #[must_use]
    pub fn masked(&self, bytes: Vec<u8>) -> Vec<u8> {
        let forms = self.forms.iter().map(String::as_bytes);
        forms.fold(bytes, |bytes, part| match memmem::find(&bytes, part) {
            None => bytes,
            Some(_) => without(&bytes, part),
        })
    }
}

/// The shortest token that is looked for in an answer, in bytes.
const SHORTEST: usize = 6;
/// What stands in its place.
const MASK: &[u8] = b"[token]";

/// The forms of each token, the longest first: none is left in pieces by one that it holds.
fn forms(tokens: &str) -> Arc<[String]> {
    // Shorter ones would be found by chance.
    let parts = tokens.split(',').map(str::trim).filter(|part| part.len() >= SHORTEST);
    let mut forms = parts.flat_map(encodings).collect::<Vec<_>>();
    forms.sort_by_key(|form| std::cmp::Reverse(form.len()));
    forms.into()
}

fn without(mut bytes: &[u8], part: &[u8]) -> Vec<u8> {
    let mut kept = Vec::with_capacity(bytes.len());
    while let Some(at) = memmem::find(bytes, part) {
        kept.extend_from_slice(&bytes[..at]);
        kept.extend_from_slice(MASK);
        bytes = &bytes[at + part.len()..];
    }
    kept.extend_from_slice(bytes);
    kept
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[secret]")
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail")]
    use super::*;

    #[test]
    fn macaroons_go_as_flyv1_and_alone() {
        assert_eq!(Token::fly("FlyV1 fm2_a,fo1_b, fm1r_c").header, "FlyV1 fm2_a,fm1r_c");
        assert_eq!(Token::fly("Bearer fo1_b").header, "Bearer fo1_b");
        assert_eq!(format!("{:?}", Token::fly("fm2_a")), "[secret]");
    }

    #[test]
    fn what_an_api_says_back_of_a_token_is_masked() {
        let token = Token::fly("FlyV1 fm2_secret,fo1_other");
        let masked = |text: &str| String::from_utf8(token.masked(text.as_bytes().to_vec())).unwrap();
        assert_eq!(
            masked(r#"{"error":"Bearer fo1_other and fm2_secretfm2_secret"}"#),
            r#"{"error":"Bearer [token] and [token][token]"}"#
        );
        assert_eq!(masked("fm2_secre"), "fm2_secre");
        // However it is written.
        assert_eq!(
            masked("ZjpmbTJfc2VjcmV0 fm2%5Fsecret fm2%5fsecret"),
            "Zjp[token] [token] [token]"
        );
        assert_eq!(
            String::from_utf8(Token::bearer("abc").masked(b"abcabc".to_vec())).unwrap(),
            "abcabc"
        );
    }
}
