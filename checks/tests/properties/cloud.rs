//! From a plan to what the platform and the zone's listing say.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use roundsman_checks::evidence::{
    ApiAnswer, App, AppCertificate, CertificateState, DnsQuery, Exit, Fault, LogLine, Machine, MachineState, Platform,
    Reason, RecordKind, ZoneRecord,
};
use roundsman_checks::expectation::Expectation;
use roundsman_checks::target::Tenant;
use roundsman_checks::world::TenantEvidence;

use crate::build::edge_addresses;
use crate::chains::{DOMAIN, NOW};
use crate::cloud_plan::{AppPlan, MachinePlan};
use crate::dns::{record, replied, reply};
use crate::plan::Plan;

const EDGE: &str = "edge";
const ACME: &str = "_acme-challenge.example.com";
const TARGET: &str = "example.com.flydns.test";

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

fn fault(plan: &Plan, code: u8) -> Fault {
    let reason = match code % 4 {
        0 => Reason::PlatformUnavailable,
        1 => Reason::PlatformUnauthorized,
        2 => Reason::PlatformRateLimited,
        _ => Reason::PlatformPartial,
    };
    Fault::new(reason, plan.text.clone())
}

/// What the source of the tenants did not answer.
pub(crate) fn inventory(plan: &Plan) -> Vec<Fault> {
    plan.cloud.inventory.iter().map(|code| fault(plan, *code)).collect()
}

/// The platform's word.
pub(crate) fn platform(plan: &Plan, known: &[Tenant]) -> ApiAnswer<Arc<Platform>> {
    let cloud = &plan.cloud;
    match cloud.answer {
        0 => return ApiAnswer::NotConfigured,
        1 => {}
        code => return ApiAnswer::Unknown(fault(plan, code)),
    }
    let tenants = plan.tenants.iter().zip(known);
    let own = tenants
        .filter(|(planned, _)| !planned.app.missing)
        .map(|(planned, tenant)| app(plan, &planned.app, tenant, known));
    let apps = own.chain(edge(plan, known)).chain(others(plan, known));
    let partial = |wanted: u8| (cloud.partial == wanted).then(|| fault(plan, 3));
    ApiAnswer::Known(Arc::new(Platform {
        organization: plan.text.clone(),
        taken_at: Some(now()),
        edge_app: EDGE.into(),
        apps: apps.map(|app| (app.name.clone(), app)).collect(),
        apps_missing: partial(1),
        silent_regions: partial(2).map(|_| "ams".to_owned()).into_iter().collect(),
        machines_missing: partial(3),
        cross_network_replays: [None, Some(true), Some(false)][usize::from(cloud.cross_network % 3)],
        ..Platform::default()
    }))
}

fn held(name: impl Into<String>, state: CertificateState, seconds_ago: i64) -> AppCertificate {
    AppCertificate {
        hostname: name.into(),
        state,
        status: format!("{state:?}"),
        created_at: Some(now() - SignedDuration::from_secs(seconds_ago)),
        ..AppCertificate::default()
    }
}

fn ready(name: impl Into<String>) -> AppCertificate {
    held(name, CertificateState::Ready, 1_000_000)
}

fn edge(plan: &Plan, known: &[Tenant]) -> Option<App> {
    let mut wildcard = ready(format!("*.{DOMAIN}"));
    wildcard.acme = Some((ACME.into(), TARGET.into()));
    match plan.cloud.wildcard {
        2 => wildcard.state = CertificateState::AwaitingCertificates,
        3 => wildcard.imported = true,
        _ => {}
    }
    let wildcard = (plan.cloud.wildcard != 1).then_some(wildcard);
    let explicit = plan.tenants.iter().zip(known);
    let explicit = explicit.filter_map(|(planned, tenant)| explicit_certificate(plan, planned.app.explicit, tenant));
    let addresses = match plan.cloud.edge {
        2 | 5 => Vec::new(),
        _ => edge_addresses(plan),
    };
    (plan.cloud.edge != 1).then(|| App {
        name: EDGE.into(),
        certificates: wildcard.into_iter().chain(explicit).collect(),
        certificates_missing: (plan.cloud.edge == 3).then(|| fault(plan, 3)),
        addresses,
        addresses_missing: addresses_missing(plan),
        machines: vec![machine(plan, &MachinePlan::default(), EDGE, 0)],
        ..App::default()
    })
}

/// Why the edge's addresses are not all known.
pub(crate) fn addresses_missing(plan: &Plan) -> Option<Fault> {
    (plan.cloud.answer == 1 && plan.cloud.edge > 3).then(|| fault(plan, 3))
}

