//! Facts about certificates: who holds them, what is served, what is awaited, what CAA forbids.

use std::fmt;
use std::net::SocketAddr;

use jiff::Timestamp;

use super::made_up;
use crate::chain::Flawed;
use crate::evidence::Reason;
use crate::reading::{Lifetime, joined, second};

/// How the handshake for a name goes while another app holds a certificate for it.
#[derive(Clone, Debug, PartialEq)]
pub enum HandshakeNow {
    /// It is cut, and how.
    Cut(Reason),
    /// It works.
    Works,
}

/// A fact about a certificate.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum CertificateFact {
    /// An app's certificate that is not ready.
    NotReady {
        /// The app.
        app: String,
        /// The name that it is for.
        name: String,
        /// The platform's word for how far it is.
        status: String,
    },
    /// An app without a certificate for a name.
    NoneFor {
        /// The app.
        app: String,
        /// The name.
        name: String,
    },
    /// The handshake for a name that only the wildcard covers is cut.
    ControlCut {
        /// The name.
        control: String,
        /// How.
        reason: Reason,
    },
    /// An app that holds a certificate which belongs at the edge.
    Held {
        /// The app.
        app: String,
        /// The name that it is for.
        name: String,
        /// The platform's word for how far it is.
        status: String,
        /// Where it belongs.
        edge: String,
        /// Whether it was imported: its key is nowhere else.
        imported: bool,
        /// A tenant's host name, and how its handshake goes.
        handshake: Option<(String, HandshakeNow)>,
    },
    /// How handshakes for names that only the wildcard covers go.
    Handshakes(HandshakeNow),
    /// The delegation that the wildcard's renewal needs.
    AcmeDelegation {
        /// Where it must be.
        owner: String,
        /// What is there instead.
        found: Option<String>,
        /// Where it must lead.
        target: String,
    },
    /// Addresses that serve a name a chain with this fault.
    Faulty {
        /// The addresses.
        addresses: Vec<SocketAddr>,
        /// The name.
        name: String,
        /// The fault.
        reason: Reason,
    },
    /// What is served for a name that only the wildcard covers.
    Served {
        /// The first names of the leaf.
        names: Vec<String>,
        /// Who issued it.
        issuer: String,
        /// How much of its lifetime is left.
        lifetime: Lifetime,
        /// How many certificates are sent.
        sent: usize,
    },
    /// A leaf with little of its lifetime left.
    Expiring {
        /// Its first name.
        name: String,
        /// Who issued it.
        issuer: String,
        /// How much is left.
        lifetime: Lifetime,
        /// The threshold, as a fraction.
        below: f64,
    },
    /// What one address serves for a tenant's name.
    ServedAt {
        /// The address.
        address: SocketAddr,
        /// The first names of the leaf.
        names: Vec<String>,
        /// Who issued it.
        issuer: String,
        /// How much of its lifetime is left.
        lifetime: Lifetime,
    },
    /// What one address says, where its chain can't be read.
    UnreadAt(SocketAddr, String),
    /// The certificate that is to blame.
    Flawed(Flawed),
    /// An intermediate without which no path stands, and that ends soon.
    IntermediateEnds {
        /// Its own name.
        name: String,
        /// When it ends.
        at: Timestamp,
    },
    /// Only the leaf was sent.
    OnlyLeaf,
    /// Further faults of the same chain.
    Besides(Vec<Reason>),
    /// A CAA set.
    Caa {
        /// Where it stands.
        owner: String,
        /// Its records.
        records: Vec<String>,
    },
    /// Who issued what is served; for the wildcard, or for a tenant.
    IssuedBy {
        /// The organization.
        organization: String,
        /// The issuer's own name.
        issuer: String,
        /// Whether it is the wildcard certificate.
        wildcard: bool,
    },
    /// The edge's own certificate for a name, which is awaited.
    Awaited {
        /// The edge app.
        edge: String,
        /// The name.
        name: String,
        /// The platform's word for how far it is.
        status: String,
    },
    /// Until when the authority refuses to issue.
    RefusedUntil(Timestamp),
    /// One of the platform's own validation errors.
    PlatformSays(String),
    /// The wildcard serves the name meanwhile.
    WildcardServes,
    /// The certificates of the edge cover other names.
    CoverOthers {
        /// The edge app.
        edge: String,
        /// The first names that are covered.
        names: Vec<String>,
        /// The name that is not.
        name: String,
    },
}

