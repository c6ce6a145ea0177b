//! Who the tenants are: from the configuration, from files, from standard input, from the command line.
//!
//! Owns reading and joining those sources and choosing from them. Refuses to know how a tenant is verified.

mod assemble;
mod entry;
mod error;
mod json;
mod lines;
mod read;
mod select;

use roundsman_checks::evidence::Platform;
use roundsman_checks::target::Tenant;

use crate::config::{Config, Source};

pub use entry::Place;
pub use error::{InventoryError, Unknown};
pub use read::TenantsFrom;
pub use select::with_labels;

use assemble::assemble;
use entry::Entry;

/// The tenants of one round, and where they came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inventory {
    /// The tenants to verify, sorted by id, each id once. May be empty.
    pub tenants: Vec<Tenant>,
    /// Every tenant that the sources name, chosen or not: an answer may name any of them.
    pub known: Vec<Tenant>,
    /// Where they were named, for people: `list`, `tenants.toml`, `the command line`.
    pub origin: String,
}

/// Gathers the tenants: `from` (`--tenants`) stands in the place of the configured sources; `names` choose from them,
/// or are the inventory themselves where no source is configured.
///
/// # Errors
/// [`InventoryError`], all of them the user's to mend (exit code 2). That nobody is found is none.
pub fn load(
    config: &Config,
    from: Option<&TenantsFrom>,
    names: &[String],
    platform: Option<&Platform>,
) -> Result<Inventory, InventoryError> {
    let (groups, origin) = match from {
        Some(from) => (vec![read::read(from, &config.tenants.fields)?], from.to_string()),
        None => configured(config, platform)?,
    };
    if groups.is_empty() {
        return from_names(config, names);
    }
    let (tenants, excluded) = assemble(groups, config)?;
    let known = tenants.clone();
    let tenants = if names.is_empty() {
        tenants
    } else {
        select::by_name(tenants, &excluded, names, &origin)?
    };
    Ok(Inventory { tenants, known, origin })
}

fn configured(config: &Config, platform: Option<&Platform>) -> Result<(Vec<Vec<Entry>>, String), InventoryError> {
    let mut groups = Vec::new();
    let mut origins = Vec::new();
    for source in &config.tenants.sources {
        match source {
            Source::List => {
                groups.push(entry::from_list(&config.tenants.list, config.path.as_deref()));
                origins.push("list".to_owned());
            }
            // A platform that does not answer names nobody: the names on the command line are then taken as they are.
            Source::Fly => {
                if let Some(platform) = platform {
                    groups.push(entry::from_platform(platform, &config.tenants.app_prefix));
                    origins.push(format!("organization {}", platform.organization));
                }
            }
            Source::File => {
                // The reader of the configuration makes sure that a named source has its key.
                let path = config.tenants.file.clone().unwrap_or_default();
                let from = TenantsFrom::File(path);
                groups.push(read::read(&from, &config.tenants.fields)?);
                origins.push(from.to_string());
            }
        }
    }
    Ok((groups, origins.join(" and ")))
}

fn from_names(config: &Config, names: &[String]) -> Result<Inventory, InventoryError> {
    let mut entries: Vec<Entry> = Vec::new();
    for name in names {
        let id = select::id_of(name, &config.domain);
        // Naming a tenant twice asks for it once.
        if !entries.iter().any(|entry| entry.id.eq_ignore_ascii_case(&id)) {
            entries.push(Entry::new(id, Place::CommandLine));
        }
    }
    let (tenants, excluded) = assemble(vec![entries], config)?;
    match excluded.into_iter().next() {
        Some(id) => Err(InventoryError::Excluded { id }),
        None => Ok(Inventory {
            known: tenants.clone(),
            tenants,
            origin: Place::CommandLine.to_string(),
        }),
    }
}

#[cfg(test)]
mod tests;
