//! Probes the edge once per round: the control name at each address of each family that the agent has.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock};

use futures_util::future::join_all;
use jiff::Timestamp;
use tokio::sync::Semaphore;

use super::assignment::Assignment;
use super::details::Details;
use super::setup::ProbeSetup;
use crate::clock::{Moment, now};
use crate::evidence::{Answer, ChainId, SourceClock, VantageEvidence, Visit, ZoneEvidence};
use crate::fleet::ChainStore;
use crate::probe::ProbeRequest;
use crate::reading::http_date;
use crate::target::Hostname;
use crate::world::{CertificateChain, EdgeEvidence};

/// How many repetitions without haste run together: few, for they tell a fault from a limit.
const UNHURRIED: usize = 8;

/// Prober of the edge: what visiting an address of it needs in one round.
pub(super) struct EdgeProber<'r> {
    pub setup: &'r ProbeSetup,
    pub assignment: &'r Assignment,
    /// A name that exists nowhere.
    pub control: Hostname,
    /// When the round began, which chains are judged by.
    pub now: Timestamp,
    pub chains: Arc<ChainStore>,
    /// Whose turn it is to be repeated without haste.
    pub unhurried: Arc<Semaphore>,
    first_retry: OnceLock<Moment>,
    /// Asks the platform about single apps.
    pub details: Arc<Details>,
}

fn never(_: &Answer) -> bool {
    false
}

impl<'r> EdgeProber<'r> {
    pub(super) fn new(
        setup: &'r ProbeSetup,
        assignment: &'r Assignment,
        control: Hostname,
        now: Timestamp,
        chains: Arc<ChainStore>,
        unhurried: Arc<Semaphore>,
        details: Arc<Details>,
    ) -> Self {
        Self {
            setup,
            assignment,
            control,
            now,
            chains,
            unhurried,
            first_retry: OnceLock::new(),
            details,
        }
    }

    /// As many turns of repetitions without haste as there are together.
    pub(super) fn turns() -> Arc<Semaphore> {
        Arc::new(Semaphore::new(UNHURRIED))
    }

    /// When the first repetition of the round began: patience is for all of them together.
    pub(super) fn first_retry(&self) -> Moment {
        *self.first_retry.get_or_init(Moment::now)
    }

    /// Keeps a chain that was served.
    pub(super) fn keep(&self, chain: Option<(ChainId, Arc<CertificateChain>)>) {
        if let Some((id, presented)) = chain {
            self.chains.insert(id, presented);
        }
    }

    /// Visits the control name at an address, without waiting for a turn.
    pub(super) async fn control(&self, address: SocketAddr) -> Visit {
        let setup = self.setup;
        let wish = ProbeRequest {
            page: self.assignment.asks_for_pages().then_some(&setup.fleet.site),
            headers: &setup.headers,
            trace: None,
            settings: setup.prober.settings(),
            open: &never,
        };
        let (visit, chain) = setup.prober.visit(address, &self.control, &wish, now()).await;
        self.keep(chain);
        visit
    }

    /// Visits `name` at an address when its turn comes. Where many are cut, the control name tells whether the edge
    /// limits us: only then the pace falls.
    pub(super) async fn visit(&self, address: SocketAddr, name: &Hostname, wish: &ProbeRequest<'_>) -> Visit {
        let setup = self.setup;
        setup.pacers.turn(address).await;
        let (visit, chain) = setup.prober.visit(address, name, wish, now()).await;
        self.keep(chain);
        if setup.pacers.heard(address, visit.was_cut()) && self.control(address).await.was_cut() {
            setup.pacers.slow_down(address);
        }
        visit
    }
}

/// The edge before anybody went there: which addresses it has, by what is known of the zone.
pub(super) fn unvisited(setup: &ProbeSetup, assignment: &Assignment, zone: &ZoneEvidence) -> EdgeEvidence {
    let replies = zone.controls.iter().filter_map(|look| look.reply.as_ref());
    let records = replies.flat_map(|reply| &reply.answers);
    let led = records.filter_map(|record| record.data.parse::<IpAddr>().ok());
    let led = led.collect::<BTreeSet<_>>();
    let leads_to = |addresses: &[IpAddr]| addresses.iter().any(|address| led.contains(address));
    let to_configured = leads_to(&assignment.configured) && !leads_to(&assignment.addresses);
    let (addresses, missing) = match to_configured {
        true => (&assignment.configured, None),
        false => (&assignment.addresses, assignment.addresses_missing.clone()),
    };
    EdgeEvidence {
        addresses: addresses.clone(),
        addresses_missing: missing,
        port: setup.port,
        ..EdgeEvidence::default()
    }
}

/// The sockets of families that the agent has.
fn usable(edge: &EdgeEvidence, vantage: &VantageEvidence) -> Vec<SocketAddr> {
    let lacks = |socket: &SocketAddr| {
        let family = if socket.is_ipv4() { vantage.ipv4 } else { vantage.ipv6 };
        family == Some(false)
    };
    edge.sockets().filter(|socket| !lacks(socket)).collect()
}

/// The addresses that tenants are visited at: those where the control name stands, else those that connect. Where
/// nothing connects there is nothing to visit, and the control visits say why.
pub(super) fn probe_addresses(edge: &EdgeEvidence) -> Vec<SocketAddr> {
    let at = |stands: fn(&Visit) -> bool| {
        let latest = edge.sockets().filter_map(|socket| edge.control_at(socket));
        latest
            .filter(|visit| stands(visit))
            .map(|visit| visit.address)
            .collect::<Vec<_>>()
    };
    let standing = at(|visit| visit.handshake.end.is_done());
    if standing.is_empty() {
        at(|visit| visit.connect.end.reason().is_none())
    } else {
        standing
    }
}

/// What clock the edge keeps, by the answers to the control name: of several the one that is nearest to ours.
pub(super) fn clock(edge: &EdgeEvidence) -> Option<SourceClock> {
    let clock = |visit: &Visit| {
        let date = visit.page.answer.as_ref()?.header("date")?;
        Some(SourceClock {
            source: "the edge".to_owned(),
            theirs: http_date(date)?,
            ours: visit.page.during()?.1,
        })
    };
    let clocks = edge.controls.iter().filter_map(clock);
    clocks.min_by_key(|clock| clock.ahead().abs())
}

/// Visits the control name everywhere.
pub(super) async fn probe(prober: &EdgeProber<'_>, vantage: &VantageEvidence, zone: &ZoneEvidence) -> EdgeEvidence {
    let edge = unvisited(prober.setup, prober.assignment, zone);
    let sockets = match prober.assignment.visits() {
        true => usable(&edge, vantage),
        false => Vec::new(),
    };
    EdgeEvidence {
        taken_at: Some(now()),
        controls: join_all(sockets.iter().map(|socket| prober.control(*socket))).await,
        ..edge
    }
}
