//! The fleet as it is read for judging: what each server says of the control name, what a chain says of itself, who holds
//! what. Decides nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use jiff::Timestamp;

use super::{ChainStore, Directory, Fleet};
use crate::chain::{Facts, Flaw, Flawed};
use crate::evidence::{
    ApiAnswer, App, AppCertificate, DnsQuery, DnsReply, Platform, Reason, RecordKind, VantageEvidence, Visit,
    ZoneEvidence, ZoneRecord,
};
use crate::reading::{DnsAnswer, is_unserved};
use crate::target::Tenant;
use crate::world::{EdgeEvidence, TenantEvidence};

/// A fleet with what follows from it for every tenant.
#[derive(Clone, Debug)]
pub struct FleetContext {
    /// The fleet.
    pub fleet: Fleet,
    /// What each server says of the control name.
    pub controls: BTreeMap<SocketAddr, DnsAnswer>,
    /// What each server says of `*.DOMAIN`.
    pub wildcards: BTreeMap<SocketAddr, DnsAnswer>,
    /// What resolvers that stand in for the zone's servers say of the control name by a view of their own, where others
    /// of them find the edge.
    pub other_views: BTreeMap<SocketAddr, DnsAnswer>,
    /// Whether all that is said of the zone comes from others than its servers, who may have it from an old cache:
    /// resolvers, or servers that forward what they are asked.
    pub is_hearsay: bool,
    /// The servers that serve one of both address types only and say so, and which: for every name alike.
    pub one_family: BTreeMap<SocketAddr, RecordKind>,
    /// What each resolver says of a label that it can't know yet.
    pub resolver_controls: BTreeMap<SocketAddr, DnsAnswer>,
    /// The chains that were seen.
    pub chains: Arc<ChainStore>,
    /// Who is who.
    pub directory: Arc<Directory>,
    /// Whether another app than the configured one is the edge.
    pub other_edge: OtherEdge,
}

/// Another app that holds the wildcard's certificate, where the configured edge app does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OtherEdge {
    /// There is none; or the addresses of the edge are the configured app's, and each of them cuts the handshake: then the
    /// certificate is where it should not be.
    None,
    /// Handshakes work, so this app is the edge: what the platform says of the configured one says nothing of the edge.
    Proven(String),
    /// This app may be the edge: no handshake tells, or the lists that would tell are not whole.
    Open(String),
}

impl OtherEdge {
    /// The app that is the edge in truth.
    #[must_use]
    pub fn proven(&self) -> Option<&str> {
        match self {
            Self::Proven(app) => Some(app),
            Self::None | Self::Open(_) => None,
        }
    }

    fn of(fleet: &Fleet) -> Self {
        let (Some(platform), wildcard) = (fleet.platform.known(), fleet.wildcard_name()) else {
            return Self::None;
        };
        let edge = &fleet.edge;
        let rivals = || platform.rivals(&wildcard);
        let is_visited = |app: &&App| app.addresses.iter().any(|address| edge.addresses.contains(address));
        let Some(rival) = rivals().find(is_visited).or_else(|| rivals().next()) else {
            return Self::None;
        };
        let control = |is: fn(&Visit) -> bool| move |socket| edge.control_at(socket).is_some_and(is);
        let stands = edge.sockets().any(control(|visit| visit.handshake.end.is_done()));
        let is_cut = !edge.addresses.is_empty() && edge.sockets().all(control(Visit::was_cut));
        // Whose addresses are visited: traffic goes there.
        let has = |app: &App, address: &IpAddr| app.addresses.contains(address);
        let is_configured = |app: &App| edge.addresses.iter().all(|at| has(app, at) && !has(rival, at));
        let is_configured = !edge.addresses.is_empty() && platform.edge().is_some_and(is_configured);
        let (lacks, app) = (platform.lacks_edge(&wildcard), rival.name.clone());
        if lacks && stands && !is_configured && rival.is_ready_for(&wildcard) {
            Self::Proven(app)
        } else if lacks && is_cut && is_configured {
            Self::None
        } else {
            Self::Open(app)
        }
    }
}

/// Whether two answers are one and the same, or neither is any.
fn is_same<T>(one: &ApiAnswer<Arc<T>>, other: &ApiAnswer<Arc<T>>) -> bool {
    match (one.known(), other.known()) {
        (Some(one), Some(other)) => Arc::ptr_eq(one, other),
        (one, other) => one.is_none() && other.is_none(),
    }
}

