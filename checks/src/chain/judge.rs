//! Judging a presented chain: one pure function over bytes, trust anchors and a moment, wherever evidence is judged.

use std::time::Duration;

use jiff::Timestamp;
use rustls::CertificateError;
use rustls::client::danger::ServerCertVerifier;
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use x509_parser::prelude::{FromDer, X509Certificate};

use super::anchors::TrustStore;
use super::facts::Facts;
use super::flaw::{Flaw, unusable_key};
use crate::evidence::Reason;

/// What is wrong with a chain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChainVerdict {
    /// Everything that is wrong, what the verifier met first in front; empty where the chain verifies.
    pub faults: Vec<Reason>,
    /// What the verifier said, for a person; empty where the chain verifies.
    pub detail: String,
    /// When the first intermediate ends without which no path stands, where that is within 30 days and before the leaf's
    /// end.
    pub path_ends: Option<Timestamp>,
}

/// Judges `presented` (leaf first, as sent) for `name` (a DNS name or an IP address) at `now`.
///
/// The verdict is rustls's. It names the first fault only, so the leaf's dates and names are looked at besides, and a
/// leaf that came alone is told apart from an unknown root. A leaf's key with which no handshake is signed is a fault of
/// the chain: by the handshake alone nobody could say what is wrong.
#[must_use]
pub fn judge(presented: &[CertificateDer<'_>], anchors: &TrustStore, name: &str, now: Timestamp) -> ChainVerdict {
    let Some((leaf, intermediates)) = presented.split_first() else {
        return ChainVerdict {
            faults: vec![Reason::TlsMalformed],
            detail: "no certificate was sent".into(),
            path_ends: None,
        };
    };
    let Ok(server_name) = ServerName::try_from(name) else {
        return ChainVerdict::no_server_name(name);
    };
    if is_too_long(presented.iter()) {
        return ChainVerdict::too_long();
    }
    let verified = anchors
        .verifier()
        .verify_server_cert(leaf, intermediates, &server_name, &[], moment(now));
    match verified {
        Ok(_) => match unusable_key(leaf) {
            Some(flaw) => ChainVerdict::unusable(&flaw),
            None => ChainVerdict {
                path_ends: path_end(leaf, intermediates, anchors, now),
                ..ChainVerdict::default()
            },
        },
        Err(error) => ChainVerdict::refused(&error, presented, name, now),
    }
}

/// The longest chain that is verified, in bytes: more no TLS library takes from a handshake. Who verifies tries each of the
/// certificates of one name at each place of a path.
const LONGEST: usize = 64 * 1024;

/// Whether so many certificates are more than a handshake brings: then a recording was made by hand.
pub(super) fn is_too_long<'c>(presented: impl Iterator<Item = &'c CertificateDer<'c>>) -> bool {
    presented.map(|der| der.len()).sum::<usize>() > LONGEST
}

/// How far ahead the end of an intermediate is looked for, in seconds: 30 days.
pub(super) const AHEAD: i64 = 30 * 86_400;

/// Most ends at which the path is looked for again. Chains have a handful of certificates; who sends a hundred, each with
/// an end of its own, would have a hundred signatures verified for each of them.
const MOST_ENDS: usize = 8;

/// When the first intermediate ends without which no path from the leaf to a root stands: at its end the others are tried.
/// Nothing where none ends within 30 days, or not before the leaf, or others than the first few do.
pub(super) fn path_end(
    leaf: &CertificateDer<'_>,
    intermediates: &[CertificateDer<'_>],
    anchors: &TrustStore,
    now: Timestamp,
) -> Option<Timestamp> {
    let end = |der: &CertificateDer<'_>| {
        let (_, certificate) = X509Certificate::from_der(der).ok()?;
        Timestamp::from_second(certificate.validity().not_after.timestamp()).ok()
    };
    let leaf_ends = end(leaf)?;
    let near = |at: &Timestamp| (0..=AHEAD).contains(&(at.as_second() - now.as_second())) && *at < leaf_ends;
    let mut ends = intermediates.iter().filter_map(end).filter(near).collect::<Vec<_>>();
    ends.sort_unstable();
    ends.dedup();
    let after = |at: &Timestamp| Timestamp::from_second(at.as_second() + 1).unwrap_or(*at);
    let stands = |at: &Timestamp| anchors.verify_path(leaf, intermediates, moment(after(at))).is_ok();
    ends.into_iter().take(MOST_ENDS).find(|at| !stands(at))
}

/// The moment as verifying takes it: in whole seconds.
pub(super) fn moment(now: Timestamp) -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(now.as_second()).unwrap_or_default()))
}

impl ChainVerdict {
    /// Nothing can be verified for what is no server name.
    pub(super) fn no_server_name(name: &str) -> Self {
        Self {
            faults: vec![Reason::TlsNameMismatch],
            detail: format!("`{name}` is no server name"),
            path_ends: None,
        }
    }

    /// More than a handshake brings.
    pub(super) fn too_long() -> Self {
        Self {
            faults: vec![Reason::TlsMalformed],
            detail: format!("more than {} KiB of certificates", LONGEST / 1024),
            path_ends: None,
        }
    }

    /// The leaf's key is one that no handshake is signed with.
    pub(super) fn unusable(flaw: &Flaw) -> Self {
        Self {
            faults: vec![Reason::TlsUnknownIssuer],
            detail: format!("the leaf {flaw}"),
            path_ends: None,
        }
    }

    /// What the verifier's refusal of `presented` means.
    pub(super) fn refused<C: AsRef<[u8]>>(error: &rustls::Error, presented: &[C], name: &str, now: Timestamp) -> Self {
        let facts = Facts::read(presented).ok();
        let mut faults = vec![classify(error, presented.len(), facts.as_ref())];
        for more in facts.iter().flat_map(|facts| facts.faults_of_leaf(name, now)) {
            if !faults.contains(&more) {
                faults.push(more);
            }
        }
        Self {
            faults,
            detail: error.to_string(),
            path_ends: None,
        }
    }
}

fn classify(error: &rustls::Error, length: usize, facts: Option<&Facts>) -> Reason {
    let rustls::Error::InvalidCertificate(error) = error else {
        return Reason::TlsMalformed;
    };
    match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => Reason::TlsExpired,
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => Reason::TlsNotYetValid,
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => Reason::TlsNameMismatch,
        CertificateError::BadEncoding => Reason::TlsMalformed,
        CertificateError::UnknownIssuer if length == 1 && facts.is_some_and(|facts| !facts.self_signed) => {
            Reason::TlsIncompleteChain
        }
        _ => Reason::TlsUnknownIssuer,
    }
}

/// Whether every fault is one of dates, so that a wrong clock alone would explain them.
#[must_use]
pub fn fails_by_dates_alone(faults: &[Reason]) -> bool {
    let dates = |fault: &Reason| matches!(fault, Reason::TlsExpired | Reason::TlsNotYetValid);
    !faults.is_empty() && faults.iter().all(dates)
}
