//! Whether `app_prefix` can be right, by the apps that there are. Pure.

use std::collections::{BTreeMap, HashSet};

use roundsman_checks::evidence::Platform;
use roundsman_checks::target::Tenant;

use super::error::InventoryError;

/// Fewest tenants that have to have an app with another prefix before the setting is called wrong.
const FEWEST: usize = 2;

/// Compares the configured prefix with the apps of a complete list. It is wrong where no app begins with it while
/// several tenants, and at least half of those whose app is not named, have an app with another one.
///
/// # Errors
/// [`InventoryError::AppPrefix`], with the prefix that fits most tenants.
pub(super) fn check<'a>(
    prefix: &str,
    tenants: impl Iterator<Item = &'a Tenant>,
    platform: &Platform,
) -> Result<(), InventoryError> {
    if platform.apps_missing.is_some() || begins_with(platform, prefix) {
        return Ok(());
    }
    let by_prefix = tenants.filter(|tenant| tenant.app.strip_prefix(prefix) == Some(tenant.id.as_str()));
    let ids = by_prefix.map(|tenant| tenant.id.as_str()).collect::<HashSet<_>>();
    let mut fits = BTreeMap::<&str, usize>::new();
    for app in others(platform) {
        // Each place where an app's name can be cut into a prefix and an id.
        for (at, _) in app.char_indices() {
            if ids.contains(&app[at..]) {
                *fits.entry(&app[..at]).or_default() += 1;
            }
        }
    }
    match fits.into_iter().max_by_key(|(_, count)| *count) {
        Some((meant, fitting)) if fitting >= FEWEST && 2 * fitting >= ids.len() => Err(InventoryError::AppPrefix {
            prefix: prefix.to_owned(),
            organization: platform.organization.clone(),
            meant: meant.to_owned(),
            fitting,
            tenants: ids.len(),
        }),
        _ => Ok(()),
    }
}

/// Whether an app that is not the edge begins with the prefix.
pub(super) fn begins_with(platform: &Platform, prefix: &str) -> bool {
    others(platform).any(|app| app.starts_with(prefix))
}

/// Every app but the edge.
fn others(platform: &Platform) -> impl Iterator<Item = &str> {
    let apps = platform.apps.keys().map(String::as_str);
    apps.filter(|app| *app != platform.edge_app)
}
