//! The trust anchors: the system's roots, Mozilla's, and those of a file.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read as _};
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
    let mut roots = of_system();
    roots.extend(webpki_roots_ders());
    if let Some(path) = ca_file {
        roots.extend(from_file(path)?);
    }
    let mut seen = HashSet::new();
    roots.retain(|root| seen.insert(root.clone()));
    Ok(roots)
}

/// The longest file of roots that is read, in bytes: the system's own has a quarter of a megabyte.
const MOST_OF_A_FILE: u64 = 16 << 20;
/// Most files of a folder of roots that are looked at.
const MOST_FILES: usize = 10_000;

/// The roots of the system, or those that `SSL_CERT_FILE` and `SSL_CERT_DIR` name in their place. Who sets these may name
/// anything: only files are read, and only so much of them.
fn of_system() -> Vec<CertificateDer<'static>> {
    let named = |name| std::env::var_os(name).filter(|value: &OsString| !value.is_empty());
    match (named("SSL_CERT_FILE"), named("SSL_CERT_DIR")) {
        (None, None) => rustls_native_certs::load_native_certs().certs,
        (file, folders) => {
            let mut roots = file.map(|file| readable(Path::new(&file))).unwrap_or_default();
            for folder in folders.iter().flat_map(std::env::split_paths) {
                let entries = std::fs::read_dir(folder).into_iter().flatten().take(MOST_FILES);
                roots.extend(entries.flatten().flat_map(|entry| readable(&entry.path())));
            }
            roots
        }
    }
}

/// The certificates of a file; none where it is no file, is too long, or holds something else.
fn readable(path: &Path) -> Vec<CertificateDer<'static>> {
    let bytes = whole(path).unwrap_or_default();
    CertificateDer::pem_slice_iter(&bytes).flatten().collect()
}

/// A whole file. Devices, pipes and what the kernel makes up while it is read have no length and no end.
fn whole(path: &Path) -> io::Result<Vec<u8>> {
    let refused = |why: String| Err(io::Error::new(io::ErrorKind::InvalidInput, why));
    // Looked at first: to open a pipe waits for who writes into it.
    let metadata = std::fs::metadata(path)?;
    if !metadata.is_file() {
        return refused("it is no file".into());
    }
    if metadata.len() > MOST_OF_A_FILE {
        return refused(format!("it is longer than {} MiB", MOST_OF_A_FILE >> 20));
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(metadata.len()).read_to_end(&mut bytes)?;
    Ok(bytes)
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
    let bytes = whole(path).map_err(|error| wrong(error.to_string()))?;
    let roots = CertificateDer::pem_slice_iter(&bytes)
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