fn explicit_certificate(plan: &Plan, code: u8, tenant: &Tenant) -> Option<AppCertificate> {
    let name = tenant.hostname.as_str();
    Some(match code {
        0 => return None,
        1 => ready(name),
        2 => held(name, CertificateState::AwaitingCertificates, 30),
        3 => held(name, CertificateState::AwaitingCertificates, 300),
        4 => AppCertificate {
            errors: vec![plan.text.clone()],
            ..held(name, CertificateState::AwaitingConfiguration, 300)
        },
        5 => AppCertificate {
            rate_limited_until: Some(now() + SignedDuration::from_hours(1)),
            ..held(name, CertificateState::AwaitingCertificates, 300)
        },
        _ => held(name, CertificateState::Other, 30),
    })
}

/// Apps that are no tenant's.
fn others(plan: &Plan, known: &[Tenant]) -> Vec<App> {
    let names = match plan.cloud.foreign {
        0 => return Vec::new(),
        1 => vec![format!("*.{DOMAIN}")],
        2 => known.iter().take(2).map(|tenant| tenant.hostname.to_string()).collect(),
        3 => vec![format!("www.{DOMAIN}"), "*.other.test".into()],
        _ => vec![format!("*.{DOMAIN}"), known[0].hostname.to_string()],
    };
    vec![App {
        name: "spare".into(),
        certificates: names.into_iter().map(ready).collect(),
        ..App::default()
    }]
}

fn app(plan: &Plan, planned: &AppPlan, tenant: &Tenant, known: &[Tenant]) -> App {
    let other = known.iter().rev().find(|other| other.app != tenant.app);
    let certificates = match planned.certificates {
        0 => Vec::new(),
        1 => vec![ready(tenant.hostname.as_str())],
        2 => vec![AppCertificate {
            imported: true,
            ..ready(tenant.hostname.as_str())
        }],
        3 => other.map(|other| ready(other.hostname.as_str())).into_iter().collect(),
        4 => vec![ready("shop.customer.test")],
        _ => vec![ready(tenant.hostname.as_str()), ready(format!("*.{DOMAIN}"))],
    };
    let healthy = [MachinePlan::default()];
    let machines = match (planned.no_machine, planned.machines.is_empty()) {
        (true, _) => &[][..],
        (false, true) => &healthy[..],
        (false, false) => &planned.machines[..],
    };
    App {
        name: tenant.app.clone(),
        network: planned.apart.then(|| "elsewhere".to_owned()),
        certificates,
        certificates_missing: (planned.partial == 1).then(|| fault(plan, 3)),
        addresses: if planned.private {
            Vec::new()
        } else {
            vec!["198.51.100.99".parse().unwrap()]
        },
        machines: (0..)
            .zip(machines)
            .map(|(at, planned)| machine(plan, planned, &tenant.app, at))
            .collect(),
        machines_missing: (planned.partial == 2).then(|| fault(plan, 3)),
        addresses_missing: None,
    }
}

fn machine(plan: &Plan, planned: &MachinePlan, app: &str, at: usize) -> Machine {
    let states = [
        "started",
        "stopped",
        "suspended",
        "created",
        "starting",
        "failed",
        "destroyed",
        "replacing",
        "launch_failed",
        "",
    ];
    let state = states.get(usize::from(planned.state));
    let exit = |code, out_of_memory, requested| Exit {
        code,
        out_of_memory,
        requested,
        at: Some(now()),
        crashes: None,
    };
    Machine {
        hands_off: false,
        id: format!("m{at}-{app}"),
        state: state.map_or_else(|| MachineState::from(plan.text.as_str()), |word| (*word).into()),
        region: ["iad", "lhr", ""][usize::from(planned.region % 3)].to_owned(),
        image: match planned.image {
            0 => Some(format!("registry.test/{app}:v1")),
            1 => Some(format!("registry.test/{app}:v2")),
            2 => Some(plan.text.clone()),
            _ => None,
        },
        digest: [None, Some("ab"), Some("cd")][usize::from(planned.digest % 3)].map(digest),
        autostart: [Some(true), Some(false), None][usize::from(planned.autostart % 3)],
        ports: planned.closed.then(|| vec![8080]),
        last_exit: match planned.exit {
            0 => None,
            1 => Some(exit(Some(0), false, true)),
            2 => Some(exit(Some(1), false, false)),
            3 => Some(exit(Some(137), true, false)),
            4 => Some(exit(Some(0), false, false)),
            _ => Some(exit(None, false, false)),
        },
        healthy: [None, Some(true), Some(false)][usize::from(planned.healthy % 3)],
        serves: [None, Some(true), Some(false)][usize::from(planned.serves % 3)],
        group: None,
        host_down: planned.host_down,
        updated_at: match planned.since {
            0 => None,
            1 => Some(now() - SignedDuration::from_secs(20)),
            _ => Some(now() - SignedDuration::from_hours(72)),
        },
    }
}

