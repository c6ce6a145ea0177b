//! Probes one tenant: DNS at one server of the zone and at the resolvers, and one visit.

use std::net::SocketAddr;
use std::sync::Arc;

use futures_util::future::join_all;

use super::assignment::{Assignment, Names, ProbeTarget, WakePolicy};
use super::edge::EdgeProber;
use super::reach::may_be_visited;
use super::setup::ProbeSetup;
use crate::check::{AppState, DnsAnswer, Wakes, app_state, wakes};
use crate::clock::now;
use crate::diagnosis::FollowUp;
use crate::evidence::{
    Answer, ApiAnswer, AppWord, DnsQuery, RecordKind, TenantDns, VALIDATION_LABELS, Visit, ZoneEvidence,
};
use crate::finding::Check;
use crate::fleet::FleetContext;
use crate::probe::{DnsQuestion, ProbeRequest};
use crate::target::{Hostname, Tenant};
use crate::world::TenantEvidence;

/// How often a name that seems to have a record of its own is asked for again: a zone that picks at random answers alike
/// by chance once, hardly twice.
const REPETITIONS: usize = 2;

/// Prober of tenants: what probing one of them needs in one round.
pub(super) struct TenantProber<'r> {
    pub edge: &'r EdgeProber<'r>,
    pub context: &'r FleetContext,
    /// The servers that answered the control name: a server that is silent there is not asked again.
    pub servers: Vec<SocketAddr>,
    /// The addresses of the edge that are visited.
    pub sockets: Vec<SocketAddr>,
    pub names: Arc<Names>,
    /// The platform's word on the app of the tenant that is looked at, where it is newer than what was read in bulk.
    pub word: Option<Arc<AppWord>>,
}

impl<'r> TenantProber<'r> {
    pub(super) fn new(
        edge: &'r EdgeProber<'r>,
        context: &'r FleetContext,
        sockets: Vec<SocketAddr>,
        names: Arc<Names>,
    ) -> Self {
        let usable = |server: &&SocketAddr| context.controls.get(server).is_some_and(DnsAnswer::is_usable);
        let servers = context.fleet.zone.servers.iter().filter(usable).copied();
        Self {
            edge,
            context,
            servers: servers.collect(),
            sockets,
            names,
            word: None,
        }
    }

    fn setup(&self) -> &ProbeSetup {
        self.edge.setup
    }

    fn assignment(&self) -> &Assignment {
        self.edge.assignment
    }

    fn zone(&self) -> &ZoneEvidence {
        &self.context.fleet.zone
    }

    /// Probes one tenant: DNS and a visit at the same time; without `visit` it is spared that, for it would fail.
    pub(super) async fn probe(&self, target: &ProbeTarget, visit: bool) -> TenantEvidence {
        let at = now();
        if !target.tenant.hostname.is_within(&self.setup().domain) {
            return TenantEvidence {
                probed: true,
                at: Some(at),
                trace: target.trace.clone(),
                ..TenantEvidence::unseen(target.tenant.clone(), target.expectation.clone())
            };
        }
        let (asleep, page) = (self.wakes(&target.tenant) == Wakes::Yes, self.may_ask(target));
        let socket = self.first_socket(target);
        let spared = !visit && socket.is_some();
        let first = async {
            match socket.filter(|_| !spared) {
                Some(socket) => Some(self.visit(target, socket, page).await),
                None => None,
            }
        };
        let (dns, visit) = tokio::join!(self.dns(&target.tenant), first);
        let unseen = TenantEvidence::unseen(target.tenant.clone(), target.expectation.clone());
        TenantEvidence {
            dns,
            visits: visit.into_iter().collect(),
            probed: true,
            at: Some(at),
            asleep,
            woken: asleep && page && !spared && self.assignment().asks_for_pages(),
            spared,
            word: self.word.clone(),
            trace: target.trace.clone(),
            ..unseen
        }
    }

    /// Which of `count` places this tenant has in this round, `offset` places further; the next round begins one place
    /// further.
    fn place(&self, tenant: &Tenant, offset: usize, count: usize) -> usize {
        let turn = tenant.id.spread().wrapping_add(self.assignment().number);
        let places = u64::try_from(count).unwrap_or(u64::MAX);
        let place = usize::try_from(turn % places).unwrap_or_default();
        (place + offset) % count
    }

