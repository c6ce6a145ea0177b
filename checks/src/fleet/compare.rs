//! Whether two answers mean the same: equal ones do, and so do those of a zone that rotates or picks, as long as all that
//! it gives belongs to the edge. Decides nothing about a tenant.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

use super::FleetContext;
use crate::evidence::{DnsQuery, Fault, RecordKind};
use crate::reading::DnsAnswer;
use crate::world::TenantEvidence;

type Addresses = BTreeSet<IpAddr>;

impl FleetContext {
    /// Why the edge's addresses are not all known, where they are not: any other one may be the edge's, too.
    #[must_use]
    pub fn edge_partial(&self) -> Option<&Fault> {
        self.fleet.edge.addresses_missing.as_ref()
    }

    /// Whether an answer leads to an address of which nobody can say whether it is the edge's.
    pub(crate) fn leads_into_the_dark(&self, addresses: &BTreeSet<IpAddr>) -> Option<&Fault> {
        let dark = addresses.iter().any(|address| !self.is_edge(address));
        self.edge_partial().filter(|_| dark)
    }

    /// Whether two answers lead to the same place, aliases followed through the resolvers where need be.
    #[must_use]
    pub fn same(&self, own: &DnsAnswer, control: &DnsAnswer) -> bool {
        let (ours, theirs) = (own.addresses(), self.resolved(control));
        let only_one_has_addresses = own.has_answer() && control.has_answer() && control.addresses().is_empty();
        own.same_as(control) || (only_one_has_addresses && !ours.is_empty() && ours == theirs)
    }

    /// Whether what the zone says of a tenant leads where its wildcard leads: to the same place, or, in each family that
    /// the wildcard has, only to addresses of the edge.
    #[must_use]
    pub fn follows(&self, tenant: &TenantEvidence, own: &DnsAnswer, control: &DnsAnswer) -> bool {
        if self.same(own, control) {
            return true;
        }
        let behind = self.behind(tenant, own);
        // Where nobody tells what is behind an alias that every name gets, there is no more to be seen.
        let rewritten = behind.is_empty() && self.is_rewritten(tenant, own, control);
        rewritten || (own.has_answer() && self.fits(&behind, &self.resolved(control)))
    }

    /// Whether the alias of a tenant's name is what the zone makes of every name, and no record of its own.
    pub(crate) fn is_rewritten(&self, tenant: &TenantEvidence, own: &DnsAnswer, control: &DnsAnswer) -> bool {
        let names = (tenant.tenant.hostname.as_str(), self.fleet.zone.control.as_str());
        is_rewritten_alike((own, names.0), (control, names.1))
    }

    /// The addresses outside of the edge that a tenant's answer leads to.
    pub(crate) fn leads_outside(&self, tenant: &TenantEvidence, own: &DnsAnswer) -> BTreeSet<IpAddr> {
        self.outside_edge(&self.behind(tenant, own))
    }

    /// Whether two answers are those of one record set: alike, or both only addresses of the edge in the same families.
    #[must_use]
    pub fn alike(&self, one: &DnsAnswer, other: &DnsAnswer) -> bool {
        let (ours, theirs) = (one.addresses(), other.addresses());
        one.same_as(other) || self.fits(&ours, &theirs) && self.fits(&theirs, &ours)
    }

    /// Whether addresses are as good as the wildcard's `theirs`: in each family the same, else only the edge's, or only
    /// such as the servers give for the wildcard by turns. An address in a family that the wildcard has not is the
    /// edge's, too.
    fn fits(&self, ours: &Addresses, theirs: &Addresses) -> bool {
        let pool = self.pool();
        self.fits_by(ours, theirs, &|address| pool.contains(address) || self.is_edge(address))
    }

    fn fits_by(&self, ours: &Addresses, theirs: &Addresses, allowed: &dyn Fn(&IpAddr) -> bool) -> bool {
        let fits = |v4: bool| {
            let (ours, theirs) = (of_family(ours, v4), of_family(theirs, v4));
            ours == theirs || (theirs.is_empty() || !ours.is_empty()) && ours.iter().all(allowed)
        };
        !ours.is_empty() && !theirs.is_empty() && fits(true) && fits(false)
    }

    fn is_edge(&self, address: &IpAddr) -> bool {
        self.fleet.edge.addresses.contains(address)
    }

