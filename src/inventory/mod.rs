//! Who the tenants are: from the configuration, from files, from standard input, from the command line.
//!
//! Owns reading and joining those sources and choosing from them. Refuses to know how a tenant is verified.

mod assemble;
mod entry;
mod error;
mod json;
mod leftovers;
mod lines;
mod prefix;
mod read;
mod remote;
mod select;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

use roundsman_checks::evidence::{Fault, Platform};
use roundsman_checks::target::{Tenant, TenantId};

use crate::config::{Config, ConfigError, Glob, Source};

pub use entry::Place;
pub use error::{InventoryError, Unknown};
pub use leftovers::{Leftovers, leftovers};
pub use read::TenantsFrom;
pub use remote::{Listing, Remote, RemoteError};
pub use select::{chosen, with_labels, without};

use assemble::assemble;
use entry::Entry;

/// The tenants of one round, and where they came from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Inventory {
    /// The tenants to verify, sorted by id, each id once. May be empty.
    pub tenants: Vec<Arc<Tenant>>,
    /// Every tenant that the sources name, chosen or not: an answer may name any of them.
    pub known: Vec<Arc<Tenant>>,
    /// The ids that the configuration leaves out.
    pub excluded: Vec<String>,
    /// The sources that name each tenant: `list`, `file`, `http`, `fly`, `command line`.
    pub named_by: BTreeMap<TenantId, Vec<&'static str>>,
    /// Where they were named, for people: `list`, `tenants.toml`, `the command line`.
    pub origin: String,
    /// What `tenants.url` did not answer, or answered wrongly.
    pub faults: Vec<Fault>,
    /// Whether the source that says who should exist answered in full.
    pub complete: bool,
    /// Names on the command line that no source names yet; each is a tenant as well, an unlisted one.
    pub awaited: Vec<Unknown>,
}

/// What the sources answered that are asked over the network.
#[derive(Clone, Copy, Default)]
pub struct Answers<'a> {
    /// The platform; `None`: it did not answer.
    pub platform: Option<&'a Platform>,
    /// `tenants.url`; `None`: it was not asked.
    pub listing: Option<&'a Listing>,
}

/// Gathers the tenants: `from` (`--tenants`) stands in the place of the configured sources; `names` choose from them,
/// or are the inventory themselves where no source is configured, or the first did not answer.
///
/// # Errors
/// [`InventoryError`], all of them the user's to fix (exit code 2). That nobody is found is none.
pub fn load(
    config: &Config,
    from: Option<&TenantsFrom>,
    names: &[String],
    answers: Answers<'_>,
) -> Result<Inventory, InventoryError> {
    let inventory = load_awaiting(config, from, names, answers)?;
    if inventory.awaited.is_empty() {
        Ok(inventory)
    } else {
        Err(InventoryError::UnknownTenants {
            names: inventory.awaited,
            origin: inventory.origin,
        })
    }
}

/// As [`load`], but names that no source names yet are unlisted tenants: somebody waits for them.
///
/// # Errors
/// [`InventoryError`] as [`load`], but for unknown names.
pub fn load_awaiting(
    config: &Config,
    from: Option<&TenantsFrom>,
    names: &[String],
    answers: Answers<'_>,
) -> Result<Inventory, InventoryError> {
    let mut read = match from {
        Some(from) => Gathered {
            groups: vec![named("file", read::read(from, &config.tenants.fields)?)],
            origins: vec![from.to_string()],
            complete: true,
            faults: Vec::new(),
        },
        None => configured(config, answers)?,
    };
    let by_names_alone = read.groups.is_empty() || read.origins.is_empty();
    if read.groups.is_empty() {
        read.groups.push(Vec::new());
    }
    if by_names_alone || !read.complete {
        add_names(&mut read.groups[0], config, names);
    }
    let all = assemble(read.groups, config)?;
    let origin = match read.origins.is_empty() {
        true => Place::CommandLine.to_string(),
        false => read.origins.join(" and "),
    };
    if let Some(platform) = answers.platform {
        prefix::check(&config.tenants.app_prefix, all.tenants.iter(), platform)?;
    }
    read.faults.extend(all.faults);
    let known = all.tenants.into_iter().map(Arc::new).collect::<Vec<_>>();
    let (mut tenants, awaited) = match names.is_empty() {
        true => (known.clone(), Vec::new()),
        false => select::by_name(known.clone(), &all.excluded, names, read.complete)?,
    };
    tenants.extend(unlisted(config, &awaited)?.into_iter().map(Arc::new));
    Ok(Inventory {
        known,
        tenants,
        awaited,
        excluded: all.excluded,
        named_by: all.named_by,
        origin,
        faults: read.faults,
        complete: read.complete,
    })
}

