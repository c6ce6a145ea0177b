//! A chain as a server presents it: bytes, judged by nobody yet.

use base64::Engine as _;
use serde::{Deserialize, Serialize};

/// A presented chain as DER, in the order sent; base64 when serialised.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CertificateChain(pub Vec<Vec<u8>>);

impl Serialize for CertificateChain {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(
            self.0
                .iter()
                .map(|der| base64::engine::general_purpose::STANDARD.encode(der)),
        )
    }
}

impl<'de> Deserialize<'de> for CertificateChain {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let texts = Vec::<String>::deserialize(deserializer)?;
        let decode = |text: &String| base64::engine::general_purpose::STANDARD.decode(text);
        texts
            .iter()
            .map(decode)
            .collect::<Result<_, _>>()
            .map(Self)
            .map_err(serde::de::Error::custom)
    }
}
