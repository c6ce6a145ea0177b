//! Trust anchors: the roots that a chain must end at, and the verifier that goes by them.

use std::fmt;
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::client::{WebPkiServerVerifier, verify_server_cert_signed_by_trust_anchor};
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::server::ParsedCertificate;
use rustls_pki_types::{CertificateDer, UnixTime};

/// The roots that a chain must end at.
#[derive(Clone, Debug)]
pub struct TrustStore {
    verifier: Arc<WebPkiServerVerifier>,
    roots: Arc<RootCertStore>,
    algorithms: WebPkiSupportedAlgorithms,
    id: AnchorsId,
}

/// Identity of a set of trust anchors: the SHA-256 over what verifying reads of each (its name, its key, its name
/// constraints), in their order. Two sets with the same id verify the same chains.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct AnchorsId([u8; 32]);

impl fmt::Debug for AnchorsId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Why a set of roots can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnchorsError {
    /// No certificate could be taken as a root.
    #[error("there is no usable root certificate: install the system's (Debian: ca-certificates) or name a ca_file")]
    None,
}

impl TrustStore {
    /// Takes the roots that can be used and passes over those that can't, as TLS libraries do.
    ///
    /// # Errors
    /// [`AnchorsError::None`] where not one can be used.
    pub fn new(roots: impl IntoIterator<Item = CertificateDer<'static>>) -> Result<Self, AnchorsError> {
        let mut store = RootCertStore::empty();
        store.add_parsable_certificates(roots);
        let roots = Arc::new(store);
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let algorithms = provider.signature_verification_algorithms;
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::clone(&roots), provider).build();
        Ok(Self {
            verifier: verifier.map_err(|_| AnchorsError::None)?,
            id: AnchorsId::of(&roots),
            roots,
            algorithms,
        })
    }

    /// The verifier behind it, for a TLS library.
    #[must_use]
    pub fn verifier(&self) -> &Arc<WebPkiServerVerifier> {
        &self.verifier
    }

    /// The identity of these roots.
    #[must_use]
    pub fn id(&self) -> AnchorsId {
        self.id
    }

    /// The part of a verification that no name has to do with: a path from the leaf to a root, at a moment.
    pub(super) fn verify_path(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        moment: UnixTime,
    ) -> Result<(), rustls::Error> {
        let leaf = ParsedCertificate::try_from(leaf)?;
        verify_server_cert_signed_by_trust_anchor(&leaf, &self.roots, intermediates, moment, self.algorithms.all)
    }
}

impl AnchorsId {
    fn of(roots: &RootCertStore) -> Self {
        let mut hash = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256);
        let mut add = |part: &[u8]| {
            hash.update(&(part.len() as u64).to_be_bytes());
            hash.update(part);
        };
        for root in &roots.roots {
            add(&root.subject);
            add(&root.subject_public_key_info);
            // None and an empty one are not the same.
            add(if root.name_constraints.is_some() {
                b"constrained"
            } else {
                b""
            });
            add(root.name_constraints.as_ref().map_or(&[], |constraints| constraints));
        }
        let mut id = [0; 32];
        id.copy_from_slice(hash.finish().as_ref());
        Self(id)
    }
}
