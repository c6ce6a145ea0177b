//! What name servers said: the message as it came, unjudged.

use std::fmt;
use std::net::SocketAddr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Millis, StepStatus};
use crate::target::Hostname;

/// The record types that are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[non_exhaustive]
pub enum RecordKind {
    /// An IPv4 address (RFC 1035).
    A,
    /// An IPv6 address (RFC 3596).
    Aaaa,
    /// An alias (RFC 1035).
    Cname,
    /// A delegation, or the servers of a zone (RFC 1035).
    Ns,
    /// Text (RFC 1035).
    Txt,
    /// Mail exchangers (RFC 1035).
    Mx,
    /// Which authorities may issue (RFC 8659).
    Caa,
    /// Service binding for HTTPS (RFC 9460).
    Https,
    /// The zone's start of authority (RFC 1035).
    Soa,
}

impl RecordKind {
    /// The type's mnemonic, as in zone files.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::A => "A",
            Self::Aaaa => "AAAA",
            Self::Cname => "CNAME",
            Self::Ns => "NS",
            Self::Txt => "TXT",
            Self::Mx => "MX",
            Self::Caa => "CAA",
            Self::Https => "HTTPS",
            Self::Soa => "SOA",
        }
    }
}

impl fmt::Display for RecordKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// One record of an answer, in presentation form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DnsRecord {
    /// Owner, lower case, without the trailing dot.
    pub name: String,
    /// Type mnemonic.
    pub kind: String,
    /// Data in presentation form; names in it are lower case without the trailing dot.
    pub data: String,
    /// Time to live in seconds.
    pub ttl: u32,
}

/// A response message (RFC 1035, section 4.1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DnsReply {
    /// Response code: 0 NOERROR, 2 SERVFAIL, 3 NXDOMAIN, 5 REFUSED.
    pub rcode: u16,
    /// AA: the server speaks with authority.
    pub authoritative: bool,
    /// RA: the server offers recursion.
    pub recursion_available: bool,
    /// AD: the resolver validated the answer (RFC 4035, section 3.2.3).
    pub authentic: bool,
    /// Whether the answer came over TCP, after a truncated one over UDP.
    pub tcp: bool,
    /// The answer section in its order.
    pub answers: Vec<DnsRecord>,
    /// The authority section.
    pub authority: Vec<DnsRecord>,
}

/// One question to one server and what came of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DnsQuery {
    /// Who was asked.
    pub server: SocketAddr,
    /// The name in question, which may begin with `*` or `_`.
    pub name: String,
    /// The type in question.
    pub kind: RecordKind,
    /// Whether the question asked the resolver not to validate (CD, RFC 4035 section 3.2.2).
    #[serde(default)]
    pub checking_disabled: bool,
    /// The response, where one came.
    pub reply: Option<DnsReply>,
    /// How the look ended; `Done` with any response, whatever its code.
    pub end: StepStatus,
    /// From the question to the response or the end of patience.
    pub ms: Millis,
    /// When the question was sent, by the agent's clock; old recordings do not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent_at: Option<Timestamp>,
}

/// What DNS says of one tenant.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TenantDns {
    /// A, AAAA and CAA at one server of the zone; at the next one too where the first gave no usable answer.
    pub authoritative: Vec<DnsQuery>,
    /// A and AAAA at each recursive resolver.
    pub resolvers: Vec<DnsQuery>,
    /// What stands at the name or below it, asked only where the wildcard does not reach it.
    pub blockers: Vec<DnsQuery>,
    /// A and AAAA of the name and of the control name, some times more at the server that answered first: asked only where
    /// the two differ.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub repeated: Vec<DnsQuery>,
}

/// What DNS says of the zone as a whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ZoneEvidence {
    /// Whether `servers` are resolvers that stand in for the zone's own servers (`ask = "resolvers"`).
    pub through_resolvers: bool,
    /// The servers that are asked, in order.
    pub servers: Vec<SocketAddr>,
    /// How finding the servers ended; `Done` where they were configured.
    pub discovery: StepStatus,
    /// The fresh random label below the domain that only the wildcard answers.
    pub control: Hostname,
    /// A and AAAA of the control name at every server.
    pub controls: Vec<DnsQuery>,
    /// A and AAAA of `*.DOMAIN` at every server.
    pub wildcards: Vec<DnsQuery>,
    /// The recursive resolvers that are compared.
    pub resolvers: Vec<SocketAddr>,
    /// A and AAAA of a fresh label at every resolver, which no cache can know.
    pub resolver_controls: Vec<DnsQuery>,
    /// The same again with CD, where a resolver said SERVFAIL.
    pub unchecked: Vec<DnsQuery>,
    /// CAA from the domain upwards until a set is found (RFC 8659, section 3).
    pub caa: Vec<DnsQuery>,
    /// CAA of the control name: what every name below the domain gets that has no records of its own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub wildcard_caa: Vec<DnsQuery>,
    /// CNAME at the name of the wildcard's ACME delegation, asked where the platform tells what it must be.
    #[serde(default)]
    pub acme: Vec<DnsQuery>,
    /// When it was looked at; old recordings do not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken_at: Option<Timestamp>,
}

impl ZoneEvidence {
    /// A zone that nobody looked at yet.
    #[must_use]
    pub fn unseen(control: Hostname) -> Self {
        Self {
            through_resolvers: false,
            servers: Vec::new(),
            discovery: StepStatus::NotReached,
            control,
            controls: Vec::new(),
            wildcards: Vec::new(),
            resolvers: Vec::new(),
            resolver_controls: Vec::new(),
            unchecked: Vec::new(),
            caa: Vec::new(),
            wildcard_caa: Vec::new(),
            acme: Vec::new(),
            taken_at: None,
        }
    }
}
