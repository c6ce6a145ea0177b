//! Runs a round as a request asks for it: APIs and inventory are read anew, then the round is assigned and carried out.
//! Decides nothing about what comes after it.

use std::net::{IpAddr, Ipv4Addr};
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
    let addresses = edge.map(|edge| edge.addresses.clone()).unwrap_or_default();
    let private = config.edge.private || config.fly.as_ref().is_some_and(|fly| is_on_loopback(&fly.api_url));
    let usable = addresses
        .into_iter()
        .filter(|address| may_be_visited(*address, private));
    usable.take(MOST_ADDRESSES).collect()
}

/// Most addresses of an edge that the platform names.
const MOST_ADDRESSES: usize = 32;

/// Whether an address that somebody else names is one of a public edge: nothing that would let them look around in the
/// network that the agent is in (RFC 6890).
fn may_be_visited(address: IpAddr, private: bool) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let never = v4.is_unspecified() || v4.is_broadcast() || v4.is_multicast() || v4.is_link_local();
            let inside = v4.is_loopback() || v4.is_private() || is_shared(v4) || v4.octets()[0] == 0;
            !never && (private || !inside)
        }
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => may_be_visited(v4.into(), private),
            None => {
                let never = v6.is_unspecified() || v6.is_multicast() || v6.is_unicast_link_local();
                let inside = v6.is_loopback() || v6.is_unique_local();
                !never && (private || !inside)
            }
        },
    }
}

/// Addresses between a provider and its customers (RFC 6598).
fn is_shared(address: Ipv4Addr) -> bool {
    let [first, second, ..] = address.octets();
    first == 100 && second & 0b1100_0000 == 64
}

/// Whether a URL leads to this machine.
fn is_on_loopback(url: &str) -> bool {
    let host = reqwest::Url::parse(url).ok();
    let host = host.as_ref().and_then(reqwest::Url::host_str).unwrap_or_default();
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_somebody_else_names_are_public_ones() {
        let visited = |text: &str, private| text.parse().is_ok_and(|address| may_be_visited(address, private));
        for never in [
            "0.0.0.0",
            "255.255.255.255",
            "224.0.0.1",
            "169.254.169.254",
            "::",
            "ff02::1",
            "fe80::1",
            "::ffff:169.254.1.1",
        ] {
            assert!(!visited(never, false) && !visited(never, true), "{never}");
        }
        for inside in [
            "10.0.0.1",
            "127.0.0.1",
            "192.168.1.1",
            "100.64.0.1",
            "::1",
            "fdaa::1",
            "::ffff:10.0.0.1",
            "0.1.2.3",
        ] {
            assert!(!visited(inside, false) && visited(inside, true), "{inside}");
        }
        for public in ["198.51.100.7", "100.128.0.1", "2a09:8280:1::7"] {
            assert!(visited(public, false) && visited(public, true), "{public}");
        }
        assert!(
            is_on_loopback("http://127.0.0.1:1/x")
                && is_on_loopback("http://[::1]:1")
                && is_on_loopback("http://localhost")
        );
        assert!(!is_on_loopback("https://api.fly.io") && !is_on_loopback("https://127.0.0.1.evil.example"));
    }
}
