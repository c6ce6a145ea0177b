//! What is said as records of a log.

use jiff::Timestamp;
use opentelemetry_proto::tonic::common::v1::AnyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::logs::v1::{LogRecord, SeverityNumber};

use super::points::nanos;
use super::resource::text;

/// How much something matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// It is as it should be.
    Info,
    /// It may need a look.
    Warn,
    /// It needs one.
    Error,
}

impl Level {
    /// Its word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }

    const fn number(self) -> SeverityNumber {
        match self {
            Self::Info => SeverityNumber::Info,
            Self::Warn => SeverityNumber::Warn,
            Self::Error => SeverityNumber::Error,
        }
    }
}

/// Something that happened then and was said now, with what it is about by keys.
#[must_use]
pub fn record(
    (at, now): (Timestamp, Timestamp),
    level: Level,
    message: &str,
    fields: &[(&'static str, String)],
) -> LogRecord {
    let attributes = fields.iter();
    let attributes = attributes.map(|(key, value)| text(&format!("roundsman.{key}"), value));
    LogRecord {
        time_unix_nano: nanos(at),
        observed_time_unix_nano: nanos(now),
        severity_number: level.number().into(),
        severity_text: level.as_str().to_owned(),
        body: Some(AnyValue {
            value: Some(Value::StringValue(message.to_owned())),
        }),
        attributes: attributes.collect(),
        ..LogRecord::default()
    }
}
