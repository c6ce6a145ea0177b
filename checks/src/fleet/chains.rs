//! Presented chains, each once, with what they say of themselves. Grows while tenants are visited; what a chain says
//! depends on its bytes alone, so that it does not matter who asks when.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, PoisonError, RwLock};

use jiff::Timestamp;

use crate::chain::{Facts, Flawed, Link, flaws, links};
use crate::evidence::ChainId;
use crate::world::CertificateChain;

/// Names a chain of a store in four bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ChainKey(u32);

/// The chains that were seen.
#[derive(Debug, Default)]
pub struct ChainStore(RwLock<Chains>);

#[derive(Debug, Default)]
struct Chains {
    keys: HashMap<ChainId, ChainKey>,
    all: Vec<(ChainId, Arc<CertificateChain>, Option<Arc<Facts>>)>,
}

impl ChainStore {
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
        if let Some((_, known, _)) = chains.keys.get(&id).and_then(|key| chains.all.get(key.0 as usize)) {
            return Arc::clone(known);
        }
        let key = ChainKey(u32::try_from(chains.all.len()).unwrap_or(u32::MAX));
        let facts = Facts::read(&presented.0).ok().map(Arc::new);
        chains.keys.insert(id, key);
        chains.all.push((id, Arc::clone(&presented), facts));
        presented
    }

    /// What a chain says of itself; `None` where it was not seen or can't be read.
    #[must_use]
    pub fn facts(&self, id: ChainId) -> Option<Arc<Facts>> {
        let chains = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let key = chains.keys.get(&id)?;
        chains.all.get(key.0 as usize)?.2.clone()
    }

    /// What is wrong with the certificates of a chain, whoever judges it.
    #[must_use]
    pub fn flaws(&self, id: ChainId, now: Timestamp) -> Vec<Flawed> {
        let chains = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let known = chains.keys.get(&id).and_then(|key| chains.all.get(key.0 as usize));
        known.map_or_else(Vec::new, |(_, presented, _)| flaws(&presented.0, now))
    }

    /// The certificates of a chain one by one; none where it was not seen.
    #[must_use]
    pub fn links(&self, id: ChainId) -> Vec<Option<Link>> {
        let chains = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let known = chains.keys.get(&id).and_then(|key| chains.all.get(key.0 as usize));
        known.map_or_else(Vec::new, |(_, presented, _)| links(&presented.0))
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
        chains.all.get(key.0 as usize).map(|(id, _, _)| *id)
    }

    /// All chains, by id.
    #[must_use]
    pub fn presented(&self) -> BTreeMap<ChainId, Arc<CertificateChain>> {
        let chains = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let all = chains.all.iter();
        all.map(|(id, presented, _)| (*id, Arc::clone(presented))).collect()
    }
}
