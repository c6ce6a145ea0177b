//! Facts about the zone: its servers, the wildcard record, and what stands at a tenant's name.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use super::made_up;
use crate::evidence::{DnsRecord, Reason, ZoneRecord};
use crate::reading::{DnsAnswer, clip, joined};

/// A fact about the zone.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum DnsFact {
    /// A server that gives no usable answer; with how many others do, where they do.
    ServerFails {
        /// The server.
        server: SocketAddr,
        /// Why.
        reason: Reason,
        /// What it said.
        detail: String,
        /// How many of how many servers answer.
        answering: Option<(usize, usize)>,
    },
    /// What one of several servers that disagree says.
    ServerSays {
        /// The server.
        server: SocketAddr,
        /// What it says.
        answer: DnsAnswer,
    },
    /// A resolver that gets no answer from the servers either.
    ResolverFailsToo(SocketAddr),
    /// The domain itself does not exist.
    NoSuchDomain(String),
    /// A fresh name without an address.
    ControlHasNone {
        /// The name.
        control: String,
        /// What is said of it.
        answer: DnsAnswer,
        /// By how many servers, of how many.
        servers: (usize, usize),
    },
    /// What is said of the wildcard itself.
    WildcardSays {
        /// `*.DOMAIN`.
        name: String,
        /// What is said.
        answer: DnsAnswer,
    },
    /// Where the wildcard leads.
    WildcardLeads {
        /// `*.DOMAIN`.
        name: String,
        /// Where to.
        answer: DnsAnswer,
        /// By how many servers, of how many.
        servers: (usize, usize),
    },
    /// Addresses that are not the edge's.
    OutsideEdge {
        /// The addresses.
        addresses: Vec<IpAddr>,
        /// The edge's.
        edge: Vec<IpAddr>,
    },
    /// A resolver that refuses to answer unless it is told not to validate.
    ValidationFails(SocketAddr),
    /// A name that an NS record takes out of the zone.
    Delegated {
        /// Where the zone is cut.
        at: String,
        /// The servers that are named.
        servers: Vec<String>,
        /// Who says so.
        by: SocketAddr,
    },
    /// What is said of a name, against the wildcard.
    Differs {
        /// The name.
        name: String,
        /// What is said of it.
        own: DnsAnswer,
        /// What the wildcard answers.
        control: DnsAnswer,
    },
    /// Nothing of the usual types was found at a name or below it.
    NothingFound,
    /// A record that was found when asked by type.
    Found(DnsRecord),
    /// A record of the zone's listing; with its name where it is not the tenant's own.
    Listed {
        /// The record.
        record: ZoneRecord,
        /// Whether its name is told.
        named: bool,
    },
    /// Address records of its own at a name that the wildcard would answer.
    Shadows {
        /// The name.
        name: String,
        /// Its records.
        records: Vec<DnsRecord>,
        /// What the wildcard answers.
        control: DnsAnswer,
        /// How many servers say so of the wildcard, of how many.
        servers: (usize, usize),
    },
    /// A resolver that answers from an old cache.
    Stale {
        /// The resolver.
        resolver: SocketAddr,
        /// The name.
        name: String,
        /// What it says.
        answer: DnsAnswer,
        /// What the zone says.
        zone: DnsAnswer,
    },
}

impl fmt::Display for DnsFact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ServerFails {
                server,
                reason,
                detail,
                answering,
            } => {
                write!(f, "{server}: {reason} ({detail})")?;
                match answering {
                    Some((answering, of)) => write!(f, "; {answering} of {of} servers answer"),
                    None => Ok(()),
                }
            }
            Self::ServerSays { server, answer } => write!(f, "{server}: {answer}"),
            Self::ResolverFailsToo(resolver) => {
                write!(f, "resolver {resolver} gets no answer from them either (SERVFAIL)")
            }
            Self::NoSuchDomain(domain) => write!(f, "{domain} does not exist (NXDOMAIN)"),
            Self::ControlHasNone {
                control,
                answer,
                servers: (count, of),
            } => write!(f, "{} {answer} ({count} of {of} servers)", made_up(control)),
            Self::WildcardSays { name, answer } => write!(f, "{name}: {answer}"),
            Self::WildcardLeads {
                name,
                answer,
                servers: (count, of),
            } => write!(f, "{name} answers {answer} ({count} of {of} servers)"),
            Self::OutsideEdge { addresses, edge } => {
                write!(f, "{} is no address of the edge ({})", joined(addresses), joined(edge))
            }
            Self::ValidationFails(resolver) => write!(
                f,
                "resolver {resolver} says SERVFAIL for a made-up name, and answers when asked not to validate (CD)"
            ),
            Self::Delegated { at, servers, by } => {
                write!(f, "{at} is delegated to {} (server {by})", joined(servers))
            }
            Self::Differs { name, own, control } => write!(f, "{name}: {own}; the wildcard answers {control}"),
            Self::NothingFound => f.write_str("no record of the usual types was found at the name or below it"),
            Self::Found(record) => write!(f, "{} has {} {}", record.name, record.kind, clip(&record.data)),
            Self::Listed { record, named } => {
                if *named {
                    write!(f, "{}: ", record.name)?;
                }
                listed(f, record)
            }
            Self::Shadows {
                name,
                records,
                control,
                servers: (count, of),
            } => {
                let records = records.iter().map(|record| format!("{} {}", record.kind, record.data));
                let records = joined(records);
                write!(
                    f,
                    "{name} has {records}; the wildcard answers {control} ({count} of {of} servers)"
                )
            }
            Self::Stale {
                resolver,
                name,
                answer,
                zone,
            } => write!(
                f,
                "resolver {resolver} gives {name} {answer}; the zone's servers give it {zone}"
            ),
        }
    }
}

fn listed(f: &mut fmt::Formatter<'_>, record: &ZoneRecord) -> fmt::Result {
    let content = clip(&record.content);
    write!(f, "the DNS provider lists {} {content} (id {}", record.kind, record.id)?;
    if record.proxied {
        f.write_str(", proxied")?;
    }
    if let Some(comment) = &record.comment {
        write!(f, ", \"{}\"", clip(comment))?;
    }
    f.write_str(")")
}
