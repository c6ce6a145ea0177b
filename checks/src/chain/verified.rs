//! Verified chains, remembered: what is true of a presented chain whoever presents it is found out once, not at every
//! visit. Knows no socket; what proves the peer (its key, its name) is never remembered.

use std::num::NonZeroUsize;
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use lru::LruCache;
use rustls::client::verify_server_name;
use rustls::server::ParsedCertificate;
use rustls_pki_types::{CertificateDer, ServerName};
use x509_parser::prelude::{FromDer, X509Certificate};

use super::anchors::{AnchorsId, TrustStore};
use super::flaw::unusable_key;
use super::judge::{AHEAD, ChainVerdict, is_too_long, moment, path_end};
use crate::evidence::{CertificateChain, ChainId};

/// What an entry takes beside its certificates, in bytes: key, dates, links, allocations; rounded up.
const OVERHEAD: usize = 512;

/// How much is remembered at most. What was not needed for longest goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Chains, 1 and above.
    pub entries: NonZeroUsize,
    /// Bytes: the certificates, and 512 for each chain.
    pub bytes: usize,
}

/// 4096 chains and 16 MiB: enough for a fleet behind one wildcard and thousands of certificates beside it. With more
/// than fit, all in turn, each is verified at each visit, as if nothing were remembered.
impl Default for Limits {
    fn default() -> Self {
        Self {
            entries: NonZeroUsize::MIN.saturating_add(4095),
            bytes: 16 << 20,
        }
    }
}

/// A cache of chains that verified, shared by all visits of a process.
///
/// # What is shared, and why it is sound
/// Verifying a server takes three things, and one of them alone is remembered:
///
/// - **The path** from the leaf through what was sent beside it to a trusted root: the signatures, constraints, usages
///   and dates (RFC 5280, section 6). About half of what a handshake costs a client behind a public authority, and the
///   same for everybody who presents the same bytes. *Remembered.*
/// - **The name**: whether the leaf was issued for it (RFC 6125). *Checked at every visit.*
/// - **The key**: whether the peer can sign this very handshake with it (`CertificateVerify`, RFC 8446, section 4.4.3).
///   *Proved at every visit*, by the TLS library; no session is resumed, no connection is shared between names. A
///   chain is public: who presents a good one without its key gets nothing of what is remembered here.
///
/// The path is a pure function of the bytes sent (all of them, in their order, for path building may try each), of the
/// trust anchors, of the moment, and of the program (algorithms, the usage `serverAuth`). So its verdict is found again
/// by the SHA-256 over every certificate with its length before it ([`ChainId`]) and by the [`AnchorsId`]: one other
/// byte, one certificate more, another order or another set of roots is another entry. There is nothing else that it
/// could depend on: revocation is not looked at, and if it ever is, what it was read from belongs into the key.
///
/// The moment enters in one way only: it is compared with the two dates of certificates that were sent (a root's dates
/// are not read, as in every TLS library). Between two neighbouring ones of *all* these dates, no comparison can come
/// out differently, and so neither can the verdict. An entry is valid from the latest such date before the moment at
/// which it was found to the earliest after it. That lies within the intersection of the validities of the path that
/// was really built, whichever that is, for each of its certificates was valid at that moment; where other
/// certificates were sent beside the path it may be shorter, never longer. A certificate that can't be read leaves
/// these dates unknown: then nothing is remembered. No age limit besides is needed.
///
/// A refusal is never remembered. One by dates passes by itself; any other is cheap to find again, for no signature is
/// verified before a path ends at a root, and the worst that an entry can ever mean is "yes".
#[derive(Debug)]
pub struct VerifiedChains {
    limits: Limits,
    kept: Mutex<Kept>,
}

#[derive(Debug)]
struct Kept {
    chains: LruCache<(AnchorsId, ChainId), Verified>,
    bytes: usize,
}

#[derive(Debug)]
struct Verified {
    presented: Arc<CertificateChain>,
    /// Seconds since 1970, both inclusive.
    valid: RangeInclusive<u64>,
    /// When the first intermediate ends without which no path stands, where that is near.
    path_ends: Option<Timestamp>,
}

/// A presented chain and its verdict.
#[derive(Clone, Debug, PartialEq)]
pub struct Judged {
    /// The name of the chain.
    pub id: ChainId,
    /// The chain; where it is remembered, without a copy.
    pub presented: Arc<CertificateChain>,
    /// What is wrong with it.
    pub verdict: ChainVerdict,
}

impl Default for VerifiedChains {
    fn default() -> Self {
        Self::new(Limits::default())
    }
}

