//! What a healthy tenant looks like: the yardstick that checks judge against. Plain data, made by the configuration.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::finding::Check;
use crate::release::ExpectedImage;

/// Where the issuer document names its URL (RFC 8414, section 2), as a JSON pointer (RFC 6901).
pub const ISSUER: &str = "/issuer";

/// Which HTTP versions satisfy `site`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub enum HttpVersion {
    /// HTTP/1.1 and nothing else.
    #[serde(rename = "1.1")]
    Http1,
    /// HTTP/2 and nothing else.
    #[default]
    #[serde(rename = "2")]
    Http2,
    /// Either.
    #[serde(rename = "any")]
    Any,
}

/// A place in an answer that carries a value: `header:NAME` or `json:/pointer` (RFC 6901).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    /// The value of a response header; the name in lower case.
    Header(String),
    /// A value in the JSON body.
    Json(String),
}

/// As it is written in the configuration.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header(name) => write!(f, "header:{name}"),
            Self::Json(pointer) => write!(f, "json:{pointer}"),
        }
    }
}

/// How `route` proves which app answered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Identity {
    /// `x-sp-app`, `x-served-by`, then the issuer document; only another known tenant's value fails.
    #[default]
    Auto,
    /// One place that must carry the tenant's id, app, hostname or one of its machines.
    Place(Place),
    /// `route` is not judged.
    Off,
}

/// What must be true of a tenant's answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SiteExpectation {
    /// Path and query to ask for; begins with `/`.
    pub path: String,
    /// Statuses that are right, 100 to 599.
    pub status: Vec<u16>,
    /// The HTTP version that is right.
    pub http: HttpVersion,
    /// A text that the body must contain; empty: any body is right.
    pub body_contains: String,
    /// JSON pointers (RFC 6901) and the value that must be there.
    pub json: BTreeMap<String, serde_json::Value>,
    /// Response headers (lower case) and the value that each must have.
    pub expect_headers: BTreeMap<String, String>,
    /// How `route` proves which app answered.
    pub identity: Identity,
    /// Slower than this, from connect to the last byte, is a warning.
    pub slow: Duration,
    /// The version that the answer must carry; `None`: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<ExpectedVersion>,
}

/// The version that an answer must carry, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExpectedVersion {
    /// Where the answer says its version.
    pub place: Place,
    /// What it must say.
    pub value: String,
}

impl Default for SiteExpectation {
    fn default() -> Self {
        Self {
            path: "/".into(),
            status: vec![200],
            http: HttpVersion::Http2,
            body_contains: String::new(),
            json: BTreeMap::new(),
            expect_headers: BTreeMap::new(),
            identity: Identity::Auto,
            slow: Duration::from_secs(2),
            version: None,
        }
    }
}

/// When a certificate is expiring, as remaining fractions of its lifetime (0 to 1).
///
/// A fraction and not a number of days: lifetimes shrink (90, 64, 45 days), and 30 days would warn for ever on the
/// short ones.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CertificateExpectation {
    /// Below this it is a warning.
    pub warn_below: f64,
    /// Below this it is a failure; not above `warn_below`.
    pub fail_below: f64,
}

impl Default for CertificateExpectation {
    fn default() -> Self {
        Self {
            warn_below: 0.25,
            fail_below: 0.10,
        }
    }
}

/// Everything that is expected of one tenant, all overrides applied.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Expectation {
    /// What its answer must be.
    pub site: SiteExpectation,
    /// How much lifetime its certificate must have left.
    pub certificate: CertificateExpectation,
    /// Checks that do not apply to it: `skipped`, `not-configured`.
    pub skip: Vec<Check>,
    /// Whether it may ever be repaired.
    pub repair: bool,
    /// The image that every machine of its app must run; `None`: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<ExpectedImage>,
}
