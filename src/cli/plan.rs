//! From configuration, inventory and flags to the plan of a round: everything that can still be wrong is found here,
//! before a single packet is sent.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use roundsman_checks::chain::Anchors;
use roundsman_checks::evidence::{Asked, Platform, ZoneRecord};
use roundsman_checks::expectation::Expectation;
use roundsman_checks::finding::Check;
use roundsman_checks::platform::fly::{Details, Logs};
use roundsman_checks::probe::{Asker, Prober, ProberError, Settings};
use roundsman_checks::target::Tenant;
use thiserror::Error;

use crate::agent::{self, Carried, Plan, RootsError, Subject, Waking, clock};
use crate::config::{Ask, Config, SecretError, Site};
use crate::inventory::Inventory;

/// How many tenants are looked at together where nothing else is said: enough to fill one core, and polite.
const CONCURRENCY: usize = 64;
/// How long a control may take.
const CONTROL_TIMEOUT: Duration = Duration::from_secs(5);

/// Why there is no plan; exit code 2.
#[derive(Debug, Error)]
pub enum PlanError {
    /// A secret that a request needs.
    #[error("request header {header}: {source}")]
    Secret {
        /// The header.
        header: String,
        /// What is wrong with the secret.
        source: SecretError,
    },
    /// The trust anchors.
    #[error(transparent)]
    Roots(#[from] RootsError),
    /// The TLS library.
    #[error(transparent)]
    Prober(#[from] ProberError),
    /// Nothing is left to check.
    #[error("no check is left: `--only` and `--skip` leave out all six")]
    NothingSelected,
}

/// The checks that `--only` and `--skip` leave.
///
/// # Errors
/// [`PlanError::NothingSelected`].
pub fn selection(only: &[Check], skip: &[Check]) -> Result<BTreeSet<Check>, PlanError> {
    let wanted = |check: &Check| (only.is_empty() || only.contains(check)) && !skip.contains(check);
    let selected = Check::ALL.into_iter().filter(wanted).collect::<BTreeSet<_>>();
    if selected.is_empty() {
        Err(PlanError::NothingSelected)
    } else {
        Ok(selected)
    }
}

/// What the platform and the DNS provider said.
#[derive(Default)]
pub struct Word {
    /// The platform.
    pub platform: Asked<Platform>,
    /// The zone's listing.
    pub listing: Asked<Vec<ZoneRecord>>,
    /// Who reads the logs of apps.
    pub logs: Option<Logs>,
    /// Who reads the details of an app's machines.
    pub details: Option<Details>,
}

/// What the agent calls itself.
pub const USER_AGENT: &str = concat!("roundsman/", env!("CARGO_PKG_VERSION"));

/// The edge's addresses: those that are given, else those that the platform tells.
fn addresses(config: &Config, platform: &Asked<Platform>) -> Vec<IpAddr> {
    if !config.edge.addresses.is_empty() {
        return config.edge.addresses.clone();
    }
    let edge = platform
        .known()
        .and_then(|platform| platform.apps.get(&platform.edge_app));
    edge.map(|edge| edge.addresses.clone()).unwrap_or_default()
}

/// Makes the plan. `wake` says who may be woken.
///
/// # Errors
/// [`PlanError`], all of them the user's to mend.
pub fn plan(
    config: &Config,
    inventory: &Inventory,
    selected: BTreeSet<Check>,
    word: Word,
    wake: &dyn Fn(&Tenant) -> Waking,
) -> Result<Plan, PlanError> {
    let roots = agent::roots(config.edge.ca_file.as_deref())?;
    let anchors = Anchors::new(roots.iter().cloned()).map_err(RootsError::from)?;
    let resolvers = if config.dns.resolvers.is_empty() {
        agent::servers::of_system()
    } else {
        config.dns.resolvers.clone()
    };
    let tenants = inventory.tenants.iter().map(|tenant| {
        let site = config.site_for(tenant);
        Ok(Subject {
            tenant: tenant.clone(),
            expectation: config.expectation_for(tenant),
            headers: headers(&site)?.into(),
            settings: Arc::new(settings(&site)),
            wake: wake(tenant),
        })
    });
    let fleet = Expectation {
        site: config.site.expectation.clone(),
        certificate: config.certificate,
        ..Expectation::default()
    };
    Ok(Plan {
        domain: config.domain.clone(),
        tenants: tenants.collect::<Result<_, PlanError>>()?,
        known: inventory.known.clone(),
        selected,
        edge: (addresses(config, &word.platform), config.edge.port),
        fleet,
        authoritative: config.dns.authoritative.clone(),
        through_resolvers: config.dns.ask == Ask::Resolvers,
        resolvers,
        controls: config.vantage.controls.clone(),
        vantage: vantage(config),
        headers: headers(&config.site)?,
        concurrency: config
            .schedule
            .concurrency
            .map_or(CONCURRENCY, |n| usize::try_from(n.get()).unwrap_or(CONCURRENCY)),
        rate: config.schedule.rate,
        // Rounds of one second never meet, and each begins one server and one address further.
        number: usize::try_from(clock::now().as_second()).unwrap_or_default(),
        platform: word.platform,
        listing: word.listing,
        traced: false,
        logs: word.logs,
        details: word.details,
        inventory: inventory.faults.clone(),
        direct: config.fly.as_ref().map(|fly| (fly.app_domain.clone(), fly.app_port)),
        asker: Asker {
            timeout: config.dns.timeout,
        },
        prober: Prober::new(anchors, settings(&config.site))?,
        control_timeout: CONTROL_TIMEOUT,
        carried: Carried::default(),
        roots,
    })
}

fn headers(site: &Site) -> Result<Vec<(String, String)>, PlanError> {
    let read = |(name, text): (&String, &crate::config::HeaderText)| match text.read() {
        Ok(value) => Ok((name.clone(), value.expose().to_owned())),
        Err(source) => Err(PlanError::Secret {
            header: name.clone(),
            source,
        }),
    };
    site.request_headers.iter().map(read).collect()
}

fn settings(site: &Site) -> Settings {
    Settings {
        connect_timeout: site.connect_timeout,
        timeout: site.timeout,
        max_body: usize::try_from(site.max_body).unwrap_or(usize::MAX),
        user_agent: USER_AGENT.to_owned(),
    }
}

/// The vantage's name: configured, else the region, else the host's name.
fn vantage(config: &Config) -> String {
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
