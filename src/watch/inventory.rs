//! Who came and who went: one reading of the inventory against what is known. Pure.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use roundsman_checks::target::{Tenant, TenantId};

use crate::inventory::Inventory;

/// In how many readings in a row a tenant has to be missing before it is gone.
const READINGS: u8 = 2;
/// More than so many, and more than a tenth, do not go at once: then the reading is doubted.
const FEW: usize = 10;

/// What one reading means.
#[derive(Debug, Default)]
pub(super) struct Difference {
    /// Who is new, and whether their end is nobody's business.
    pub new: Vec<(Arc<Tenant>, bool)>,
    /// Who is there, as before or with something changed.
    pub there: Vec<(Arc<Tenant>, bool)>,
    /// Who is missing in this reading.
    pub missing: Vec<TenantId>,
    /// Who is gone.
    pub gone: Vec<TenantId>,
    /// Whether too many are missing at once to believe it.
    pub shrunk: bool,
}

/// Compares a reading with what is known: of each tenant in how many readings in a row it was missing before this one.
/// Somebody may have confirmed that those who are missing `left`: then it is believed, however many they are.
pub(super) fn compare(inventory: &Inventory, known: &HashMap<&TenantId, u8>, left: bool) -> Difference {
    let mut found = Difference::default();
    let mut named = HashSet::with_capacity(inventory.tenants.len());
    for tenant in &inventory.tenants {
        named.insert(&tenant.id);
        let sources = inventory.named_by.get(&tenant.id);
        let by_hand =
            sources.is_some_and(|sources| sources.iter().all(|source| matches!(*source, "list" | "command line")));
        match known.contains_key(&tenant.id) {
            true => found.there.push((Arc::clone(tenant), by_hand)),
            false => found.new.push((Arc::clone(tenant), by_hand)),
        }
    }
    if !inventory.complete {
        // Who may be missing is not.
        return found;
    }
    found.missing = known
        .keys()
        .filter(|id| !named.contains(*id))
        .map(|id| (*id).clone())
        .collect();
    found.missing.sort();
    let many = found.missing.len() > FEW && found.missing.len() * 10 > known.len();
    if left {
        found.gone.clone_from(&found.missing);
        return found;
    }
    if many || inventory.tenants.is_empty() && !known.is_empty() {
        found.shrunk = true;
        found.missing.clear();
        return found;
    }
    let gone = |id: &&TenantId| known.get(id).is_some_and(|absent| absent + 1 >= READINGS);
    found.gone = found.missing.iter().filter(gone).cloned().collect();
    found
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail")]
    use roundsman_checks::target::Hostname;

    use super::*;

    fn reading(ids: &[&str], complete: bool) -> Inventory {
        let domain = Hostname::parse("example.com").unwrap();
        let tenant = |id: &&str| Arc::new(Tenant::below(&domain, id).unwrap());
        Inventory {
            tenants: ids.iter().map(tenant).collect(),
            complete,
            ..Inventory::default()
        }
    }

    /// What a reading means where these are known and were missing so often.
    fn found(named: &Inventory, known: &[&str], absent: u8, left: bool) -> Difference {
        let ids = known.iter().map(|id| TenantId::new(*id)).collect::<Vec<_>>();
        compare(named, &ids.iter().map(|id| (id, absent)).collect(), left)
    }

    #[test]
    fn one_is_gone_after_two_readings_and_none_by_an_incomplete_one() {
        let gone = |absent, complete| found(&reading(&["a"], complete), &["a", "b"], absent, false).gone.len();
        assert_eq!((gone(0, true), gone(1, true), gone(1, false)), (0, 1, 0));
    }

    #[test]
    fn many_at_once_are_not_believed() {
        let ids = (0..200).map(|number| format!("t{number}")).collect::<Vec<_>>();
        let ids = ids.iter().map(String::as_str).collect::<Vec<_>>();
        let left = |count: usize| found(&reading(&ids[..count], true), &ids, 1, false);
        assert_eq!((left(180).shrunk, left(180).gone.len()), (false, 20));
        assert_eq!((left(179).shrunk, left(179).gone.len()), (true, 0));
        assert!(
            found(&reading(&[], true), &["a"], 1, false).shrunk,
            "an empty answer makes nobody vanish"
        );
        let confirmed = found(&reading(&ids[..100], true), &ids, 0, true);
        assert_eq!((confirmed.shrunk, confirmed.gone.len()), (false, 100));
        assert_eq!(
            found(&reading(&[], false), &ids, 1, true).gone.len(),
            0,
            "nothing was told"
        );
    }
}
