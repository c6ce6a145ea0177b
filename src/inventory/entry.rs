//! One tenant as a source names it, before it is checked, and where that stands.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use roundsman_checks::evidence::Platform;

use crate::config::ListedTenant;

/// Where a tenant is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A line of a file, from 1.
    Line(String, usize),
    /// An entry of a JSON array, from 1.
    Entry(String, usize),
    /// An entry of an answer: the page and the number in it, from 1.
    Answer(String, usize),
    /// An app of the organization.
    Platform(String),
    /// An argument.
    CommandLine,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(file, line) => write!(f, "{file}:{line}"),
            Self::Entry(file, number) | Self::Answer(file, number) => write!(f, "{file}, entry {number}"),
            Self::Platform(app) => write!(f, "app {app}"),
            Self::CommandLine => f.write_str("the command line"),
        }
    }
}

/// A tenant as a source names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub id: String,
    pub app: Option<String>,
    pub hostname: Option<String>,
    pub labels: BTreeMap<String, String>,
    pub status: Option<String>,
    pub place: Place,
    /// The sources that name it.
    pub sources: Vec<&'static str>,
    /// Whether it is the word of a source that the user does not write: what is wrong with it is a finding there, and the
    /// others go on.
    pub soft: bool,
}

impl Entry {
    /// An entry that says no more than its id.
    pub(super) fn new(id: impl Into<String>, place: Place) -> Self {
        Self {
            id: id.into(),
            app: None,
            hostname: None,
            labels: BTreeMap::new(),
            status: None,
            soft: matches!(place, Place::Answer(..) | Place::Platform(_)),
            place,
            sources: Vec::new(),
        }
    }

    /// Adds what another source knows of the same tenant; what is said already stays.
    pub(super) fn learn(&mut self, other: &Self) {
        if self.hostname.is_none() && other.hostname.is_some() {
            self.soft = other.soft;
        }
        self.sources.extend_from_slice(&other.sources);
        self.app = self.app.take().or_else(|| other.app.clone());
        self.hostname = self.hostname.take().or_else(|| other.hostname.clone());
        self.status = self.status.take().or_else(|| other.status.clone());
        for (key, value) in &other.labels {
            self.labels.entry(key.clone()).or_insert_with(|| value.clone());
        }
    }
}

/// The entries of a list in TOML.
pub(super) fn from_list(list: &[ListedTenant], file: Option<&Path>) -> Vec<Entry> {
    let file = file.map_or_else(|| "tenants.list".to_owned(), |path| path.display().to_string());
    list.iter()
        .map(|tenant| Entry {
            app: tenant.app.clone(),
            hostname: tenant.hostname.clone(),
            labels: tenant.labels.clone(),
            status: tenant.status.clone(),
            ..Entry::new(tenant.id.as_str(), Place::Line(file.clone(), tenant.line))
        })
        .collect()
}

/// Every app with the prefix but the edge; names that no host name can have are none of a tenant.
pub(super) fn from_platform(platform: &Platform, prefix: &str) -> Vec<Entry> {
    let tenants = platform.apps.keys().filter(|app| **app != platform.edge_app);
    let ids = tenants.filter_map(|app| Some((app.strip_prefix(prefix).filter(|id| !id.is_empty())?, app)));
    ids.map(|(id, app)| Entry {
        app: Some(app.clone()),
        ..Entry::new(id, Place::Platform(app.clone()))
    })
    .collect()
}
