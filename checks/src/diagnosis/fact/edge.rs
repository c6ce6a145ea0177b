//! Facts about the edge: its addresses, its handshakes, its limits.

use std::fmt;
use std::net::SocketAddr;

use super::made_up;
use crate::evidence::Reason;
use crate::reading::StatusLine;

/// A fact about the edge.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum EdgeFact {
    /// An address at which the control name fails.
    AddressFails {
        /// The address.
        address: SocketAddr,
        /// Why.
        reason: Reason,
        /// What the peer or the library said.
        detail: String,
    },
    /// How many addresses work, of how many.
    AddressesWork(usize, usize),
    /// A name that exists nowhere fails the same way.
    ControlFailsAlike(String),
    /// A name that exists nowhere passes at the same address.
    ControlPasses(String),
    /// First handshakes that were cut.
    FirstCut {
        /// How many.
        cut: usize,
        /// Of how many.
        visited: usize,
        /// How.
        reason: Option<Reason>,
    },
    /// How the unhurried repetitions went.
    Repeated {
        /// How many succeed.
        recovered: usize,
        /// How many are still cut, together with a name that exists nowhere.
        still: usize,
    },
    /// How many tenants get the refusal that a name which exists nowhere gets.
    Denied {
        /// That name.
        control: String,
        /// What it gets.
        answer: StatusLine,
        /// How many.
        denied: usize,
        /// Of how many that got an answer.
        answered: usize,
    },
    /// How many tenants are answered that the agent is to slow down, as a name is which exists nowhere.
    Limited {
        /// That name.
        control: String,
        /// What it gets.
        answer: StatusLine,
        /// How many.
        limited: usize,
        /// Of how many that got an answer.
        answered: usize,
    },
    /// The edge app has no public address.
    NoAddress(String),
}

impl EdgeFact {
    pub(super) fn settled(&self) -> Self {
        match self {
            Self::FirstCut { reason, .. } => Self::FirstCut {
                cut: 0,
                visited: 0,
                reason: *reason,
            },
            Self::Repeated { .. } => Self::Repeated { recovered: 0, still: 0 },
            Self::Denied { control, answer, .. } => Self::Denied {
                control: control.clone(),
                answer: answer.without_excerpt(),
                denied: 0,
                answered: 0,
            },
            Self::Limited { control, answer, .. } => Self::Limited {
                control: control.clone(),
                answer: answer.without_excerpt(),
                limited: 0,
                answered: 0,
            },
            other => other.clone(),
        }
    }
}

impl fmt::Display for EdgeFact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AddressFails {
                address,
                reason,
                detail,
            } => {
                let family = if address.is_ipv4() { "IPv4" } else { "IPv6" };
                let text = format!("{address} ({family}): {reason} {detail}");
                f.write_str(text.trim_end())
            }
            Self::AddressesWork(working, of) => write!(f, "{working} of {of} addresses work"),
            Self::ControlFailsAlike(control) => write!(f, "{} fails the same way", made_up(control)),
            Self::ControlPasses(control) => write!(f, "{} works at the same address", made_up(control)),
            Self::FirstCut { cut, visited, reason } => {
                write!(f, "{cut} of {visited} first handshakes failed")?;
                match reason {
                    Some(reason) => write!(f, " ({reason})"),
                    None => Ok(()),
                }
            }
            Self::Repeated { recovered, still } => write!(
                f,
                "{recovered} of them succeed when repeated slowly; {still} still fail, and so does a made-up name"
            ),
            Self::Denied {
                control,
                answer,
                denied,
                answered,
            } => write!(
                f,
                "{denied} of {answered} tenants that answer and {} get the same refusal: {answer}",
                made_up(control)
            ),
            Self::Limited {
                control,
                answer,
                limited,
                answered,
            } => write!(
                f,
                "{limited} of {answered} tenants that answer are limited, and so is {}: {answer}",
                made_up(control)
            ),
            Self::NoAddress(app) => write!(f, "{app} has no public address"),
        }
    }
}
