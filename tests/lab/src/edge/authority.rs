//! The lab's certificate authorities, and the TLS configurations made of what they issue.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, NameConstraints, RsaKeySize,
};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::server::{ClientHello, ResolvesServerCert, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;
use rustls::{RootCertStore, ServerConfig};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use super::behaviour::{CertificateSpec, Chain, DAY, LIFETIME, Odd, Signer};
use super::extensions;
use crate::clock;
use crate::error::LabError;
use crate::options::RootKey;

const LONG_CHAIN: usize = 1000;

/// Session tickets of a server that has too many.
const TICKETS: usize = 20_000;

/// The trusted authority, one that nobody trusts, and the certificates made so far.
pub(crate) struct Authority {
    provider: Arc<CryptoProvider>,
    root: Intermediate,
    key: RootKey,
    trusted: Intermediate,
    other: Intermediate,
    minted: Mutex<HashMap<CertificateSpec, Arc<CertifiedKey>>>,
}

type Intermediate = CertifiedIssuer<'static, KeyPair>;

impl Authority {
    pub(crate) fn new(key: RootKey) -> Result<Self, LabError> {
        let root = root("Roundsman Lab Root", root_key(key)?)?;
        let stranger = root_of_nobody()?;
        Ok(Self {
            provider: Arc::new(aws_lc_rs::default_provider()),
            trusted: intermediate("Let's Encrypt", "E7", key, &root)?,
            other: intermediate("Nobody's CA", "N1", key, &stranger)?,
            root,
            key,
            minted: Mutex::default(),
        })
    }

    pub(crate) fn root_pem(&self) -> String {
        self.root.pem()
    }

    /// The certificate of this description, made now or before.
    pub(crate) fn mint(&self, spec: &CertificateSpec) -> Result<Arc<CertifiedKey>, LabError> {
        let mut minted = self.minted.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = minted.get(spec) {
            return Ok(Arc::clone(key));
        }
        let key = Arc::new(self.make(spec)?);
        minted.insert(spec.clone(), Arc::clone(&key));
        Ok(key)
    }

    /// A TLS configuration that presents this certificate, with sessions of its own: what was
    /// resumed from another would hide the certificate.
    pub(crate) fn configuration(
        &self,
        spec: &CertificateSpec,
        http1_only: bool,
    ) -> Result<Arc<ServerConfig>, LabError> {
        let mut config = ServerConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(Presents(self.mint(spec)?)));
        let protocols: &[&[u8]] = if http1_only {
            &[b"http/1.1"]
        } else {
            &[b"h2", b"http/1.1"]
        };
        config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
        Ok(Arc::new(config))
    }

    /// The same configuration with thousands of session tickets for each client.
    pub(crate) fn generous(config: &ServerConfig) -> Arc<ServerConfig> {
        let mut config = config.clone();
        config.send_tls13_tickets = TICKETS;
        Arc::new(config)
    }

    /// The same configuration for clients that have a certificate of the lab's.
    pub(crate) fn for_clients_with_certificate(&self, config: &ServerConfig) -> Result<Arc<ServerConfig>, LabError> {
        let mut roots = RootCertStore::empty();
        roots.add(self.trusted.der().clone())?;
        let clients = WebPkiClientVerifier::builder_with_provider(roots.into(), Arc::clone(&self.provider));
        let clients = clients
            .build()
            .map_err(|error| rustls::Error::General(error.to_string()))?;
        let mut choosy = ServerConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_safe_default_protocol_versions()?
            .with_client_cert_verifier(clients)
            .with_cert_resolver(Arc::clone(&config.cert_resolver));
        choosy.alpn_protocols.clone_from(&config.alpn_protocols);
        Ok(Arc::new(choosy))
    }

    fn make(&self, spec: &CertificateSpec) -> Result<CertifiedKey, LabError> {
        let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?;
        let params = leaf(spec)?;
        let odd = self.odd_intermediate(spec)?;
        let (leaf, above) = match spec.signer {
            Signer::Lab if let Some(odd) = &odd => (signed(&params, &key, odd)?, Some(odd)),
            Signer::Lab => (signed(&params, &key, &self.trusted)?, Some(&self.trusted)),
            Signer::OtherRoot => (signed(&params, &key, &self.other)?, Some(&self.other)),
            Signer::Itself => (params.self_signed(&key)?.der().clone(), None),
        };
        let copies = match spec.chain {
            Chain::Full => 1,
            Chain::LeafOnly => 0,
            Chain::Long => LONG_CHAIN - 1,
        };
        let mut chain = vec![leaf];
        chain.extend(
            above
                .into_iter()
                .cycle()
                .take(copies)
                .map(|issuer| issuer.der().clone()),
        );
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        Ok(CertifiedKey::new(
            chain,
            self.provider.key_provider.load_private_key(key)?,
        ))
    }
}

