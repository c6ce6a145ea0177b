//! Judging a presented chain: one pure function over bytes, trust anchors and a moment. Used by the probe, which must
//! know before it sends a request, and again wherever evidence is judged later. Revocation is out of scope.

use std::sync::Arc;

use jiff::Timestamp;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::{CertificateError, RootCertStore};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use serde::Serialize;
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

use crate::evidence::Reason;

/// The roots that a chain must end at.
#[derive(Clone, Debug)]
pub struct Anchors {
    verifier: Arc<WebPkiServerVerifier>,
}

/// Why a set of roots can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnchorsError {
    /// No certificate could be taken as a root.
    #[error("there is no usable root certificate: install the system's (Debian: ca-certificates) or name a ca_file")]
    None,
}

impl Anchors {
    /// Takes the roots that can be used and passes over those that can't, as TLS libraries do.
    ///
    /// # Errors
    /// [`AnchorsError::None`] where not one can be used.
    pub fn new(roots: impl IntoIterator<Item = CertificateDer<'static>>) -> Result<Self, AnchorsError> {
        let mut store = RootCertStore::empty();
        store.add_parsable_certificates(roots);
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(store), provider).build();
        verifier
            .map(|verifier| Self { verifier })
            .map_err(|_| AnchorsError::None)
    }

    /// The verifier behind it, for a TLS library.
    #[must_use]
    pub fn verifier(&self) -> &Arc<WebPkiServerVerifier> {
        &self.verifier
    }
}

/// What is wrong with a chain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChainVerdict {
    /// Everything that is wrong, what the verifier met first in front; empty where the chain verifies.
    pub faults: Vec<Reason>,
    /// What the verifier said, for a person; empty where the chain verifies.
    pub detail: String,
}

/// Judges `presented` (leaf first, as sent) for `name` (a DNS name or an IP address) at `now`.
///
/// The verdict is rustls's. It names the first fault only, so the leaf's dates and names are looked at besides, and a
/// leaf that came alone is told apart from an unknown root.
#[must_use]
pub fn judge(presented: &[CertificateDer<'_>], anchors: &Anchors, name: &str, now: Timestamp) -> ChainVerdict {
    let Some((leaf, intermediates)) = presented.split_first() else {
        return ChainVerdict {
            faults: vec![Reason::TlsMalformed],
            detail: "no certificate was sent".into(),
        };
    };
    let Ok(server_name) = ServerName::try_from(name) else {
        return ChainVerdict {
            faults: vec![Reason::TlsNameMismatch],
            detail: format!("`{name}` is no server name"),
        };
    };
    let seconds = u64::try_from(now.as_second()).unwrap_or_default();
    let moment = UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds));
    let Err(error) = anchors
        .verifier
        .verify_server_cert(leaf, intermediates, &server_name, &[], moment)
    else {
        return ChainVerdict::default();
    };
    let facts = Facts::read(presented).ok();
    let mut faults = vec![classify(&error, presented.len(), facts.as_ref())];
    for more in facts.iter().flat_map(|facts| facts.faults_of_leaf(name, now)) {
        if !faults.contains(&more) {
            faults.push(more);
        }
    }
    ChainVerdict {
        faults,
        detail: error.to_string(),
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

/// What a person wants to know of a chain.
#[derive(Clone, Debug, PartialEq)]
pub struct Facts {
    /// The leaf's subject alternative names (DNS and IP), in their order.
    pub names: Vec<String>,
    /// The leaf's issuer: its common name, else the whole name.
    pub issuer: String,
    /// The organisation in the leaf's issuer.
    pub issuer_organization: Option<String>,
    /// When the leaf begins to be valid.
    pub not_before: Timestamp,
    /// When the leaf's validity ends.
    pub not_after: Timestamp,
    /// The time in which every certificate of the chain is valid; empty where the second is before the first.
    pub window: (Timestamp, Timestamp),
    /// The leaf's public key, as in `EC 256 bit`.
    pub key: String,
    /// Whether the leaf names itself as its issuer.
    pub self_signed: bool,
    /// How many certificates were sent.
    pub length: usize,
    /// Whether each certificate is followed by one whose subject is its issuer (RFC 5246, section 7.4.2).
    pub in_order: bool,
}

impl Facts {
    /// Reads a chain, leaf first.
    ///
    /// # Errors
    /// What the parser said of the first certificate that is none.
    pub fn read<C: AsRef<[u8]>>(presented: &[C]) -> Result<Self, String> {
        let parsed = presented
            .iter()
            .map(|der| X509Certificate::from_der(der.as_ref()).map(|(_, parsed)| parsed));
        let parsed = parsed
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| error.to_string())?;
        let leaf = parsed.first().ok_or("no certificate was sent")?;
        let begins = |cert: &X509Certificate<'_>| moment(cert.validity().not_before.timestamp());
        let ends = |cert: &X509Certificate<'_>| moment(cert.validity().not_after.timestamp());
        let issuer = leaf.issuer();
        let text = |value: Option<&x509_parser::x509::AttributeTypeAndValue<'_>>| {
            value.and_then(|value| value.as_str().ok()).map(str::to_owned)
        };
        Ok(Self {
            names: names(leaf),
            issuer: text(issuer.iter_common_name().next()).unwrap_or_else(|| issuer.to_string()),
            issuer_organization: text(issuer.iter_organization().next()),
            not_before: begins(leaf),
            not_after: ends(leaf),
            window: (
                parsed.iter().map(begins).max().unwrap_or(Timestamp::MIN),
                parsed.iter().map(ends).min().unwrap_or(Timestamp::MAX),
            ),
            key: key(leaf),
            self_signed: leaf.issuer() == leaf.subject(),
            length: parsed.len(),
            in_order: parsed.windows(2).all(|pair| pair[0].issuer() == pair[1].subject()),
        })
    }

    /// The fraction of the lifetime that is left, 0 to 1.
    #[must_use]
    pub fn remaining(&self, now: Timestamp) -> f64 {
        let whole = (self.not_after.as_second() - self.not_before.as_second()).max(1);
        let left = self.not_after.as_second() - now.as_second();
        #[expect(
            clippy::cast_precision_loss,
            reason = "a fraction for thresholds; seconds fit 52 bits"
        )]
        let fraction = left as f64 / whole as f64;
        fraction.clamp(0.0, 1.0)
    }

    /// Whether a name of the leaf covers `name`.
    #[must_use]
    pub fn covers(&self, name: &str) -> bool {
        self.names.iter().any(|known| covers(known, name))
    }

    fn faults_of_leaf(&self, name: &str, now: Timestamp) -> Vec<Reason> {
        let expired = (now > self.not_after).then_some(Reason::TlsExpired);
        let early = (now < self.not_before).then_some(Reason::TlsNotYetValid);
        let other = (!self.covers(&name.to_ascii_lowercase())).then_some(Reason::TlsNameMismatch);
        [expired, early, other].into_iter().flatten().collect()
    }
}