    /// What the servers give for the wildcard, where one of them gives different addresses for it by turns.
    fn pool(&self) -> Addresses {
        let mut servers = self.fleet.zone.servers.iter();
        if !servers.any(|server| self.is_steady(*server) == Some(false)) {
            return Addresses::new();
        }
        let said = self.controls.values().chain(self.wildcards.values());
        said.flat_map(DnsAnswer::addresses).collect()
    }

    /// Whether a server says of two names that only the wildcard answers what leads to the same place; `None` where it
    /// did not answer both.
    #[must_use]
    pub fn is_steady(&self, server: SocketAddr) -> Option<bool> {
        let control = self.controls.get(&server).filter(|said| said.is_usable())?;
        let wildcard = self.wildcards.get(&server).filter(|said| said.is_usable())?;
        let edge = |address: &IpAddr| self.is_edge(address);
        let (one, other) = (control.addresses(), wildcard.addresses());
        let fits = |one, other| self.fits_by(one, other, &edge);
        let names = (self.fleet.zone.control.as_str(), self.fleet.wildcard_name());
        let rewritten = is_rewritten_alike((control, names.0), (wildcard, &names.1));
        Some(control.same_as(wildcard) || rewritten || fits(&one, &other) && fits(&other, &one))
    }

    /// The addresses that a tenant's answer leads to. An alias that leaves the zone is followed by the resolvers, as far
    /// as they know this very alias: an older answer of theirs says nothing of it.
    fn behind(&self, tenant: &TenantEvidence, own: &DnsAnswer) -> Addresses {
        let DnsAnswer::Addresses { addresses, aliases } = own else {
            return Addresses::new();
        };
        if !addresses.is_empty() {
            return addresses.clone();
        }
        let name = tenant.tenant.hostname.as_str();
        let said = self.fleet.zone.resolvers.iter();
        let said = said.map(|resolver| self.said_by(&tenant.dns.resolvers, name, *resolver));
        self.found(said.filter_map(|said| followed(&said, aliases)).collect())
    }

    /// What a resolver says of a name.
    pub(crate) fn said_by(&self, looks: &[DnsQuery], name: &str, resolver: SocketAddr) -> DnsAnswer {
        DnsAnswer::read(looks, name, resolver, &self.fleet.domain, false)
    }

    /// The addresses of a control answer; of an alias, those that the resolvers find behind it. Where some find the edge
    /// there, others that do not answer by their own place or design: they prove nothing of the alias.
    #[must_use]
    pub fn resolved(&self, control: &DnsAnswer) -> BTreeSet<IpAddr> {
        let DnsAnswer::Addresses { addresses, aliases } = control else {
            return Addresses::new();
        };
        if !addresses.is_empty() {
            return addresses.clone();
        }
        let said = || self.resolver_controls.values();
        let found = said().filter_map(|said| followed(said, aliases)).collect::<Vec<_>>();
        match found.is_empty() {
            // None tells the alias itself.
            true => self.found(said().map(DnsAnswer::addresses).collect()),
            false => self.found(found),
        }
    }

    /// What counts of that which resolvers found: the edge, where one of them found it and nothing else.
    fn found(&self, found: Vec<Addresses>) -> Addresses {
        let leads_to_edge = |found: &&Addresses| !found.is_empty() && self.outside_edge(found).is_empty();
        let right = found
            .iter()
            .filter(leads_to_edge)
            .flatten()
            .copied()
            .collect::<Addresses>();
        if right.is_empty() {
            return found.into_iter().flatten().collect();
        }
        right
    }

    /// The addresses of a control answer that are not the edge's, family by family: what is not said of the edge is
    /// not compared.
    #[must_use]
    pub fn addresses_outside_edge(&self, control: &DnsAnswer) -> BTreeSet<IpAddr> {
        self.outside_edge(&self.behind_proxy().unwrap_or_else(|| self.resolved(control)))
    }

    fn outside_edge(&self, addresses: &Addresses) -> Addresses {
        let edge = &self.fleet.edge.addresses;
        let compared = |address: &IpAddr| edge.iter().any(|known| known.is_ipv4() == address.is_ipv4());
        let outside = addresses
            .iter()
            .filter(|address| compared(address) && !edge.contains(address));
        outside.copied().collect()
    }

    /// Whether the usable servers of the zone contradict each other about the control name.
    #[must_use]
    pub fn servers_disagree(&self) -> bool {
        let family = |server| self.one_family.get(server).map(|kind| *kind == RecordKind::A);
        let usable = self.controls.iter().filter(|(_, said)| said.is_usable());
        let usable = usable.map(|(server, said)| (family(server), said)).collect::<Vec<_>>();
        let mut pairs = usable
            .iter()
            .enumerate()
            .flat_map(|(at, one)| usable[at + 1..].iter().map(move |other| (one, other)));
        pairs.any(|(one, other)| self.contradict(*one, *other))
    }

