//! What the agent can see of its own network, resolvers and clock.

use std::net::SocketAddr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{DnsLook, End};

/// A place that is asked only to learn whether the agent can see at all.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ControlLook {
    /// What was asked, as the configuration names it.
    pub what: String,
    /// How it ended.
    pub end: End,
}

/// What clock an edge address keeps, told by the `Date` of an answer (RFC 9110, section 6.6.1).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DateLook {
    /// Who was asked.
    pub address: SocketAddr,
    /// The `Date`, where one came.
    pub date: Option<Timestamp>,
    /// Our clock at the same moment.
    pub ours: Timestamp,
    /// How it ended.
    pub end: End,
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
    pub resolvers: Vec<DnsLook>,
    /// The other controls.
    pub controls: Vec<ControlLook>,
    /// Clocks of others, asked only where a chain fails by its dates alone.
    pub dates: Vec<DateLook>,
    /// When it was looked at; old recordings do not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken_at: Option<Timestamp>,
}