impl FleetContext {
    /// Reads a fleet. Building the directory looks at every tenant, app and record once.
    #[must_use]
    pub fn new(fleet: Fleet, chains: Arc<ChainStore>) -> Self {
        let directory = Directory::new(Arc::clone(&fleet.known), &fleet.platform, &fleet.listing);
        Self::read(fleet, chains, Arc::new(directory))
    }

    /// The same with a new look at zone, edge and vantage: the directory and the chains stay.
    #[must_use]
    pub fn observe(&self, zone: ZoneEvidence, edge: EdgeEvidence, vantage: VantageEvidence) -> Self {
        let fleet = Fleet {
            zone,
            edge,
            vantage,
            ..self.fleet.clone()
        };
        Self::read(fleet, Arc::clone(&self.chains), Arc::clone(&self.directory))
    }

    /// Another fleet, with the chains of this one, and its directory too where that would be made of the same.
    #[must_use]
    pub fn followed_by(&self, fleet: Fleet) -> Self {
        let before = &self.fleet;
        let same = Arc::ptr_eq(&before.known, &fleet.known)
            && is_same(&before.platform, &fleet.platform)
            && is_same(&before.listing, &fleet.listing);
        match same {
            true => Self::read(fleet, Arc::clone(&self.chains), Arc::clone(&self.directory)),
            false => Self::new(fleet, Arc::clone(&self.chains)),
        }
    }

    fn read(fleet: Fleet, chains: Arc<ChainStore>, directory: Arc<Directory>) -> Self {
        let zone = &fleet.zone;
        let is_hearsay = is_hearsay(zone);
        let authority = !is_hearsay;
        let star = fleet.wildcard_name();
        let one_family = one_family(&fleet, authority);
        let read = |looks: &[_], name: &str, server, authority| {
            (server, read(&fleet, &one_family, looks, name, server, authority))
        };
        let fresh = |server: SocketAddr| {
            let label = zone.resolver_controls.iter().find(|look| look.server == server);
            label.map(|look| look.name.clone()).unwrap_or_default()
        };
        let servers = zone.servers.iter().copied();
        let mut controls = servers
            .clone()
            .map(|server| read(&zone.controls, zone.control.as_str(), server, authority))
            .collect::<BTreeMap<_, _>>();
        let other_views = match zone.through_resolvers {
            true => take_other_views(&mut controls, &fleet.edge.addresses),
            false => BTreeMap::new(),
        };
        let wildcards = servers
            .map(|server| read(&zone.wildcards, &star, server, authority))
            .collect();
        let resolvers = zone.resolvers.iter().copied();
        let resolver_controls = resolvers
            .map(|server| read(&zone.resolver_controls, &fresh(server), server, false))
            .collect();
        Self {
            controls,
            wildcards,
            other_views,
            is_hearsay,
            one_family,
            resolver_controls,
            other_edge: OtherEdge::of(&fleet),
            chains,
            directory,
            fleet,
        }
    }

    /// The platform's word, where it is known.
    #[must_use]
    pub fn platform(&self) -> Option<&Platform> {
        self.fleet.platform.known().map(Arc::as_ref)
    }

    /// The edge app, where the platform knows it, and the configuration names the right one.
    #[must_use]
    pub fn edge_app(&self) -> Option<&App> {
        self.platform().filter(|_| self.other_edge.proven().is_none())?.edge()
    }

    /// Whether this app may be the edge in truth: what it holds is no conflict then, and nothing is taken from it.
    #[must_use]
    pub fn may_be_edge(&self, app: &App) -> bool {
        match &self.other_edge {
            OtherEdge::None => false,
            OtherEdge::Proven(edge) => *edge == app.name,
            OtherEdge::Open(_) => app.holds(&self.fleet.wildcard_name()),
        }
    }

    /// What the chain of a visit says of itself.
    #[must_use]
    pub fn facts(&self, visit: &Visit) -> Option<Arc<Facts>> {
        self.chains.facts(visit.handshake.chain?)
    }