    async fn dns(&self, tenant: &Tenant) -> TenantDns {
        if !self.assignment().selects(Check::Dns) {
            return TenantDns::default();
        }
        let (authoritative, resolvers) = tokio::join!(self.authoritative(tenant), self.resolvers(tenant));
        TenantDns {
            authoritative,
            resolvers,
            ..TenantDns::default()
        }
    }

    /// A, AAAA and CAA at one server; where it gives no usable answer, at the next.
    async fn authoritative(&self, tenant: &Tenant) -> Vec<DnsQuery> {
        let mut looks = Vec::new();
        let name = tenant.hostname.as_str();
        for offset in 0..self.servers.len() {
            let server = self.servers[self.place(tenant, offset, self.servers.len())];
            let kinds = [RecordKind::A, RecordKind::Aaaa, RecordKind::Caa];
            looks.extend(self.ask(server, name, kinds, self.zone().through_resolvers).await);
            let said = self.context.said_at(&looks, name, server);
            if said.is_usable() {
                break;
            }
        }
        looks
    }

    async fn resolvers(&self, tenant: &Tenant) -> Vec<DnsQuery> {
        if self.zone().through_resolvers {
            return Vec::new();
        }
        // A resolver that failed for the control name as well would only be waited for again.
        let answers = |resolver: &&SocketAddr| {
            let mut looks = self
                .zone()
                .resolver_controls
                .iter()
                .filter(|look| look.server == **resolver);
            looks.any(|look| look.reply.is_some())
        };
        let kinds = [RecordKind::A, RecordKind::Aaaa];
        let asks = self.zone().resolvers.iter().filter(answers);
        let asks = asks.map(|resolver| self.ask(*resolver, tenant.hostname.as_str(), kinds, true));
        join_all(asks).await.into_iter().flatten().collect()
    }

    async fn ask<const N: usize>(
        &self,
        server: SocketAddr,
        name: &str,
        kinds: [RecordKind; N],
        recursion: bool,
    ) -> [DnsQuery; N] {
        let questions = kinds.map(|kind| DnsQuestion {
            name,
            kind,
            recursion,
            checking_disabled: false,
        });
        self.setup().dns.ask_each(server, questions).await
    }

    /// What stands at the name or below it and keeps the wildcard away: asked type by type, never ANY (RFC 8482).
    pub(super) async fn blockers(&self, tenant: &TenantEvidence) -> Vec<DnsQuery> {
        let Some(server) = tenant.dns.authoritative.last().map(|look| look.server) else {
            return Vec::new();
        };
        let name = tenant.tenant.hostname.as_str();
        let here = [
            RecordKind::Txt,
            RecordKind::Caa,
            RecordKind::Mx,
            RecordKind::Https,
            RecordKind::Ns,
        ];
        let below = [RecordKind::Txt, RecordKind::Cname];
        let labels = VALIDATION_LABELS.map(|label| format!("{label}.{name}"));
        let recursion = self.zone().through_resolvers;
        let below = labels.iter().map(|name| self.ask(server, name, below, recursion));
        let (here, below) = tokio::join!(self.ask(server, name, here, recursion), join_all(below));
        here.into_iter().chain(below.into_iter().flatten()).collect()
    }

    /// The name and the control name some times more at the server that told them apart: whether both are always answered
    /// so.
    pub(super) async fn repeated(&self, tenant: &TenantEvidence) -> Vec<DnsQuery> {
        let Some(server) = self.context.tenant_answer(tenant).0 else {
            return Vec::new();
        };
        let names = [tenant.tenant.hostname.as_str(), self.zone().control.as_str()];
        let (recursion, mut looks) = (self.zone().through_resolvers, Vec::new());
        for _ in 0..REPETITIONS {
            for name in names {
                looks.extend(
                    self.ask(server, name, [RecordKind::A, RecordKind::Aaaa], recursion)
                        .await,
                );
            }
        }
        looks
    }

