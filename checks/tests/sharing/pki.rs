//! Certificates whose dates are seconds after one moment.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rcgen::{BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair};
use roundsman_checks::chain::{ChainVerdict, Judged, TrustStore, VerifiedChains, judge};
use roundsman_checks::evidence::ChainId;
use rustls_pki_types::CertificateDer;

pub(crate) type Der = CertificateDer<'static>;

/// From and until, in seconds after [`EPOCH`].
pub(crate) type Dates = (i64, i64);

const EPOCH: &str = "2026-11-24T12:00:00Z";

/// Longer than any test looks.
pub(crate) const LONG: Dates = (-1_000_000, 1_000_000);

/// So many seconds after the one moment.
pub(crate) fn at(seconds: i64) -> Timestamp {
    EPOCH.parse::<Timestamp>().unwrap() + SignedDuration::from_secs(seconds)
}

/// An authority: its certificate, and what signs.
pub(crate) struct Authority {
    pub der: Der,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    pub(crate) fn root(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let params = authority(name, LONG);
        let der = params.self_signed(&key).unwrap().der().clone();
        let issuer = Issuer::new(params, key);
        Self { der, issuer }
    }

    /// An authority below this one.
    pub(crate) fn below(&self, name: &str, dates: Dates) -> Self {
        let key = KeyPair::generate().unwrap();
        let params = authority(name, dates);
        let der = params.signed_by(&key, &self.issuer).unwrap().der().clone();
        let issuer = Issuer::new(params, key);
        Self { der, issuer }
    }

    /// Another certificate for the name and key of `other`.
    pub(crate) fn cross_signs(&self, name: &str, other: &Self, dates: Dates) -> Der {
        let signed = authority(name, dates).signed_by(other.issuer.key(), &self.issuer);
        signed.unwrap().der().clone()
    }

    /// A server's certificate, and its key.
    pub(crate) fn leaf(&self, name: &str, dates: Dates) -> (Der, KeyPair) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.distinguished_name = subject(name);
        valid(&mut params, dates);
        let der = params.signed_by(&key, &self.issuer).unwrap().der().clone();
        (der, key)
    }

    pub(crate) fn anchors(&self) -> TrustStore {
        TrustStore::new([self.der.clone()]).unwrap()
    }
}

/// Judges by what is remembered, and shows that the same is said without.
pub(crate) fn judged(
    verified: &VerifiedChains,
    presented: &[Der],
    anchors: &TrustStore,
    name: &str,
    now: Timestamp,
) -> Judged {
    let judged = verified.judge(&presented[0], &presented[1..], anchors, name, now);
    assert_eq!(judged.verdict, judge(presented, anchors, name, now), "{name} at {now}");
    assert_eq!(judged.id, ChainId::of(presented));
    assert!(judged.presented.0.iter().eq(presented.iter().map(AsRef::as_ref)));
    judged
}

/// A verdict without a fault.
pub(crate) fn good() -> ChainVerdict {
    ChainVerdict::default()
}

fn authority(name: &str, dates: Dates) -> CertificateParams {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name = subject(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    valid(&mut params, dates);
    params
}

fn subject(name: &str) -> DistinguishedName {
    let mut subject = DistinguishedName::new();
    subject.push(DnType::CommonName, name);
    subject
}

fn valid(params: &mut CertificateParams, (from, until): Dates) {
    let day = |seconds| {
        let seconds = u64::try_from(at(seconds).as_second()).unwrap();
        rcgen::date_time_ymd(1970, 1, 1) + Duration::from_secs(seconds)
    };
    (params.not_before, params.not_after) = (day(from), day(until));
}
