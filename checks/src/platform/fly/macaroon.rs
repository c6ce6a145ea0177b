//! Until when a token is valid, as far as it says so itself: a macaroon is MessagePack in base64 behind `fm…_`, an array of
//! nonce, location, caveats and tail; its caveats are types and bodies in turn (github.com/superfly/macaroon). Nothing of it is verified, kept or shown:
//! what counts is what the platform says.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use jiff::Timestamp;
use rmpv::Value;
use rmpv::decode::read_value_with_max_depth;

use crate::platform::access::TokenEnd;

/// The type of the caveat that holds two moments, in seconds: not before, not after.
const VALIDITY_WINDOW: u64 = 4;
/// The longest token that is read, in bytes.
const LONGEST: usize = 64 * 1024;
/// How deep caveats lie within each other.
const DEEPEST: usize = 16;

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The end of what is sent: that of the first of its macaroons that ends.
pub(super) fn end(text: &str) -> TokenEnd {
    let tokens = text.split(',').map(str::trim);
    let tokens = tokens.map(|token| {
        token
            .strip_prefix("FlyV1 ")
            .or(token.strip_prefix("Bearer "))
            .unwrap_or(token)
    });
    let mut read = Vec::new();
    for token in tokens.filter(|token| !token.is_empty()) {
        let macaroon = ["fm1r_", "fm1a_", "fm2_"]
            .iter()
            .find_map(|prefix| token.strip_prefix(prefix));
        match macaroon.and_then(of_one) {
            Some(end) => read.push(end),
            None => return TokenEnd::Unknown,
        }
    }
    match (read.is_empty(), read.into_iter().flatten().min()) {
        (true, _) => TokenEnd::Unknown,
        (false, Some(end)) => TokenEnd::At(end),
        (false, None) => TokenEnd::Never,
    }
}

/// The end of one macaroon, where it has one; `None` where it is not read.
fn of_one(encoded: &str) -> Option<Option<Timestamp>> {
    if encoded.len() > LONGEST {
        return None;
    }
    let bytes = BASE64.decode(encoded.trim()).ok()?;
    let token = read_value_with_max_depth(&mut bytes.as_slice(), DEEPEST).ok()?;
    let [_, Value::String(_), Value::Array(caveats), _] = token.as_array()?.as_slice() else {
        return None;
    };
    let windows = caveats
        .chunks_exact(2)
        .filter(|pair| pair[0].as_u64() == Some(VALIDITY_WINDOW));
    let ends = windows.map(|pair| Timestamp::from_second(pair[1].as_array()?.get(1)?.as_i64()?).ok());
    Some(ends.collect::<Option<Vec<_>>>()?.into_iter().min())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A macaroon with these caveats.
    fn macaroon(caveats: Vec<Value>) -> String {
        let nonce = Value::Array(vec![
            Value::Binary(vec![1; 16]),
            Value::Binary(vec![2; 16]),
            Value::from(false),
        ]);
        let tail = Value::Binary(vec![3; 32]);
        let token = Value::Array(vec![nonce, "https://api.fly.io/v1".into(), Value::Array(caveats), tail]);
        let mut bytes = Vec::new();
        // Writing to a vector does not fail.
        let _ = rmpv::encode::write_value(&mut bytes, &token);
        format!("fm2_{}", BASE64.encode(bytes))
    }

    fn window(until: i64) -> [Value; 2] {
        [VALIDITY_WINDOW.into(), Value::Array(vec![0.into(), until.into()])]
    }

    fn organization() -> [Value; 2] {
        [0.into(), Value::Array(vec![4721.into(), 31.into()])]
    }

    #[test]
    fn the_first_end_of_all_that_is_sent_counts() {
        let at = |second| Timestamp::from_second(second).map_or(TokenEnd::Unknown, TokenEnd::At);
        let two = macaroon([organization(), window(2_000_000_000), window(1_900_000_000)].concat());
        let one = macaroon(window(1_800_000_000).to_vec());
        assert_eq!(end(&two), at(1_900_000_000));
        assert_eq!(end(&format!("FlyV1 {two}, {one}")), at(1_800_000_000));
        assert_eq!(end(two.trim_end_matches('=')), at(1_900_000_000));
        assert_eq!(end(&macaroon(organization().to_vec())), TokenEnd::Never);
    }

    #[test]
    fn what_is_no_macaroon_says_nothing() {
        let strange = macaroon(vec![VALIDITY_WINDOW.into(), "for ever".into()]);
        let deep = (0..100).fold(Value::Nil, |inner, _| Value::Array(vec![inner]));
        for token in [
            "",
            "fo1_secret",
            "fm2_",
            "fm2_!!",
            "fm2_AAAA",
            &strange,
            &macaroon(vec![0.into(), deep]),
        ] {
            assert_eq!(end(token), TokenEnd::Unknown, "{token}");
        }
        // Beside one that ends, another kind may end sooner.
        assert_eq!(
            end(&format!("{},fo1_secret", macaroon(window(1_800_000_000).to_vec()))),
            TokenEnd::Unknown
        );
    }
}
