//! Certificates for real servers: a chain as Let's Encrypt's (P-256 leaf, P-384 intermediate, RSA root), and its
//! broken relatives.

use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, RsaKeySize,
};
use roundsman_checks::chain::TrustStore;

type Issuer = CertifiedIssuer<'static, KeyPair>;

const DAY: i64 = 86_400;

/// An authority: a root, and two intermediates, the second signed by the first.
pub(crate) struct Authority {
    root: Issuer,
    first: Issuer,
    second: Issuer,
}

/// What a server presents: PEM, in the order sent, and the leaf's key.
pub(crate) struct Presented {
    pub chain: Vec<String>,
    pub key: String,
}

/// When a leaf is valid, in days from now.
#[derive(Clone, Copy)]
pub(crate) struct Days(pub i64, pub i64);

/// A certificate in the middle of its life.
pub(crate) const NOW: Days = Days(-30, 60);

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let key = KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap();
        let root = Issuer::self_signed(issuer(name, "Root", BasicConstraints::Unconstrained), key).unwrap();
        let below = |label, depth, above: &Issuer| {
            let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).unwrap();
            let params = issuer(name, label, BasicConstraints::Constrained(depth));
            Issuer::signed_by(params, key, above).unwrap()
        };
        let first = below("E1", 1, &root);
        let second = below("E2", 0, &first);
        Self { root, first, second }
    }

    /// This authority's root alone, trusted.
    pub(crate) fn anchors(&self) -> TrustStore {
        TrustStore::new([self.root.der().clone()]).unwrap()
    }

    /// The root, as PEM.
    pub(crate) fn root_pem(&self) -> String {
        self.root.pem()
    }

    /// A leaf and its intermediate.
    pub(crate) fn chain(&self, name: &str, days: Days) -> Presented {
        let (leaf, key) = leaf(name, days, &self.first);
        Presented {
            chain: vec![leaf, self.first.pem()],
            key,
        }
    }

    /// A leaf that came without its intermediate.
    pub(crate) fn leaf_alone(&self, name: &str) -> Presented {
        let Presented { mut chain, key } = self.chain(name, NOW);
        chain.truncate(1);
        Presented { chain, key }
    }

    /// A leaf of the second intermediate, with both in the wrong order and the root in front of them.
    pub(crate) fn in_wrong_order(&self, name: &str) -> Presented {
        let (leaf, key) = leaf(name, NOW, &self.second);
        let chain = vec![leaf, self.root.pem(), self.first.pem(), self.second.pem()];
        Presented { chain, key }
    }
}

/// A leaf that is its own issuer.
pub(crate) fn self_signed(name: &str) -> Presented {
    let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    let chain = vec![params_of_leaf(name, NOW).self_signed(&key).unwrap().pem()];
    let key = key.serialize_pem();
    Presented { chain, key }
}

fn leaf(name: &str, days: Days, issuer: &Issuer) -> (String, String) {
    let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    let leaf = params_of_leaf(name, days).signed_by(&key, issuer).unwrap();
    (leaf.pem(), key.serialize_pem())
}

fn params_of_leaf(name: &str, days: Days) -> CertificateParams {
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::ExplicitNoCa;
    params.use_authority_key_identifier_extension = true;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    valid(&mut params, days);
    params
}

fn issuer(organization: &str, label: &str, depth: BasicConstraints) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::OrganizationName, organization);
    params
        .distinguished_name
        .push(DnType::CommonName, format!("{organization} {label}"));
    params.is_ca = IsCa::Ca(depth);
    params.use_authority_key_identifier_extension = true;
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    valid(&mut params, Days(-1000, 1000));
    params
}

fn valid(params: &mut CertificateParams, Days(from, until): Days) {
    let now = roundsman::agent::clock::now().as_second();
    let at = |days: i64| {
        let seconds = u64::try_from(now + days * DAY).unwrap();
        rcgen::date_time_ymd(1970, 1, 1) + Duration::from_secs(seconds)
    };
    (params.not_before, params.not_after) = (at(from), at(until));
}
