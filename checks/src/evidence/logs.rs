//! What the platform's log holds: lines as they came, unjudged. Whose they are is read in [`crate::logs`].

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{ApiAnswer, Visit};

/// One line of an app's log.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LogLine {
    /// When it was written, by the platform's clock.
    pub at: Option<Timestamp>,
    /// The app whose log it stands in.
    pub app: String,
    /// What it says, at most 2,000 characters.
    pub message: String,
    /// The machine that wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// Where that machine is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Who wrote it: `app`, `proxy`, `runner`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// The request that it is about, where it names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// The URL that it is about, where it names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The status that was answered, where it names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The proxy's code of the refusal, such as `PR03`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_code: Option<String>,
}

/// What the logs say of requests for one tenant. Each side is asked only where somebody wants to know.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct TenantLog {
    /// Lines of the edge app that name the tenant, or one of our requests for it.
    pub edge: ApiAnswer<Vec<LogLine>>,
    /// Lines of the tenant's app from about the time of our requests.
    pub app: ApiAnswer<Vec<LogLine>>,
    /// Visits made only so that the edge's log has a line about them. Nothing is judged by them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub visits: Vec<Visit>,
}

impl TenantLog {
    /// Whether the edge's log was asked.
    #[must_use]
    pub fn was_edge_asked(&self) -> bool {
        !matches!(self.edge, ApiAnswer::NotConfigured)
    }

    /// Whether nobody asked for it.
    #[must_use]
    pub fn is_unasked(&self) -> bool {
        matches!(
            (&self.edge, &self.app),
            (ApiAnswer::NotConfigured, ApiAnswer::NotConfigured)
        )
    }
}
