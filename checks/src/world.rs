//! Everything that one round saw: the whole input of judging and diagnosing. Serialises, so that an outage in
//! production becomes a fixture.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use crate::evidence::{ApiAnswer, CertificateChain};
use crate::evidence::{
    App, AppTold, AppWord, ChainId, Fault, Machine, Platform, Retry, TenantDns, TenantLog, TraceContext,
    VantageEvidence, Visit, ZoneEvidence, ZoneRecord,
};
use crate::expectation::Expectation;
use crate::finding::Check;
use crate::reading::is_limited;
use crate::target::{Hostname, Tenant};

/// One tenant and all that was seen of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TenantEvidence {
    /// Whom we watch.
    pub tenant: Arc<Tenant>,
    /// What is expected of it.
    pub expectation: Arc<Expectation>,
    /// Whether the round came as far as this tenant.
    #[serde(rename = "looked_at")]
    pub probed: bool,
    /// When it was, by the agent's clock; old recordings do not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// What DNS says.
    pub dns: TenantDns,
    /// Visits in the order made: the first, then the other addresses where it failed.
    pub visits: Vec<Visit>,
    /// Visits repeated without haste after a cut.
    pub retries: Vec<Retry>,
    /// Whether the tenant was asleep before the visit, by the platform's word.
    #[serde(default)]
    pub asleep: bool,
    /// Whether its page was asked for although it was asleep, which wakes it.
    #[serde(default)]
    pub woken: bool,
    /// Whether the app's own health checks were asked for.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub checks_asked: bool,
    /// What the detail of its app's machines tells, where it was asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub details: Vec<Machine>,
    /// The platform's word on its app, where that was asked for by itself after everything was read in bulk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub word: Option<Arc<AppWord>>,
    /// Whether it was not visited because the edge fails for every name: it carries the fleet's cause.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub spared: bool,
    /// The app asked directly, past the edge; asked only where the page failed.
    #[serde(default)]
    pub direct: Option<Box<Visit>>,
    /// The trace that its requests belong to, where they belong to one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<TraceContext>,
    /// What the logs say of its requests; asked only where it answers wrongly, or where it is traced.
    #[serde(default, skip_serializing_if = "TenantLog::is_unasked")]
    pub log: TenantLog,
}

impl TenantEvidence {
    /// A tenant that nobody looked at yet.
    #[must_use]
    pub fn unseen(tenant: impl Into<Arc<Tenant>>, expectation: impl Into<Arc<Expectation>>) -> Self {
        Self {
            tenant: tenant.into(),
            expectation: expectation.into(),
            probed: false,
            at: None,
            dns: TenantDns::default(),
            visits: Vec::new(),
            retries: Vec::new(),
            asleep: false,
            woken: false,
            checks_asked: false,
            details: Vec::new(),
            word: None,
            spared: false,
            direct: None,
            trace: None,
            log: TenantLog::default(),
        }
    }

    /// What the platform says of its app: by the word that was asked for by itself, else by that about all apps.
    #[must_use]
    pub fn told<'a>(&'a self, platform: &'a Platform) -> AppTold<'a> {
        let own = self.word.as_deref().map(AppWord::told);
        own.unwrap_or_else(|| platform.told(&self.tenant.app))
    }

    /// Whether a machine of its app passes its own health checks, by what the platform tells in detail; `None`: no such
    /// checks are known.
    #[must_use]
    pub fn is_healthy(&self, app: &App) -> Option<bool> {
        let machines = || app.machines.iter().chain(&self.details);
        let told = machines().any(|machine| machine.healthy.is_some());
        let passes = |machine: &Machine| machine.state.is_running() && machine.healthy == Some(true);
        told.then(|| machines().any(passes))
    }

    /// Every visit of this tenant, in the order made.
    pub fn all_visits(&self) -> impl DoubleEndedIterator<Item = &Visit> {
        self.visits.iter().chain(self.retries.iter().map(|retry| &retry.visit))
    }

    /// The visit that counts: the first whose page came with an expected status, else the first whose page came, else the
    /// first whose channel stood, else the first that showed a chain, else the latest.
    #[must_use]
    pub fn visit(&self) -> Option<&Visit> {
        let best = self.all_visits().map(|visit| self.rank(visit)).max()?;
        let mut alike = self.all_visits().filter(|visit| self.rank(visit) == best);
        match best {
            0 => alike.next_back(),
            _ => alike.next(),
        }
    }

    /// How far a visit came.
    fn rank(&self, visit: &Visit) -> u8 {
        let came = visit.page.answer.as_ref().filter(|_| visit.page.end.is_done());
        match came {
            Some(answer) if self.expectation.site.status.contains(&answer.status) => 4,
            Some(_) => 3,
            None if visit.handshake.end.is_done() => 2,
            None => u8::from(visit.handshake.chain.is_some()),
        }
    }

