//! What a dispatcher goes on from: how things were before this process.

use roundsman_alerts::Looks;

use super::*;
use crate::watch::memory::TenantMemory;

/// A tenant from before this process whom no source named since it began.
pub(super) struct Unnamed {
    pub memory: TenantMemory,
    /// In how many readings of the inventory in a row it was missing.
    pub absent: u8,
}

/// Tenants from before this process, none of them named yet.
pub(super) fn unnamed(memories: Vec<TenantMemory>) -> HashMap<TenantId, Unnamed> {
    let unnamed = |memory: TenantMemory| (TenantId::new(&*memory.tenant), Unnamed { memory, absent: 0 });
    memories.into_iter().map(unnamed).collect()
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
