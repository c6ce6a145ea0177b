//! Which certificate of a chain is to blame, and for what, in plain words. Reads bytes and verifies no signature: what it
//! says counts only where a verifier refused the chain.

use std::fmt;

use jiff::Timestamp;
use x509_parser::oid_registry::Oid;
use x509_parser::prelude::{FromDer, GeneralName, ParsedExtension, X509Certificate};
use x509_parser::public_key::PublicKey;

use super::facts::{common_name, moment, names};

/// The sizes of RSA keys that TLS libraries take, in bits.
const RSA: std::ops::RangeInclusive<usize> = 2048..=8192;

/// A certificate that was sent, and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flawed {
    /// Where it stands in the chain as sent: 0 is the leaf.
    pub position: usize,
    /// Its subject: the common name, else the whole name.
    pub subject: String,
    /// What is wrong with it.
    pub flaw: Flaw,
}

impl Flawed {
    /// Whether it says more than the fault's own name: what is wrong with a leaf's dates stands in its lifetime.
    #[must_use]
    pub fn is_told(&self) -> bool {
        self.position > 0 || !matches!(self.flaw, Flaw::Expired(_) | Flaw::NotYetValid(_))
    }
}

/// What is wrong with a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Flaw {
    /// Its validity is over since.
    Expired(Timestamp),
    /// Its validity begins then.
    NotYetValid(Timestamp),
    /// It is of an old version of X.509, 1 or 2, which knows no names of servers.
    Version(u32),
    /// A certificate of an authority serves as a server's.
    AuthorityAsLeaf,
    /// A certificate issued another and is no authority's.
    NoAuthority,
    /// It is for other uses than TLS servers.
    Usage,
    /// A critical extension that nobody knows; its number (OID).
    UnknownExtension(String),
    /// A signature with a broken hash; its name.
    Signature(&'static str),
    /// A key that is too weak, or of a kind that TLS libraries refuse.
    Key(String),
    /// It may not issue for this name.
    Constraint(String),
    /// It may not issue for an authority below it.
    Depth,
}

/// As in `expired on 2026-11-28`.
impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let day = |moment: &Timestamp| moment.strftime("%Y-%m-%d");
        match self {
            Self::Expired(on) => write!(f, "expired on {}", day(on)),
            Self::NotYetValid(from) => write!(f, "is not valid before {}", day(from)),
            Self::Version(version) => write!(f, "is of version {version} of X.509, 3 is needed"),
            Self::AuthorityAsLeaf => f.write_str("is an authority's and serves as a server's"),
            Self::NoAuthority => f.write_str("is no authority's and issued another"),
            Self::Usage => f.write_str("is not for TLS servers (extended key usage)"),
            Self::UnknownExtension(oid) => write!(f, "has a critical extension that nobody knows ({oid})"),
            Self::Signature(hash) => write!(f, "is signed with {hash}"),
            Self::Key(key) => write!(f, "has a key that no TLS library takes ({key})"),
            Self::Constraint(name) => write!(f, "may not issue for {name} (name constraints)"),
            Self::Depth => f.write_str("may not issue for an authority below it (path length)"),
        }
    }
}

/// As in `intermediate E7 (2 of 3) expired on 2026-11-28`.
impl fmt::Display for Flawed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.position {
            0 => write!(f, "the leaf {}", self.flaw),
            position => write!(
                f,
                "the intermediate {} (certificate {}) {}",
                self.subject,
                position + 1,
                self.flaw
            ),
        }
    }
}