    /// Whether a visit came to the request and brought no page with an expected status.
    #[must_use]
    pub fn lacks_page(&self, visit: &Visit) -> bool {
        let asked = visit.page.answer.is_some() || visit.page.end.reason().is_some();
        visit.handshake.end.is_done() && asked && self.rank(visit) < 4
    }

    /// The visits to addresses at which the page failed, where the visit that counts went elsewhere and brought it. A
    /// request that was refused unprocessed, or for a limit, shows nothing of an address.
    pub fn failing_pages_elsewhere(&self) -> impl Iterator<Item = &Visit> {
        let counted = self.visit().filter(|visit| self.rank(visit) == 4);
        let counted = counted.map(|visit| visit.address);
        let latest = |visit: &&Visit| {
            let again = self.all_visits().rev().find(|other| other.address == visit.address);
            again.is_some_and(|again| std::ptr::eq(again, *visit))
        };
        let failed = |visit: &&Visit| self.lacks_page(visit) && !visit.was_refused() && !is_limited(visit);
        self.all_visits()
            .filter(latest)
            .filter(failed)
            .filter(move |visit| counted.is_some_and(|at| at != visit.address))
    }

    /// The addresses at which the latest visit failed, where the visit that counts went elsewhere and stood.
    pub fn failing_elsewhere(&self) -> impl Iterator<Item = &Visit> {
        let counted = self
            .visit()
            .filter(|visit| visit.handshake.end.is_done())
            .map(|visit| visit.address);
        let latest = |visit: &&Visit| {
            let again = self.all_visits().rev().find(|other| other.address == visit.address);
            again.is_some_and(|again| std::ptr::eq(again, *visit))
        };
        let failed = |visit: &&Visit| visit.channel_end().reason().is_some();
        self.all_visits()
            .filter(latest)
            .filter(failed)
            .filter(move |visit| counted.is_some_and(|at| at != visit.address))
    }
}

/// What the shared edge is and how it answers a name that exists nowhere.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EdgeEvidence {
    /// The edge's public addresses.
    pub addresses: Vec<IpAddr>,
    /// Why these are not all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub addresses_missing: Option<Fault>,
    /// The port that serves HTTPS.
    pub port: u16,
    /// The control name at each address of a family that the agent has.
    pub controls: Vec<Visit>,
    /// The control name again, without haste, where it was cut.
    pub rechecks: Vec<Visit>,
    /// When it was looked at; old recordings do not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken_at: Option<Timestamp>,
}

impl EdgeEvidence {
    /// The edge's sockets.
    pub fn sockets(&self) -> impl Iterator<Item = SocketAddr> {
        self.addresses
            .iter()
            .map(|address| SocketAddr::new(*address, self.port))
    }

    /// The latest control visit at an address.
    #[must_use]
    pub fn control_at(&self, address: SocketAddr) -> Option<&Visit> {
        let all = self.controls.iter().chain(&self.rechecks);
        all.rev().find(|visit| visit.address == address)
    }
}

impl World {
    /// The wildcard's name, `*.DOMAIN`.
    #[must_use]
    pub fn wildcard_name(&self) -> String {
        format!("*.{}", self.domain)
    }

    /// The platform's word, to be added to.
    pub fn platform_mut(&mut self) -> Option<&mut Platform> {
        match &mut self.platform {
            ApiAnswer::Known(platform) => Some(Arc::make_mut(platform)),
            ApiAnswer::Unknown(_) | ApiAnswer::NotConfigured => None,
        }
    }
}

/// Everything that one round saw.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct World {
    /// The moment of judgement.
    pub now: Timestamp,
    /// The domain whose tenants are verified.
    pub domain: Hostname,
    /// The checks that were asked for.
    pub selected: BTreeSet<Check>,
    /// The agent's own place.
    pub vantage: VantageEvidence,
    /// The zone.
    pub zone: ZoneEvidence,
    /// The edge.
    pub edge: EdgeEvidence,
    /// The certificate thresholds of the wildcard itself.
    pub wildcard: crate::expectation::CertificateExpectation,
    /// The platform's word.
    #[serde(default)]
    pub platform: ApiAnswer<Arc<Platform>>,
    /// The zone's listing at the DNS provider.
    #[serde(default)]
    pub listing: ApiAnswer<Arc<Vec<ZoneRecord>>>,
    /// When the listing was read, by the agent's clock; old recordings do not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listed_at: Option<Timestamp>,
    /// The zone's id at the DNS provider, where its listing was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone_id: Option<String>,
    /// What the source of the tenants did not answer, or answered wrongly.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inventory: Vec<Fault>,
    /// Every app name and host name that the inventory knows, also of tenants that are not verified now.
    pub known: Arc<Vec<Arc<Tenant>>>,
    /// The tenants that are verified.
    pub tenants: Vec<TenantEvidence>,
    /// The presented chains, each once.
    pub chains: BTreeMap<ChainId, Arc<CertificateChain>>,
    /// Whether the round was ended before everything was looked at.
    pub interrupted: bool,
}
