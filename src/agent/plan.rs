//! What a round is told: whom to look at, how, and when to stop. Holds no socket.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use roundsman_checks::evidence::{Answer, Asked, ChainId, Fault, Platform, ZoneRecord};
use roundsman_checks::expectation::{Expectation, Identity};
use roundsman_checks::finding::Check;
use roundsman_checks::platform::fly::{Details, Logs};
use roundsman_checks::probe::{Asker, Prober, Settings};
use roundsman_checks::target::{Hostname, Tenant, TenantId};
use roundsman_checks::world::{Presented, TenantWorld, World};
use rustls::pki_types::CertificateDer;
use tokio::sync::watch;

use crate::config::Control;

/// Everything that one round needs to know.
pub struct Plan {
    /// The domain.
    pub domain: Hostname,
    /// The tenants to verify.
    pub tenants: Vec<Subject>,
    /// Every tenant that the inventory knows.
    pub known: Vec<Tenant>,
    /// The checks that were asked for.
    pub selected: BTreeSet<Check>,
    /// The edge's addresses and its port.
    pub edge: (Vec<std::net::IpAddr>, u16),
    /// Thresholds of the wildcard certificate, and the page that the control name is asked for.
    pub fleet: Expectation,
    /// The zone's servers, where they are configured.
    pub authoritative: Vec<SocketAddr>,
    /// Whether the resolvers stand in for the zone's servers.
    pub through_resolvers: bool,
    /// The recursive resolvers.
    pub resolvers: Vec<SocketAddr>,
    /// What proves that the agent sees.
    pub controls: Vec<Control>,
    /// The agent's name in reports.
    pub vantage: String,
    /// Headers sent when the control name is asked for its page.
    pub headers: Vec<(String, String)>,
    /// How many tenants are looked at together.
    pub concurrency: usize,
    /// Handshakes per second towards one edge address; `None` slows down by itself.
    pub rate: Option<f64>,
    /// Which round this is: rotates servers and addresses.
    pub number: usize,
    /// The platform's word.
    pub platform: Asked<Platform>,
    /// The zone's listing at the DNS provider.
    pub listing: Asked<Vec<ZoneRecord>>,
    /// What the source of the tenants did not answer, or answered wrongly.
    pub inventory: Vec<Fault>,
    /// Whether the only tenant is traced: its app is asked directly in any case, and its request followed into the logs.
    pub traced: bool,
    /// Reads the logs of apps; `None` where there are none to be read.
    pub logs: Option<Logs>,
    /// Reads the details of an app's machines; `None` without a platform.
    pub details: Option<Details>,
    /// Where a tenant app is reached directly, as `<app>.<domain>` and a port; `None` without a platform.
    pub direct: Option<(String, u16)>,
    /// Asks name servers.
    pub asker: Asker,
    /// Visits the edge.
    pub prober: Prober,
    /// How long a control may take to answer.
    pub control_timeout: Duration,
    /// The trust anchors that the prober goes by.
    pub roots: Vec<CertificateDer<'static>>,
    /// What was seen of tenants in an earlier round, and is taken as it is.
    pub carried: Carried,
}

/// Evidence of tenants that an earlier round gathered. They are part of the round without being looked at again, so
/// that what tenants have in common is judged over all of them.
#[derive(Clone, Default)]
pub struct Carried {
    /// By id.
    pub tenants: HashMap<TenantId, TenantWorld>,
    /// The chains that they were served.
    pub chains: BTreeMap<ChainId, Presented>,
}

impl Carried {
    /// What `world` saw of every tenant but those in `again`.
    #[must_use]
    pub fn but(world: World, again: &BTreeSet<TenantId>) -> Self {
        let kept = world.tenants.into_iter();
        let kept = kept.filter(|tenant| tenant.looked_at && !again.contains(&tenant.tenant.id));
        Self {
            tenants: kept.map(|tenant| (tenant.tenant.id.clone(), tenant)).collect(),
            chains: world.chains,
        }
    }
}

/// One tenant to verify: what is expected of it, and how it is asked.
#[derive(Clone)]
pub struct Subject {
    /// Whom we watch.
    pub tenant: Tenant,
    /// What is expected of it.
    pub expectation: Expectation,
    /// Headers sent with its page request; they may hold secrets.
    pub headers: Arc<[(String, String)]>,
    /// The limits of its visits.
    pub settings: Arc<Settings>,
    /// Whether it may be woken for its page.
    pub wake: Waking,
}

/// Whether a tenant may be woken for its page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waking {
    /// No: where nobody can say whether it sleeps it is not asked either.
    Never,
    /// Not knowingly: it is asked unless the platform says that it sleeps.
    Unknowingly,
    /// Yes.
    Allowed,
}

impl Plan {
    /// Whether a check was asked for.
    #[must_use]
    pub fn selects(&self, check: Check) -> bool {
        self.selected.contains(&check)
    }

    /// What an earlier round saw of a tenant that is still the same and still expected to be the same.
    #[must_use]
    pub fn carried(&self, subject: &Subject) -> Option<&TenantWorld> {
        let seen = self.carried.tenants.get(&subject.tenant.id)?;
        (seen.tenant == subject.tenant && seen.expectation == subject.expectation).then_some(seen)
    }

    /// Whether tenants are visited at all: no check of a visit, no visit.
    #[must_use]
    pub fn visits(&self) -> bool {
        [Check::Certificate, Check::Site, Check::Route]
            .iter()
            .any(|check| self.selects(*check))
    }

    /// Whether the page is asked for, or the visit ends after the handshake.
    #[must_use]
    pub fn asks_for_pages(&self) -> bool {
        self.selects(Check::Site) || self.selects(Check::Route)
    }
}

/// The names by which an answer can name a tenant.
pub(super) struct Names(HashSet<String>);

impl Names {
    pub(super) fn new(known: &[Tenant]) -> Self {
        let names = known
            .iter()
            .flat_map(|tenant| [tenant.id.to_string(), tenant.app.clone(), tenant.hostname.to_string()]);
        Self(names.collect())
    }

    /// Whether headers leave open who answered, so that the issuer document is worth a request.
    pub(super) fn leaves_open(&self, identity: &Identity, answer: &Answer) -> bool {
        let settled = ["x-sp-app", "x-served-by"]
            .iter()
            .filter_map(|key| answer.header(key))
            .any(|name| self.0.contains(name));
        *identity == Identity::Auto && !settled
    }
}

/// Hears how a round comes along.
pub trait Observer: Sync {
    /// A part of the round begins; `steps` is how many steps it has, 0 where nobody knows.
    fn stage(&self, name: &'static str, steps: usize);
    /// A step of the part is done.
    fn step(&self);
}

/// Hears nothing.
pub struct Quiet;

impl Observer for Quiet {
    fn stage(&self, _: &'static str, _: usize) {}
    fn step(&self) {}
}

/// Tells a round to end at once with what is known so far.
#[derive(Clone)]
pub struct Stop(watch::Receiver<bool>);

impl Stop {
    /// A stop and the handle that pulls it by sending `true`.
    #[must_use]
    pub fn new() -> (watch::Sender<bool>, Self) {
        let (sender, receiver) = watch::channel(false);
        (sender, Self(receiver))
    }

    /// Whether it was pulled.
    #[must_use]
    pub fn pulled(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until it is pulled; for ever where its handle is gone.
    pub async fn wait(&mut self) {
        if self.0.wait_for(|pulled| *pulled).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
