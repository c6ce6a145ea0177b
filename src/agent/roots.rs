//! The trust anchors: the system's roots, Mozilla's, and those of a file.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use roundsman_checks::chain::{AnchorsError, TrustStore};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use thiserror::Error;

/// Why the roots can't be had.
#[derive(Debug, Error)]
pub enum RootsError {
    /// The file of `[edge] ca_file` can't be read as PEM.
    #[error("[edge] ca_file: {path}: {detail}; expected a file of PEM certificates (`-----BEGIN CERTIFICATE-----`)")]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        detail: String,
    },
    /// Not one root is usable.
    #[error(transparent)]
    TrustStore(#[from] AnchorsError),
}

/// Gathers the roots, each once. What the system can't give is Mozilla's to give: a missing system store is no error.
///
/// # Errors
/// [`RootsError::File`] where the file can't be used.
pub fn roots(ca_file: Option<&Path>) -> Result<Vec<CertificateDer<'static>>, RootsError> {
    let mut roots = rustls_native_certs::load_native_certs().certs;
    roots.extend(webpki_roots_ders());
    if let Some(path) = ca_file {
        roots.extend(from_file(path)?);
    }
    let mut seen = HashSet::new();
    roots.retain(|root| seen.insert(root.clone()));
    Ok(roots)
}

/// The roots, ready to judge by.
///
/// # Errors
/// [`RootsError`] where the file can't be used, or no root at all is there.
pub fn anchors(ca_file: Option<&Path>) -> Result<TrustStore, RootsError> {
    Ok(TrustStore::new(roots(ca_file)?)?)
}

fn from_file(path: &Path) -> Result<Vec<CertificateDer<'static>>, RootsError> {
    let wrong = |detail: String| RootsError::File {
        path: path.to_owned(),
        detail,
    };
    let roots = CertificateDer::pem_file_iter(path).map_err(|error| wrong(error.to_string()))?;
    let roots = roots
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| wrong(error.to_string()))?;
    if roots.is_empty() {
        Err(wrong("it holds no certificate".into()))
    } else {
        Ok(roots)
    }
}

fn webpki_roots_ders() -> impl Iterator<Item = CertificateDer<'static>> {
    webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().cloned()
}
