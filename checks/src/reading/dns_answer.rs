//! What a name server's messages mean, and whether two answers are the same. Judges no tenant.

use std::collections::BTreeSet;
use std::fmt;
use std::net::{IpAddr, SocketAddr};

use super::{is_or_below, joined};
use crate::evidence::{DnsQuery, DnsRecord, DnsReply, Reason, RecordKind, StepStatus};
use crate::target::Hostname;

const FAMILIES: [RecordKind; 2] = [RecordKind::A, RecordKind::Aaaa];

/// What one server says about the addresses of one name, both families taken together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DnsAnswer {
    /// Addresses, or at least an alias.
    Addresses {
        /// Every A and AAAA of the answer.
        addresses: BTreeSet<IpAddr>,
        /// The targets of CNAME records, in their order.
        aliases: Vec<String>,
    },
    /// The name exists without an address in either family (RFC 2308, section 2.2).
    NoData,
    /// The name does not exist.
    NxDomain,
    /// A referral: an NS record takes the name out of the zone.
    Delegated {
        /// Where the zone is cut.
        at: String,
        /// The servers that it names.
        servers: Vec<String>,
    },
    /// No usable answer came back, and why it is not usable.
    Fault(Reason, String),
    /// Nothing came from the server itself: silence, or a port that a firewall may as well have closed.
    Silent(Reason, String),
    /// The agent could not ask.
    Exhausted(String),
    /// Nobody asked.
    Nothing,
}

impl DnsAnswer {
    /// Reads the looks for `name` at `server`. `domain` is the zone's name or lies in it: a referral below it is a
    /// delegation, one from above is a lame server. `authority` is false for a resolver.
    #[must_use]
    pub fn read(looks: &[DnsQuery], name: &str, server: SocketAddr, domain: &Hostname, authority: bool) -> Self {
        Self::of_families(FAMILIES.map(|kind| Self::read_kind(looks, kind, name, server, domain, authority)))
    }

    /// Reads the looks for one type alone: of a server that serves no other.
    #[must_use]
    pub fn read_kind(
        looks: &[DnsQuery],
        kind: RecordKind,
        name: &str,
        server: SocketAddr,
        domain: &Hostname,
        authority: bool,
    ) -> Self {
        let last = of(looks, kind, name, server).next_back();
        last.map_or(Self::Nothing, |look| read_one(look, domain, authority))
    }

    /// Reads the looks for a name that was asked several times, each time for all of `kinds`.
    #[must_use]
    pub fn read_each(
        looks: &[DnsQuery],
        kinds: &[RecordKind],
        name: &str,
        server: SocketAddr,
        domain: &Hostname,
        authority: bool,
    ) -> Vec<Self> {
        let mut each = kinds
            .iter()
            .map(|kind| of(looks, *kind, name, server))
            .collect::<Vec<_>>();
        let mut said = Vec::new();
        while let Some(looks) = each.iter_mut().map(Iterator::next).collect::<Option<Vec<_>>>() {
            let mut families = looks.into_iter().map(|look| read_one(look, domain, authority));
            match (families.next(), families.next()) {
                (Some(one), Some(other)) => said.push(Self::of_families([one, other])),
                (Some(one), None) => said.push(one),
                (None, _) => break,
            }
        }
        said
    }

    /// What both families say together.
    fn of_families(mut said: [Self; 2]) -> Self {
        said.sort_by_key(DnsAnswer::weight);
        let [first, second] = said;
        match (first, second) {
            (
                Self::Addresses {
                    mut addresses,
                    mut aliases,
                },
                Self::Addresses {
                    addresses: more,
                    aliases: other,
                },
            ) => {
                addresses.extend(more);
                if aliases.is_empty() {
                    aliases = other;
                }
                Self::Addresses { addresses, aliases }
            }
            (first, _) => first,
        }
    }

    /// What decides when the two families say different things: the smaller one.
    fn weight(&self) -> u8 {
        match self {
            Self::Exhausted(_) => 0,
            Self::Delegated { .. } => 1,
            Self::Fault(..) | Self::Silent(..) => 2,
            Self::Nothing => 3,
            Self::Addresses { .. } => 4,
            Self::NoData => 5,
            Self::NxDomain => 6,
        }
    }

