//! What a dispatcher goes on from: how things were before this process.

use roundsman_alerts::Looks;
use roundsman_checks::target::Tenant;

use super::*;
use crate::watch::memory::TenantMemory;

/// A tenant from before this process whom no source named since it began.
#[derive(Default)]
pub(super) struct Unnamed {
    /// How it was; `None` where it was never examined.
    pub memory: Option<TenantMemory>,
    /// Who it is; `None` where only its id was kept.
    pub tenant: Option<Arc<Tenant>>,
    /// Whether its end is nobody's business.
    pub by_hand: bool,
    /// In how many readings of the inventory in a row it was missing.
    pub absent: u8,
}

/// Tenants from before this process, none of them named yet.
pub(super) fn unnamed(memories: Vec<TenantMemory>, inventory: Vec<(Arc<Tenant>, bool)>) -> HashMap<TenantId, Unnamed> {
    let mut all = HashMap::<_, Unnamed>::with_capacity(inventory.len());
    for memory in memories {
        let unnamed = all.entry(TenantId::new(&*memory.tenant)).or_default();
        unnamed.by_hand = memory.by_hand;
        unnamed.memory = Some(memory);
    }
    for (tenant, by_hand) in inventory {
        let unnamed = all.entry(tenant.id.clone()).or_default();
        (unnamed.by_hand, unnamed.tenant) = (by_hand, Some(tenant));
    }
    all
}

/// Whether nothing could be seen when the process before this one ended: until something can, nothing counts.
pub(super) fn was_blind(book: &Book) -> bool {
    let going_on = book.iter().filter(|incident| incident.state() != State::Resolved);
    let mut causes = going_on.filter_map(|incident| incident.core().key.cause.parse().ok());
    causes.any(blinds)
}

/// Everything shared that the book knows of.
pub(super) fn told_of(book: &Book) -> SharedState {
    let mut shared = SharedState::default();
    let keys = book.iter().map(|incident| &incident.core().key);
    for key in keys.chain(book.keys_of_looks()).filter(|key| &*key.scope != "tenant") {
        if let Ok(cause) = key.cause.parse::<Cause>() {
            shared.told(key, cause);
        }
    }
    shared
}

/// What the book knows of a tenant of its own.
pub(super) fn keys_of(book: &Book, tenant: &TenantId) -> Vec<Key> {
    let is_witness = |core: &&roundsman_alerts::Core| core.witnesses.contains_key(tenant.as_str());
    let known = book.iter().map(Incident::core).filter(is_witness).map(|core| &core.key);
    let looked = |key: &&Key| book.looks(key).map(Looks::witness) == Some(tenant.as_str());
    let known = known.chain(book.keys_of_looks().filter(looked));
    known.filter(|key| &*key.scope == "tenant").cloned().collect()
}
