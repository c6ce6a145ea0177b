//! What the agent can see of its own network, resolvers and clock.

use std::net::SocketAddr;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{DnsQuery, StepStatus};

/// A place that is asked only to learn whether the agent can see at all.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ControlProbe {
    /// What was asked, as the configuration names it.
    pub what: String,
    /// How it ended.
    pub end: StepStatus,
}

/// What clock an edge address keeps, told by the `Date` of an answer (RFC 9110, section 6.6.1).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClockProbe {
    /// Who was asked.
    pub address: SocketAddr,
    /// The `Date`, where one came.
    pub date: Option<Timestamp>,
    /// Our clock at the same moment.
    pub ours: Timestamp,
    /// How it ended.
    pub end: StepStatus,
}

/// What clock a source keeps, told by the `Date` of an answer that was asked for anyway.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SourceClock {
    /// Whose answer it was: `the edge`, or an API's name.
    pub source: String,
    /// Its `Date`.
    pub theirs: Timestamp,
    /// Our clock at the same moment.
    pub ours: Timestamp,
}

impl SourceClock {
    /// How far its clock is before ours.
    #[must_use]
    pub fn ahead(&self) -> SignedDuration {
        self.theirs.duration_since(self.ours)
    }
}

/// What the agent knows of its own place.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct VantageEvidence {
    /// The vantage's name in reports.
    pub name: String,
    /// Whether a UDP `connect` to an edge address of IPv4 succeeds; `None` where the edge has none.
    pub ipv4: Option<bool>,
    /// The same for IPv6.
    pub ipv6: Option<bool>,
    /// `. NS` at each resolver: any response proves that the agent sees.
    pub resolvers: Vec<DnsQuery>,
    /// The other controls.
    pub controls: Vec<ControlProbe>,
    /// The APIs, asked only where nothing else answers: whether any HTTP response came. What they said earlier shows no more
    /// that the agent sees now.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub apis: Vec<ControlProbe>,
    /// Clocks of others, asked only where a chain fails by its dates alone.
    pub dates: Vec<ClockProbe>,
    /// The clocks of those who were asked anyway, one of each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub clocks: Vec<SourceClock>,
    /// When it was looked at; old recordings do not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken_at: Option<Timestamp>,
}