    /// How much this says of the zone's servers where none of them gave an answer: a wrong word more than silence,
    /// silence more than a question that could not be asked. It must not depend on who was asked first.
    pub(crate) fn tells(&self) -> (u8, Option<Reason>) {
        match self {
            Self::Silent(Reason::DnsTimeout, _) => (2, None),
            Self::Fault(reason, _) | Self::Silent(reason, _) => (3, Some(*reason)),
            Self::Exhausted(_) => (1, None),
            _ => (0, None),
        }
    }

    /// Whether a server spoke to the point, whatever it said.
    #[must_use]
    pub fn is_usable(&self) -> bool {
        !matches!(
            self,
            Self::Fault(..) | Self::Silent(..) | Self::Exhausted(_) | Self::Nothing
        )
    }

    /// Whether nothing came from the server itself.
    #[must_use]
    pub fn is_silent(&self) -> bool {
        matches!(self, Self::Silent(..))
    }

    /// The addresses; none where there are none.
    #[must_use]
    pub fn addresses(&self) -> BTreeSet<IpAddr> {
        match self {
            Self::Addresses { addresses, .. } => addresses.clone(),
            _ => BTreeSet::new(),
        }
    }

    /// Whether the name has an address or an alias.
    #[must_use]
    pub fn has_answer(&self) -> bool {
        matches!(self, Self::Addresses { .. })
    }

    /// Whether both lead to the same place. Addresses decide where both have them, else the targets of aliases.
    #[must_use]
    pub fn same_as(&self, other: &Self) -> bool {
        match (self, other) {
            (
                Self::Addresses { addresses, aliases },
                Self::Addresses {
                    addresses: other_addresses,
                    aliases: other_aliases,
                },
            ) => {
                if addresses.is_empty() || other_addresses.is_empty() {
                    aliases == other_aliases
                } else {
                    addresses == other_addresses
                }
            }
            _ => self == other,
        }
    }

    /// The reason that this answer is, where it is not an answer.
    #[must_use]
    pub fn reason(&self) -> Option<Reason> {
        match self {
            Self::NoData => Some(Reason::DnsNodata),
            Self::NxDomain => Some(Reason::DnsNxdomain),
            Self::Delegated { .. } => Some(Reason::DnsDelegated),
            Self::Fault(reason, _) | Self::Silent(reason, _) => Some(*reason),
            _ => None,
        }
    }
}

impl fmt::Display for DnsAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Addresses { addresses, aliases } if addresses.is_empty() => {
                write!(f, "CNAME {}", joined(aliases))
            }
            Self::Addresses { addresses, .. } => f.write_str(&joined(addresses)),
            Self::NoData => f.write_str("no address (NODATA)"),
            Self::NxDomain => f.write_str("does not exist (NXDOMAIN)"),
            Self::Delegated { at, servers } => write!(f, "{at} is delegated to {}", joined(servers)),
            Self::Fault(reason, detail) | Self::Silent(reason, detail) if detail.is_empty() => write!(f, "{reason}"),
            Self::Fault(reason, detail) | Self::Silent(reason, detail) => write!(f, "{reason}: {detail}"),
            Self::Exhausted(what) => write!(f, "not asked: {what}"),
            Self::Nothing => f.write_str("not asked"),
        }
    }
}

/// The looks for a type of a name at a server, in the order in which they were asked.
fn of<'l>(
    looks: &'l [DnsQuery],
    kind: RecordKind,
    name: &'l str,
    server: SocketAddr,
) -> impl DoubleEndedIterator<Item = &'l DnsQuery> {
    let of = move |look: &&DnsQuery| look.kind == kind && look.server == server && look.name == name;
    looks.iter().filter(of)
}

fn read_one(look: &DnsQuery, domain: &Hostname, authority: bool) -> DnsAnswer {
    match (&look.end, &look.reply) {
        (StepStatus::Exhausted(what), _) => DnsAnswer::Exhausted(what.clone()),
        (StepStatus::Failed(fault), None) if matches!(fault.reason, Reason::DnsTimeout | Reason::DnsRefused) => {
            DnsAnswer::Silent(fault.reason, fault.detail.clone())
        }
        (StepStatus::Failed(fault), _) => DnsAnswer::Fault(fault.reason, fault.detail.clone()),
        (StepStatus::Done, Some(reply)) => read_reply(look, reply, domain, authority),
        (StepStatus::Done | StepStatus::NotReached, _) => DnsAnswer::Nothing,
    }
}

