//! Facts about the agent itself and the APIs that it asks.

use std::fmt;
use std::net::SocketAddr;

use jiff::Timestamp;

use super::super::object::Api;
use crate::evidence::Fault;
use crate::reading::{DnsAnswer, joined, second};

/// A fact about the agent.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum AgentFact {
    /// Nothing of all that was asked answers: how many of each kind.
    Silence {
        /// Recursive resolvers.
        resolvers: usize,
        /// Other controls.
        controls: usize,
        /// Servers of the zone.
        servers: usize,
        /// Addresses of the edge.
        addresses: usize,
    },
    /// What ran out.
    Exhausted(String),
    /// Servers of the zone that are silent to the agent.
    SilentServers(Vec<SocketAddr>),
    /// A resolver that gets fresh names from them all the same.
    ResolverSees {
        /// The resolver.
        resolver: SocketAddr,
        /// What it says.
        answer: DnsAnswer,
    },
    /// Two clocks.
    Clocks {
        /// The agent's.
        ours: Timestamp,
        /// The edge's.
        theirs: Timestamp,
    },
    /// The agent's clock and that of somebody who was asked anyway.
    ClockOf {
        /// Who it was.
        source: String,
        /// The agent's.
        ours: Timestamp,
        /// Theirs.
        theirs: Timestamp,
    },
    /// When a chain is valid.
    ValidBetween {
        /// Its first moment.
        from: Timestamp,
        /// Its last.
        until: Timestamp,
    },
    /// An API that did not answer as it should.
    Api {
        /// Which.
        api: Api,
        /// What it said.
        fault: Fault,
    },
    /// The app that is configured as the edge can't be it, and another one is.
    WrongEdge {
        /// The configured app.
        configured: String,
        /// Whether there is such an app.
        exists: bool,
        /// The wildcard whose certificate the edge holds.
        wildcard: String,
        /// The app that holds it.
        holder: String,
    },
    /// So many more faults of an API.
    MoreFaults {
        /// Which.
        api: Api,
        /// How many.
        count: usize,
    },
}

impl AgentFact {
    pub(super) fn settled(&self) -> Self {
        let epoch = Timestamp::UNIX_EPOCH;
        match self {
            Self::Clocks { .. } => Self::Clocks {
                ours: epoch,
                theirs: epoch,
            },
            Self::ClockOf { source, .. } => Self::ClockOf {
                source: source.clone(),
                ours: epoch,
                theirs: epoch,
            },
            other => other.clone(),
        }
    }
}

impl fmt::Display for AgentFact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Silence {
                resolvers,
                controls,
                servers,
                addresses,
            } => {
                let tried = [
                    (*resolvers, "resolver", "resolvers"),
                    (*controls, "other control", "other controls"),
                    (*servers, "server of the zone", "servers of the zone"),
                    (*addresses, "edge address", "edge addresses"),
                ];
                let tried = tried.into_iter().filter(|(count, _, _)| *count > 0);
                let tried = tried.map(|(count, one, many)| format!("{count} {}", if count == 1 { one } else { many }));
                write!(
                    f,
                    "no answer from {}: this machine has no network",
                    tried.collect::<Vec<_>>().join(", ")
                )
            }
            Self::Exhausted(what) => f.write_str(what),
            Self::SilentServers(servers) => write!(f, "{}: silent to the agent", joined(servers)),
            Self::ResolverSees { resolver, answer } => {
                write!(f, "resolver {resolver} gets a made-up name from them: {answer}")
            }
            Self::ClockOf { source, ours, theirs } => write!(
                f,
                "the agent's clock says {}, {source} {}",
                second(*ours),
                second(*theirs)
            ),
            Self::Clocks { ours, theirs } => write!(
                f,
                "the agent's clock says {}, the edge's answer {}",
                second(*ours),
                second(*theirs)
            ),
            Self::ValidBetween { from, until } => {
                write!(f, "the chain is valid from {} to {}", second(*from), second(*until))
            }
            Self::Api { api, fault } => write!(f, "{api}: {} ({})", fault.detail, fault.reason),
            Self::WrongEdge {
                configured,
                exists,
                wildcard,
                holder,
            } => {
                let lacks = if *exists {
                    "holds no certificate for it"
                } else {
                    "does not exist"
                };
                write!(
                    f,
                    "{holder} holds the certificate for {wildcard}, and handshakes work; {configured}, which is configured as the edge, {lacks}"
                )
            }
            Self::MoreFaults { api, count } => write!(f, "{api}: and {count} more"),
        }
    }
}
