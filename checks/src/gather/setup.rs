//! Probe setup: what all probes of one domain share from one reading of the configuration to the next. It holds the
//! clients and what they learned, so it is made once and outlives rounds.

use std::net::SocketAddr;
use std::time::Duration;

use super::concurrency::Concurrency;
use super::pacer::Pacers;
use super::retry::RetrySchedule;
use super::servers;
use super::vantage::{Control, UrlControls};
use crate::evidence::{App, Fault, Machine, Reason};
use crate::expectation::Expectation;
#[cfg(feature = "platform")]
use crate::platform::PlatformClient;
use crate::probe::{DnsClient, Prober};
use crate::target::Hostname;

/// How long one question to a name server may take where nothing else is said.
const DNS_TIMEOUT: Duration = Duration::from_secs(2);
/// The port that serves HTTPS.
const HTTPS: u16 = 443;

/// Setup of the probes of one domain. A clone shares what was learned.
#[derive(Clone, Debug)]
pub struct ProbeSetup {
    /// The domain.
    pub domain: Hostname,
    /// The edge's port.
    pub port: u16,
    /// Thresholds of the wildcard certificate, and the page that the control name is asked for.
    pub fleet: Expectation,
    /// Headers sent when the control name is asked for its page.
    pub headers: Vec<(String, String)>,
    /// The zone's servers, where they are configured; empty: those that its NS records name.
    pub authoritative: Vec<SocketAddr>,
    /// Whether the resolvers stand in for the zone's servers.
    pub through_resolvers: bool,
    /// The recursive resolvers.
    pub resolvers: Vec<SocketAddr>,
    /// The agent's name in reports.
    pub vantage: String,
    /// What proves that the agent sees.
    pub controls: Vec<Control>,
    /// Asks the controls that are URLs.
    pub url_controls: UrlControls,
    /// Where the configured APIs are.
    pub api_urls: Vec<String>,
    /// Where a tenant app is reached directly, as `<app>.<domain>` and a port; `None` without a platform.
    pub direct: Option<(String, u16)>,
    /// Whether addresses that the platform names may lie inside of the agent's own network.
    pub private: bool,
    /// How many tenants are probed together.
    pub concurrency: Concurrency,
    /// Asks name servers.
    pub dns: DnsClient,
    /// Visits the edge.
    pub prober: Prober,
    /// The pace that each address of the edge bears.
    pub pacers: Pacers,
    /// When deeper looks are made.
    pub timing: Timing,
    /// Asks the platform about single apps: details of machines, logs; `None` without one.
    #[cfg(feature = "platform")]
    pub platform: Option<PlatformClient>,
}

/// Timing of what is looked at again. The defaults suit the internet; tests are in more of a hurry.
#[derive(Clone, Debug, PartialEq)]
pub struct Timing {
    /// How long a control of the vantage may take.
    pub control: Duration,
    /// How long the control name rests before it is visited again after a cut.
    pub rest: Duration,
    /// When a cut visit is repeated.
    pub retry: RetrySchedule,
    /// The pauses before the edge's log is read again for lines that are late.
    pub log_search: Vec<Duration>,
    /// The pauses before the logs are read again for the lines of a traced request.
    pub log_follow: Vec<Duration>,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            control: Duration::from_secs(5),
            rest: Duration::from_millis(500),
            retry: RetrySchedule::default(),
            log_search: [1_250, 2_500].map(Duration::from_millis).into(),
            log_follow: [1_250, 1_250, 2_500].map(Duration::from_millis).into(),
        }
    }
}

impl ProbeSetup {
    /// The setup for a domain without a platform, asked through the system's resolvers: everything that can be left as
    /// it is. All of it is there to be changed.
    #[must_use]
    pub fn new(domain: Hostname, prober: Prober) -> Self {
        let timing = Timing::default();
        Self {
            domain,
            port: HTTPS,
            fleet: Expectation::default(),
            headers: Vec::new(),
            authoritative: Vec::new(),
            through_resolvers: false,
            resolvers: servers::of_system(),
            vantage: String::new(),
            controls: vec![Control::Resolvers],
            url_controls: UrlControls::new(&prober.settings().user_agent),
            api_urls: Vec::new(),
            direct: None,
            private: false,
            concurrency: Concurrency::default(),
            dns: DnsClient { timeout: DNS_TIMEOUT },
            prober,
            pacers: Pacers::default(),
            timing,
            #[cfg(feature = "platform")]
            platform: None,
        }
    }

    /// One app of an organization, whole; nothing where that is not to be had.
    #[cfg(feature = "platform")]
    pub(super) async fn app(&self, organization: &str, app: &str) -> Result<Option<App>, Fault> {
        match &self.platform {
            Some(platform) => platform.app(organization, app).await,
            None => Err(nobody()),
        }
    }

    /// Nothing: without the API clients there is nobody to ask.
    #[cfg(not(feature = "platform"))]
    pub(super) async fn app(&self, _: &str, _: &str) -> Result<Option<App>, Fault> {
        Err(nobody())
    }

    /// The machines of an app in detail; nothing where there is nobody to ask. What is refused is asked once all the
    /// same: there is no more to be had.
    #[cfg(feature = "platform")]
    pub(super) async fn machines(&self, app: &str) -> Option<Vec<Machine>> {
        Some(self.platform.as_ref()?.machines(app).await.unwrap_or_default())
    }

    /// Nothing: without the API clients there is nobody to ask.
    #[cfg(not(feature = "platform"))]
    pub(super) async fn machines(&self, _: &str) -> Option<Vec<Machine>> {
        None
    }
}

fn nobody() -> Fault {
    Fault::new(Reason::PlatformUnavailable, "there is no client of the platform")
}
