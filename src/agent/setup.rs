//! Setup: what an agent is made of from one reading of its configuration to the next. Made once per process, so that
//! connections, trust and the pace that an edge bears outlive a round. Everything that can be wrong in it is found here,
//! before a single packet is sent.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use roundsman_checks::chain::TrustStore;
use roundsman_checks::expectation::Expectation;
use roundsman_checks::gather::{Concurrency, Pacers, ProbeSetup, ProbeTarget, WakePolicy};
use roundsman_checks::platform::Calls;
use roundsman_checks::probe::{DnsClient, ProbeLimits, Prober, ProberError};
use roundsman_checks::target::Tenant;
use rustls::pki_types::CertificateDer;
use thiserror::Error;

use super::platform::{Clients, ClientsError};
use super::{RootsError, clock, roots};
use crate::config::{Ask, CloudTable, Config, HeaderText, SecretError, Site};
use crate::inventory::{Listing, Remote, RemoteError, TenantsFrom};

/// What the agent calls itself.
pub const USER_AGENT: &str = concat!("roundsman/", env!("CARGO_PKG_VERSION"));

/// Why there is no setup; exit code 2.
#[derive(Debug, Error)]
pub enum SetupError {
    /// The platform can't be asked.
    #[error(transparent)]
    Clients(#[from] ClientsError),
    /// The tenants can't be asked for.
    #[error(transparent)]
    Remote(#[from] RemoteError),
    /// The trust anchors.
    #[error(transparent)]
    Roots(#[from] RootsError),
    /// A secret that a request needs.
    #[error(transparent)]
    Header(#[from] HeaderError),
    /// The TLS library.
    #[error(transparent)]
    Prober(#[from] ProberError),
}

/// Why a header can't be sent: its secret can't be had.
#[derive(Debug, Error)]
#[error("request header {header}: {source}")]
pub struct HeaderError {
    header: String,
    source: SecretError,
}

/// Setup of an agent, immutable until a reload.
pub struct Setup {
    /// The configuration.
    pub config: Config,
    /// What stands in the place of the configured sources of tenants.
    pub tenants_from: Option<TenantsFrom>,
    /// What all probes share.
    pub probes: ProbeSetup,
    /// The trust anchors that the probes go by.
    pub roots: Vec<CertificateDer<'static>>,
    /// The clients of the APIs.
    pub clients: Clients,
    /// Where tenants are listed over HTTP, where they are.
    remote: Option<Remote>,
    /// The number of the next round.
    round: AtomicU64,
}

impl Setup {
    /// The setup that a configuration asks for. Secrets, roots and the system's resolvers are read here.
    ///
    /// # Errors
    /// [`SetupError`], all of them the user's to fix.
    pub fn new(config: Config, tenants_from: Option<TenantsFrom>) -> Result<Self, SetupError> {
        Self::counting(config, tenants_from, Calls::default())
    }

    /// The same, where the requests to APIs are counted on from an earlier setup.
    ///
    /// # Errors
    /// [`SetupError`], all of them the user's to fix.
    pub fn counting(config: Config, tenants_from: Option<TenantsFrom>, calls: Calls) -> Result<Self, SetupError> {
        let clients = Clients::new(&config, USER_AGENT, calls)?;
        let remote = Remote::new(&config, tenants_from.as_ref(), USER_AGENT)?;
        let roots = roots(config.edge.ca_file.as_deref())?;
        let anchors = TrustStore::new(roots.iter().cloned()).map_err(RootsError::from)?;
        let prober = Prober::new(anchors, settings(&config.site))?;
        Ok(Self {
            probes: probes(&config, prober, &clients)?,
            config,
            tenants_from,
            roots,
            clients,
            remote,
            // Whoever is started often begins elsewhere each time.
            round: AtomicU64::new(clock::now().as_second().unsigned_abs()),
        })
    }

    /// The number of a round that begins now: one more than that of the last.
    #[must_use]
    pub fn next_round(&self) -> u64 {
        self.round.fetch_add(1, Ordering::Relaxed)
    }

    /// How these tenants are probed. What is the same for many is there once.
    ///
    /// # Errors
    /// [`HeaderError`] where a secret that a request needs can't be had.
    pub fn targets(&self, tenants: &[Arc<Tenant>], wake: WakePolicy) -> Result<Vec<ProbeTarget>, HeaderError> {
        let mut alike = HashMap::<_, ProbeTarget>::new();
        let target = |tenant: &Arc<Tenant>| match alike.entry(self.config.override_positions(tenant)) {
            Entry::Occupied(other) => Ok(ProbeTarget {
                tenant: Arc::clone(tenant),
                ..other.get().clone()
            }),
            Entry::Vacant(first) => Ok(first.insert(self.target(tenant, wake)?).clone()),
        };
        tenants.iter().map(target).collect()
    }

    fn target(&self, tenant: &Arc<Tenant>, wake: WakePolicy) -> Result<ProbeTarget, HeaderError> {
        let site = self.config.site_for(tenant);
        Ok(ProbeTarget {
            tenant: Arc::clone(tenant),
            expectation: self.config.expectation_for(tenant).into(),
            headers: headers(&site)?.into(),
            settings: settings(&site).into(),
            wake,
            trace: None,
        })
    }

    /// The tenants that are listed over HTTP, where they are.
    pub(super) async fn listing(&self) -> Option<Listing> {
        Remote::ask(self.remote.as_ref()).await
    }
}

/// How many tenants are probed together: as many as configured, or as the process has descriptors for.
pub(crate) fn concurrency(config: &Config) -> Concurrency {
    let descriptors = || rlimit::getrlimit(rlimit::Resource::NOFILE).ok();
    let count = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    match config.schedule.concurrency {
        Some(fixed) => Concurrency::Fixed(count(fixed.get().into())),
        None => Concurrency::Auto {
            descriptors: descriptors().map(|(soft, _)| count(soft)),
        },
    }
}

fn probes(config: &Config, prober: Prober, clients: &Clients) -> Result<ProbeSetup, HeaderError> {
    let plain = ProbeSetup::new(config.domain.clone(), prober);
    Ok(ProbeSetup {
        port: config.edge.port,
        fleet: Expectation {
            site: config.site.expectation.clone(),
            certificate: config.certificate,
            ..Expectation::default()
        },
        headers: headers(&config.site)?,
        authoritative: config.dns.authoritative.clone(),
        through_resolvers: config.dns.ask == Ask::Resolvers,
        resolvers: match config.dns.resolvers.is_empty() {
            true => plain.resolvers,
            false => config.dns.resolvers.clone(),
        },
        vantage: vantage_name(config),
        controls: config.vantage.controls.clone(),
        api_urls: api_urls(config),
        direct: config.cloud().map(CloudTable::direct),
        private: super::run::goes_inside(config),
        concurrency: concurrency(config),
        dns: DnsClient {
            timeout: config.dns.timeout,
        },
        pacers: Pacers::new(config.schedule.rate),
        platform: clients.platform.clone(),
        ..plain
    })
}

/// Where the configured APIs are, as a control asks them.
fn api_urls(config: &Config) -> Vec<String> {
    let platform = config.cloud().map(CloudTable::api_url);
    let zone = config.cloudflare.as_ref().map(|table| table.api_url.as_str());
    platform.into_iter().chain(zone).map(str::to_owned).collect()
}

/// The headers that a request carries, with their secrets.
pub(crate) fn headers(site: &Site) -> Result<Vec<(String, String)>, HeaderError> {
    let read = |(name, text): (&String, &HeaderText)| match text.read() {
        Ok(value) => Ok((name.clone(), value.expose().to_owned())),
        Err(source) => Err(HeaderError {
            header: name.clone(),
            source,
        }),
    };
    site.request_headers.iter().map(read).collect()
}

/// What a visit may take.
pub(crate) fn settings(site: &Site) -> ProbeLimits {
    ProbeLimits {
        connect_timeout: site.connect_timeout,
        timeout: site.timeout,
        max_body: usize::try_from(site.max_body).unwrap_or(usize::MAX),
        user_agent: USER_AGENT.to_owned(),
    }
}

/// The vantage's name: configured, else the region, else the host's name.
#[must_use]
pub fn vantage_name(config: &Config) -> String {
    let region = || std::env::var("FLY_REGION").ok().filter(|region| !region.is_empty());
    let host = || gethostname::gethostname().to_string_lossy().into_owned();
    config
        .vantage
        .name
        .clone()
        .filter(|name| !name.is_empty())
        .or_else(region)
        .unwrap_or_else(host)
}
