//! The fleet as it is read for judging: what each server says of the control name, what a chain says of itself, who holds
//! what. Decides nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use jiff::Timestamp;

use super::{ChainStore, Directory, Fleet};
use crate::chain::{Facts, Flaw, Flawed};
use crate::check::DnsAnswer;
use crate::evidence::{App, AppCertificate, Platform, Reason, VantageEvidence, Visit, ZoneEvidence, ZoneRecord};
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
    /// What each resolver says of a label that it can't know yet.
    pub resolver_controls: BTreeMap<SocketAddr, DnsAnswer>,
    /// The chains that were seen.
    pub chains: Arc<ChainStore>,
    /// Who is who.
    pub directory: Arc<Directory>,
    /// The app that is the edge in truth, where the configuration names another one: what the platform says of that one
    /// then says nothing of the edge.
    pub true_edge: Option<String>,
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

    fn read(fleet: Fleet, chains: Arc<ChainStore>, directory: Arc<Directory>) -> Self {
        let zone = &fleet.zone;
        let authority = !zone.through_resolvers;
        let star = fleet.wildcard_name();
        let read = |looks, name: &str, server, authority| {
            (server, DnsAnswer::read(looks, name, server, &fleet.domain, authority))
        };
        let fresh = |server: SocketAddr| {
            let label = zone.resolver_controls.iter().find(|look| look.server == server);
            label.map(|look| look.name.clone()).unwrap_or_default()
        };
        let servers = zone.servers.iter().copied();
        let controls = servers
            .clone()
            .map(|server| read(&zone.controls, zone.control.as_str(), server, authority))
            .collect();
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
            resolver_controls,
            true_edge: true_edge(&fleet),
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
        self.platform().filter(|_| self.true_edge.is_none())?.edge()
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
        let authority = !self.fleet.zone.through_resolvers;
        let mut most = (None, DnsAnswer::Nothing);
        for server in in_order(tenant.dns.authoritative.iter().map(|look| look.server)) {
            let name = tenant.tenant.hostname.as_str();
            let said = DnsAnswer::read(&tenant.dns.authoritative, name, server, &self.fleet.domain, authority);
            if said.is_usable() {
                return (Some(server), said);
            }
            if most.0.is_none() || said.tells() > most.1.tells() {
                most = (Some(server), said);
            }
        }
        most
    }

    /// The control answer to compare with: of the same server, else of any that gave one.
    #[must_use]
    pub fn control_for(&self, server: Option<SocketAddr>) -> Option<&DnsAnswer> {
        let same = server
            .and_then(|server| self.controls.get(&server))
            .filter(|said| said.is_usable());
        same.or_else(|| self.controls.values().find(|said| said.is_usable()))
    }

    /// Whether two answers lead to the same place, aliases followed through the resolvers where need be.
    #[must_use]
    pub fn same(&self, own: &DnsAnswer, control: &DnsAnswer) -> bool {
        let (ours, theirs) = (own.addresses(), self.resolved(control));
        let only_one_has_addresses = own.has_answer() && control.has_answer() && control.addresses().is_empty();
        own.same_as(control) || (only_one_has_addresses && !ours.is_empty() && ours == theirs)
    }

    /// The addresses of a control answer; of an alias, those that the resolvers find behind it.
    #[must_use]
    pub fn resolved(&self, control: &DnsAnswer) -> BTreeSet<IpAddr> {
        match control {
            DnsAnswer::Addresses { addresses, .. } if addresses.is_empty() => {
                self.resolver_controls.values().flat_map(DnsAnswer::addresses).collect()
            }
            other => other.addresses(),
        }
    }

    /// The addresses of a control answer that are not the edge's, family by family: what is not said of the edge is
    /// not compared.
    #[must_use]
    pub fn addresses_outside_edge(&self, control: &DnsAnswer) -> BTreeSet<IpAddr> {
        let edge = &self.fleet.edge.addresses;
        let compared = |address: &IpAddr| edge.iter().any(|known| known.is_ipv4() == address.is_ipv4());
        self.behind_proxy()
            .unwrap_or_else(|| self.resolved(control))
            .into_iter()
            .filter(|address| compared(address) && !edge.contains(address))
            .collect()
    }

    /// Whether the usable servers of the zone contradict each other about the control name.
    #[must_use]
    pub fn servers_disagree(&self) -> bool {
        let mut usable = self.controls.values().filter(|said| said.is_usable());
        let first = usable.next();
        usable.any(|said| first.is_some_and(|first| !first.same_as(said)))
    }

    /// Whether a resolver got a fresh label from the zone's servers.
    #[must_use]
    pub fn resolver_sees_zone(&self) -> bool {
        !self.fleet.zone.through_resolvers && self.resolver_controls.values().any(DnsAnswer::is_usable)
    }
}

/// The app that holds the wildcard's certificate while the handshake works, where the configured edge app can't be the
/// edge.
fn true_edge(fleet: &Fleet) -> Option<String> {
    let edge = &fleet.edge;
    let stands = |socket| {
        let control = edge.control_at(socket);
        control.is_some_and(|visit| visit.handshake.end.is_done())
    };
    let platform = fleet.platform.known().filter(|_| edge.sockets().any(stands))?;
    let app = platform.other_edge(&fleet.wildcard_name())?;
    Some(app.name.clone())
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
