//! Round request: what one command asks of its rounds. Made from arguments, and knows no command line.

use std::collections::BTreeSet;

use roundsman_checks::finding::Check;
use roundsman_checks::gather::WakePolicy;

use super::platform::Fetch;
use super::setup::Setup;
use crate::config::Glob;
use crate::telemetry::otlp::context::Tracing;

/// Request of a round, the same for all rounds of one command.
#[derive(Clone, Debug)]
pub struct RoundRequest {
    /// The checks that are asked for.
    pub selected: BTreeSet<Check>,
    /// The ids or host names of the tenants that are asked for; empty: all.
    pub names: Vec<String>,
    /// Labels that every tenant must have.
    pub labels: Vec<(String, String)>,
    /// The ids of the tenants that alone are asked for, of those that are named; whoever of them is not there is left out.
    pub only: Option<BTreeSet<String>>,
    /// Patterns of ids that are left out.
    pub exclude: Vec<Glob>,
    /// Whether names that no source names yet are tenants too, because somebody waits for them.
    pub awaits: bool,
    /// Who may be woken.
    pub wake: WakePolicy,
    /// Whether every answer is expected to carry a version, so that each must say where.
    pub expects_version: bool,
    /// Whether every hop of the only tenant is followed.
    pub traced: bool,
    /// Whether logs may be read.
    pub logs: bool,
    /// Whether the evidence of tenants that are well is dropped: nobody records or reuses it.
    pub forget_healthy: bool,
    /// How examinations are told as traces, where they are.
    pub tracing: Option<Tracing>,
}

impl Default for RoundRequest {
    fn default() -> Self {
        Self {
            selected: Check::ALL.into(),
            names: Vec::new(),
            labels: Vec::new(),
            only: None,
            exclude: Vec::new(),
            awaits: false,
            wake: WakePolicy::default(),
            expects_version: false,
            traced: false,
            logs: true,
            forget_healthy: false,
            tracing: None,
        }
    }
}

impl RoundRequest {
    /// What a round fetches from the APIs: a check that is left out costs nothing.
    pub(super) fn fetch(&self, setup: &Setup) -> Fetch {
        let config = &setup.config;
        let tenants = setup.tenants_from.is_none() && config.tenants.sources.iter().any(|source| source.is_platform());
        let addresses = config.edge.addresses.is_empty();
        let beyond_dns = self.selected.iter().any(|check| *check != Check::Dns);
        Fetch {
            platform: tenants || addresses || beyond_dns,
            listing: self.selected.contains(&Check::Dns),
        }
    }
}
