//! Overrides: which apply to a tenant, and what is then expected of it. Pure.

use std::collections::BTreeMap;
use std::time::Duration;

use roundsman_checks::expectation::{
    CertificateExpectation, Expectation, ExpectedVersion, HttpVersion, Identity, Place, SiteExpectation,
};
use roundsman_checks::finding::Check;
use roundsman_checks::target::Tenant;

use super::glob::Glob;
use super::model::{Config, Site};
use super::secret::HeaderText;

/// One entry of `[[overrides]]`.
#[derive(Clone, Debug, Default)]
pub struct Override {
    /// Whom it concerns.
    pub matching: Match,
    /// What differs in `[site]`.
    pub site: SitePatch,
    /// What differs in `[certificate]`.
    pub certificate: CertificatePatch,
    /// The checks that do not apply, instead of what stood before.
    pub skip: Option<Vec<Check>>,
    /// Whether it may be repaired.
    pub repair: Option<bool>,
}

/// Whom an override concerns: all that is said must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Match {
    /// A pattern over the tenant's id.
    pub tenant: Option<Glob>,
    /// Its status; upper and lower case are the same.
    pub status: Option<String>,
    /// Labels that it has, with these values.
    pub labels: BTreeMap<String, String>,
}

/// Some keys of `[site]`. A key that is said replaces the former value as a whole, tables and arrays too.
#[derive(Clone, Debug, Default)]
#[expect(missing_docs, reason = "each field is the key of [site] of the same name")]
pub struct SitePatch {
    pub path: Option<String>,
    pub status: Option<Vec<u16>>,
    pub http: Option<HttpVersion>,
    pub body_contains: Option<String>,
    pub json: Option<BTreeMap<String, serde_json::Value>>,
    pub expect_headers: Option<BTreeMap<String, String>>,
    pub request_headers: Option<BTreeMap<String, HeaderText>>,
    pub version: Option<Option<Place>>,
    pub identity: Option<Identity>,
    pub slow: Option<Duration>,
    pub wake_every: Option<Duration>,
    pub connect_timeout: Option<Duration>,
    pub timeout: Option<Duration>,
    pub max_body: Option<u64>,
}

/// Some keys of `[certificate]`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct CertificatePatch {
    /// Fraction of the lifetime below which it is a warning.
    pub warn_below: Option<f64>,
    /// Fraction of the lifetime below which it is a failure.
    pub fail_below: Option<f64>,
}

impl Config {
    /// What is expected of this tenant, all overrides applied.
    #[must_use]
    pub fn expectation_for(&self, tenant: &Tenant) -> Expectation {
        let mut certificate = self.certificate;
        let mut skip = Vec::new();
        let mut repair = true;
        for found in self.overrides_for(tenant) {
            found.certificate.apply(&mut certificate);
            skip = found.skip.clone().unwrap_or(skip);
            repair = found.repair.unwrap_or(repair);
        }
        // Two overrides that are right alone may cross. The failure threshold stands: nothing may hide a failure.
        certificate.warn_below = certificate.warn_below.max(certificate.fail_below);
        let site = self.site_for(tenant);
        let version = self.release.version.clone().zip(site.version);
        Expectation {
            site: SiteExpectation {
                version: version.map(|(value, place)| ExpectedVersion { place, value }),
                ..site.expectation
            },
            certificate,
            skip,
            repair,
            image: self.release.image.clone(),
        }
    }

    /// How this tenant is visited, all overrides applied.
    #[must_use]
    pub fn site_for(&self, tenant: &Tenant) -> Site {
        let mut site = self.site.clone();
        for found in self.overrides_for(tenant) {
            found.site.clone().apply(&mut site);
        }
        site
    }

    /// The positions of the overrides that concern a tenant, in order: tenants that have the same are expected the same.
    #[must_use]
    pub fn override_positions(&self, tenant: &Tenant) -> Vec<usize> {
        let overrides = self.overrides.iter().enumerate();
        let concerning = overrides.filter(|(_, entry)| entry.matching.matches(tenant));
        concerning.map(|(at, _)| at).collect()
    }

    fn overrides_for<'a>(&'a self, tenant: &'a Tenant) -> impl Iterator<Item = &'a Override> {
        self.overrides.iter().filter(|entry| entry.matching.matches(tenant))
    }
}

impl Match {
    /// Whether everything that is said holds of the tenant.
    #[must_use]
    pub fn matches(&self, tenant: &Tenant) -> bool {
        let id = self.tenant.as_ref().is_none_or(|glob| glob.matches(tenant.id.as_str()));
        let status = self.status.as_ref().is_none_or(|wanted| {
            tenant
                .status
                .as_ref()
                .is_some_and(|status| status.to_lowercase() == wanted.to_lowercase())
        });
        id && status
            && self
                .labels
                .iter()
                .all(|(key, value)| tenant.labels.get(key) == Some(value))
    }
}

impl SitePatch {
    /// Writes what is said over `site`.
    pub fn apply(self, site: &mut Site) {
        let expectation = &mut site.expectation;
        put(&mut expectation.path, self.path);
        put(&mut expectation.status, self.status);
        put(&mut expectation.http, self.http);
        put(&mut expectation.body_contains, self.body_contains);
        put(&mut expectation.json, self.json);
        put(&mut expectation.expect_headers, self.expect_headers);
        put(&mut expectation.identity, self.identity);
        put(&mut expectation.slow, self.slow);
        put(&mut site.request_headers, self.request_headers);
        put(&mut site.version, self.version);
        put(&mut site.wake_every, self.wake_every);
        put(&mut site.connect_timeout, self.connect_timeout);
        put(&mut site.timeout, self.timeout);
        put(&mut site.max_body, self.max_body);
    }
}

impl CertificatePatch {
    /// Writes what is said over `certificate`.
    pub fn apply(&self, certificate: &mut CertificateExpectation) {
        put(&mut certificate.warn_below, self.warn_below);
        put(&mut certificate.fail_below, self.fail_below);
    }
}

fn put<T>(place: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *place = value;
    }
}
