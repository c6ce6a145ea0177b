//! The trace that requests belong to, as W3C Trace Context writes it: whoever answers can tell what it did for us below the
//! span that we name.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident($number:ty), $digits:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name($number);

        impl $name {
            /// The id with these bytes; `None` where all are zero, which is none.
            #[must_use]
            pub fn new(bytes: [u8; $digits / 2]) -> Option<Self> {
                let number = <$number>::from_be_bytes(bytes);
                (number != 0).then_some(Self(number))
            }

            /// An id that nobody has.
            #[cfg(feature = "probe")]
            #[must_use]
            pub fn random() -> Self {
                Self::new(crate::probe::unguessable()).unwrap_or(Self(1))
            }

            /// Its bytes.
            #[must_use]
            pub fn bytes(self) -> [u8; $digits / 2] {
                self.0.to_be_bytes()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:0width$x}", self.0, width = $digits)
            }
        }

        impl FromStr for $name {
            type Err = NoTraceId;
            fn from_str(text: &str) -> Result<Self, NoTraceId> {
                let hexadecimal = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
                if text.len() != $digits || !text.bytes().all(hexadecimal) {
                    return Err(NoTraceId);
                }
                match <$number>::from_str_radix(text, 16) {
                    Ok(number) if number != 0 => Ok(Self(number)),
                    _ => Err(NoTraceId),
                }
            }
        }

        impl TryFrom<String> for $name {
            type Error = NoTraceId;
            fn try_from(text: String) -> Result<Self, NoTraceId> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.to_string()
            }
        }
    )*};
}

ids! {
    /// Names a trace: 32 hexadecimal digits, not all zero.
    TraceId(u128), 32;
    /// Names a span within a trace: 16 hexadecimal digits, not all zero.
    SpanId(u64), 16;
}

/// A text that is no id of a trace or a span.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an id of a trace has 32 hexadecimal digits in lower case, that of a span 16, and not all are zero")]
pub struct NoTraceId;

/// The trace that the requests of one examination belong to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TraceContext {
    /// Its id.
    pub trace_id: TraceId,
    /// Whether it may be recorded here.
    pub sampled: bool,
    /// What others who are part of it want to be told (`tracestate`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
}

impl TraceContext {
    /// The value of `traceparent` that names a span of this trace as the parent of what is done for a request (W3C Trace
    /// Context, section 3.2).
    ///
    /// ```
    /// # use roundsman_checks::evidence::TraceContext;
    /// # fn main() -> Result<(), roundsman_checks::evidence::NoTraceId> {
    /// let trace_id = "4bf92f3577b34da6a3ce929d0e0e4736".parse()?;
    /// let trace = TraceContext { trace_id, sampled: true, state: None };
    /// let parent = trace.traceparent("00f067aa0ba902b7".parse()?);
    /// assert_eq!(parent, "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn traceparent(&self, span: SpanId) -> String {
        let Self { trace_id, sampled, .. } = self;
        format!("00-{trace_id}-{span}-{:02x}", u8::from(*sampled))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_hexadecimal_in_lower_case_and_not_all_zero() {
        for wrong in [
            "",
            "00000000000000000000000000000000",
            "4BF92F3577B34DA6A3CE929D0E0E4736",
            "4bf92f3577b34da6a3ce929d0e0e473",
            "+bf92f3577b34da6a3ce929d0e0e4736",
        ] {
            assert_eq!(wrong.parse::<TraceId>(), Err(NoTraceId), "{wrong}");
        }
        let id = "0bf92f3577b34da6a3ce929d0e0e4736".parse::<TraceId>();
        assert_eq!(
            id.map(|id| id.to_string()).as_deref(),
            Ok("0bf92f3577b34da6a3ce929d0e0e4736")
        );
        assert_eq!(SpanId::new([0; 8]), None);
    }
}
