//! What judging one tenant needs to know of all others: computed once per world.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::{IpAddr, SocketAddr};

use super::Said;
use crate::chain::Facts;
use crate::evidence::{App, AppCertificate, ChainId, Visit, ZoneRecord};
use crate::target::Tenant;
use crate::world::{TenantWorld, World};

/// A world with what follows from it for every tenant.
pub struct Context<'w> {
    /// The world.
    pub world: &'w World,
    /// What each server says of the control name.
    pub controls: BTreeMap<SocketAddr, Said>,
    /// What each server says of `*.DOMAIN`.
    pub wildcards: BTreeMap<SocketAddr, Said>,
    /// What each resolver says of a label that it can't know yet.
    pub resolver_controls: BTreeMap<SocketAddr, Said>,
    facts: BTreeMap<ChainId, Result<Facts, String>>,
    known: HashMap<&'w str, &'w Tenant>,
    foreign: HashMap<&'w str, Vec<(&'w App, &'w AppCertificate)>>,
}

/// Certificates of all apps but the edge's, by the name that they are for.
fn foreign(world: &World) -> HashMap<&str, Vec<(&App, &AppCertificate)>> {
    let mut by_name = HashMap::<&str, Vec<(&App, &AppCertificate)>>::new();
    let Some(platform) = world.platform.known() else {
        return by_name;
    };
    for app in platform.apps.values().filter(|app| app.name != platform.edge_app) {
        for certificate in &app.certificates {
            by_name
                .entry(&certificate.hostname)
                .or_default()
                .push((app, certificate));
        }
    }
    by_name
}

impl<'w> Context<'w> {
    /// Reads the fleet's part of a world.
    #[must_use]
    pub fn new(world: &'w World) -> Self {
        let zone = &world.zone;
        let authority = !zone.through_resolvers;
        let star = format!("*.{}", world.domain);
        let read =
            |looks, name: &str, server, authority| (server, Said::read(looks, name, server, &world.domain, authority));
        let fresh = |server: SocketAddr| {
            let label = zone.resolver_controls.iter().find(|look| look.server == server);
            label.map(|look| look.name.clone()).unwrap_or_default()
        };
        let machines = world.platform.known().into_iter().flat_map(|platform| {
            let of = |tenant: &'w Tenant| platform.apps.get(&tenant.app).map(|app| (tenant, app));
            let owned = world.known.iter().filter_map(of);
            owned.flat_map(|(tenant, app)| app.machines.iter().map(move |machine| (machine.id.as_str(), tenant)))
        });
        let known = world.known.iter().flat_map(|tenant| {
            [tenant.id.as_str(), tenant.app.as_str(), tenant.hostname.as_str()].map(|name| (name, tenant))
        });
        Self {
            world,
            controls: zone
                .servers
                .iter()
                .map(|s| read(&zone.controls, zone.control.as_str(), *s, authority))
                .collect(),
            wildcards: zone
                .servers
                .iter()
                .map(|s| read(&zone.wildcards, &star, *s, authority))
                .collect(),
            resolver_controls: zone
                .resolvers
                .iter()
                .map(|server| read(&zone.resolver_controls, &fresh(*server), *server, false))
                .collect(),
            facts: world
                .chains
                .iter()
                .map(|(id, chain)| (*id, Facts::read(&chain.0)))
                .collect(),
            known: known.chain(machines).collect(),
            foreign: foreign(world),
        }
    }

    /// What the chain of a visit says of itself.
    #[must_use]
    pub fn facts(&self, visit: &Visit) -> Option<&Facts> {
        self.facts.get(visit.handshake.chain.as_ref()?)?.as_ref().ok()
    }

    /// The tenant that an id, an app or a host name belongs to.
    #[must_use]
    pub fn owner(&self, name: &str) -> Option<&'w Tenant> {
        self.known.get(name).copied()
    }

    /// The records of the zone's listing at a name and below it; `None` without a listing.
    #[must_use]
    pub fn listed(&self, name: &str) -> Option<Vec<&'w ZoneRecord>> {
        let records = self.world.listing.known()?;
        Some(
            records
                .iter()
                .filter(|record| super::is_or_below(&record.name, name))
                .collect(),
        )
    }

    /// The address records of the wildcard, where the listing says that they go through the provider's proxy: DNS then
    /// answers with the proxy's addresses, and their content is what counts.
    #[must_use]
    pub fn behind_proxy(&self) -> Option<BTreeSet<IpAddr>> {
        let star = format!("*.{}", self.world.domain);
        let records = self
            .world
            .listing
            .known()?
            .iter()
            .filter(|record| record.name == star && record.proxied);
        let content = records
            .filter_map(|record| record.content.parse().ok())
            .collect::<BTreeSet<_>>();
        (!content.is_empty()).then_some(content)
    }

    /// The certificates of other apps than the edge's that cover a host name.
    #[must_use]
    pub fn foreign_certificates(&self, hostname: &str) -> Vec<(&'w App, &'w AppCertificate)> {
        let parent = hostname.split_once('.').map(|(_, parent)| format!("*.{parent}"));
        let names = [Some(hostname), parent.as_deref()];
        names
            .into_iter()
            .flatten()
            .filter_map(|name| self.foreign.get(name))
            .flatten()
            .copied()
            .collect()
    }

    /// What the zone says of a tenant: the first usable answer, else the fault that says most; and who said it.
    #[must_use]
    pub fn own(&self, tenant: &TenantWorld) -> (Option<SocketAddr>, Said) {
        let authority = !self.world.zone.through_resolvers;
        let mut most = (None, Said::Nothing);
        for server in in_order(tenant.dns.authoritative.iter().map(|look| look.server)) {
            let name = tenant.tenant.hostname.as_str();
            let said = Said::read(&tenant.dns.authoritative, name, server, &self.world.domain, authority);
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
    pub fn control_for(&self, server: Option<SocketAddr>) -> Option<&Said> {
        let same = server
            .and_then(|server| self.controls.get(&server))
            .filter(|said| said.is_usable());
        same.or_else(|| self.controls.values().find(|said| said.is_usable()))
    }

    /// Whether two answers lead to the same place, aliases followed through the resolvers where need be.
    #[must_use]
    pub fn same(&self, own: &Said, control: &Said) -> bool {
        let (ours, theirs) = (own.addresses(), self.resolved(control));
        let only_one_has_addresses = own.has_answer() && control.has_answer() && control.addresses().is_empty();
        own.same_as(control) || (only_one_has_addresses && !ours.is_empty() && ours == theirs)
    }

    /// The addresses of a control answer; of an alias, those that the resolvers find behind it.
    #[must_use]
    pub fn resolved(&self, control: &Said) -> BTreeSet<IpAddr> {
        match control {
            Said::Addresses { addresses, .. } if addresses.is_empty() => {
                self.resolver_controls.values().flat_map(Said::addresses).collect()
            }
            other => other.addresses(),
        }
    }

    /// The addresses of a control answer that are not the edge's, family by family: what is not said of the edge is
    /// not compared.
    #[must_use]
    pub fn strangers(&self, control: &Said) -> BTreeSet<IpAddr> {
        let edge = &self.world.edge.addresses;
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
        !self.world.zone.through_resolvers && self.resolver_controls.values().any(Said::is_usable)
    }
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
