//! The whole file: its tables, and the keys at its top. Every default is filled in; what a table holds is its own file's.

use std::collections::BTreeMap;
use std::path::PathBuf;

use roundsman_checks::diagnosis::{Cause, Severity};
use roundsman_checks::release::ExpectedImage;
use roundsman_checks::target::Hostname;
use serde_json::json;

use super::form::{ValueForm, choice, domain, map, parse_domain, read_cause};
use super::reader::Section;
use super::secret::{HeaderText, Secret};
use super::section::{
    AlertChannel, Alerts, Certificate, CloudTable, Cloudflare, Dns, Edge, Fly, Heartbeat, Incidents, Override,
    Remediation, Schedule, Site, Store, Telemetry, Tenants, Vantage, Web, check_patch, fly_of_environment,
};
use super::table::{TableDescription, describe, inner_table, keys, optional_table, read, tables};

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
    /// `[incidents]`.
    pub incidents: Incidents,
    /// `[alerts]`.
    pub alerts: Alerts,
    /// `[remediation]`.
    pub remediation: Remediation,
    /// `[store]`.
    pub store: Store,
    /// `[web]`.
    pub web: Web,
    /// `[telemetry]`.
    pub telemetry: Telemetry,
    /// `[heartbeat]`.
    pub heartbeat: Heartbeat,
    /// The release that this run must find; flags alone say it.
    pub release: Release,
}

keys! {
    /// roundsman.toml: whom to verify, and what healthy means.
    Config {
        /// The domain whose wildcard the tenants live under: *.example.com is verified. The one key that is always
        /// needed.
        domain => domain(), live = "\"example.com\"", needed_by_check;
        /// What the wildcard points to.
        edge => inner_table();
        /// Who the tenants are.
        tenants => inner_table();
        /// The platform; without this table it is verified without one.
        fly => optional_table(fly_of_environment);
        /// The DNS provider's listing of the zone: names the record that overrides the wildcard.
        cloudflare => optional_table(Cloudflare::default);
        /// Which DNS servers are asked.
        dns => inner_table();
        /// What a tenant's page must answer.
        site => inner_table();
        /// When a certificate is expiring, as remaining fractions of its lifetime.
        certificate => inner_table();
        /// What differs for some tenants; later ones win, what is not said stays.
        overrides => tables();
        /// How urgent each cause is, by its name: how alerts speak of it. Reports list every cause with its severity.
        severity => severities(), live = "{ site-slow = \"info\" }";
        /// The agent itself.
        vantage => inner_table();
        /// How often and how fast.
        schedule => inner_table();
        /// When what fails is an incident, and when it is over: for `watch`.
        incidents => inner_table();
        /// Who is told of incidents by `watch`.
        alerts => inner_table();
        /// What may be repaired, and how much of it.
        remediation => inner_table();
        /// What `watch` remembers.
        store => inner_table();
        /// Where `watch` answers.
        web => inner_table();
        /// The numbers that `watch` tells.
        telemetry => inner_table();
        /// Who is told that `watch` does its job.
        heartbeat => inner_table();
    }
    check whole;
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
    /// The files that secrets are read from.
    #[must_use]
    pub fn secret_files(&self) -> Vec<PathBuf> {
        let tokens = [
            self.cloud().map(CloudTable::token),
            self.cloudflare.as_ref().map(|cloudflare| &cloudflare.token),
            self.tenants.token.as_ref(),
            self.web.token.as_ref(),
        ];
        let headers = self.site.request_headers.values().filter_map(HeaderText::secret);
        let channels = self.alerts.channels.iter().flat_map(AlertChannel::secrets);
        let secrets = tokens.into_iter().flatten().chain(headers).chain(channels);
        let files = secrets.filter_map(|secret| match secret {
            Secret::File(path) => Some(path.clone()),
            Secret::Env(_) => None,
        });
        files.collect()
    }

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
            incidents: Incidents::default(),
            alerts: Alerts::default(),
            remediation: Remediation::default(),
            store: Store::default(),
            web: Web::default(),
            telemetry: Telemetry::default(),
            heartbeat: Heartbeat::default(),
            release: Release::default(),
        }
    }
}

/// Reads the whole file; `given` is the domain where the file names none. Mistakes are noted.
pub(super) fn config(top: Section<'_>, given: Option<&Hostname>) -> Option<Config> {
    if top.key_span("domain").is_none() && given.is_none() {
        // The commonest slip with TOML: a key below a table header belongs to that table.
        let label = "write domain = \"example.com\" at the top of the file, before the first table";
        top.note_missing("`domain` is missing", label);
    }
    // Where the file names a wrong one, that is noted and no configuration comes of it.
    let mut config = Config::new(given.cloned().or_else(example_domain)?);
    read(top, &mut config);
    Some(config)
}

/// The whole file, described.
pub(super) fn description() -> Option<TableDescription> {
    Some(describe(&Config::new(example_domain()?)))
}

fn example_domain() -> Option<Hostname> {
    parse_domain("example.com").ok()
}

fn severities() -> ValueForm<BTreeMap<Cause, Severity>> {
    let levels = choice(&[Severity::Critical, Severity::Warning, Severity::Info, Severity::Off]);
    let names: Vec<&str> = Cause::ALL.iter().map(|cause| cause.as_str()).collect();
    map(read_cause, levels).schema_with("propertyNames", json!({ "enum": names }))
}

fn whole(top: &Section<'_>, config: &mut Config) {
    for entry in &config.overrides {
        check_patch(top, &entry.certificate, config.certificate);
    }
}
