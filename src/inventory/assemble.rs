//! From entries to tenants: joins sources, fills in defaults, and checks ids and host names. Pure.

use std::collections::{BTreeMap, HashMap};

use roundsman_checks::evidence::{Fault, Reason};
use roundsman_checks::target::{Hostname, Tenant, TenantId};

use super::entry::Entry;
use super::error::InventoryError;
use super::select;
use crate::config::Config;
use crate::text::turns;

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
    let joined = join(named_by_label(groups, &config.domain), &mut all.faults)?;
    for entry in joined {
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

fn join(groups: Vec<Vec<Entry>>, faults: &mut Vec<Fault>) -> Result<Vec<Entry>, InventoryError> {
    let mut groups = groups.into_iter();
    let (mut first, index) = index(groups.next().unwrap_or_default(), faults)?;
    let apps = first
        .iter()
        .enumerate()
        .filter_map(|(at, entry)| Some((entry.app.clone()?, at)));
    let apps = apps.collect::<HashMap<_, _>>();
    for group in groups {
        for entry in self::index(group, faults)?.0 {
            // The platform names a tenant by its app, whatever its id is elsewhere.
            let by_app = || apps.get(entry.app.as_ref()?);
            if let Some(at) = index.get(&entry.id.to_ascii_lowercase()).or_else(by_app) {
                first[*at].learn(&entry);
            }
        }
    }
    Ok(first)
}

/// The entries of a group, each id once, and where each stands. DNS does not tell upper from lower case, so neither does
/// this. Where somebody else named one twice, the first stands.
fn index(group: Vec<Entry>, faults: &mut Vec<Fault>) -> Result<(Vec<Entry>, HashMap<String, usize>), InventoryError> {
    let mut index: HashMap<String, usize> = HashMap::with_capacity(group.len());
    let mut kept = Vec::<Entry>::with_capacity(group.len());
    for entry in group {
        let id = entry.id.to_ascii_lowercase();
        let Some(first) = index.get(&id).map(|at| &kept[*at]) else {
            index.insert(id, kept.len());
            kept.push(entry);
            continue;
        };
        let twice = InventoryError::Duplicate {
            id: entry.id.clone(),
            first: first.place.clone(),
            second: entry.place.clone(),
        };
        match entry.soft {
            true => faults.push(Fault::new(Reason::PlatformMalformed, twice.to_string())),
            false => return Err(twice),
        }
    }
    Ok((kept, index))
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
    let shows = |c: char| !(c.is_control() || c.is_whitespace() || turns(c));
    if entry.id.is_empty() || !entry.id.chars().all(shows) {
        return Err(bad_id(entry, "it is empty, or holds a space or what can't be seen"));
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
