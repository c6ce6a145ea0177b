//! What is wrong with an inventory. Each error names the tenant and the place.

use std::path::PathBuf;

use roundsman_checks::target::{Hostname, NameError};
use thiserror::Error;

use super::entry::Place;
use crate::config::{Invalid, ReadError, at_line, render_plain};

/// Why the tenants could not be gathered. All are the user's to fix (exit code 2).
#[derive(Debug, PartialEq, Eq, Error)]
pub enum InventoryError {
    /// A file cannot be read.
    #[error("the inventory cannot be read: {0}")]
    Unreadable(#[from] ReadError),
    /// A TOML file has mistakes.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// A JSON file is no JSON.
    #[error("{file}:{line}:{column}: this is not valid JSON: {why}")]
    NotJson {
        /// The file.
        file: String,
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
        /// What the parser expected.
        why: String,
    },
    /// A JSON file has another shape.
    #[error("{file}: expected an array of tenants, or an object with `tenants` or `data`, found {found}")]
    Shape {
        /// The file.
        file: String,
        /// What stands there.
        found: &'static str,
    },
    /// An entry of a JSON file has a value of the wrong kind. The value itself is not repeated: it may be a secret.
    #[error("{place}: `{field}` must be {expected}, found {found}")]
    Field {
        /// The entry.
        place: Place,
        /// The field.
        field: String,
        /// What it should be.
        expected: &'static str,
        /// What it is.
        found: &'static str,
    },
    /// An id that is no DNS label, without a host name of its own.
    #[error(
        "tenant `{id}` ({place}): {why}. An id is the first label of its host name: letters, digits and `-`, at most 63; \
         or give the tenant a `hostname`"
    )]
    Id {
        /// The id.
        id: String,
        /// Where it stands.
        place: Place,
        /// What is wrong.
        why: String,
    },
    /// A pattern that fits no tenant.
    #[error("no tenant has an id or a host name that fits `{pattern}`: `roundsman tenants` lists them")]
    NobodyFits {
        /// The pattern.
        pattern: String,
    },
    /// A host name that is none.
    #[error("tenant `{id}` ({place}): {why}")]
    Hostname {
        /// The tenant.
        id: String,
        /// Where it stands.
        place: Place,
        /// What is wrong.
        why: NameError,
    },
    /// A host name outside of the domain.
    #[error("tenant `{id}` ({place}): {hostname} is not below {domain}: a customer's own domain is not supported yet")]
    Outside {
        /// The tenant.
        id: String,
        /// Where it stands.
        place: Place,
        /// Its host name.
        hostname: Hostname,
        /// The domain.
        domain: Hostname,
    },
    /// One id twice.
    #[error("tenant `{id}` is named twice: {first} and {second}. Remove one")]
    Duplicate {
        /// The tenant.
        id: String,
        /// The first place.
        first: Place,
        /// The second place.
        second: Place,
    },
    /// Names on the command line that no tenant has.
    #[error("{}", unknown_sentence(.names, .origin))]
    UnknownTenants {
        /// The names, with what they may have been meant to be.
        names: Vec<Unknown>,
        /// Where tenants are named.
        origin: String,
    },
    /// No app has the prefix that the configuration gives, and tenants have apps with another one.
    #[error(
        "no app of organization {organization} begins with `{prefix}`, and {fitting} of {tenants} tenants have an app \
         that begins with `{meant}`: set `[tenants] app_prefix = \"{meant}\"`, or --app-prefix {meant}"
    )]
    AppPrefix {
        /// What the configuration says.
        prefix: String,
        /// Where the apps are.
        organization: String,
        /// The prefix that fits most tenants.
        meant: String,
        /// How many tenants it fits.
        fitting: usize,
        /// How many tenants get their app's name by the prefix.
        tenants: usize,
    },
    /// A name on the command line that the configuration leaves out.
    #[error("tenant `{id}` is left out by `exclude` of [tenants]: change the pattern, or do not name it")]
    Excluded {
        /// The tenant.
        id: String,
    },
}

impl InventoryError {
    /// The error as a person reads it; `colour` for terminals.
    #[must_use]
    pub fn render(&self, colour: bool) -> String {
        match self {
            Self::Invalid(invalid) => invalid.render(colour),
            other => match other.placed() {
                Some(invalid) => invalid.render(colour),
                None => render_plain(&other.to_string(), colour),
            },
        }
    }

    /// The error in one line.
    #[must_use]
    pub fn brief(&self) -> String {
        match self {
            Self::Invalid(invalid) => invalid.brief(),
            other => other.to_string(),
        }
    }

    /// The error at its place, where a line of a file is wrong.
    fn placed(&self) -> Option<Invalid> {
        let line = |place: &Place| match place {
            Place::Line(file, line) => Some((PathBuf::from(file), *line)),
            Place::Entry(..) | Place::Answer(..) | Place::Platform(_) | Place::CommandLine => None,
        };
        match self {
            Self::Duplicate { id, first, second } => {
                let ((file, first), (other, second)) = (line(first)?, line(second)?);
                let related = (file == other).then_some((first, "the first"));
                at_line(
                    (&other, second),
                    id,
                    related,
                    &format!("tenant `{id}` is named twice"),
                    "remove one",
                )
            }
            Self::Id { id, place, why } => {
                let (file, line) = line(place)?;
                let label = "an id is the first label of its host name: letters, digits and `-`, at most 63; or give the \
                             tenant a `hostname`";
                at_line((&file, line), id, None, &format!("tenant `{id}`: {why}"), label)
            }
            Self::Hostname { id, place, why } => {
                let (file, line) = line(place)?;
                at_line(
                    (&file, line),
                    id,
                    None,
                    &format!("tenant `{id}`: {why}"),
                    "write another `hostname`",
                )
            }
            Self::Outside {
                id,
                place,
                hostname,
                domain,
            } => {
                let (file, line) = line(place)?;
                let title = format!("tenant `{id}`: {hostname} is not below {domain}");
                let label = "a customer's own domain is not supported yet";
                at_line((&file, line), hostname.as_str(), None, &title, label)
            }
            _ => None,
        }
    }
}

/// A name that no tenant has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    /// The name.
    pub name: String,
    /// The tenant whose app has this name.
    pub app_of: Option<String>,
    /// Up to three ids that are like it, the nearest first.
    pub nearest: Vec<String>,
}

fn unknown_sentence(names: &[Unknown], origin: &str) -> String {
    let said: Vec<String> = names
        .iter()
        .map(|unknown| {
            let near: Vec<String> = unknown.nearest.iter().map(|id| format!("`{id}`")).collect();
            let meant = match &unknown.app_of {
                Some(tenant) => format!(": that is the app of tenant `{tenant}`"),
                None if near.is_empty() => String::new(),
                None => format!(", did you mean {}?", near.join(", ")),
            };
            format!("no tenant `{}` in the inventory ({origin}){meant}", unknown.name)
        })
        .collect();
    said.join("\n")
}
