//! Chooses tenants by name or by label. Pure.

use std::collections::BTreeSet;
use std::sync::Arc;

use roundsman_checks::target::{Hostname, Tenant, TenantId};

use super::Inventory;
use super::error::{InventoryError, Unknown};
use crate::config::{Glob, nearest};

/// The tenants that have all of these labels with these values.
#[must_use]
pub fn with_labels(tenants: Vec<Arc<Tenant>>, labels: &[(String, String)]) -> Vec<Arc<Tenant>> {
    let has = |tenant: &Tenant, key: &str, value: &str| tenant.labels.get(key).is_some_and(|found| found == value);
    tenants
        .into_iter()
        .filter(|tenant| labels.iter().all(|(key, value)| has(tenant, key, value)))
        .collect()
}

/// The tenants whose id fits none of these patterns.
#[must_use]
pub fn without(tenants: Vec<Arc<Tenant>>, patterns: &[Glob]) -> Vec<Arc<Tenant>> {
    let fits = |tenant: &Arc<Tenant>| patterns.iter().any(|glob| glob.matches(tenant.id.as_str()));
    tenants.into_iter().filter(|tenant| !fits(tenant)).collect()
}

/// The ids of the tenants that are named, by id or by host name.
///
/// # Errors
/// [`InventoryError`] where a name is excluded, or nobody has it.
pub fn chosen(inventory: &Inventory, names: &[String]) -> Result<BTreeSet<TenantId>, InventoryError> {
    let (tenants, unknown) = by_name(inventory.known.clone(), &inventory.excluded, names, inventory.complete)?;
    match unknown.is_empty() {
        true => Ok(tenants.iter().map(|tenant| tenant.id.clone()).collect()),
        false => Err(InventoryError::UnknownTenants {
            names: unknown,
            origin: inventory.origin.clone(),
        }),
    }
}

/// The tenants that are named, by id or by host name, in the order of the inventory; and the names that none has. A
/// pattern is the name of nobody: where all tenants are known, it has to fit one.
pub(super) fn by_name(
    tenants: Vec<Arc<Tenant>>,
    excluded: &[String],
    names: &[String],
    complete: bool,
) -> Result<(Vec<Arc<Tenant>>, Vec<Unknown>), InventoryError> {
    let mut wanted = vec![false; tenants.len()];
    let mut unknown = Vec::new();
    for name in names {
        if Glob::is_pattern(name) {
            let glob = Glob::new(name.clone());
            let fits =
                |tenant: &Arc<Tenant>| glob.matches(tenant.id.as_str()) || glob.matches(tenant.hostname.as_str());
            let mut any = false;
            for (at, _) in tenants.iter().enumerate().filter(|(_, tenant)| fits(tenant)) {
                (wanted[at], any) = (true, true);
            }
            if any || !complete {
                continue;
            }
            return Err(InventoryError::NobodyFits { pattern: name.clone() });
        }
        match tenants.iter().position(|tenant| is_called(tenant, name)) {
            Some(at) => wanted[at] = true,
            None if excluded.iter().any(|id| id.eq_ignore_ascii_case(name)) => {
                return Err(InventoryError::Excluded { id: name.clone() });
            }
            None => unknown.push(Unknown {
                name: name.clone(),
                app_of: owner(name, &tenants),
                nearest: like(name, &tenants),
            }),
        }
    }
    let named = tenants.into_iter().zip(wanted);
    let named = named.filter_map(|(tenant, wanted)| wanted.then_some(tenant));
    Ok((named.collect(), unknown))
}

/// The id that a text stands for: a host name one label below the domain, or a URL with such a name, stands for that
/// label.
pub(super) fn id_of(name: &str, domain: &Hostname) -> String {
    let label = Hostname::parse(host_of(name)).ok().and_then(|hostname| {
        let label = hostname.as_str().strip_suffix(domain.as_str())?.strip_suffix('.')?;
        (!label.is_empty() && !label.contains('.')).then(|| label.to_owned())
    });
    label.unwrap_or_else(|| name.to_owned())
}

/// The host of a URL, as other tools list tenants; any other text as it is.
fn host_of(text: &str) -> &str {
    let Some((scheme, rest)) = text.split_once("://") else {
        return text;
    };
    if !matches!(scheme.to_ascii_lowercase().as_str(), "https" | "http") {
        return text;
    }
    let host = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    host.split_once(':').map_or(host, |(host, _)| host)
}

fn is_called(tenant: &Tenant, name: &str) -> bool {
    let hostname = host_of(name);
    let hostname = hostname.strip_suffix('.').unwrap_or(hostname);
    tenant.id.as_str().eq_ignore_ascii_case(name) || tenant.hostname.as_str().eq_ignore_ascii_case(hostname)
}

/// The tenant whose app has this name: an app's name is often typed where a tenant's is meant.
fn owner(name: &str, tenants: &[Arc<Tenant>]) -> Option<String> {
    let owner = tenants.iter().find(|tenant| tenant.app.eq_ignore_ascii_case(name))?;
    Some(owner.id.to_string())
}

/// The ids that a name may have been meant to be: of a host name or a URL by its first label, of an app by its name.
fn like(name: &str, tenants: &[Arc<Tenant>]) -> Vec<String> {
    let label = host_of(name).split('.').next().unwrap_or(name);
    let near = nearest(label, tenants.iter().map(|tenant| tenant.id.as_str()), 3);
    if !near.is_empty() {
        return near.into_iter().map(str::to_owned).collect();
    }
    let apps = nearest(label, tenants.iter().map(|tenant| tenant.app.as_str()), 3);
    apps.into_iter().filter_map(|app| owner(app, tenants)).collect()
}