    /// Whether two servers contradict each other; with each the family (`true`: IPv4) that it serves, where it serves one
    /// only: it contradicts nobody about the other.
    fn contradict(&self, one: (Option<bool>, &DnsAnswer), other: (Option<bool>, &DnsAnswer)) -> bool {
        let family = match (one.0, other.0) {
            (None, None) => {
                let both = || self.may_both_be_edge(&one.1.addresses(), &other.1.addresses());
                return !self.alike(one.1, other.1) && !both();
            }
            (Some(one), Some(other)) if one != other => return false,
            (family, other) => family.or(other).unwrap_or_default(),
        };
        let [one, other] = [one.1, other.1].map(|said| of_family(&said.addresses(), family));
        let alike = self.fits(&one, &other) && self.fits(&other, &one);
        !one.is_empty() && !other.is_empty() && !alike && !self.may_both_be_edge(&one, &other)
    }

    /// Whether two sets of addresses may be the edge's, for all that is known of it.
    fn may_both_be_edge(&self, one: &Addresses, other: &Addresses) -> bool {
        self.edge_partial().is_some() && !one.is_empty() && !other.is_empty()
    }

    /// The resolvers that give a fresh label something else than the zone's servers do, and what: whatever they do to a
    /// tenant's name, they do to every name. One that fails says nothing.
    #[must_use]
    pub fn differing_resolvers(&self) -> Vec<(SocketAddr, &DnsAnswer)> {
        if self.fleet.zone.through_resolvers {
            return self
                .other_views
                .iter()
                .map(|(resolver, said)| (*resolver, said))
                .collect();
        }
        let resolvers = self.fleet.zone.resolvers.iter();
        let said = resolvers.filter_map(|resolver| Some((*resolver, self.resolver_controls.get(resolver)?)));
        let differing = said.filter(|(resolver, said)| said.is_usable() && self.sees_zone(*resolver) == Some(false));
        differing.collect()
    }

    /// Whether a resolver gives a fresh label what the zone's servers give it; `None` where one of both says nothing.
    #[must_use]
    pub fn sees_zone(&self, resolver: SocketAddr) -> Option<bool> {
        let fresh = self.resolver_controls.get(&resolver).filter(|said| said.is_usable())?;
        let control = self.control_for(None)?;
        let as_one_server = |said: &DnsAnswer| said.is_usable() && self.alike(fresh, said);
        Some(self.follows_alias(fresh, control) || self.controls.values().any(as_one_server))
    }

    /// An alias that leaves the zone has its addresses from resolvers alone: nobody else can say what is right.
    fn follows_alias(&self, fresh: &DnsAnswer, control: &DnsAnswer) -> bool {
        let ours = matches!(control, DnsAnswer::Addresses { addresses, .. } if addresses.is_empty());
        ours && fresh.has_answer() && self.fits(&fresh.addresses(), &self.resolved(control))
    }
}

/// Whether two answers are what a zone makes of two names that it rewrites alike: the target of the alias begins with the
/// label that was asked for (DNAME, RFC 6672), so that no two names get the same. Addresses decide where both have them.
fn is_rewritten_alike(one: (&DnsAnswer, &str), other: (&DnsAnswer, &str)) -> bool {
    let rest = |(said, name): (&DnsAnswer, &str)| match said {
        DnsAnswer::Addresses { addresses, aliases } => {
            let (label, target) = (name.split_once('.')?.0, aliases.first()?.split_once('.')?);
            target
                .0
                .eq_ignore_ascii_case(label)
                .then(|| (target.1.to_owned(), addresses.is_empty()))
        }
        _ => None,
    };
    match (rest(one), rest(other)) {
        (Some((one, no_address)), Some((other, none_either))) => one == other && (no_address || none_either),
        _ => false,
    }
}

/// What is behind an alias by the word of a resolver that gives this very alias.
fn followed(said: &DnsAnswer, wanted: &[String]) -> Option<Addresses> {
    match said {
        DnsAnswer::Addresses { addresses, aliases } if aliases.starts_with(wanted) => Some(addresses.clone()),
        _ => None,
    }
}

fn of_family(addresses: &Addresses, v4: bool) -> Addresses {
    let of = addresses.iter().filter(|address| address.is_ipv4() == v4);
    of.copied().collect()
}