impl VerifiedChains {
    /// Remembers nothing yet.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        let chains = LruCache::unbounded();
        Self {
            limits,
            kept: Mutex::new(Kept { chains, bytes: 0 }),
        }
    }

    /// Judges a chain exactly as [`judge`](super::judge) does, and remembers the path where it verifies.
    #[must_use]
    pub fn judge(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        anchors: &TrustStore,
        name: &str,
        now: Timestamp,
    ) -> Judged {
        let sent = || std::iter::once(leaf).chain(intermediates);
        let id = ChainId::of(sent());
        let known = self.find((anchors.id(), id), moment(now).as_secs());
        let Ok(server_name) = ServerName::try_from(name) else {
            return Judged {
                id,
                presented: known.map_or_else(|| copy(sent()), |(presented, _)| presented),
                verdict: ChainVerdict::no_server_name(name),
            };
        };
        if is_too_long(sent()) {
            let (presented, verdict) = (copy(sent()), ChainVerdict::too_long());
            return Judged { id, presented, verdict };
        }
        let path = match &known {
            Some(_) => Ok(()),
            None => anchors.verify_path(leaf, intermediates, moment(now)),
        };
        let weak = match (&known, &path) {
            (None, Ok(())) => unusable_key(leaf),
            _ => None,
        };
        let (presented, path_ends) = known.unwrap_or_else(|| {
            let (presented, verifies) = (copy(sent()), path.is_ok() && weak.is_none());
            let ends = verifies.then(|| path_end(leaf, intermediates, anchors, now)).flatten();
            if verifies {
                self.keep((anchors.id(), id), &presented, ends, moment(now).as_secs());
            }
            (presented, ends)
        });
        let named = path.and_then(|()| verify_server_name(&ParsedCertificate::try_from(leaf)?, &server_name));
        let verdict = named.map_or_else(
            |error| ChainVerdict::refused(&error, &presented.0, name, now),
            |()| match &weak {
                Some(flaw) => ChainVerdict::unusable(flaw),
                None => ChainVerdict {
                    path_ends,
                    ..ChainVerdict::default()
                },
            },
        );
        Judged { id, presented, verdict }
    }

    /// How many chains are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lock(|kept| kept.chains.len())
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What they take, as [`Limits::bytes`] counts.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.lock(|kept| kept.bytes)
    }

    fn find(&self, key: (AnchorsId, ChainId), at: u64) -> Option<(Arc<CertificateChain>, Option<Timestamp>)> {
        self.lock(|kept| {
            let known = kept.chains.get(&key)?;
            let fits = known.valid.contains(&at);
            fits.then(|| (Arc::clone(&known.presented), known.path_ends))
        })
    }

    fn keep(
        &self,
        key: (AnchorsId, ChainId),
        presented: &Arc<CertificateChain>,
        path_ends: Option<Timestamp>,
        at: u64,
    ) {
        let size = size(presented);
        let Some(valid) = validity(presented, at) else { return };
        if size > self.limits.bytes {
            return;
        }
        let presented = Arc::clone(presented);
        self.lock(|kept| {
            kept.bytes += size;
            let verified = Verified {
                presented,
                valid,
                path_ends,
            };
            let before = kept.chains.put(key, verified);
            kept.forget(before);
            while kept.bytes > self.limits.bytes || kept.chains.len() > self.limits.entries.get() {
                let oldest = kept.chains.pop_lru().map(|(_, oldest)| oldest);
                kept.forget(oldest);
            }
        });
    }

    /// Never held while something is verified.
    fn lock<T>(&self, act: impl FnOnce(&mut Kept) -> T) -> T {
        act(&mut self.kept.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Kept {
    fn forget(&mut self, gone: Option<Verified>) {
        self.bytes -= gone.map_or(0, |gone| size(&gone.presented));
    }
}

fn copy<'a>(sent: impl Iterator<Item = &'a CertificateDer<'a>>) -> Arc<CertificateChain> {
    Arc::new(CertificateChain(sent.map(|der| der.to_vec()).collect()))
}

fn size(presented: &CertificateChain) -> usize {
    presented.0.iter().map(Vec::len).sum::<usize>() + OVERHEAD
}

/// The seconds around `at` in which no certificate begins or ceases to be valid; `None` where the dates of one can't
/// be read.
fn validity(presented: &CertificateChain, at: u64) -> Option<RangeInclusive<u64>> {
    let (mut from, mut until) = (0, u64::MAX);
    for der in &presented.0 {
        let (_, certificate) = X509Certificate::from_der(der).ok()?;
        let dates = certificate.validity();
        // Valid from the first second on, and through the whole of the last; before its end it is looked for what could
        // stand for it.
        let changes = [
            dates.not_before.timestamp(),
            dates.not_after.timestamp().saturating_sub(AHEAD),
            dates.not_after.timestamp().saturating_add(1),
        ];
        for change in changes.map(|change| u64::try_from(change).unwrap_or_default()) {
            if change <= at {
                from = from.max(change);
            } else {
                until = until.min(change - 1);
            }
        }
    }
    Some(from..=until)
}
