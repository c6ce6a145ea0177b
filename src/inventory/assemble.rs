//! From entries to tenants: joins sources, fills in defaults, and checks ids and host names. Pure.

use std::collections::{BTreeMap, HashMap};

use roundsman_checks::evidence::{Fault, Reason};
use roundsman_checks::target::{Hostname, Tenant, TenantId};

use super::entry::Entry;
use super::error::InventoryError;
use super::select;
use crate::config::Config;

/// What all sources say together.
#[derive(Default)]
pub(super) struct Assembled {
    /// Sorted by id.
    pub tenants: Vec<Tenant>,
    /// The ids that `exclude` leaves out.
    pub excluded: Vec<String>,
    /// The sources that name each tenant.
    pub named_by: BTreeMap<TenantId, Vec<&'static str>>,
    /// What can't be a tenant, in the word of a source that the user does not write.
    pub faults: Vec<Fault>,
}

/// Joins all groups. The first says who exists, the others add what they know.
pub(super) fn assemble(groups: Vec<Vec<Entry>>, config: &Config) -> Result<Assembled, InventoryError> {
    let mut all = Assembled::default();
    for entry in join(named_by_label(groups, &config.domain))? {
        if config.tenants.exclude.iter().any(|glob| glob.matches(&entry.id)) {
            all.excluded.push(entry.id);
            continue;
        }
        let (soft, sources) = (entry.soft, entry.sources.clone());
        match tenant(entry, config) {
            Ok(tenant) => {
                all.named_by.insert(tenant.id.clone(), sources);
                all.tenants.push(tenant);
            }
            Err(error) if soft => all
                .faults
                .push(Fault::new(Reason::PlatformMalformed, error.to_string())),
            Err(error) => return Err(error),
        }
    }
    all.tenants.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(all)
}

/// Lists made for other tools name tenants by host name or by URL.
fn named_by_label(mut groups: Vec<Vec<Entry>>, domain: &Hostname) -> Vec<Vec<Entry>> {
    for entry in groups.iter_mut().flatten().filter(|entry| entry.hostname.is_none()) {
        if entry.id.contains('.') {
            entry.id = select::id_of(&entry.id, domain);
        }
    }
    groups
}

fn join(groups: Vec<Vec<Entry>>) -> Result<Vec<Entry>, InventoryError> {
    let mut groups = groups.into_iter();
    let mut first = groups.next().unwrap_or_default();
    let index = index(&first)?;
    let apps = first
        .iter()
        .enumerate()
        .filter_map(|(at, entry)| Some((entry.app.clone()?, at)));
    let apps = apps.collect::<HashMap<_, _>>();
    for group in groups {
        self::index(&group)?;
        for entry in group {
            // The platform names a tenant by its app, whatever its id is elsewhere.
            let by_app = || apps.get(entry.app.as_ref()?);
            if let Some(at) = index.get(&entry.id.to_ascii_lowercase()).or_else(by_app) {
                first[*at].learn(&entry);
            }
        }
    }
    Ok(first)
}

/// Where each id stands in the group. DNS does not tell upper from lower case, so neither does this.
fn index(group: &[Entry]) -> Result<HashMap<String, usize>, InventoryError> {
    let mut index: HashMap<String, usize> = HashMap::with_capacity(group.len());
    for (at, entry) in group.iter().enumerate() {
        if let Some(first) = index.insert(entry.id.to_ascii_lowercase(), at) {
            return Err(InventoryError::Duplicate {
                id: entry.id.clone(),
                first: group[first].place.clone(),
                second: entry.place.clone(),
            });
        }
    }
    Ok(index)
}

fn tenant(entry: Entry, config: &Config) -> Result<Tenant, InventoryError> {
    let hostname = match hostname(&entry, &config.domain) {
        // It keeps its row: nothing is looked at, and every check says why.
        Err(InventoryError::Outside { hostname, .. }) if entry.soft => hostname,
        other => other?,
    };
    let inactive = entry
        .status
        .as_ref()
        .is_some_and(|status| config.tenants.inactive.contains(&status.to_lowercase()));
    let app = entry
        .app
        .unwrap_or_else(|| format!("{}{}", config.tenants.app_prefix, entry.id));
    let id = TenantId::new(entry.id);
    Ok(Tenant {
        id,
        hostname,
        app,
        labels: entry.labels,
        status: entry.status,
        inactive,
        unlisted: false,
    })
}

fn hostname(entry: &Entry, domain: &Hostname) -> Result<Hostname, InventoryError> {
    let Some(name) = &entry.hostname else {
        return from_id(entry, domain);
    };
    let hostname = Hostname::parse(name).map_err(|why| InventoryError::Hostname {
        id: entry.id.clone(),
        place: entry.place.clone(),
        why,
    })?;
    check_id_text(entry)?;
    if hostname.is_within(domain) {
        Ok(hostname)
    } else {
        Err(outside(entry, hostname, domain))
    }
}

fn from_id(entry: &Entry, domain: &Hostname) -> Result<Hostname, InventoryError> {
    if entry.id.contains('.') {
        return match Hostname::parse(&entry.id) {
            // Somebody wrote the whole name, of another domain than this one.
            Ok(name) if !name.is_within(domain) => Err(outside(entry, name, domain)),
            _ => Err(bad_id(entry, "it holds a `.`, and the wildcard covers one label only")),
        };
    }
    domain.child(&entry.id).map_err(|why| match entry.id.is_empty() {
        true => bad_id(entry, "it is empty"),
        // The reason names the whole host name; the id alone is what the user wrote.
        false => bad_id(
            entry,
            &Hostname::parse(&entry.id).map_or_else(|own| own.to_string(), |_| why.to_string()),
        ),
    })
}

/// An id with a host name of its own is opaque, but it appears in reports and metrics on one line.
fn check_id_text(entry: &Entry) -> Result<(), InventoryError> {
    if entry.id.is_empty() || entry.id.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(bad_id(entry, "it is empty or holds a space"));
    }
    Ok(())
}

fn bad_id(entry: &Entry, why: &str) -> InventoryError {
    InventoryError::Id {
        id: entry.id.clone(),
        place: entry.place.clone(),
        why: why.to_owned(),
    }
}

fn outside(entry: &Entry, hostname: Hostname, domain: &Hostname) -> InventoryError {
    InventoryError::Outside {
        id: entry.id.clone(),
        place: entry.place.clone(),
        hostname,
        domain: domain.clone(),
    }
}