impl Authority {
    /// An intermediate of its own, where what is wrong is wrong with it.
    fn odd_intermediate(&self, spec: &CertificateSpec) -> Result<Option<Intermediate>, LabError> {
        let now = clock::lab_seconds(spec.clock_offset);
        let until = match spec.odd {
            Odd::IntermediateExpired => now - DAY,
            Odd::IntermediateExpiring => now + 10 * DAY,
            Odd::Constrained => now + 3_650 * DAY,
            _ => return Ok(None),
        };
        let mut params = below_a_root("Let's Encrypt", "E6");
        valid(&mut params, now - 3_650 * DAY, until);
        if spec.odd == Odd::Constrained {
            params.name_constraints = Some(NameConstraints {
                permitted_subtrees: vec![GeneralSubtree::DnsName("elsewhere.example".into())],
                excluded_subtrees: Vec::new(),
            });
        }
        let key = intermediate_key(self.key)?;
        Ok(Some(CertifiedIssuer::signed_by(params, key, &self.root)?))
    }
}

/// Presents one certificate. Which one was decided from the name in the ClientHello before.
#[derive(Debug)]
struct Presents(Arc<CertifiedKey>);

impl ResolvesServerCert for Presents {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }
}

fn signed(
    params: &CertificateParams,
    key: &KeyPair,
    issuer: &Issuer<'static, KeyPair>,
) -> Result<CertificateDer<'static>, LabError> {
    Ok(params.signed_by(key, issuer)?.der().clone())
}

fn leaf(spec: &CertificateSpec) -> Result<CertificateParams, LabError> {
    let mut params = CertificateParams::new(vec![spec.name.clone()])?;
    let now = clock::lab_seconds(spec.clock_offset);
    let until = spec.validity.until(now);
    valid(&mut params, until - LIFETIME, until);
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, spec.name.as_str());
    params.is_ca = IsCa::ExplicitNoCa;
    params.use_authority_key_identifier_extension = true;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.custom_extensions = vec![
        extensions::issuer_location(),
        extensions::log_timestamps(until - LIFETIME),
    ];
    match spec.odd {
        Odd::Client => params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth],
        Odd::Authority => params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0)),
        Odd::Critical => params.custom_extensions.push(extensions::unknown()),
        _ => {}
    }
    Ok(params)
}

fn root_key(key: RootKey) -> Result<KeyPair, LabError> {
    Ok(match key {
        RootKey::P256 => KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?,
        RootKey::P384 => KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384)?,
        RootKey::Rsa4096 => KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, RsaKeySize::_4096)?,
    })
}

fn root_of_nobody() -> Result<Intermediate, LabError> {
    root("Nobody's Root", root_key(RootKey::P384)?)
}

fn root(name: &str, key: KeyPair) -> Result<Intermediate, LabError> {
    let params = authority("Roundsman Lab", name, BasicConstraints::Unconstrained);
    Ok(CertifiedIssuer::self_signed(params, key)?)
}

fn intermediate(
    organization: &str,
    name: &str,
    root_key: RootKey,
    root: &Intermediate,
) -> Result<Intermediate, LabError> {
    let params = below_a_root(organization, name);
    Ok(CertifiedIssuer::signed_by(params, intermediate_key(root_key)?, root)?)
}

fn intermediate_key(root_key: RootKey) -> Result<KeyPair, LabError> {
    Ok(KeyPair::generate_for(match root_key {
        RootKey::P256 => &rcgen::PKCS_ECDSA_P256_SHA256,
        RootKey::P384 | RootKey::Rsa4096 => &rcgen::PKCS_ECDSA_P384_SHA384,
    })?)
}

fn below_a_root(organization: &str, name: &str) -> CertificateParams {
    let mut params = authority(organization, name, BasicConstraints::Constrained(0));
    params.use_authority_key_identifier_extension = true;
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params
}

/// Authorities are valid for long in both directions: only leaves tell a wrong clock.
fn authority(organization: &str, name: &str, depth: BasicConstraints) -> CertificateParams {
    let mut params = CertificateParams::default();
    let now = clock::lab_seconds(0);
    valid(&mut params, now - 3_650 * DAY, now + 3_650 * DAY);
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CountryName, "US");
    params.distinguished_name.push(DnType::OrganizationName, organization);
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(depth);
    params.key_usages = vec![
        KeyUsagePurpose::DigitalSignature,
        KeyUsagePurpose::KeyCertSign,
        KeyUsagePurpose::CrlSign,
    ];
    params
}

fn valid(params: &mut CertificateParams, from: i64, until: i64) {
    let epoch = rcgen::date_time_ymd(1970, 1, 1);
    let at = |seconds: i64| epoch + Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
    params.not_before = at(from);
    params.not_after = at(until);
}
