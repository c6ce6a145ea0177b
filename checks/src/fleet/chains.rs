//! Presented chains, each once, with what they say of themselves. Grows while tenants are visited; what a chain says
//! depends on its bytes alone, so that it does not matter who asks when.

use std::collections::{BTreeMap, HashMap};
use std::num::NonZeroUsize;
use std::sync::{Arc, PoisonError, RwLock};

use jiff::Timestamp;
use lru::LruCache;

use crate::chain::{Facts, Flawed, Link, flaws, links};
use crate::evidence::{CertificateChain, ChainId};

/// Names a chain of a store in four bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ChainKey(u32);

/// The chains that were seen: all of a round, or the last ones of a process that goes on.
#[derive(Debug)]
pub struct ChainStore(RwLock<Chains>);

#[derive(Debug)]
struct Chains {
    keys: HashMap<ChainId, ChainKey>,
    all: LruCache<ChainKey, Kept>,
    next: u32,
}

#[derive(Debug)]
struct Kept {
    id: ChainId,
    presented: Arc<CertificateChain>,
    facts: Option<Arc<Facts>>,
}

impl Chains {
    fn known(&self, id: ChainId) -> Option<&Kept> {
        self.all.peek(self.keys.get(&id)?)
    }
}

impl Default for ChainStore {
    fn default() -> Self {
        Self::keeping(LruCache::unbounded())
    }
}

impl ChainStore {
    /// A store of the chains that were served last, at most so many: for a process that never ends.
    #[must_use]
    pub fn bounded(most: NonZeroUsize) -> Self {
        Self::keeping(LruCache::new(most))
    }

    fn keeping(all: LruCache<ChainKey, Kept>) -> Self {
        Self(RwLock::new(Chains {
            keys: HashMap::new(),
            all,
            next: 0,
        }))
    }

    /// A store of these chains.
    #[must_use]
    pub fn of(chains: &BTreeMap<ChainId, Arc<CertificateChain>>) -> Self {
        let store = Self::default();
        for (id, presented) in chains {
            store.insert(*id, Arc::clone(presented));
        }
        store
    }

    /// Takes a chain up, and gives back what is kept of it: the same for all who were served it.
    pub fn insert(&self, id: ChainId, presented: Arc<CertificateChain>) -> Arc<CertificateChain> {
        let mut chains = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = chains.keys.get(&id).copied()
            && let Some(known) = chains.all.get(&key)
        {
            return Arc::clone(&known.presented);
        }
        let key = ChainKey(chains.next);
        chains.next = chains.next.wrapping_add(1);
        chains.keys.insert(id, key);
        let kept = Kept {
            id,
            facts: Facts::read(&presented.0).ok().map(Arc::new),
            presented: Arc::clone(&presented),
        };
        if let Some((_, forgotten)) = chains.all.push(key, kept) {
            chains.keys.remove(&forgotten.id);
        }
        presented
    }

    /// What a chain says of itself; `None` where it was not seen or can't be read.
    #[must_use]
    pub fn facts(&self, id: ChainId) -> Option<Arc<Facts>> {
        let chains = self.0.read().unwrap_or_else(PoisonError::into_inner);
        chains.known(id)?.facts.clone()
    }

    /// What is wrong with the certificates of a chain, whoever judges it.
    #[must_use]
    pub fn flaws(&self, id: ChainId, now: Timestamp) -> Vec<Flawed> {
        let chains = self.0.read().unwrap_or_else(PoisonError::into_inner);
        chains
            .known(id)
            .map_or_else(Vec::new, |kept| flaws(&kept.presented.0, now))
    }

    /// The certificates of a chain one by one; none where it was not seen.
    #[must_use]
    pub fn links(&self, id: ChainId) -> Vec<Option<Link>> {
        let chains = self.0.read().unwrap_or_else(PoisonError::into_inner);
        chains.known(id).map_or_else(Vec::new, |kept| links(&kept.presented.0))
    }

    /// The short name of a chain that was seen.
    #[must_use]
    pub fn key(&self, id: ChainId) -> Option<ChainKey> {
        let chains = self.0.read().unwrap_or_else(PoisonError::into_inner);
        chains.keys.get(&id).copied()
    }

    /// The chain of a short name.
    #[must_use]
    pub fn id(&self, key: ChainKey) -> Option<ChainId> {
        let chains = self.0.read().unwrap_or_else(PoisonError::into_inner);
        chains.all.peek(&key).map(|kept| kept.id)
    }

    /// All chains, by id.
    #[must_use]
    pub fn presented(&self) -> BTreeMap<ChainId, Arc<CertificateChain>> {
        let chains = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let all = chains.all.iter();
        all.map(|(_, kept)| (kept.id, Arc::clone(&kept.presented))).collect()
    }
}
