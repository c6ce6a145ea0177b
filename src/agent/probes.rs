//! Probe setup: what all probes of one domain share from one reading of the configuration to the next. It holds the
//! clients and what they learned, so it is made once and outlives rounds.

use std::net::SocketAddr;
use std::time::Duration;

use roundsman_checks::expectation::Expectation;
use roundsman_checks::platform::fly::{Details, Logs};
use roundsman_checks::probe::{Asker, Prober};
use roundsman_checks::target::Hostname;

use super::pacer::Pacers;
use crate::config::Control;

/// Setup of the probes of one domain. A clone shares what was learned.
#[derive(Clone)]
pub struct ProbeSetup {
    /// The domain.
    pub domain: Hostname,
    /// The edge's port.
    pub port: u16,
    /// Thresholds of the wildcard certificate, and the page that the control name is asked for.
    pub fleet: Expectation,
    /// Headers sent when the control name is asked for its page.
    pub headers: Vec<(String, String)>,
    /// The zone's servers, where they are configured.
    pub authoritative: Vec<SocketAddr>,
    /// Whether the resolvers stand in for the zone's servers.
    pub through_resolvers: bool,
    /// The recursive resolvers.
    pub resolvers: Vec<SocketAddr>,
    /// The agent's name in reports.
    pub vantage: String,
    /// What proves that the agent sees.
    pub controls: Vec<Control>,
    /// How long a control may take to answer.
    pub control_timeout: Duration,
    /// Where a tenant app is reached directly, as `<app>.<domain>` and a port; `None` without a platform.
    pub direct: Option<(String, u16)>,
    /// How many tenants are probed together; at least 1.
    pub concurrency: usize,
    /// Asks name servers.
    pub asker: Asker,
    /// Visits the edge.
    pub prober: Prober,
    /// The pace that each address of the edge bears.
    pub pacers: Pacers,
    /// Reads the logs of apps; `None` without a platform.
    pub logs: Option<Logs>,
    /// Reads the details of an app's machines; `None` without a platform.
    pub details: Option<Details>,
}