    /// The certificate of the chain of a visit that is to blame for this fault; nothing where no certificate shows it.
    #[must_use]
    pub fn flaw(&self, visit: &Visit, reason: Reason) -> Option<Flawed> {
        let flaws = self
            .chains
            .flaws(visit.handshake.chain?, self.moment_of(visit))
            .into_iter();
        let fits = |flawed: &Flawed| match (reason, &flawed.flaw) {
            (Reason::TlsExpired, Flaw::Expired(_)) | (Reason::TlsNotYetValid, Flaw::NotYetValid(_)) => true,
            (Reason::TlsUnknownIssuer, flaw) => !matches!(flaw, Flaw::Expired(_) | Flaw::NotYetValid(_)),
            _ => false,
        };
        let mut fitting = flaws.filter(fits);
        fitting.next()
    }

    /// When a visit was made: its certificate is judged at that moment. Old recordings tell only when all was judged.
    #[must_use]
    pub fn moment_of(&self, visit: &Visit) -> Timestamp {
        visit.started_at.unwrap_or(self.fleet.now)
    }

    /// When the platform answered.
    #[must_use]
    pub fn platform_moment(&self) -> Timestamp {
        let taken = self.platform().and_then(|platform| platform.taken_at);
        taken.unwrap_or(self.fleet.now)
    }

    /// The tenant that an id, an app, a host name or a machine belongs to.
    #[must_use]
    pub fn owner(&self, name: &str) -> Option<&Tenant> {
        self.directory.owner(name)
    }

    /// The records of the zone's listing at a name and below it; `None` without a listing.
    #[must_use]
    pub fn listed(&self, name: &str) -> Option<Vec<&ZoneRecord>> {
        self.directory.listed(name)
    }

    /// The address records of the wildcard, where the listing says that they go through the provider's proxy: DNS then
    /// answers with the proxy's addresses, and their content is what counts.
    #[must_use]
    pub fn behind_proxy(&self) -> Option<BTreeSet<IpAddr>> {
        let star = self.fleet.wildcard_name();
        let records = self.directory.listed(&star)?.into_iter();
        let content = records
            .filter(|record| record.name == star && record.proxied)
            .filter_map(|record| record.content.parse().ok())
            .collect::<BTreeSet<_>>();
        (!content.is_empty()).then_some(content)
    }

    /// The certificates of other apps than the edge's that cover a host name.
    #[must_use]
    pub fn foreign_certificates(&self, hostname: &str) -> Vec<(&App, &AppCertificate)> {
        let parent = hostname.split_once('.').map(|(_, parent)| format!("*.{parent}"));
        let names = [Some(hostname), parent.as_deref()];
        let names = names.into_iter().flatten();
        names.flat_map(|name| self.directory.foreign(name)).collect()
    }

    /// What the zone says of a tenant: the first usable answer, else the fault that says most; and who said it.
    #[must_use]
    pub fn tenant_answer(&self, tenant: &TenantEvidence) -> (Option<SocketAddr>, DnsAnswer) {
        let mut most = (None, DnsAnswer::Nothing);
        for server in in_order(tenant.dns.authoritative.iter().map(|look| look.server)) {
            if self.other_views.contains_key(&server) {
                continue;
            }
            let name = tenant.tenant.hostname.as_str();
            let said = self.said_at(&tenant.dns.authoritative, name, server);
            if said.is_usable() {
                return (Some(server), said);
            }
            if most.0.is_none() || said.tells() > most.1.tells() {
                most = (Some(server), said);
            }
        }
        most
    }

    /// What a server says of a name, in the families that it serves.
    #[must_use]
    pub fn said_at(&self, looks: &[DnsQuery], name: &str, server: SocketAddr) -> DnsAnswer {
        read(&self.fleet, &self.one_family, looks, name, server, !self.is_hearsay)
    }

    /// The same of a name that was asked for several times, each answer by itself.
    #[must_use]
    pub fn said_each(&self, looks: &[DnsQuery], name: &str, server: SocketAddr) -> Vec<DnsAnswer> {
        let kinds = match self.one_family.get(&server) {
            Some(kind) => vec![*kind],
            None => vec![RecordKind::A, RecordKind::Aaaa],
        };
        DnsAnswer::read_each(looks, &kinds, name, server, &self.fleet.domain, !self.is_hearsay)
    }

