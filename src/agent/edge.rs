//! Looks at the edge once per round: the control name at each address of each family that the agent has.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;
use jiff::Timestamp;
use roundsman_checks::evidence::{Answer, ChainId, VantageEvidence, Visit};
use roundsman_checks::probe::Wish;
use roundsman_checks::target::Hostname;
use roundsman_checks::world::{EdgeEvidence, Presented};

use super::pacer::Pacer;
use super::plan::Plan;

/// How long the control name rests before it is asked again after a cut.
const REST: Duration = Duration::from_millis(500);

/// The chains seen so far, each once.
#[derive(Default)]
pub(super) struct Chains(Mutex<BTreeMap<ChainId, Presented>>);

impl Chains {
    pub(super) fn keep(&self, chain: Option<(ChainId, Presented)>) {
        if let Some((id, presented)) = chain {
            self.0
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .entry(id)
                .or_insert(presented);
        }
    }

    pub(super) fn take(&self) -> BTreeMap<ChainId, Presented> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn put(&self, chains: BTreeMap<ChainId, Presented>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = chains;
    }
}

/// What visiting needs: the plan, the control name, the moment, and a pacer for each address.
pub(super) struct Visitor<'p> {
    pub plan: &'p Plan,
    pub control: Hostname,
    pub now: Timestamp,
    pub chains: Chains,
    pacers: BTreeMap<SocketAddr, Pacer>,
}

fn never(_: &Answer) -> bool {
    false
}

impl<'p> Visitor<'p> {
    pub(super) fn new(plan: &'p Plan, control: Hostname, now: Timestamp) -> Self {
        let sockets = plan.edge.0.iter().map(|address| SocketAddr::new(*address, plan.edge.1));
        let pacers = sockets.map(|socket| (socket, Pacer::new(plan.rate))).collect();
        Self {
            plan,
            control,
            now,
            chains: Chains::default(),
            pacers,
        }
    }

    /// The pacer of an address.
    pub(super) fn pacer(&self, address: SocketAddr) -> Option<&Pacer> {
        self.pacers.get(&address)
    }

    /// Visits the control name at an address, without waiting for a turn.
    pub(super) async fn control(&self, address: SocketAddr) -> Visit {
        let page = self.plan.asks_for_pages().then_some(&self.plan.fleet.site);
        let wish = Wish {
            page,
            headers: &self.plan.headers,
            settings: self.plan.prober.settings(),
            open: &never,
        };
        let (visit, chain) = self.plan.prober.visit(address, &self.control, &wish, self.now).await;
        self.chains.keep(chain);
        visit
    }

    /// Visits `name` at an address when its turn comes. Where many are cut, the control name tells whether the edge
    /// limits us: only then the pace falls.
    pub(super) async fn visit(&self, address: SocketAddr, name: &Hostname, wish: &Wish<'_>) -> Visit {
        let Some(pacer) = self.pacer(address) else {
            return Visit::new(address, name.clone());
        };
        pacer.turn().await;
        let (visit, chain) = self.plan.prober.visit(address, name, wish, self.now).await;
        self.chains.keep(chain);
        if pacer.heard(visit.was_cut()) && self.control(address).await.was_cut() {
            pacer.slow_down();
        }
        visit
    }
}

/// The addresses of families that the agent has.
pub(super) fn usable(plan: &Plan, vantage: &VantageEvidence) -> Vec<SocketAddr> {
    let lacks = |socket: &SocketAddr| {
        let family = if socket.is_ipv4() { vantage.ipv4 } else { vantage.ipv6 };
        family == Some(false)
    };
    let sockets = plan.edge.0.iter().map(|address| SocketAddr::new(*address, plan.edge.1));
    sockets.filter(|socket| !lacks(socket)).collect()
}

/// The addresses that tenants are visited at: those where the control name stands, else those that connect. Where
/// nothing connects there is nothing to visit, and the control visits say why.
pub(super) fn worth_visiting(edge: &EdgeEvidence) -> Vec<SocketAddr> {
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

/// Visits the control name everywhere; where it is cut, once more after a rest.
pub(super) async fn look(visitor: &Visitor<'_>, vantage: &VantageEvidence) -> EdgeEvidence {
    let (addresses, port) = visitor.plan.edge.clone();
    let mut edge = EdgeEvidence {
        addresses,
        port,
        controls: Vec::new(),
        rechecks: Vec::new(),
    };
    if !visitor.plan.visits() {
        return edge;
    }
    let sockets = usable(visitor.plan, vantage);
    edge.controls = join_all(sockets.iter().map(|socket| visitor.control(*socket))).await;
    let cut = edge
        .controls
        .iter()
        .filter(|visit| visit.was_cut())
        .map(|visit| visit.address)
        .collect::<Vec<_>>();
    if !cut.is_empty() {
        tokio::time::sleep(REST).await;
        edge.rechecks = join_all(cut.iter().map(|socket| visitor.control(*socket))).await;
    }
    edge
}