fn digest(byte: &str) -> String {
    format!("sha256:{}", byte.repeat(32))
}

/// The image that a tenant is expected to run.
pub(crate) fn expect(plan: &AppPlan, expectation: &mut Expectation) {
    let image = match plan.expects {
        0 => return,
        1 => ":v1".to_owned(),
        2 => ":v2".to_owned(),
        3 => "registry.test/{app}:v1".to_owned(),
        _ => digest("ab"),
    };
    expectation.image = Some(image.parse().unwrap());
}

/// What the zone's servers say of the delegation that the wildcard's renewal needs.
pub(crate) fn acme(plan: &Plan, server: std::net::SocketAddr) -> Vec<DnsQuery> {
    let mut said = reply(Vec::new());
    match plan.cloud.acme {
        0 => return Vec::new(),
        1 => said.answers = vec![record(ACME, "CNAME", TARGET)],
        2 => said.rcode = 3,
        3 => said.answers = vec![record(ACME, "CNAME", plan.text.clone())],
        _ => said.rcode = 2,
    }
    vec![replied(server, ACME, RecordKind::Cname, said)]
}

/// The zone's listing.
pub(crate) fn listing(plan: &Plan, known: &[Tenant]) -> ApiAnswer<Arc<Vec<ZoneRecord>>> {
    let proxied = match plan.cloud.listing {
        0 => return ApiAnswer::NotConfigured,
        1 => false,
        2 => true,
        code => return ApiAnswer::Unknown(fault(plan, code)),
    };
    let star = format!("*.{DOMAIN}");
    let wildcards = edge_addresses(plan).into_iter().map(|address| {
        let kind = if address.is_ipv4() { "A" } else { "AAAA" };
        listed(&star, kind, &address.to_string(), proxied)
    });
    let tenants = plan.tenants.iter().zip(known);
    let own = tenants.flat_map(|(planned, tenant)| records(plan, planned.app.records, tenant.hostname.as_str()));
    ApiAnswer::Known(Arc::new(wildcards.chain(own).collect()))
}

fn listed(name: &str, kind: &str, content: &str, proxied: bool) -> ZoneRecord {
    ZoneRecord {
        id: format!("{name}/{kind}/{content}"),
        name: name.to_owned(),
        kind: kind.to_owned(),
        content: content.to_owned(),
        proxied,
        ..ZoneRecord::default()
    }
}

fn records(plan: &Plan, code: u8, name: &str) -> Vec<ZoneRecord> {
    match code {
        0 => Vec::new(),
        1 => vec![listed(name, "A", "203.0.113.66", true)],
        2 => vec![listed(name, "A", "203.0.113.66", false)],
        3 => vec![listed(&format!("_acme-challenge.{name}"), "TXT", "left over", false)],
        4 => vec![ZoneRecord {
            comment: Some("managed by terraform".into()),
            ..listed(name, "TXT", &plan.text, false)
        }],
        _ => vec![
            listed(name, "AAAA", "2001:db8:66::1", true),
            listed(&format!("x.{name}"), "TXT", "deep", false),
        ],
    }
}

/// What was asked of the platform about one tenant besides: whether it sleeps, its health checks, the edge's log.
pub(crate) fn asked(plan: &Plan, planned: &AppPlan, known: &[Tenant], evidence: &mut TenantEvidence) {
    if plan.cloud.answer != 1 || planned.missing {
        return;
    }
    let own = evidence.tenant.app.clone();
    if planned.healthy > 0 {
        evidence.checks_asked = true;
        evidence.details = vec![Machine {
            healthy: Some(planned.healthy == 1),
            ..machine(plan, &MachinePlan::default(), &own, 0)
        }];
    }
    let other = known.iter().rev().find(|other| other.app != own);
    let replayed = |app: &str| LogLine {
        at: Some(now()),
        app: EDGE.into(),
        message: format!(
            "Replaying request to tenant app subdomain={} fly_app={app}",
            evidence.tenant.hostname
        ),
        ..LogLine::default()
    };
    evidence.log.edge = match planned.log {
        0 => ApiAnswer::NotConfigured,
        1 => ApiAnswer::Known(Vec::new()),
        2 => ApiAnswer::Known(vec![replayed(&own)]),
        3 => ApiAnswer::Known(vec![replayed(other.map_or("sp-gone", |other| &other.app))]),
        4 => ApiAnswer::Known(vec![LogLine {
            message: plan.text.clone(),
            ..replayed(&own)
        }]),
        _ => ApiAnswer::Unknown(fault(plan, 0)),
    };
}
