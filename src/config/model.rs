//! The configuration as plain values, every default filled in. Holds no rule: reading is elsewhere.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use roundsman_checks::diagnosis::{Cause, Severity};
use roundsman_checks::expectation::{CertificateExpectation, Place, SiteExpectation};
use roundsman_checks::release::ExpectedImage;
use roundsman_checks::target::Hostname;

use super::apply::Override;
use super::glob::Glob;
use super::secret::{HeaderText, Secret};
use super::section::{Dns, Edge, Schedule, Vantage};

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
    pub certificate: CertificateExpectation,
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
            certificate: CertificateExpectation::default(),
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

/// `[fly]`: the platform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fly {
    /// The organization's slug; `None`: the token's own.
    pub organization: Option<String>,
    /// A read-only token is enough.
    pub token: Secret,
    /// GraphQL is at `/graphql` below it.
    pub api_url: String,
    /// The Machines API is at `/v1` below it.
    pub machines_url: String,
    /// A tenant app is reached directly at `<app>.<app_domain>`.
    pub app_domain: String,
    /// The port of tenant apps.
    pub app_port: u16,
}

impl Default for Fly {
    fn default() -> Self {
        Self {
            organization: None,
            token: Secret::Env("FLY_API_TOKEN".into()),
            api_url: "https://api.fly.io".into(),
            machines_url: "https://api.machines.dev".into(),
            app_domain: "fly.dev".into(),
            app_port: 443,
        }
    }
}

/// `[cloudflare]`: the DNS provider's listing of the zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cloudflare {
    /// The zone; `None`: the domain.
    pub zone: Option<String>,
    /// A token with DNS Read on the zone is enough.
    pub token: Secret,
    /// The API's base.
    pub api_url: String,
}

impl Default for Cloudflare {
    fn default() -> Self {
        Self {
            zone: None,
            token: Secret::Env("CLOUDFLARE_API_TOKEN".into()),
            api_url: "https://api.cloudflare.com/client/v4".into(),
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

/// `[site]`: what is asked of a tenant's page, how, and what must come back.
#[derive(Clone, Debug)]
pub struct Site {
    /// What must come back.
    pub expectation: SiteExpectation,
    /// Headers sent with the probe; names in lower case.
    pub request_headers: BTreeMap<String, HeaderText>,
    /// Where the answer carries its version; `None` is `off`.
    pub version: Option<Place>,
    /// How often `watch` may wake a sleeping tenant; 6 h by default.
    pub wake_every: Duration,
    /// How long connecting may take; 5 s by default.
    pub connect_timeout: Duration,
    /// How long a whole visit may take; 10 s by default.
    pub timeout: Duration,
    /// How much of a body is read, in bytes; 64 KiB by default, at most 64 MiB.
    pub max_body: u64,
}

impl Default for Site {
    fn default() -> Self {
        Self {
            expectation: SiteExpectation::default(),
            request_headers: BTreeMap::new(),
            version: None,
            wake_every: Duration::from_secs(6 * 3600),
            connect_timeout: Duration::from_secs(5),
            timeout: Duration::from_secs(10),
            max_body: 64 * 1024,
        }
    }
}
