//! Overrides: which apply to a tenant, and what is then expected of it. Pure.

use roundsman_checks::expectation::{Expectation, ExpectedVersion, SiteExpectation};
use roundsman_checks::target::Tenant;

use super::model::Config;
use super::section::{Match, Override, Site};

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
            found.site.apply(&mut site);
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
