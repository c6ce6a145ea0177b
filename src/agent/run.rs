//! Runs a round as a request asks for it: APIs and inventory are read anew, then the round is assigned and carried out.
//! Decides nothing about what comes after it.

use std::net::IpAddr;
use std::sync::Arc;

use roundsman_checks::evidence::{ApiAnswer, App, Fault, Platform, Reason};
use roundsman_checks::gather::{ApiSnapshot, Assignment, Observer, ReusedEvidence, Stop, may_be_visited, round};
use roundsman_checks::loopback::is_on_loopback;
use roundsman_checks::round::Round;
use roundsman_checks::target::NameError;
use thiserror::Error;

use super::clock;
use super::request::RoundRequest;
use super::setup::{HeaderError, Setup};
use super::snapshot::Snapshot;
use crate::config::Config;
use crate::inventory::{Inventory, InventoryError};

/// Why a round can't be run; exit code 2.
#[derive(Debug, Error)]
pub enum RunError {
    /// The inventory.
    #[error(transparent)]
    Inventory(#[from] InventoryError),
    /// A version is expected and nothing says where to read it.
    #[error(
        "--expect-version: nothing says where the answer of {0} carries its version: write \
         version = \"header:NAME\" or \"json:/pointer\" below [site] of the configuration"
    )]
    NoVersion(String),
    /// A secret that a request needs.
    #[error(transparent)]
    Header(#[from] HeaderError),
    /// The domain leaves no room for a name.
    #[error(transparent)]
    Name(#[from] NameError),
}

/// Completed round, with the inventory that it went by.
pub struct CompletedRound {
    /// What was seen, and what it means.
    pub round: Round,
    /// Who the tenants are.
    pub inventory: Inventory,
}

/// Runs one round over all that is asked for, but for what is reused. Ends with what is known when `stop` is pulled.
///
/// # Errors
/// [`RunError`], all of it the user's to fix.
pub async fn run(
    setup: &Setup,
    request: &RoundRequest,
    reused: ReusedEvidence,
    observer: &dyn Observer,
    mut stop: Stop,
) -> Result<CompletedRound, RunError> {
    // What the APIs take is the round's time as well.
    let began = clock::now();
    observer.stage("platform", 0);
    let Snapshot { api, inventory } = Snapshot::read(setup, request, &mut stop).await?;
    let assignment = Assignment {
        reused,
        ..assign(setup, request, api, &inventory)?
    };
    let mut round = round(&setup.probes, &assignment, observer, stop).await?;
    round.started = began.min(round.started);
    Ok(CompletedRound { round, inventory })
}

/// The assignment of the next round; it reuses nothing.
///
/// # Errors
/// [`HeaderError`] where a secret that a request needs can't be had.
pub fn assign(
    setup: &Setup,
    request: &RoundRequest,
    snapshot: ApiSnapshot,
    inventory: &Inventory,
) -> Result<Assignment, HeaderError> {
    let (addresses, addresses_missing, configured) = addresses(&setup.config, &snapshot.platform);
    let mut targets = setup.targets(&inventory.tenants, request.wake)?;
    if let Some(tracing) = &request.tracing {
        targets
            .iter_mut()
            .for_each(|target| target.trace = Some(tracing.examination()));
    }
    Ok(Assignment {
        number: setup.next_round(),
        targets,
        known: Arc::new(inventory.known.clone()),
        inventory: inventory.faults.clone(),
        selected: request.selected.clone(),
        addresses,
        addresses_missing,
        configured,
        snapshot,
        traced: request.traced,
        logs: request.logs,
        forget_healthy: request.forget_healthy,
        reused: ReusedEvidence::default(),
    })
}

/// The edge's addresses: those that are given, else those that the platform tells, as far as they are visited; why these are
/// not all; and those of the configured app, where another one's stand for them.
fn addresses(config: &Config, platform: &ApiAnswer<Arc<Platform>>) -> (Vec<IpAddr>, Option<Fault>, Vec<IpAddr>) {
    if !config.edge.addresses.is_empty() {
        return (config.edge.addresses.clone(), None, Vec::new());
    }
    let Some(platform) = platform.known() else {
        return (Vec::new(), None, Vec::new());
    };
    let of = |app: Option<&App>| app.map(|app| visited(app, goes_inside(config))).unwrap_or_default();
    // Where the setting can't be right, whether handshakes work is found out at the app that may be meant.
    let wildcard = format!("*.{}", config.domain);
    match platform.other_edge(&wildcard) {
        Some(other) => {
            let ((addresses, missing), (configured, _)) = (of(Some(other)), of(platform.edge()));
            (addresses, missing, configured)
        }
        None => {
            let (addresses, missing) = of(platform.edge());
            (addresses, missing, Vec::new())
        }
    }
}

/// The addresses of the edge app that are visited, and why these are not all that it has.
pub(crate) fn edge_addresses(config: &Config, edge: &App) -> (Vec<IpAddr>, Option<Fault>) {
    visited(edge, goes_inside(config))
}

/// Whether addresses that the platform names may lie inside of the agent's own network: where that is set, or the platform
/// itself is on this machine.
pub(super) fn goes_inside(config: &Config) -> bool {
    config.edge.private || config.cloud().is_some_and(|cloud| is_on_loopback(cloud.api_url()))
}

/// The addresses of an app that are visited, and why these are not all that it has.
fn visited(edge: &App, private: bool) -> (Vec<IpAddr>, Option<Fault>) {
    let told = edge.addresses.iter().copied();
    let mut usable = told
        .filter(|address| may_be_visited(*address, private))
        .collect::<Vec<_>>();
    usable.truncate(MOST_ADDRESSES);
    let left = edge.addresses.len() - usable.len();
    let left_out = || {
        let detail = format!(
            "{left} of the {} addresses of {} are not visited: they are no public ones, or more than {MOST_ADDRESSES}",
            edge.addresses.len(),
            edge.name
        );
        (left > 0).then(|| Fault::new(Reason::PlatformPartial, detail))
    };
    (usable, edge.addresses_missing.clone().or_else(left_out))
}

/// Most addresses of an edge that the platform names.
const MOST_ADDRESSES: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_of_an_edges_addresses_is_said() {
        let edge = |addresses: Vec<IpAddr>, missing| App {
            addresses,
            addresses_missing: missing,
            ..App::default()
        };
        let public = |count: u32| (1..=count).map(|at| IpAddr::from((0xc633_6400 + at).to_be_bytes()));
        let (all, missing) = visited(&edge(public(MOST_ADDRESSES as u32).collect(), None), false);
        assert_eq!((all.len(), missing), (MOST_ADDRESSES, None));
        let (some, missing) = visited(&edge(public(MOST_ADDRESSES as u32 + 1).collect(), None), false);
        assert_eq!((some.len(), missing.is_some()), (MOST_ADDRESSES, true));
        let within = IpAddr::from([10, 0, 0, 1]);
        let mixed = || public(1).chain([within]).collect::<Vec<_>>();
        let (some, missing) = visited(&edge(mixed(), None), false);
        assert_eq!((some, missing.is_some()), (public(1).collect(), true));
        assert_eq!(visited(&edge(mixed(), None), true), (mixed(), None));
        let fault = Some(Fault::new(Reason::PlatformMalformed, "a page is missing"));
        assert_eq!(visited(&edge(mixed(), fault.clone()), true), (mixed(), fault));
    }
}
