//! What flags say about the configuration: they stand for a file, or override one. Pure; knows no command line parser.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::path::Path;

use roundsman_checks::target::Hostname;
use thiserror::Error;

use super::error::Invalid;
use super::load::DEFAULT_FILE;
use super::locate::at_key;
use super::model::{Config, Release};
use super::section::{CloudTable, Cloudflare};

/// The flags that configure. Empty or `None`: not given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flags {
    /// `--domain`.
    pub domain: Option<Hostname>,
    /// `--edge`.
    pub edge: Vec<IpAddr>,
    /// `--edge-app`.
    pub edge_app: Option<String>,
    /// `--org`.
    pub organization: Option<String>,
    /// Whether the environment has a token for the zone's listing.
    pub listing_token: bool,
    /// `--app-prefix`.
    pub app_prefix: Option<String>,
    /// `--concurrency`.
    pub concurrency: Option<NonZeroU32>,
    /// `--expect-image` and `--expect-version`.
    pub release: Release,
}

/// What is missing for a round.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum FlagsError {
    /// Neither a file nor a domain.
    #[error(
        "there is neither a {DEFAULT_FILE} here nor a --domain. Either name all that is needed:\n  \
         roundsman verify --domain DOMAIN --edge ADDRESS TENANT...\n  \
         FLY_API_TOKEN=... roundsman verify --domain DOMAIN --edge-app APP\n\
         or write a {DEFAULT_FILE} once:\n  roundsman init --domain DOMAIN --edge ADDRESS TENANT..."
    )]
    Nothing,
    /// A domain on the command line and no edge.
    #[error(
        "--domain {0} alone does not say where the edge is: add --edge ADDRESS (several: --edge ADDRESS,ADDRESS), \
         or --edge-app APP with a FLY_API_TOKEN"
    )]
    NoEdge(Hostname),
    /// A file without an edge.
    #[error(
        "{0} names no address of the edge: write addresses = [\"198.51.100.7\"] below [edge], or give --edge ADDRESS"
    )]
    NoEdgeInFile(String),
    /// A platform without the name of the edge app.
    #[error("{0} has [fly] and does not name the edge app: write app = \"…\" below [edge], or give --edge-app APP")]
    NoEdgeApp(String),
    /// Machines that nobody can be asked about.
    #[error(
        "--expect-image needs the platform's word about machines: write [fly] into {0}, or give --edge-app APP with a \
         FLY_API_TOKEN; without a platform, --expect-version looks at the answer itself"
    )]
    NoMachines(String),
}

impl FlagsError {
    /// The error at its place in the file, where it is one of the file's.
    pub(super) fn placed(&self, path: &Path) -> Option<Invalid> {
        match self {
            Self::NoEdgeApp(_) => at_key(
                path,
                &["fly"],
                "[fly] asks the platform, and the edge app is not named",
                "write app = \"…\" below [edge], or give --edge-app APP",
            ),
            Self::NoEdgeInFile(_) => at_key(
                path,
                &["edge"],
                "no address of the edge is named",
                "write addresses = [\"198.51.100.7\"] below it, or give --edge ADDRESS",
            ),
            Self::Nothing | Self::NoEdge(_) | Self::NoMachines(_) => None,
        }
    }
}

impl Config {
    /// The configuration that flags alone make.
    ///
    /// # Errors
    /// [`FlagsError`] where domain or edge is missing.
    pub fn from_flags(flags: &Flags) -> Result<Self, FlagsError> {
        let domain = flags.domain.clone().ok_or(FlagsError::Nothing)?;
        Self::new(domain).with_flags(flags)
    }

