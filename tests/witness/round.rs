//! One round of the agent over a lab's edge, with whatever name servers.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use roundsman::agent::{self, Outcome, Plan, Quiet, Stop, Subject};
use roundsman::config::Control;
use roundsman_checks::chain::Anchors;
use roundsman_checks::expectation::Expectation;
use roundsman_checks::finding::Check;
use roundsman_checks::probe::{Prober, Settings};
use roundsman_checks::target::{Hostname, Tenant, TenantId};
use roundsman_lab::Lab;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::ask::ASKER;

/// The limits of a visit: longer than anything on loopback takes, also on a busy machine.
pub(crate) fn settings() -> Settings {
    Settings {
        connect_timeout: Duration::from_secs(10),
        timeout: Duration::from_secs(20),
        max_body: 64 * 1024,
        user_agent: "roundsman-witness".into(),
    }
}

/// A plan over the tenants and the edge of a lab.
pub(crate) fn plan_of(lab: &Lab, authoritative: Vec<SocketAddr>, resolvers: Vec<SocketAddr>) -> Plan {
    let domain = Hostname::parse(lab.domain()).unwrap();
    let tenants = lab.tenants().iter().map(|id| tenant(&domain, id)).collect::<Vec<_>>();
    let root = CertificateDer::from_pem_slice(lab.root_pem().as_bytes()).unwrap();
    let settings = settings();
    let subject = |tenant: &Tenant| Subject {
        tenant: tenant.clone(),
        expectation: Expectation::default(),
        headers: Arc::default(),
        settings: Arc::new(settings.clone()),
    };
    Plan {
        tenants: tenants.iter().map(subject).collect(),
        domain,
        known: tenants,
        selected: Check::ALL.into_iter().collect(),
        edge: (lab.edge_addresses().to_vec(), lab.edge_port()),
        fleet: Expectation::default(),
        authoritative,
        through_resolvers: false,
        resolvers,
        controls: vec![Control::Resolvers],
        vantage: "witness".into(),
        headers: Vec::new(),
        concurrency: 8,
        rate: None,
        number: 0,
        asker: ASKER,
        prober: Prober::new(Anchors::new([root]).unwrap(), settings).unwrap(),
        control_timeout: Duration::from_secs(10),
    }
}

/// Runs the round to its end.
pub(crate) async fn round(plan: &Plan) -> Outcome {
    let (_pull, stop) = Stop::new();
    agent::round(plan, &Quiet, stop).await.unwrap()
}

fn tenant(domain: &Hostname, id: &str) -> Tenant {
    Tenant {
        id: TenantId::new(id),
        hostname: domain.child(id).unwrap(),
        app: format!("sp-{id}"),
        labels: BTreeMap::new(),
        status: None,
        inactive: false,
    }
}