/// What is wrong with the certificates of a chain, the leaf's first. A certificate that no path needs is passed over; so
/// is one that another of the same name can stand for.
#[must_use]
pub fn flaws<C: AsRef<[u8]>>(presented: &[C], now: Timestamp) -> Vec<Flawed> {
    let read = presented.iter().map(|der| X509Certificate::from_der(der.as_ref()));
    let Ok(chain) = read
        .map(|read| read.map(|(_, read)| read))
        .collect::<Result<Vec<_>, _>>()
    else {
        return Vec::new();
    };
    let path = path(&chain, now);
    let mut found = Vec::new();
    for (depth, position) in path.iter().enumerate() {
        let certificate = &chain[*position];
        let below = path[..depth]
            .iter()
            .map(|position| &chain[*position])
            .collect::<Vec<_>>();
        let flaws = of_one(certificate, &below, now);
        found.extend(flaws.map(|flaw| Flawed {
            position: *position,
            subject: common_name(certificate.subject()),
            flaw,
        }));
    }
    found
}

/// Why no handshake is signed with a leaf's key, where that is so: it is too weak, or of a kind that TLS libraries refuse.
pub(super) fn unusable_key(leaf: &[u8]) -> Option<Flaw> {
    key(&X509Certificate::from_der(leaf).ok()?.1)
}

/// Most certificates of a path: more than any verifier goes up, and few beside what may be sent.
const HIGHEST: usize = 16;

