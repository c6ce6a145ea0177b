//! The configuration as plain values, every default filled in. Holds no rule: reading is elsewhere.

use std::collections::BTreeMap;
use std::path::PathBuf;

use roundsman_checks::diagnosis::{Cause, Severity};
use roundsman_checks::release::ExpectedImage;
use roundsman_checks::target::Hostname;

use super::glob::Glob;
use super::secret::Secret;
use super::section::{Certificate, Cloudflare, Dns, Edge, Fly, Override, Schedule, Site, Vantage};

/// Everything that `roundsman.toml` and the flags say.
#[derive(Clone, Debug)]
pub struct Config {
    /// The file it was read from; `None` where flags alone made it.
    pub path: Option<PathBuf>,
    /// The domain whose wildcard the tenants live under.
    pub domain: Hostname,
    /// `[edge]`.
    pub edge: Edge,
    /// `[tenants]`.
    pub tenants: Tenants,
    /// `[fly]`; `None`: without a platform.
    pub fly: Option<Fly>,
    /// `[cloudflare]`; `None`: without the zone's listing.
    pub cloudflare: Option<Cloudflare>,
    /// `[dns]`.
    pub dns: Dns,
    /// `[site]`.
    pub site: Site,
    /// `[certificate]`.
    pub certificate: Certificate,
    /// `[[overrides]]`, in the order of the file; later ones win.
    pub overrides: Vec<Override>,
    /// `[severity]`: how urgent a cause is, where that is not its default.
    pub severity: BTreeMap<Cause, Severity>,
    /// `[vantage]`.
    pub vantage: Vantage,
    /// `[schedule]`.
    pub schedule: Schedule,
    /// The release that this run must find; flags alone say it.
    pub release: Release,
}

/// The release that every tenant asked for must run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Release {
    /// The image of every machine.
    pub image: Option<ExpectedImage>,
    /// The version that every answer carries.
    pub version: Option<String>,
}

impl Config {
    /// A configuration of defaults. It names no edge address yet, so it is not ready for use.
    #[must_use]
    pub fn new(domain: Hostname) -> Self {
        Self {
            path: None,
            domain,
            edge: Edge::default(),
            tenants: Tenants::default(),
            fly: None,
            cloudflare: None,
            dns: Dns::default(),
            site: Site::default(),
            certificate: Certificate::default(),
            overrides: Vec::new(),
            severity: BTreeMap::new(),
            vantage: Vantage::default(),
            schedule: Schedule::default(),
            release: Release::default(),
        }
    }
}

/// `[tenants]`: who they are and where that is written.
#[derive(Clone, Debug)]
pub struct Tenants {
    /// App = prefix + id; `sp-` by default.
    pub app_prefix: String,
    /// Where tenants are named, the first says who should exist. Empty: only the command line names them.
    pub sources: Vec<Source>,
    /// The file of [`Source::File`].
    pub file: Option<PathBuf>,
    /// The endpoint of [`Source::Http`].
    pub url: Option<String>,
    /// The bearer token for `url`.
    pub token: Option<Secret>,
    /// JSON pointer to the next page of `url`.
    pub next: Option<String>,
    /// Where a JSON entry holds what, where the names differ.
    pub fields: Fields,
    /// Statuses (lower case) whose tenants are expected not to run.
    pub inactive: Vec<String>,
    /// The tenants of [`Source::List`].
    pub list: Vec<ListedTenant>,
    /// Ids that are left out.
    pub exclude: Vec<Glob>,
}

impl Default for Tenants {
    fn default() -> Self {
        Self {
            app_prefix: "sp-".into(),
            sources: Vec::new(),
            file: None,
            url: None,
            token: None,
            next: None,
            fields: Fields::default(),
            inactive: ["suspended", "paused", "canceled", "deleted"].map(str::to_owned).into(),
            list: Vec::new(),
            exclude: Vec::new(),
        }
    }
}

/// A place that names tenants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// `tenants.list`.
    List,
    /// `tenants.file`.
    File,
    /// Every app of the organization with the prefix.
    Fly,
    /// `tenants.url`.
    Http,
}

/// A tenant as `tenants.list` or a TOML file names it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListedTenant {
    /// Its id; checked by the inventory.
    pub id: String,
    /// Its app, where that is not prefix + id.
    pub app: Option<String>,
    /// Its host name, where that is not `id.DOMAIN`; checked by the inventory.
    pub hostname: Option<String>,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Its status word.
    pub status: Option<String>,
    /// The line that names it, from 1.
    pub line: usize,
}

/// JSON pointers (RFC 6901) into one entry of a JSON inventory; `None` stands for the usual names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields {
    /// Instead of `id`.
    pub id: Option<String>,
    /// Instead of `app`, `app_id`, `fly_app_name`.
    pub app: Option<String>,
    /// Instead of `hostname`.
    pub hostname: Option<String>,
    /// Instead of `labels`.
    pub labels: Option<String>,
    /// Instead of `status`, `subscription_status`.
    pub status: Option<String>,
}