    /// This configuration with every given flag in the place of what the file says.
    ///
    /// # Errors
    /// [`FlagsError`] where there is no edge address afterwards.
    pub fn with_flags(mut self, flags: &Flags) -> Result<Self, FlagsError> {
        if let Some(domain) = &flags.domain {
            self.domain = domain.clone();
        }
        if !flags.edge.is_empty() {
            self.edge.addresses.clear();
            for address in &flags.edge {
                if !self.edge.addresses.contains(address) {
                    self.edge.addresses.push(*address);
                }
            }
        }
        if let Some(prefix) = &flags.app_prefix {
            self.tenants.app_prefix.clone_from(prefix);
        }
        self.platform_flags(flags);
        self.schedule.concurrency = flags.concurrency.or(self.schedule.concurrency);
        self.release = flags.release.clone();
        let file = || {
            self.path
                .as_ref()
                .map_or_else(|| "the command line".to_owned(), |path| path.display().to_string())
        };
        if self.cloud().is_some() && self.edge.app.is_none() {
            return Err(FlagsError::NoEdgeApp(file()));
        }
        if self.edge.addresses.is_empty() && self.cloud().is_none() {
            return Err(match &self.path {
                Some(path) => FlagsError::NoEdgeInFile(path.display().to_string()),
                None => FlagsError::NoEdge(self.domain),
            });
        }
        if self.cloud().is_none() && self.release.image.is_some() {
            return Err(FlagsError::NoMachines(
                self.path
                    .as_ref()
                    .map_or(DEFAULT_FILE.to_owned(), |path| path.display().to_string()),
            ));
        }
        if self.tenants.sources.is_empty() {
            self.tenants.sources = self.cloud().map(CloudTable::source).into_iter().collect();
        }
        Ok(self)
    }

    /// `--edge-app` names the edge of a file that has a platform, and makes one where nothing else does.
    fn platform_flags(&mut self, flags: &Flags) {
        if let Some(app) = &flags.edge_app {
            self.edge.app = Some(app.clone());
            if self.cloud().is_none() && self.path.is_none() {
                self.fly = Some(super::section::fly_of_environment());
                self.cloudflare = flags.listing_token.then(Cloudflare::default);
            }
        }
        if let (Some(fly), Some(organization)) = (&mut self.fly, &flags.organization) {
            fly.organization = Some(organization.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail")]
    use std::path::Path;

    use super::*;

    fn flags(domain: Option<&str>, edge: &[&str]) -> Flags {
        Flags {
            domain: domain.map(|name| Hostname::parse(name).unwrap()),
            edge: edge.iter().map(|address| address.parse().unwrap()).collect(),
            ..Flags::default()
        }
    }

    #[test]
    fn flags_alone_need_a_domain_and_an_edge() {
        assert_eq!(
            Config::from_flags(&flags(None, &["192.0.2.1"])).unwrap_err(),
            FlagsError::Nothing
        );
        let alone = Config::from_flags(&flags(Some("example.com"), &[])).unwrap_err();
        assert!(matches!(alone, FlagsError::NoEdge(_)));
        let config = Config::from_flags(&flags(Some("example.com"), &["192.0.2.1", "192.0.2.1"])).unwrap();
        assert_eq!((config.edge.addresses.len(), config.edge.port), (1, 443));
    }

    #[test]
    fn flags_override_a_file_and_leave_the_rest() {
        let text =
            "domain = \"example.com\"\n[edge]\naddresses = [\"192.0.2.1\"]\nport = 8443\n[schedule]\nconcurrency = 5";
        let file = Config::parse(text, Path::new("r.toml")).unwrap();
        let config = file.with_flags(&flags(None, &["192.0.2.9"])).unwrap();
        assert_eq!(config.domain.as_str(), "example.com");
        assert_eq!(
            (config.edge.addresses[0].to_string().as_str(), config.edge.port),
            ("192.0.2.9", 8443)
        );
        assert_eq!(config.schedule.concurrency.unwrap().get(), 5);
    }

    #[test]
    fn a_file_may_leave_the_edge_to_the_flags_but_not_both() {
        let file = || Config::parse("domain = \"example.com\"", Path::new("r.toml")).unwrap();
        assert!(file().with_flags(&flags(None, &["::1"])).is_ok());
        assert!(matches!(
            file().with_flags(&Flags::default()),
            Err(FlagsError::NoEdgeInFile(_))
        ));
    }
}
