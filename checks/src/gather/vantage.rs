//! Probes the agent's own place: address families, resolvers, and whatever else proves that it sees.

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures_util::future::join_all;

use super::assignment::Assignment;
use super::setup::ProbeSetup;
use crate::clock::now;
use crate::evidence::{ControlProbe, Reason, RecordKind, StepStatus, VantageEvidence};
use crate::loopback::is_on_loopback;
use crate::probe::{self as probes, DnsQuestion};

/// Control of the vantage: something that answers whenever the agent can see.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Control {
    /// The resolvers: any DNS response.
    Resolvers,
    /// The configured APIs: any HTTP response.
    Apis,
    /// A TCP address that accepts.
    Address(SocketAddr),
    /// An `http://` or `https://` URL that responds.
    Url(String),
}

/// Client of the controls that are URLs; made when the first of them is asked.
#[derive(Clone, Debug)]
pub struct UrlControls {
    user_agent: String,
    /// Past any proxy, for what is on this machine; and as the environment says, for all else.
    clients: Arc<[OnceLock<Result<reqwest::Client, String>>; 2]>,
}

impl UrlControls {
    /// A client that calls itself `user_agent`.
    #[must_use]
    pub fn new(user_agent: &str) -> Self {
        Self {
            user_agent: user_agent.to_owned(),
            clients: Arc::default(),
        }
    }

    /// Any HTTP response proves that the agent sees, whatever it says.
    async fn ask(&self, url: &str, timeout: Duration) -> StepStatus {
        let failed = |detail: String| StepStatus::failed(Reason::HttpClosed, detail);
        // As the clients of the APIs ask in clear.
        let nearby = url.starts_with("http://") && is_on_loopback(url);
        match self.clients[usize::from(!nearby)].get_or_init(|| self.connect(nearby)) {
            Err(error) => failed(error.clone()),
            Ok(client) => match client.head(url).timeout(timeout).send().await {
                Ok(_) => StepStatus::Done,
                Err(error) if error.is_timeout() => StepStatus::failed(Reason::HttpTimeout, error.to_string()),
                Err(error) => failed(error.to_string()),
            },
        }
    }

    fn connect(&self, nearby: bool) -> Result<reqwest::Client, String> {
        // Another part of the process may have installed the same provider already; then this changes nothing.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        // A connection that was open before proves little: each look makes a new one.
        let builder = reqwest::Client::builder().http1_only().pool_max_idle_per_host(0);
        let builder = if nearby { builder.no_proxy() } else { builder };
        // Any response is proof, one that leads elsewhere too.
        let builder = builder.redirect(reqwest::redirect::Policy::none());
        let client = builder.user_agent(&self.user_agent).build();
        client.map_err(|error| error.to_string())
    }
}

/// Probes the agent's own place.
pub(super) async fn probe(setup: &ProbeSetup, assignment: &Assignment) -> VantageEvidence {
    let (ipv4, ipv6) = probes::families(&assignment.addresses, setup.port);
    let asked = setup.controls.contains(&Control::Resolvers);
    let root = DnsQuestion {
        name: ".",
        kind: RecordKind::Ns,
        recursion: true,
        checking_disabled: false,
    };
    let resolvers = setup
        .resolvers
        .iter()
        .filter(|_| asked)
        .map(|resolver| setup.dns.ask(*resolver, root));
    let others = setup.controls.iter().map(|what| control(setup, what));
    let (resolvers, controls) = tokio::join!(join_all(resolvers), join_all(others));
    VantageEvidence {
        name: setup.vantage.clone(),
        ipv4,
        ipv6,
        resolvers,
        controls: controls.into_iter().flatten().collect(),
        apis: Vec::new(),
        dates: Vec::new(),
        clocks: assignment.snapshot.clocks.clone(),
        taken_at: Some(now()),
    }
}

/// Whether the configured APIs answer now. Asked also where they are no control: else what they said earlier would count.
pub(super) async fn apis(setup: &ProbeSetup) -> Vec<ControlProbe> {
    join_all(setup.api_urls.iter().map(|url| ask(setup, url))).await
}

async fn ask(setup: &ProbeSetup, url: &str) -> ControlProbe {
    ControlProbe {
        what: url.to_owned(),
        end: setup.url_controls.ask(url, setup.timing.control).await,
    }
}

async fn control(setup: &ProbeSetup, control: &Control) -> Option<ControlProbe> {
    let timeout = setup.timing.control;
    match control {
        Control::Address(address) => Some(probes::control_socket(&address.to_string(), *address, timeout).await),
        Control::Url(url) => Some(ask(setup, url).await),
        Control::Resolvers | Control::Apis => None,
    }
}