    /// Where a tenant is visited first; nowhere where no check of a visit was asked for.
    fn first_socket(&self, target: &ProbeTarget) -> Option<SocketAddr> {
        if !self.assignment().visits() || target.tenant.inactive || self.sockets.is_empty() {
            return None;
        }
        Some(self.sockets[self.place(&target.tenant, 0, self.sockets.len())])
    }

    /// Whether a tenant may be asked for its page: not one that sleeps, unless it may be woken.
    pub(super) fn may_ask(&self, target: &ProbeTarget) -> bool {
        match (target.wake, self.wakes(&target.tenant)) {
            (WakePolicy::Allowed, _) | (_, Wakes::No) => true,
            (WakePolicy::Unknowingly, Wakes::Perhaps) => true,
            (WakePolicy::Never, Wakes::Perhaps) | (_, Wakes::Yes) => false,
        }
    }

    /// Whether asking a tenant for its page would start a machine.
    fn wakes(&self, tenant: &Tenant) -> Wakes {
        match &self.assignment().snapshot.platform {
            ApiAnswer::Known(platform) => {
                let own = self.word.as_deref().map(AppWord::told);
                wakes(own.unwrap_or_else(|| platform.told(&tenant.app)))
            }
            ApiAnswer::Unknown(_) => Wakes::Perhaps,
            // Without a platform there is nothing that sleeps.
            ApiAnswer::NotConfigured => Wakes::No,
        }
    }

    /// The app of the traced tenant asked directly, where it is awake and nothing asks for that already.
    pub(super) fn worth_tracing(&self, tenant: &TenantEvidence) -> Option<FollowUp> {
        let platform = self.assignment().snapshot.platform.known()?;
        let told = tenant.told(platform);
        let app = told.app?;
        let awake = match app_state(told, &[]) {
            AppState::Running(_) => true,
            AppState::Asleep => tenant.woken && tenant.visit().is_some_and(|visit| visit.page.answer.is_some()),
            _ => false,
        };
        let wanted =
            awake && !app.addresses.is_empty() && tenant.direct.is_none() && self.assignment().asks_for_pages();
        wanted.then(|| FollowUp::Direct(tenant.tenant.id.clone()))
    }

    /// Visits one tenant at one address; without `page` the visit ends after the handshake, which wakes nobody.
    pub(super) async fn visit(&self, target: &ProbeTarget, socket: SocketAddr, page: bool) -> Visit {
        let site = &target.expectation.site;
        let route = self.assignment().selects(Check::Route) && !target.expectation.skip.contains(&Check::Route);
        let open = |answer: &Answer| route && self.names.leaves_open(&site.identity, answer);
        let page = (page && self.assignment().asks_for_pages()).then_some(site);
        let wish = ProbeRequest {
            page,
            headers: &target.headers,
            trace: target.trace.as_ref(),
            settings: &target.settings,
            open: &open,
        };
        self.edge.visit(socket, &target.tenant.hostname, &wish).await
    }

    /// Asks a tenant's app directly, past the edge, for the same page.
    pub(super) async fn direct(&self, target: &ProbeTarget) -> Option<Visit> {
        let (domain, port) = self.setup().direct.as_ref()?;
        let name = Hostname::parse(&format!("{}.{domain}", target.tenant.app)).ok()?;
        let kinds = [RecordKind::A, RecordKind::Aaaa];
        let resolver = self.setup().resolvers.first()?;
        let looks = self.ask(*resolver, name.as_str(), kinds, true).await;
        let records = looks
            .iter()
            .filter_map(|look| look.reply.as_ref())
            .flat_map(|reply| &reply.answers);
        // The name is the platform's, and so is where it leads.
        let address = records
            .filter_map(|record| record.data.parse::<std::net::IpAddr>().ok())
            .find(|address| may_be_visited(*address, self.setup().private))?;
        let never = |_: &Answer| false;
        let wish = ProbeRequest {
            page: Some(&target.expectation.site),
            headers: &target.headers,
            trace: target.trace.as_ref(),
            settings: &target.settings,
            open: &never,
        };
        let socket = SocketAddr::new(address, *port);
        let (visit, chain) = self.setup().prober.visit(socket, &name, &wish, now()).await;
        self.edge.keep(chain);
        Some(visit)
    }
}