fn read_reply(look: &DnsQuery, reply: &DnsReply, domain: &Hostname, authority: bool) -> DnsAnswer {
    if let Some(fault) = refusal(reply.rcode) {
        return fault;
    }
    if authority && !reply.authoritative {
        return referral(look, reply, domain).unwrap_or_else(|| {
            DnsAnswer::Fault(
                Reason::DnsLame,
                "it is named for the zone and answers without authority".into(),
            )
        });
    }
    let (aliases, end) = chain(look, reply);
    let asked = |record: &&DnsRecord| record.kind == look.kind.as_str() && record.name.eq_ignore_ascii_case(end);
    let addresses = reply.answers.iter().filter(asked);
    let addresses = addresses
        .filter_map(|record| record.data.parse().ok())
        .collect::<BTreeSet<_>>();
    // Who is told that a name does not exist takes no address of it: so do the resolvers' libraries.
    let denied = reply.rcode == NXDOMAIN && !addresses.is_empty();
    if !denied && (!addresses.is_empty() || !aliases.is_empty()) {
        return DnsAnswer::Addresses { addresses, aliases };
    }
    if matches!(reply.rcode, NXDOMAIN | YXDOMAIN) {
        DnsAnswer::NxDomain
    } else {
        DnsAnswer::NoData
    }
}

/// What a response code says where it is no answer; nothing where it is one. A name that substitution (RFC 6672) makes
/// too long has no records either.
fn refusal(code: u16) -> Option<DnsAnswer> {
    let (reason, name) = match code {
        0 | NXDOMAIN | YXDOMAIN => return None,
        1 => (Reason::DnsRefused, "FORMERR: it can't read the question".to_owned()),
        2 => (Reason::DnsServfail, "SERVFAIL".to_owned()),
        4 => (Reason::DnsRefused, "NOTIMP: it does not know such questions".to_owned()),
        5 => (Reason::DnsRefused, "REFUSED".to_owned()),
        9 => (Reason::DnsLame, "NOTAUTH: it does not serve the zone".to_owned()),
        other => (Reason::DnsServfail, format!("response code {other}")),
    };
    Some(DnsAnswer::Fault(reason, name))
}

const NXDOMAIN: u16 = 3;
const YXDOMAIN: u16 = 6;

/// Whether a look was answered by the words that a server has for a type that it does not serve.
pub(crate) fn is_unserved(look: &DnsQuery) -> bool {
    look.reply
        .as_ref()
        .is_some_and(|reply| matches!(reply.rcode, 1 | 4 | 5))
}

/// The targets of the aliases that lead on from the name, in their order, and the name at which they end. Records may
/// stand in any order, and what no alias leads to is no answer to the question.
pub(super) fn chain<'l>(look: &'l DnsQuery, reply: &'l DnsReply) -> (Vec<String>, &'l str) {
    let (mut aliases, mut at) = (Vec::new(), look.name.as_str());
    let alias = |at: &str| {
        let mut records = reply.answers.iter();
        records.find(|record| record.kind == "CNAME" && record.name.eq_ignore_ascii_case(at))
    };
    while let Some(record) = alias(at).filter(|record| !aliases.contains(&record.data)) {
        aliases.push(record.data.clone());
        at = &record.data;
    }
    (aliases, at)
}

/// NS records in the authority section of an answer without authority, owned by the name or by what lies between it
/// and the domain (RFC 1034, section 4.3.2).
fn referral(look: &DnsQuery, reply: &DnsReply, domain: &Hostname) -> Option<DnsAnswer> {
    let below = |owner: &str| {
        let owner_within = owner != domain.as_str() && is_or_below(owner, domain.as_str());
        owner_within && is_or_below(&look.name, owner)
    };
    let cut = reply
        .authority
        .iter()
        .find(|record| record.kind == "NS" && below(&record.name))?;
    let same = reply
        .authority
        .iter()
        .filter(|record| record.kind == "NS" && record.name == cut.name);
    Some(DnsAnswer::Delegated {
        at: cut.name.clone(),
        servers: same.map(|record| record.data.clone()).collect(),
    })
}