impl CertificateFact {
    pub(super) fn settled(&self) -> Self {
        match self {
            Self::RefusedUntil(_) => Self::RefusedUntil(Timestamp::UNIX_EPOCH),
            other => other.clone(),
        }
    }
}

impl fmt::Display for CertificateFact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotReady { app, name, status } => write!(f, "{app}'s certificate for {name} is not ready: {status}"),
            Self::NoneFor { app, name } => write!(f, "{app} has no certificate for {name}"),
            Self::ControlCut { control, reason } => write!(
                f,
                "the TLS handshake for {}, which only the wildcard covers, fails: {reason}",
                made_up(control)
            ),
            Self::Held {
                app,
                name,
                status,
                edge,
                imported,
                handshake,
            } => {
                write!(
                    f,
                    "{app} holds a certificate for {name} ({status}); only {edge} may hold one"
                )?;
                if *imported {
                    f.write_str("; it was imported, so its key would be lost")?;
                }
                match handshake {
                    Some((host, HandshakeNow::Cut(reason))) => {
                        write!(f, "; the TLS handshake for {host} fails: {reason}")
                    }
                    Some((host, HandshakeNow::Works)) => write!(f, "; the TLS handshake for {host} still works"),
                    None => Ok(()),
                }
            }
            Self::Handshakes(HandshakeNow::Cut(reason)) => write!(f, "TLS handshakes fail: {reason}"),
            Self::Handshakes(HandshakeNow::Works) => f.write_str("the TLS handshake still works"),
            Self::AcmeDelegation { owner, found, target } => {
                let found = found.as_deref().unwrap_or("not there");
                write!(f, "{owner} is {found}; renewal needs CNAME {target}")
            }
            Self::Faulty {
                addresses,
                name,
                reason,
            } => write!(f, "{} for {}: {reason}", joined(addresses), made_up(name)),
            Self::Served {
                names,
                issuer,
                lifetime,
                sent,
            } => {
                let sent = match sent {
                    1 => "1 certificate".to_owned(),
                    many => format!("{many} certificates"),
                };
                write!(
                    f,
                    "served: a certificate for {}, issued by {issuer}: {lifetime}; {sent} sent",
                    names.join(", ")
                )
            }
            Self::Expiring {
                name,
                issuer,
                lifetime,
                below,
            } => write!(
                f,
                "the certificate for {name}, issued by {issuer}: {lifetime}; the limit is {:.0} %",
                below * 100.0
            ),
            Self::ServedAt {
                address,
                names,
                issuer,
                lifetime,
            } => write!(
                f,
                "{address} serves a certificate for {}, issued by {issuer}: {lifetime}",
                names.join(", ")
            ),
            Self::UnreadAt(address, message) => write!(f, "{address}: {message}"),
            Self::Flawed(flawed) => flawed.fmt(f),
            Self::IntermediateEnds { name, at } => {
                let day = at.strftime("%Y-%m-%d");
                write!(
                    f,
                    "the intermediate {name} ends on {day}, and nothing else leads to a trusted root"
                )
            }
            Self::OnlyLeaf => f.write_str("only the leaf was sent"),
            Self::Besides(reasons) => write!(f, "besides: {}", joined(reasons)),
            Self::Caa { owner, records } => write!(f, "CAA of {owner}: {}", joined(records)),
            Self::IssuedBy {
                organization,
                issuer,
                wildcard,
            } => {
                let what = if *wildcard {
                    "the wildcard certificate"
                } else {
                    "what is served"
                };
                write!(f, "{what} is issued by {organization} ({issuer})")
            }
            Self::Awaited { edge, name, status } => write!(f, "{edge} holds a certificate for {name}: {status}"),
            Self::RefusedUntil(until) => write!(f, "the authority refuses until {}", second(*until)),
            Self::PlatformSays(text) => f.write_str(text),
            Self::WildcardServes => f.write_str("the wildcard serves the name meanwhile"),
            Self::CoverOthers { edge, names, name } => write!(
                f,
                "the certificates of {edge} are for {}: none covers {name}",
                names.join(", ")
            ),
        }
    }
}
