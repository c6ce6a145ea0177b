//! What is really so in a simulated world, and what is seen of it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use jiff::Timestamp;
use roundsman_checks::diagnosis::{Judgement, judge};
use roundsman_checks::evidence::{
    Answer, ApiAnswer, Body, ControlProbe, Millis, Reason, StepStatus, VantageEvidence, Visit, ZoneEvidence,
};
use roundsman_checks::expectation::{CertificateExpectation, Expectation};
use roundsman_checks::finding::Check;
use roundsman_checks::fleet::{ChainStore, Fleet, FleetContext};
use roundsman_checks::target::{Hostname, Tenant};
use roundsman_checks::world::{EdgeEvidence, TenantEvidence};

const EDGE: IpAddr = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 7));
const PORT: u16 = 443;

/// How the fleet is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FleetTruth {
    Well,
    /// Nobody gets a connection.
    EdgeDown,
    /// The agent itself sees nothing.
    Blind,
}

/// How a tenant is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TenantTruth {
    Well,
    Broken,
    /// Nothing can be seen of it.
    Hidden,
}

/// The domain that everybody lives under.
pub(super) fn domain() -> Hostname {
    Hostname::parse("tenants.test").expect("a name")
}

/// Tenant of this number.
pub(super) fn tenant(number: usize) -> Arc<Tenant> {
    Arc::new(Tenant::below(&domain(), &format!("t{number:04}")).expect("a tenant"))
}

fn socket() -> SocketAddr {
    SocketAddr::new(EDGE, PORT)
}

fn refused() -> StepStatus {
    StepStatus::failed(Reason::TcpRefused, "refused")
}

/// A visit that got this answer; `None`: no connection.
fn visit(name: Hostname, status: Option<u16>) -> Visit {
    let mut visit = Visit::new(socket(), name);
    let Some(status) = status else {
        visit.connect.end = refused();
        return visit;
    };
    visit.connect.end = StepStatus::Done;
    visit.handshake.end = StepStatus::Done;
    visit.page.end = StepStatus::Done;
    visit.page.total_ms = Millis(20.0);
    visit.page.answer = Some(Answer {
        version: "2".to_owned(),
        status,
        headers: Vec::new(),
        body: Body {
            length: 0,
            prefix: String::new(),
            complete: true,
            ..Body::default()
        },
    });
    visit
}

/// What a look at the fleet shows.
pub(super) fn context(truth: FleetTruth, now: Timestamp) -> Arc<FleetContext> {
    let control = Hostname::parse("nobody.tenants.test").expect("a name");
    let sees = match truth {
        FleetTruth::Blind => refused(),
        FleetTruth::Well | FleetTruth::EdgeDown => StepStatus::Done,
    };
    let status = (truth == FleetTruth::Well).then_some(404);
    let fleet = Fleet {
        now,
        domain: domain(),
        selected: [Check::Site].into(),
        vantage: VantageEvidence {
            ipv4: Some(true),
            controls: vec![ControlProbe {
                what: "192.0.2.1:443".to_owned(),
                end: sees,
            }],
            ..VantageEvidence::default()
        },
        zone: ZoneEvidence::unseen(control.clone()),
        edge: EdgeEvidence {
            addresses: vec![EDGE],
            port: PORT,
            controls: vec![visit(control, status)],
            ..EdgeEvidence::default()
        },
        wildcard: CertificateExpectation::default(),
        platform: ApiAnswer::NotConfigured,
        listing: ApiAnswer::NotConfigured,
        listed_at: None,
        zone_id: None,
        inventory: Vec::new(),
        known: Arc::default(),
    };
    Arc::new(FleetContext::new(fleet, Arc::new(ChainStore::default())))
}

/// What an examination of a tenant shows.
pub(super) fn judgement(
    context: &FleetContext,
    tenant: &Arc<Tenant>,
    fleet: FleetTruth,
    truth: TenantTruth,
) -> Judgement {
    let mut evidence = TenantEvidence::unseen(Arc::clone(tenant), Expectation::default());
    evidence.probed = truth != TenantTruth::Hidden;
    if evidence.probed {
        let status = match (fleet, truth) {
            (FleetTruth::EdgeDown | FleetTruth::Blind, _) => None,
            (FleetTruth::Well, TenantTruth::Broken) => Some(500),
            (FleetTruth::Well, _) => Some(200),
        };
        evidence.visits = vec![visit(tenant.hostname.clone(), status)];
    }
    judge(context, &evidence)
}

/// What an examination shows that spares a tenant its visit, for the edge fails for every name.
pub(super) fn spared(context: &FleetContext, tenant: &Arc<Tenant>) -> Judgement {
    let mut evidence = TenantEvidence::unseen(Arc::clone(tenant), Expectation::default());
    (evidence.probed, evidence.spared) = (true, true);
    judge(context, &evidence)
}
