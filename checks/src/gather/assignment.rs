//! What one round is given: whom to probe, by which checks, and what the APIs said before. Holds no socket.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;

use jiff::Timestamp;

use crate::evidence::{
    Answer, ApiAnswer, ChainId, Fault, IDENTITY_HEADERS, Platform, SourceClock, TraceContext, ZoneRecord,
};
use crate::expectation::{Expectation, Identity};
use crate::finding::Check;
use crate::probe::ProbeLimits;
use crate::target::{Tenant, TenantId};
use crate::world::{CertificateChain, TenantEvidence, World};

/// Assignment of one round.
#[derive(Clone)]
pub struct Assignment {
    /// Which round this is; rotates servers and addresses, so it grows by one per round.
    pub number: u64,
    /// The tenants to verify.
    pub targets: Vec<ProbeTarget>,
    /// Every tenant that the inventory knows: an answer may name any of them.
    pub known: Arc<Vec<Arc<Tenant>>>,
    /// What the source of the tenants did not answer, or answered wrongly.
    pub inventory: Vec<Fault>,
    /// The checks that were asked for.
    pub selected: BTreeSet<Check>,
    /// The edge's addresses.
    pub addresses: Vec<IpAddr>,
    /// Why these are not all of them.
    pub addresses_missing: Option<Fault>,
    /// Those of the configured edge app, where `addresses` are those of another one that may be meant: where the wildcard
    /// leads to them, it is they that are visited.
    pub configured: Vec<IpAddr>,
    /// What platform and DNS provider said.
    pub snapshot: ApiSnapshot,
    /// Whether the only target is traced: its app is asked directly in any case, and its request followed into the logs.
    pub traced: bool,
    /// Whether logs may be read.
    pub logs: bool,
    /// Whether the evidence of tenants that are well is dropped once they are judged. Whoever records the round, or reuses
    /// what it saw, needs it.
    pub forget_healthy: bool,
    /// What an earlier round saw, and is taken as it is.
    pub reused: ReusedEvidence,
}

/// Snapshot of the APIs: what platform and DNS provider said at one moment.
#[derive(Clone, Debug, Default)]
pub struct ApiSnapshot {
    /// The platform.
    pub platform: ApiAnswer<Arc<Platform>>,
    /// The zone's listing at the DNS provider.
    pub listing: ApiAnswer<Arc<Vec<ZoneRecord>>>,
    /// When the listing was read.
    pub listed_at: Option<Timestamp>,
    /// The zone's id at the DNS provider, where its listing was read.
    pub zone_id: Option<String>,
    /// What clocks the APIs keep, by their latest answers.
    pub clocks: Vec<SourceClock>,
}

/// Evidence of tenants that an earlier round gathered. They are part of the round without being probed again, so that
/// what tenants have in common is judged over all of them.
#[derive(Clone, Default)]
pub struct ReusedEvidence {
    /// By id.
    pub tenants: HashMap<TenantId, TenantEvidence>,
    /// The chains that they were served.
    pub chains: BTreeMap<ChainId, Arc<CertificateChain>>,
}

impl ReusedEvidence {
    /// The evidence of every tenant of `world` that was probed, but for those in `again`.
    #[must_use]
    pub fn all_but(world: World, again: &BTreeSet<TenantId>) -> Self {
        let kept = world.tenants.into_iter();
        let kept = kept.filter(|tenant| tenant.probed && !again.contains(&tenant.tenant.id));
        Self {
            tenants: kept.map(|tenant| (tenant.tenant.id.clone(), tenant)).collect(),
            chains: world.chains,
        }
    }

    /// Whether there is none, so that all tenants are probed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tenants.is_empty()
    }

    /// The evidence of a target that is still the same and still expected to be the same.
    #[must_use]
    pub fn of(&self, target: &ProbeTarget) -> Option<&TenantEvidence> {
        let seen = self.tenants.get(&target.tenant.id)?;
        (seen.tenant == target.tenant && seen.expectation == target.expectation).then_some(seen)
    }
}

/// Target of probes: one tenant, what is expected of it, and how it is asked.
#[derive(Clone)]
pub struct ProbeTarget {
    /// The tenant.
    pub tenant: Arc<Tenant>,
    /// What is expected of it.
    pub expectation: Arc<Expectation>,
    /// Headers sent with its page request; they may hold secrets.
    pub headers: Arc<[(String, String)]>,
    /// The limits of its visits.
    pub settings: Arc<ProbeLimits>,
    /// Whether it may be woken for its page.
    pub wake: WakePolicy,
    /// The trace that its requests belong to; none is told of otherwise.
    pub trace: Option<TraceContext>,
}

impl ProbeTarget {
    /// A tenant of which nothing special is expected: that its page at `/` answers 200 over HTTP/2.
    #[must_use]
    pub fn new(tenant: impl Into<Arc<Tenant>>) -> Self {
        Self {
            tenant: tenant.into(),
            expectation: Arc::default(),
            headers: Arc::default(),
            settings: Arc::default(),
            wake: WakePolicy::default(),
            trace: None,
        }
    }
}

/// Policy about tenants that sleep: whether they may be woken for their page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WakePolicy {
    /// No: where nobody can say whether it sleeps it is not asked either.
    Never,
    /// Not knowingly: it is asked unless the platform says that it sleeps.
    #[default]
    Unknowingly,
    /// Yes.
    Allowed,
}

impl Assignment {
    /// An assignment without a platform: all checks of these targets, at these addresses of the edge.
    #[must_use]
    pub fn new(addresses: Vec<IpAddr>, targets: Vec<ProbeTarget>) -> Self {
        Self {
            number: 0,
            known: Arc::new(targets.iter().map(|target| target.tenant.clone()).collect()),
            targets,
            inventory: Vec::new(),
            selected: Check::ALL.into(),
            addresses,
            addresses_missing: None,
            configured: Vec::new(),
            snapshot: ApiSnapshot::default(),
            traced: false,
            logs: false,
            forget_healthy: false,
            reused: ReusedEvidence::default(),
        }
    }

    /// Whether a check was asked for.
    #[must_use]
    pub fn selects(&self, check: Check) -> bool {
        self.selected.contains(&check)
    }

    /// Whether tenants are visited at all: no check of a visit, no visit.
    #[must_use]
    pub fn visits(&self) -> bool {
        Check::of_visits().any(|check| self.selects(check))
    }

    /// Whether the page is asked for, or the visit ends after the handshake.
    #[must_use]
    pub fn asks_for_pages(&self) -> bool {
        Check::of_answers().any(|check| self.selects(check))
    }
}

/// Names by which an answer can name a tenant.
pub(super) struct Names(HashSet<String>);

impl Names {
    pub(super) fn new(known: &[Arc<Tenant>]) -> Self {
        let names = known
            .iter()
            .flat_map(|tenant| [tenant.id.to_string(), tenant.app.clone(), tenant.hostname.to_string()]);
        Self(names.collect())
    }

    /// Whether headers leave open who answered, so that the issuer document is worth a request.
    pub(super) fn leaves_open(&self, identity: &Identity, answer: &Answer) -> bool {
        let settled = IDENTITY_HEADERS
            .iter()
            .filter_map(|key| answer.header(key))
            .any(|name| self.0.contains(name));
        *identity == Identity::Auto && !settled
    }
}
