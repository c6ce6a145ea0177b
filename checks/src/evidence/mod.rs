//! What was seen, and how each look ended. Never a verdict, never an error: plain data that serialises.

mod certificate_chain;
mod dns;
mod logs;
mod machine_state;
mod millis;
mod platform;
mod reason;
mod trace_context;
mod vantage;
mod visit;

pub use certificate_chain::CertificateChain;
pub use dns::{DnsQuery, DnsRecord, DnsReply, RecordKind, TenantDns, ZoneEvidence};
pub use logs::{LogLine, TenantLog};
pub use machine_state::MachineState;
pub use millis::Millis;
pub use platform::{
    ApiAnswer, App, AppCertificate, AppTold, AppWord, CertificateState, Changed, Cloud, Crashes, Exit, Machine,
    Platform, ZoneRecord,
};
pub use reason::{Alert, Reason, UnknownReason};
pub use trace_context::{NoTraceId, SpanId, TraceContext, TraceId};
pub use vantage::{ClockProbe, ControlProbe, SourceClock, VantageEvidence};
pub use visit::{Answer, Body, ChainId, Connect, Exchange, Handshake, Matches, Retry, Visit};

use serde::{Deserialize, Serialize};

/// How a look at one layer ended. What was seen until then stands beside it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepStatus {
    /// The layer did all that was asked of it.
    Done,
    /// The world failed: what was looked at is to blame, or the way to it.
    Failed(Fault),
    /// We failed: descriptors, ports or memory of the agent ran out. Says nothing about what was looked at.
    Exhausted(String),
    /// A layer below failed, or nobody asked.
    #[default]
    NotReached,
}

/// Why a layer failed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fault {
    /// The typed reason.
    pub reason: Reason,
    /// What the library or the peer said, at most a line.
    pub detail: String,
}

impl Fault {
    /// A reason with what was said about it.
    #[must_use]
    pub fn new(reason: Reason, detail: impl Into<String>) -> Self {
        Self {
            reason,
            detail: detail.into(),
        }
    }
}

impl StepStatus {
    /// Ends a layer with a fault of the world.
    #[must_use]
    pub fn failed(reason: Reason, detail: impl Into<String>) -> Self {
        Self::Failed(Fault::new(reason, detail))
    }

    /// Whether all went well.
    #[must_use]
    pub fn is_done(&self) -> bool {
        matches!(self, Self::Done)
    }

    /// The reason, where the world failed.
    #[must_use]
    pub fn reason(&self) -> Option<Reason> {
        match self {
            Self::Failed(fault) => Some(fault.reason),
            _ => None,
        }
    }

    /// What the agent ran out of, where it did.
    #[must_use]
    pub fn exhausted(&self) -> Option<&str> {
        match self {
            Self::Exhausted(what) => Some(what),
            _ => None,
        }
    }
}

/// Headers in which an answer names its app or machine, as the platforms that are known here and their edge apps set
/// them; the surest first.
pub const IDENTITY_HEADERS: [&str; 2] = ["x-sp-app", "x-served-by"];

/// Labels below a tenant's name that a platform asks for while it validates a certificate, and that may be left over:
/// `_acme-challenge` (RFC 8555, section 8.4) and the platforms' own.
pub const VALIDATION_LABELS: [&str; 2] = ["_acme-challenge", "_fly-ownership"];

/// Headers in which a platform names a request, to be found again in its logs.
pub(crate) const REQUEST_ID_HEADERS: [&str; 1] = ["fly-request-id"];