/// Tenants as their names on the command line have them, for want of a source that knows more.
fn unlisted(config: &Config, names: &[Unknown]) -> Result<Vec<Tenant>, InventoryError> {
    let mut entries = vec![Vec::new()];
    let names = names.iter().map(|unknown| unknown.name.clone()).collect::<Vec<_>>();
    add_names(&mut entries[0], config, &names);
    let mut tenants = assemble(entries, config)?.tenants;
    for tenant in &mut tenants {
        tenant.unlisted = true;
    }
    Ok(tenants)
}

/// The entries by source, the first of them the one that says who should exist.
struct Gathered {
    groups: Vec<Vec<Entry>>,
    origins: Vec<String>,
    complete: bool,
    faults: Vec<Fault>,
}

fn configured(config: &Config, answers: Answers<'_>) -> Result<Gathered, InventoryError> {
    let mut read = Gathered {
        groups: Vec::new(),
        origins: Vec::new(),
        complete: true,
        faults: Vec::new(),
    };
    for (index, source) in config.tenants.sources.iter().enumerate() {
        let mut complete = true;
        // A source that does not answer names nobody: the names on the command line are then taken as they are.
        let (entries, origin) = match source {
            Source::List => {
                let entries = entry::from_list(&config.tenants.list, config.path.as_deref());
                (named("list", entries), Some("list".to_owned()))
            }
            Source::Fly => match answers.platform {
                Some(platform) => {
                    complete = platform.apps_missing.is_none();
                    let entries = entry::from_platform(platform, &config.tenants.app_prefix);
                    let mut origin = format!("organization {}", platform.organization);
                    if complete && !prefix::begins_with(platform, &config.tenants.app_prefix) {
                        let _ = write!(origin, ", where no app begins with `{}`", config.tenants.app_prefix);
                    }
                    (named("fly", entries), Some(origin))
                }
                None => {
                    complete = false;
                    (Vec::new(), None)
                }
            },
            Source::Http => match answers.listing {
                Some(listing) => {
                    complete = listing.complete;
                    read.faults.extend_from_slice(&listing.faults);
                    (named("http", listing.entries.clone()), Some(listing.name.clone()))
                }
                None => {
                    complete = false;
                    (Vec::new(), None)
                }
            },
            Source::File => {
                // The reader of the configuration makes sure that a named source has its key.
                let path = config.tenants.file.clone().unwrap_or_default();
                let from = TenantsFrom::File(path);
                let entries = read::read(&from, &config.tenants.fields).map_err(|error| match error {
                    InventoryError::Unreadable(error) => match config.placed(&["tenants", "file"], &error) {
                        ConfigError::Invalid(invalid) => invalid.into(),
                        ConfigError::Unreadable(_) | ConfigError::Flags(_) => error.into(),
                    },
                    other => other,
                })?;
                (named("file", entries), Some(from.to_string()))
            }
        };
        if index == 0 {
            read.complete = complete;
        }
        read.groups.push(entries);
        read.origins.extend(origin);
    }
    Ok(read)
}

fn named(source: &'static str, mut entries: Vec<Entry>) -> Vec<Entry> {
    for entry in &mut entries {
        entry.sources = vec![source];
    }
    entries
}

/// Adds the names that nobody has yet; naming a tenant twice asks for it once.
fn add_names(entries: &mut Vec<Entry>, config: &Config, names: &[String]) {
    // A pattern is nobody's name.
    for name in names.iter().filter(|name| !Glob::is_pattern(name)) {
        let id = select::id_of(name, &config.domain);
        let is_it = |entry: &Entry| {
            let host = entry.hostname.as_deref().unwrap_or_default();
            entry.id.eq_ignore_ascii_case(&id) || host.eq_ignore_ascii_case(name)
        };
        if !entries.iter().any(is_it) {
            let entry = Entry::new(id, Place::CommandLine);
            entries.extend(self::named("command line", vec![entry]));
        }
    }
}

#[cfg(test)]
mod tests;
