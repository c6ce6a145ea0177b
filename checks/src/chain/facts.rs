//! What a person wants to know of a presented chain: names, dates, keys, read and not judged.

use std::net::{Ipv4Addr, Ipv6Addr};

use jiff::Timestamp;
use serde::Serialize;
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

use crate::evidence::Reason;

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

    pub(super) fn faults_of_leaf(&self, name: &str, now: Timestamp) -> Vec<Reason> {
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
    /// The SHA-256 of it, in hexadecimal.
    pub fingerprint: String,
    /// Its whole subject and its whole issuer, the most special part first (RFC 4514, section 2.1).
    pub subject_name: String,
    /// Its whole issuer, likewise.
    pub issuer_name: String,
}

/// Reads the certificates of a chain one by one; `None` in the place of one that can't be read.
#[must_use]
pub fn links<C: AsRef<[u8]>>(presented: &[C]) -> Vec<Option<Link>> {
    let link = |der: &C| {
        let (_, certificate) = X509Certificate::from_der(der.as_ref()).ok()?;
        Some(Link {
            subject: common_name(certificate.subject()),
            names: names(&certificate),
            issuer: common_name(certificate.issuer()),
            not_before: moment(certificate.validity().not_before.timestamp()),
            not_after: moment(certificate.validity().not_after.timestamp()),
            key: key(&certificate),
            fingerprint: fingerprint(der.as_ref()),
            subject_name: whole_name(certificate.subject()),
            issuer_name: whole_name(certificate.issuer()),
        })
    };
    presented.iter().map(link).collect()
}

/// The common name, else the whole name.
pub(super) fn common_name(name: &x509_parser::x509::X509Name<'_>) -> String {
    let common = name.iter_common_name().next().and_then(|name| name.as_str().ok());
    common.map_or_else(|| name.to_string(), str::to_owned)
}

/// The SHA-256 of a certificate, in hexadecimal.
fn fingerprint(der: &[u8]) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, der);
    let digits = |byte: &u8| [byte >> 4, byte & 15].map(|digit| char::from(b"0123456789abcdef"[usize::from(digit)]));
    digest.as_ref().iter().flat_map(digits).collect()
}

/// A whole name, the most special part first, attributes by their short names where they have one (RFC 4514).
fn whole_name(name: &x509_parser::x509::X509Name<'_>) -> String {
    let attribute = |attribute: &x509_parser::x509::AttributeTypeAndValue<'_>| {
        let registry = x509_parser::objects::oid_registry();
        let kind = x509_parser::objects::oid2abbrev(attribute.attr_type(), registry);
        let kind = kind.map_or_else(|_| attribute.attr_type().to_id_string(), str::to_owned);
        format!("{kind}={}", escaped(attribute.as_str().unwrap_or_default()))
    };
    let part = |part: &x509_parser::x509::RelativeDistinguishedName<'_>| {
        part.iter().map(attribute).collect::<Vec<_>>().join("+")
    };
    let mut parts = name.iter().map(part).collect::<Vec<_>>();
    parts.reverse();
    parts.join(",")
}

/// A value in a name: what means something there is escaped (RFC 4514, section 2.4).
fn escaped(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for (at, character) in value.char_indices() {
        let ends = at == 0 || at + character.len_utf8() == value.len();
        let special = matches!(character, ',' | '+' | '"' | '\\' | '<' | '>' | ';');
        if special || (ends && character == ' ') || (at == 0 && character == '#') {
            text.push('\\');
        }
        text.push(character);
    }
    text
}

/// Whether a name of a certificate covers a host name; `*` covers exactly one label (RFC 6125, section 6.4.3).
#[must_use]
pub fn covers(certificate: &str, hostname: &str) -> bool {
    let parent = hostname.split_once('.').map(|(_, parent)| parent);
    certificate == hostname || certificate.strip_prefix("*.").is_some_and(|zone| Some(zone) == parent)
}

pub(super) fn moment(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap_or(if seconds < 0 { Timestamp::MIN } else { Timestamp::MAX })
}

pub(super) fn names(leaf: &X509Certificate<'_>) -> Vec<String> {
    let Ok(Some(extension)) = leaf.subject_alternative_name() else {
        return Vec::new();
    };
    let name = |general: &GeneralName<'_>| match general {
        GeneralName::DNSName(name) => Some(name.to_ascii_lowercase()),
        GeneralName::IPAddress(octets) => match octets.len() {
            4 => <[u8; 4]>::try_from(*octets)
                .ok()
                .map(|octets| Ipv4Addr::from(octets).to_string()),
            16 => <[u8; 16]>::try_from(*octets)
                .ok()
                .map(|octets| Ipv6Addr::from(octets).to_string()),
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
