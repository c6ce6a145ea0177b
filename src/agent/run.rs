//! Runs a round as a request asks for it: APIs and inventory are read anew, then the round is assigned and carried out.
//! Decides nothing about what comes after it.

use std::net::IpAddr;
use std::sync::Arc;

use roundsman_checks::evidence::{ApiAnswer, Platform};
use roundsman_checks::gather::{ApiSnapshot, Assignment, Observer, ReusedEvidence, Stop, round};
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
/// [`RunError`], all of it the user's to mend.
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
    Ok(Assignment {
        number: setup.next_round(),
        targets: setup.targets(&inventory.tenants, request.wake)?,
        known: Arc::new(inventory.known.clone()),
        inventory: inventory.faults.clone(),
        selected: request.selected.clone(),
        addresses: addresses(&setup.config, &snapshot.platform),
        snapshot,
        traced: request.traced,
        logs: request.logs,
        forget_healthy: request.forget_healthy,
        reused: ReusedEvidence::default(),
    })
}

/// The edge's addresses: those that are given, else those that the platform tells.
fn addresses(config: &Config, platform: &ApiAnswer<Arc<Platform>>) -> Vec<IpAddr> {
    if !config.edge.addresses.is_empty() {
        return config.edge.addresses.clone();
    }
    let wildcard = format!("*.{}", config.domain);
    let edge = platform.known().and_then(|platform| {
        // Where the setting can't be right, whether handshakes work is found out at the app that may be meant.
        platform.other_edge(&wildcard).or_else(|| platform.edge())
    });
    edge.map(|edge| edge.addresses.clone()).unwrap_or_default()
}