    /// The control answer to compare with: of the same server, else of any that gave one.
    #[must_use]
    pub fn control_for(&self, server: Option<SocketAddr>) -> Option<&DnsAnswer> {
        let same = server
            .and_then(|server| self.controls.get(&server))
            .filter(|said| said.is_usable());
        same.or_else(|| self.controls.values().find(|said| said.is_usable()))
    }

    /// Whether a resolver got a fresh label from the zone's servers.
    #[must_use]
    pub fn resolver_sees_zone(&self) -> bool {
        !self.fleet.zone.through_resolvers && self.resolver_controls.values().any(DnsAnswer::is_usable)
    }
}

fn read(
    fleet: &Fleet,
    one_family: &BTreeMap<SocketAddr, RecordKind>,
    looks: &[DnsQuery],
    name: &str,
    server: SocketAddr,
    authority: bool,
) -> DnsAnswer {
    match one_family.get(&server) {
        Some(kind) => DnsAnswer::read_kind(looks, *kind, name, server, &fleet.domain, authority),
        None => DnsAnswer::read(looks, name, server, &fleet.domain, authority),
    }
}

/// Takes out the resolvers that give something else where another one gives the edge: resolvers differ by design, which
/// is no contradiction within the zone.
fn take_other_views(
    controls: &mut BTreeMap<SocketAddr, DnsAnswer>,
    edge: &[IpAddr],
) -> BTreeMap<SocketAddr, DnsAnswer> {
    let leads_to_edge = |said: &DnsAnswer| {
        let addresses = said.addresses();
        !addresses.is_empty() && addresses.iter().all(|address| edge.contains(address))
    };
    let families = |said: &DnsAnswer| said.addresses().iter().map(IpAddr::is_ipv4).collect::<BTreeSet<_>>();
    let right = controls.values().filter(|said| leads_to_edge(said));
    let Some(most) = right.map(families).max_by_key(BTreeSet::len) else {
        return BTreeMap::new();
    };
    let stays = |said: &DnsAnswer| !said.is_usable() || leads_to_edge(said) && families(said) == most;
    let (kept, taken) = std::mem::take(controls).into_iter().partition(|(_, said)| stays(said));
    *controls = kept;
    taken
}

/// One lame server of several is at fault. Where none has authority and all answer as resolvers do, they are what stands
/// before the zone's own, and every resolver takes what they give.
fn is_hearsay(zone: &ZoneEvidence) -> bool {
    let mut replies = zone.controls.iter().filter_map(|look| look.reply.as_ref()).peekable();
    let some = replies.peek().is_some();
    let mut forwarded = replies.filter(|reply| matches!(reply.rcode, 0 | 3));
    let forwards = |reply: &DnsReply| !reply.authoritative && reply.recursion_available;
    zone.through_resolvers || some && forwarded.all(forwards) && zone.controls.iter().any(has_answers)
}

fn has_answers(look: &DnsQuery) -> bool {
    look.reply.as_ref().is_some_and(|reply| !reply.answers.is_empty())
}

/// A server that gives the control name an address of one family and refuses to speak of the other serves just that:
/// users of it get the addresses that it has.
fn one_family(fleet: &Fleet, authority: bool) -> BTreeMap<SocketAddr, RecordKind> {
    let (zone, name) = (&fleet.zone, fleet.zone.control.as_str());
    let serves = |server, kind| {
        let said = DnsAnswer::read_kind(&zone.controls, kind, name, server, &fleet.domain, authority);
        said.has_answer() && !said.addresses().is_empty()
    };
    let refuses = |server, kind| {
        let mut looks = zone.controls.iter().rev();
        let last = looks.find(|look| look.server == server && look.kind == kind && look.name == name);
        last.is_some_and(is_unserved)
    };
    let families = [RecordKind::A, RecordKind::Aaaa];
    let pairs = families.into_iter().zip(families.into_iter().rev());
    let of = |server: SocketAddr| {
        let mut pairs = pairs.clone();
        let found = pairs.find(|(served, other)| refuses(server, *other) && serves(server, *served));
        found.map(|(served, _)| (server, served))
    };
    zone.servers.iter().filter_map(|server| of(*server)).collect()
}

fn in_order(servers: impl Iterator<Item = SocketAddr>) -> Vec<SocketAddr> {
    let mut seen = Vec::new();
    for server in servers {
        if !seen.contains(&server) {
            seen.push(server);
        }
    }
    seen
}
