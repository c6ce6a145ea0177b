//! What tenants are together: counts that can be added to and taken from in any order, so that it does not matter who was
//! examined first, or again.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use super::TenantFacts;
use crate::evidence::Reason;
use crate::fleet::{ChainKey, GroupKey};
use crate::target::TenantId;

/// Fewest tenants that are everybody.
const EVERYBODY: usize = 3;

/// Sums over the facts of tenants.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Totals {
    pub(super) tenants: usize,
    pub(super) visited: usize,
    /// How many saw anything.
    pub(super) saw: usize,
    pub(super) exhausted: Counts<Arc<str>>,
    /// The chains that fail by their dates alone.
    pub(super) dates_only: Counts<ChainKey>,
    /// How the first visits that were cut were cut; and of these tenants, how the repetitions went.
    pub(super) first_cut: Counts<Reason>,
    pub(super) recovered: usize,
    pub(super) limited: usize,
    pub(super) control_stood: usize,
    /// How many got an answer; of these, how many a right one, and how many one that asks to slow down.
    pub(super) answered: usize,
    pub(super) right: usize,
    pub(super) asked_to_slow_down: usize,
    /// How many get the refusal that a name which exists nowhere gets too, and what that is.
    pub(super) denied: Counts<Reason>,
    /// How many the edge seems not to know.
    pub(super) unknown: usize,
    /// How many tenants are in each group of apps.
    pub(super) groups: Counts<GroupKey>,
    /// Those that fail by a cause which a common one may take in.
    pub(super) failing: BTreeMap<TenantId, TenantFacts>,
}

/// How often each thing was counted; what was counted no more is not there.
pub(super) type Counts<T> = BTreeMap<T, usize>;

impl Totals {
    /// Counts a tenant. Its facts are to be taken out again before it is counted anew.
    pub fn add(&mut self, tenant: &TenantId, facts: &TenantFacts) {
        self.count(facts, Step::Up);
        if !facts.absorbable.is_empty() || !facts.unknown.is_empty() {
            self.failing.insert(tenant.clone(), facts.clone());
        }
    }

    /// Takes a tenant out that was counted with just these facts.
    pub fn remove(&mut self, tenant: &TenantId, facts: &TenantFacts) {
        self.count(facts, Step::Down);
        self.failing.remove(tenant);
    }

    /// Only so many tenants saw anything lately. For whoever adds up looks of different moments: what was seen a while
    /// ago does not show that anything can be seen now. It holds until the next tenant is counted.
    pub fn saw_lately(&mut self, saw: usize) {
        self.saw = saw;
    }

    /// Whether everybody gets what a name gets that exists nowhere: that proves nothing of one.
    pub(super) fn nobody_is_known(&self) -> bool {
        self.unknown >= EVERYBODY && self.unknown == self.answered
    }

    fn count(&mut self, facts: &TenantFacts, step: Step) {
        step.take(&mut self.tenants, true);
        step.take(&mut self.visited, facts.visited);
        step.take(&mut self.saw, facts.saw);
        step.take_in(&mut self.exhausted, facts.exhausted.clone());
        let dates_only = facts.visit.filter(|visit| visit.dates_only);
        step.take_in(&mut self.dates_only, dates_only.and_then(|visit| visit.chain));
        step.take_in(&mut self.first_cut, facts.first_cut);
        let cut = facts.first_cut.is_some();
        step.take(&mut self.recovered, cut && facts.recovered);
        // What was not repeated counts for nothing.
        step.take(&mut self.limited, cut && facts.limited && facts.repeated);
        step.take(&mut self.control_stood, cut && facts.control_stood);
        step.take(&mut self.answered, facts.answer.came);
        step.take(&mut self.right, facts.answer.is_right);
        step.take(&mut self.asked_to_slow_down, facts.answer.is_limited);
        step.take_in(&mut self.denied, facts.answer.denied);
        step.take(&mut self.unknown, !facts.unknown.is_empty());
        step.take_in(&mut self.groups, facts.release);
        step.take_in(&mut self.groups, facts.region);
    }
}

/// Whether something is counted or taken out.
#[derive(Clone, Copy)]
enum Step {
    Up,
    Down,
}

impl Step {
    fn take(self, count: &mut usize, counted: bool) {
        match self {
            Self::Up => *count += usize::from(counted),
            Self::Down => *count = count.saturating_sub(usize::from(counted)),
        }
    }

    fn take_in<K: Ord>(self, counts: &mut Counts<K>, key: Option<K>) {
        let Some(key) = key else { return };
        match (self, counts.entry(key)) {
            (Self::Up, entry) => *entry.or_default() += 1,
            (Self::Down, Entry::Occupied(mut entry)) if *entry.get() > 1 => *entry.get_mut() -= 1,
            (Self::Down, Entry::Occupied(entry)) => drop(entry.remove()),
            (Self::Down, Entry::Vacant(_)) => {}
        }
    }
}
