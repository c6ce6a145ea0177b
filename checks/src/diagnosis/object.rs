//! What is guilty: the thing that has to change for a cause to go away. Stable from round to round, so that an incident
//! can be keyed by it: no sentence, no count and nothing that one of several culprits decides is part of it.

use std::fmt;
use std::net::SocketAddr;

use crate::evidence::ChainId;
use crate::finding::Check;
use crate::target::TenantId;

/// An API that the agent asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Api {
    /// The platform's.
    Platform,
    /// The DNS provider's, for the zone's listing.
    Listing,
    /// The source of the tenants.
    Inventory,
}

impl fmt::Display for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Platform => "platform",
            Self::Listing => "zone listing",
            Self::Inventory => "inventory",
        })
    }
}

/// The guilty object of a cause. Two entries of one cause never have the same.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Object {
    /// The agent's own process: its descriptors, ports or memory.
    Agent,
    /// The agent's network.
    Vantage,
    /// The agent's clock.
    Clock,
    /// An API, as the agent sees it.
    Api(Api),
    /// The edge as a whole.
    Edge,
    /// One address of the edge.
    EdgeAddress(SocketAddr),
    /// All servers of the zone.
    Servers,
    /// One server of the zone.
    Server(SocketAddr),
    /// The zone's signatures.
    Zone,
    /// The record `*.DOMAIN`, by its name.
    Wildcard(String),
    /// A recursive resolver.
    Resolver(SocketAddr),
    /// What stands at a name in the zone, or what the edge does with that name.
    Name(String),
    /// The certificate for a name at the edge, whatever app holds it.
    Certificate(String),
    /// The certificate of one app for one name.
    AppCertificate {
        /// Who holds it.
        app: String,
        /// The name that it is for.
        name: String,
    },
    /// A presented chain.
    Chain(Option<ChainId>),
    /// The CAA set at a name.
    Caa(String),
    /// An app of the platform.
    App(String),
    /// A release: the digest of its image, or the image with the app's own name in it masked.
    Release(String),
    /// A region of the platform.
    Region(String),
    /// The platform as a whole.
    Platform,
    /// A check of a tenant that fails and that nothing explains.
    Check(TenantId, Check),
}

impl Object {
    /// The address, where the object is one address: such a cause concerns only who was looked at there.
    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        match self {
            Self::EdgeAddress(address) | Self::Server(address) => Some(*address),
            _ => None,
        }
    }
}

/// As reports and incidents name it.
impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Agent => f.write_str("agent"),
            Self::Vantage => f.write_str("vantage"),
            Self::Clock => f.write_str("clock"),
            Self::Api(api) => api.fmt(f),
            Self::Edge => f.write_str("edge"),
            Self::EdgeAddress(address) | Self::Server(address) | Self::Resolver(address) => address.fmt(f),
            Self::Servers => f.write_str("servers"),
            Self::Zone => f.write_str("zone"),
            Self::Name(name)
            | Self::Wildcard(name)
            | Self::Certificate(name)
            | Self::Caa(name)
            | Self::App(name)
            | Self::Release(name)
            | Self::Region(name) => f.write_str(name),
            Self::AppCertificate { app, name } => write!(f, "{app}/{name}"),
            Self::Chain(Some(chain)) => chain.fmt(f),
            Self::Chain(None) => Ok(()),
            Self::Platform => f.write_str("platform"),
            Self::Check(tenant, check) => write!(f, "{tenant}/{check}"),
        }
    }
}