/// The certificates from the leaf upwards, each the issuer of the one before it, by their names. Of no certificates there
/// are none.
fn path(chain: &[X509Certificate<'_>], now: Timestamp) -> Vec<usize> {
    let mut path = chain.first().map(|_| 0).into_iter().collect::<Vec<_>>();
    while let Some(last) = path.last().map(|last| &chain[*last])
        && last.issuer() != last.subject()
        && path.len() < HIGHEST
    {
        let issuers = (1..chain.len()).filter(|at| !path.contains(at) && chain[*at].subject() == last.issuer());
        // Of two with one name, as where an authority is signed by two roots, the better one counts.
        let Some(issuer) = issuers.min_by_key(|at| (dates(&chain[*at], now).is_some(), *at)) else {
            break;
        };
        path.push(issuer);
    }
    path
}

fn dates(certificate: &X509Certificate<'_>, now: Timestamp) -> Option<Flaw> {
    let begins = moment(certificate.validity().not_before.timestamp());
    let ends = moment(certificate.validity().not_after.timestamp());
    // The whole of the last second counts, as in every TLS library.
    let expired = (now.as_second() > ends.as_second()).then_some(Flaw::Expired(ends));
    expired.or((now < begins).then_some(Flaw::NotYetValid(begins)))
}

/// `below` are the certificates that it stands above, the leaf first; none: it is the leaf.
fn of_one(
    certificate: &X509Certificate<'_>,
    below: &[&X509Certificate<'_>],
    now: Timestamp,
) -> impl Iterator<Item = Flaw> {
    let own_signature = certificate.issuer() == certificate.subject();
    let version = certificate.version().0.saturating_add(1);
    let authority = is_authority(certificate);
    [
        dates(certificate, now),
        (version != 3).then_some(Flaw::Version(version)),
        (below.is_empty() && authority).then_some(Flaw::AuthorityAsLeaf),
        (!below.is_empty() && !authority).then_some(Flaw::NoAuthority),
        usage(certificate),
        unknown_extension(certificate),
        signature(certificate).filter(|_| !own_signature || below.is_empty()),
        key(certificate),
        constraint(certificate, below),
        depth(certificate, below),
    ]
    .into_iter()
    .flatten()
}

fn is_authority(certificate: &X509Certificate<'_>) -> bool {
    let basic = certificate.basic_constraints().ok().flatten();
    basic.is_some_and(|basic| basic.value.ca)
}

fn usage(certificate: &X509Certificate<'_>) -> Option<Flaw> {
    let usage = certificate.extended_key_usage().ok()??.value;
    (!usage.server_auth && !usage.any).then_some(Flaw::Usage)
}

/// The critical extensions that a verifier knows (RFC 5280, section 4.2): basic constraints, key usage, alternative
/// names, name constraints, extended key usage, distribution points.
fn unknown_extension(certificate: &X509Certificate<'_>) -> Option<Flaw> {
    const KNOWN: [&str; 6] = [
        "2.5.29.19",
        "2.5.29.15",
        "2.5.29.17",
        "2.5.29.30",
        "2.5.29.37",
        "2.5.29.31",
    ];
    let critical = certificate.extensions().iter().filter(|extension| extension.critical);
    let mut numbers = critical.map(|extension| extension.oid.to_id_string());
    let unknown = numbers.find(|number| !KNOWN.contains(&number.as_str()));
    unknown.map(Flaw::UnknownExtension)
}

fn signature(certificate: &X509Certificate<'_>) -> Option<Flaw> {
    let hash = match certificate.signature_algorithm.algorithm.to_id_string().as_str() {
        "1.2.840.113549.1.1.2" => "MD2",
        "1.2.840.113549.1.1.4" => "MD5",
        "1.2.840.113549.1.1.5" | "1.2.840.10045.4.1" | "1.2.840.10040.4.3" => "SHA-1",
        _ => return None,
    };
    Some(Flaw::Signature(hash))
}

fn key(certificate: &X509Certificate<'_>) -> Option<Flaw> {
    /// P-256, P-384, P-521.
    const CURVES: [&str; 3] = ["1.2.840.10045.3.1.7", "1.3.132.0.34", "1.3.132.0.35"];
    let weak = match certificate.public_key().parsed().ok()? {
        PublicKey::RSA(key) => (!RSA.contains(&key.key_size())).then(|| format!("RSA {} bit", key.key_size())),
        PublicKey::EC(_) => {
            let curve = certificate.public_key().algorithm.parameters.as_ref();
            let curve = curve.and_then(|curve| Oid::try_from(curve).ok())?.to_id_string();
            (!CURVES.contains(&curve.as_str())).then(|| format!("curve {curve}"))
        }
        PublicKey::DSA(_) => Some("DSA".to_owned()),
        _ => None,
    };
    weak.map(Flaw::Key)
}

/// A name of the leaf that an authority above it may not issue for (RFC 5280, section 4.2.1.10).
fn constraint(certificate: &X509Certificate<'_>, below: &[&X509Certificate<'_>]) -> Option<Flaw> {
    let leaf = below.first()?;
    let constraints = certificate
        .extensions()
        .iter()
        .find_map(|extension| match extension.parsed_extension() {
            ParsedExtension::NameConstraints(constraints) => Some(constraints),
            _ => None,
        })?;
    let within = |name: &str, base: &GeneralName<'_>| match base {
        GeneralName::DNSName(base) => is_within(name, base),
        _ => false,
    };
    let bases = |trees: &Option<Vec<x509_parser::extensions::GeneralSubtree<'_>>>, name: &str| {
        let dns = trees
            .iter()
            .flatten()
            .filter(|tree| matches!(tree.base, GeneralName::DNSName(_)));
        let all = dns.map(|tree| within(name, &tree.base)).collect::<Vec<_>>();
        (!all.is_empty()).then(|| all.contains(&true))
    };
    let forbidden = |name: &String| {
        let permitted = bases(&constraints.permitted_subtrees, name).unwrap_or(true);
        let excluded = bases(&constraints.excluded_subtrees, name).unwrap_or(false);
        !permitted || excluded
    };
    names(leaf).into_iter().find(forbidden).map(Flaw::Constraint)
}

fn is_within(name: &str, base: &str) -> bool {
    let base = base.trim_start_matches('.').to_ascii_lowercase();
    let rest = name.strip_suffix(base.as_str());
    base.is_empty() || rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

fn depth(certificate: &X509Certificate<'_>, below: &[&X509Certificate<'_>]) -> Option<Flaw> {
    let most = certificate.basic_constraints().ok()??.value.path_len_constraint?;
    let authorities = below.len().checked_sub(1)?;
    (authorities > usize::try_from(most).unwrap_or(usize::MAX)).then_some(Flaw::Depth)
}
