//! What is proven of more than one tenant, and whom it concerns. Keeps who is a member by the latest looks, and what the
//! book of incidents was told of it.

use roundsman_alerts::Key;
use roundsman_checks::diagnosis::{Blame, Cause, CauseEntry, Object, Scope, Shared, entries_of};
use roundsman_checks::finding::{Check, Outcome};
use std::collections::{BTreeMap, BTreeSet};

use super::event::TenantIx;
use super::signal;

/// Whether a cause of the agent hides everything else.
pub(super) fn blinds(cause: Cause) -> bool {
    matches!(
        cause,
        Cause::AgentExhausted | Cause::VantageOffline | Cause::VantageDnsBlocked | Cause::ClockWrong
    )
}

/// What is shared.
pub(super) struct SharedState {
    pub proven: Shared,
    /// What is proven, by the key of its incident.
    pub entries: BTreeMap<Key, CauseEntry>,
    /// Whom each concerns.
    members: BTreeMap<Key, BTreeSet<TenantIx>>,
    /// What the book knows of.
    told: BTreeMap<Key, Cause>,
    /// What examinations since the last look at the fleet bore witness of.
    fresh: BTreeSet<Key>,
}

impl Default for SharedState {
    fn default() -> Self {
        Self {
            proven: Shared::nothing(),
            entries: BTreeMap::new(),
            members: BTreeMap::new(),
            told: BTreeMap::new(),
            fresh: BTreeSet::new(),
        }
    }
}

impl SharedState {
    /// Takes up what is proven now. Whether it is something else than before, and whom that which is proven no longer
    /// concerned.
    pub(super) fn prove(&mut self, proven: Shared) -> (bool, BTreeSet<TenantIx>) {
        let entries = entries_of(&proven).into_iter();
        let entries = entries
            .map(|entry| (signal::key(entry.cause, entry.scope, &entry.object), entry))
            .collect::<BTreeMap<_, _>>();
        let changed = !entries.keys().eq(self.entries.keys());
        self.proven = proven;
        self.entries = entries;
        let gone = self.members.keys().filter(|key| !self.entries.contains_key(key));
        let gone = gone.cloned().collect::<Vec<_>>();
        let freed = gone
            .iter()
            .filter_map(|key| self.members.remove(key))
            .flatten()
            .collect();
        (changed, freed)
    }

    /// The key of something shared that is to blame at a tenant.
    fn key_of(&self, cause: Cause, object: &Object) -> Option<&Key> {
        let is_it = |(_, entry): &(&Key, &CauseEntry)| entry.cause == cause && entry.object == *object;
        self.entries.iter().find(is_it).map(|(key, _)| key)
    }

    /// What of all that is proven is to blame at a tenant.
    pub(super) fn keys_of(&self, blames: &[(Check, Blame<'_>)]) -> BTreeSet<Key> {
        let keys = blames.iter().filter_map(|(_, blame)| match blame {
            Blame::Shared(cause, object) => self.key_of(*cause, object).cloned(),
            Blame::Own(_) => None,
        });
        keys.collect()
    }

    /// A tenant is concerned by just these.
    pub(super) fn concern(&mut self, ix: TenantIx, keys: BTreeSet<Key>) {
        self.forget(ix);
        for key in keys {
            self.members.entry(key).or_default().insert(ix);
        }
    }

    /// A tenant is concerned by nothing.
    pub(super) fn forget(&mut self, ix: TenantIx) {
        for members in self.members.values_mut() {
            members.remove(&ix);
        }
    }

    /// How many tenants something concerns.
    pub(super) fn count(&self, key: &Key) -> usize {
        self.members.get(key).map_or(0, BTreeSet::len)
    }

    /// How much is kept.
    pub(super) fn size(&self) -> usize {
        let members = self.members.values().map(|members| 1 + members.len()).sum::<usize>();
        members + self.entries.len() + self.told.len() + self.fresh.len()
    }

    /// How many tenants are concerned by something that shows at the edge as a whole.
    pub(super) fn shown_by(&self, is_such: impl Fn(Cause) -> bool) -> usize {
        let such = self.entries.iter().filter(|(_, entry)| is_such(entry.cause));
        such.map(|(key, _)| self.count(key)).max().unwrap_or_default()
    }

    /// Whether a cause of the agent hides everything: then nothing can be said of tenants.
    pub(super) fn blinds(&self) -> bool {
        let mut entries = self.entries.values();
        let fails = |entry: &CauseEntry| entry.outcome != Outcome::Warn;
        entries.any(|entry| entry.scope == Scope::Agent && fails(entry) && blinds(entry.cause))
    }

    /// A tenant was examined, and these were to blame.
    pub(super) fn witnessed(&mut self, keys: &BTreeSet<Key>) {
        self.fresh.extend(keys.iter().cloned());
    }

    /// What was borne witness of since this was asked last.
    pub(super) fn take_witnessed(&mut self) -> BTreeSet<Key> {
        std::mem::take(&mut self.fresh)
    }

    /// Whom something concerns.
    pub(super) fn members(&self, key: &Key) -> impl Iterator<Item = TenantIx> {
        self.members.get(key).into_iter().flatten().copied()
    }

    /// The book knows of it from now on.
    pub(super) fn told(&mut self, key: &Key, cause: Cause) {
        self.told.insert(key.clone(), cause);
    }

    /// What the book was told of and what is not proven any more.
    pub(super) fn absent(&self) -> Vec<(Key, Cause)> {
        let absent = self.told.iter().filter(|(key, _)| !self.entries.contains_key(key));
        absent.map(|(key, cause)| (key.clone(), *cause)).collect()
    }

    /// The book knows nothing of it any more.
    pub(super) fn over(&mut self, key: &Key) {
        self.told.remove(key);
    }
}