/// One certificate of a chain, for a person.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Link {
    /// Its subject: the common name, else the whole name.
    pub subject: String,
    /// Its subject alternative names (DNS and IP).
    pub names: Vec<String>,
    /// Its issuer: the common name, else the whole name.
    pub issuer: String,
    /// When it begins to be valid.
    pub not_before: Timestamp,
    /// When its validity ends.
    pub not_after: Timestamp,
    /// Its public key, as in `EC 256 bit`.
    pub key: String,
}

/// Reads the certificates of a chain one by one; `None` in the place of one that can't be read.
#[must_use]
pub fn links<C: AsRef<[u8]>>(presented: &[C]) -> Vec<Option<Link>> {
    let common = |name: &x509_parser::x509::X509Name<'_>| {
        let common = name.iter_common_name().next().and_then(|name| name.as_str().ok());
        common.map_or_else(|| name.to_string(), str::to_owned)
    };
    let link = |der: &C| {
        let (_, certificate) = X509Certificate::from_der(der.as_ref()).ok()?;
        Some(Link {
            subject: common(certificate.subject()),
            names: names(&certificate),
            issuer: common(certificate.issuer()),
            not_before: moment(certificate.validity().not_before.timestamp()),
            not_after: moment(certificate.validity().not_after.timestamp()),
            key: key(&certificate),
        })
    };
    presented.iter().map(link).collect()
}

/// Whether a name of a certificate covers a host name; `*` covers exactly one label (RFC 6125, section 6.4.3).
#[must_use]
pub fn covers(certificate: &str, hostname: &str) -> bool {
    let parent = hostname.split_once('.').map(|(_, parent)| parent);
    certificate == hostname || certificate.strip_prefix("*.").is_some_and(|zone| Some(zone) == parent)
}

fn moment(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap_or(if seconds < 0 { Timestamp::MIN } else { Timestamp::MAX })
}

fn names(leaf: &X509Certificate<'_>) -> Vec<String> {
    let Ok(Some(extension)) = leaf.subject_alternative_name() else {
        return Vec::new();
    };
    let name = |general: &GeneralName<'_>| match general {
        GeneralName::DNSName(name) => Some(name.to_ascii_lowercase()),
        GeneralName::IPAddress(octets) => match octets.len() {
            4 => <[u8; 4]>::try_from(*octets)
                .ok()
                .map(|octets| std::net::Ipv4Addr::from(octets).to_string()),
            16 => <[u8; 16]>::try_from(*octets)
                .ok()
                .map(|octets| std::net::Ipv6Addr::from(octets).to_string()),
            _ => None,
        },
        _ => None,
    };
    extension.value.general_names.iter().filter_map(name).collect()
}

fn key(leaf: &X509Certificate<'_>) -> String {
    use x509_parser::public_key::PublicKey;
    match leaf.public_key().parsed() {
        Ok(PublicKey::RSA(rsa)) => format!("RSA {} bit", rsa.key_size()),
        Ok(PublicKey::EC(point)) => format!("EC {} bit", point.key_size()),
        Ok(_) => "another kind of key".into(),
        Err(_) => "an unreadable key".into(),
    }
}
