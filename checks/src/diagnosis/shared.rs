//! What is proven of agent and fleet, and what failing tenants have in common: from the fleet's looks and the totals of
//! all tenants, never from one tenant's evidence.

use super::correlation::{Correlated, correlate};
use super::explain::Overlay;
use super::rules::{COMMON, SHARED, SharedRule, Suppresses};
use super::{Cause, Proof, TenantFacts, Totals};
use crate::finding::{Check, Outcome};
use crate::fleet::FleetContext;

/// All that is proven of more than one tenant.
pub struct Shared {
    pub(super) proven: Vec<Proven>,
    pub(super) common: Vec<Correlated>,
    /// Whether every tenant that answers gets what a name gets that exists nowhere.
    pub(super) nobody_is_known: bool,
}

/// A rule that holds, and its guilty objects.
pub(super) struct Proven {
    pub rule: &'static SharedRule,
    pub proofs: Vec<Proof>,
}

/// Proves the shared rules from top to bottom, then what is common to what they leave. Costs as much as there are rules
/// and failing tenants.
#[must_use]
pub fn prove(context: &FleetContext, totals: &Totals) -> Shared {
    let mut suppressed = Vec::<Suppresses>::new();
    let mut proven = Vec::new();
    for rule in SHARED {
        if suppressed.iter().any(|suppresses| suppresses.has(rule.cause)) {
            continue;
        }
        let proofs = (rule.proofs)(context, totals);
        if proofs.iter().any(|proof| proof.outcome != Outcome::Warn) {
            suppressed.push(rule.suppresses);
        }
        if !proofs.is_empty() {
            proven.push(Proven { rule, proofs });
        }
    }
    let mut shared = Shared {
        proven,
        common: Vec::new(),
        nobody_is_known: totals.nobody_is_known(),
    };
    shared.common = correlate(COMMON, context, totals, |facts| shared.leaves(context, facts));
    shared
}

impl Shared {
    /// What is proven where nothing is known.
    #[must_use]
    pub fn nothing() -> Self {
        Self {
            proven: Vec::new(),
            common: Vec::new(),
            nobody_is_known: false,
        }
    }

    /// The causes that are proven, agent and fleet first.
    pub fn causes(&self) -> impl Iterator<Item = Cause> {
        let proven = self.proven.iter().map(|proven| proven.rule.cause);
        proven.chain(self.common.iter().map(|common| common.cause))
    }

    /// Whether what tenants have in common takes in a cause of one of them.
    pub(super) fn absorbs(&self, cause: Cause) -> bool {
        cause.row().absorbable || self.nobody_is_known && cause == Cause::TenantUnknownToEdge
    }

    /// The absorbable checks of a tenant that agent and fleet do not explain.
    fn leaves(&self, context: &FleetContext, facts: &TenantFacts) -> super::tenant_facts::CheckSet {
        let mut left = facts.absorbable;
        if self.nobody_is_known {
            facts.unknown.iter().for_each(|check| left.insert(check));
        }
        if !self.proven.is_empty() {
            let overlay = Overlay::of(context, self, facts);
            for check in Check::ALL.into_iter().filter(|check| overlay.covers(*check)) {
                left.remove(check);
            }
        }
        left
    }
}
