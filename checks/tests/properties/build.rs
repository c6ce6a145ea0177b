//! From a plan to a world whose parts agree: a chain carries the faults that the product finds in it, what failed
//! below shows nothing above.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use roundsman_checks::evidence::{
    Alert, Answer, Body, ChainId, ClockProbe, ControlProbe, Exchange, Fault, Matches, Reason, Retry, StepStatus,
    VantageEvidence, Visit, ZoneEvidence,
};
use roundsman_checks::evidence::{ApiAnswer, Millis, Platform};
use roundsman_checks::expectation::{CertificateExpectation, Expectation, HttpVersion, Identity, Place};
use roundsman_checks::finding::Check;
use roundsman_checks::target::{Hostname, Tenant, TenantId};
use roundsman_checks::world::{CertificateChain, EdgeEvidence, TenantEvidence, World};

use crate::chains::{self, DOMAIN, NOW};
use crate::dns::{Saying, blockers, caa, looks};
use crate::plan::{Plan, TenantPlan, VisitPlan};

/// The name that only the wildcard answers.
pub(crate) const CONTROL: &str = "roundsman-7f3a.example.com";

pub(crate) fn host(name: &str) -> Hostname {
    Hostname::parse(name).unwrap()
}

fn socket(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

/// The addresses of the edge, as many as the plan has.
pub(crate) fn edge_addresses(plan: &Plan) -> Vec<IpAddr> {
    ["198.51.100.7", "2001:db8::7", "198.51.100.8"]
        .iter()
        .take(usize::from(plan.addresses))
        .map(|text| text.parse().unwrap())
        .collect()
}

fn servers(plan: &Plan) -> Vec<SocketAddr> {
    let all = ["192.0.2.53:53", "[2001:db8::53]:53", "192.0.2.54:5353"];
    let count = if plan.through_resolvers {
        plan.resolvers
    } else {
        plan.servers
    };
    let all = if plan.through_resolvers {
        &RESOLVERS[..]
    } else {
        &all[..]
    };
    all.iter().take(usize::from(count)).map(|text| socket(text)).collect()
}

const RESOLVERS: [&str; 2] = ["203.0.113.1:53", "203.0.113.2:53"];

fn resolvers(plan: &Plan) -> Vec<SocketAddr> {
    RESOLVERS
        .iter()
        .take(usize::from(plan.resolvers))
        .map(|text| socket(text))
        .collect()
}

/// The world that a plan means.
pub(crate) fn world(plan: &Plan) -> World {
    let mut chains = BTreeMap::new();
    let zone = zone(plan);
    let edge = edge(plan, &mut chains);
    let identities = plan
        .tenants
        .iter()
        .enumerate()
        .map(|(index, tenant)| identity(plan, index, tenant));
    let known = identities.collect::<Vec<_>>();
    let tenants = plan.tenants.iter().enumerate();
    let tenants = tenants
        .map(|(index, tenant)| tenant_world(plan, index, tenant, &known, &mut chains))
        .collect();
    World {
        now: NOW.parse().unwrap(),
        domain: host(DOMAIN),
        selected: (0..6)
            .filter(|bit| plan.left_out >> bit & 1 == 0)
            .map(|bit| Check::ALL[bit])
            .collect(),
        vantage: vantage(plan),
        zone,
        edge,
        wildcard: CertificateExpectation::default(),
        platform: match plan.platform {
            0 => ApiAnswer::NotConfigured,
            1 => ApiAnswer::Unknown(Fault::new(Reason::PlatformUnavailable, plan.text.clone())),
            _ => ApiAnswer::Known(Arc::new(Platform {
                apps_missing: Some(Fault::new(Reason::PlatformPartial, plan.text.clone())),
                ..Platform::default()
            })),
        },
        listing: ApiAnswer::NotConfigured,
        listed_at: None,
        inventory: Vec::new(),
        known: Arc::new(known.into_iter().map(Arc::new).collect()),
        tenants,
        chains,
        interrupted: plan.interrupted,
    }
}

/// What a server says of the wildcard.
fn wildcard(plan: &Plan, server: usize) -> u8 {
    plan.odd_servers[server % 3].unwrap_or(plan.zone)
}

fn saying<'p>(plan: &'p Plan, v4: u8, v6: u8) -> Saying<'p> {
    let both = |code| match plan.blind {
        1 => 7,
        2 => 9,
        _ => code,
    };
    Saying {
        v4: both(v4),
        v6: both(v6),
        plan,
    }
}

fn zone(plan: &Plan) -> ZoneEvidence {
    let mut zone = ZoneEvidence::unseen(host(CONTROL));
    zone.through_resolvers = plan.through_resolvers;
    zone.servers = servers(plan);
    zone.resolvers = resolvers(plan);
    zone.discovery = match plan.discovery {
        0 => StepStatus::Done,
        1 => StepStatus::failed(Reason::DnsNxdomain, plan.text.clone()),
        2 => StepStatus::failed(Reason::DnsTimeout, plan.text.clone()),
        3 => StepStatus::Exhausted(plan.text.clone()),
        _ => StepStatus::NotReached,
    };
    for (index, server) in zone.servers.clone().into_iter().enumerate() {
        let code = wildcard(plan, index);
        zone.controls.extend(looks(server, CONTROL, &saying(plan, code, code)));
        zone.wildcards
            .extend(looks(server, &format!("*.{DOMAIN}"), &saying(plan, code, code)));
    }
    for (index, resolver) in zone.resolvers.clone().into_iter().enumerate() {
        let code = plan.resolvers_say[index].unwrap_or(plan.zone);
        let name = format!("fresh-{index}.{DOMAIN}");
        zone.resolver_controls
            .extend(looks(resolver, &name, &saying(plan, code, code)));
        let unchecked = [None, Some(0), Some(5), Some(7)][usize::from(plan.unchecked % 4)];
        if let Some(code) = unchecked {
            zone.unchecked.extend(looks(resolver, &name, &saying(plan, code, code)));
        }
    }
    if let Some(server) = zone.servers.first() {
        zone.caa = caa(*server, DOMAIN, plan.caa).into_iter().collect();
    }
    zone
}

fn edge(plan: &Plan, chains: &mut BTreeMap<ChainId, Arc<CertificateChain>>) -> EdgeEvidence {
    let addresses = edge_addresses(plan);
    let mut edge = EdgeEvidence {
        addresses: addresses.clone(),
        port: 443,
        controls: Vec::new(),
        rechecks: Vec::new(),
        taken_at: None,
    };
    for (index, address) in addresses.into_iter().enumerate() {
        if plan.families[usize::from(address.is_ipv6())] == 1 {
            continue;
        }
        let as_planned = plan.odd_addresses[index].as_ref().unwrap_or(&plan.edge);
        let at = SocketAddr::new(address, 443);
        edge.controls
            .push(visit(plan, as_planned, at, &host(CONTROL), None, chains));
        if let Some(again) = &plan.rechecks[index] {
            edge.rechecks.push(visit(plan, again, at, &host(CONTROL), None, chains));
        }
    }
    edge
}

fn vantage(plan: &Plan) -> VantageEvidence {
    let family = |code: u8, v6: bool| {
        let has = edge_addresses(plan).iter().any(|address| address.is_ipv6() == v6);
        has.then_some(code != 1)
    };
    let now = NOW.parse::<jiff::Timestamp>().unwrap();
    let dates = edge_addresses(plan)
        .into_iter()
        .zip(plan.dates)
        .filter(|(_, code)| *code > 0);
    let dates = dates.map(|(address, code)| ClockProbe {
        address: SocketAddr::new(address, 443),
        date: [-1_440_i64, 0, 1_440]
            .get(usize::from(code) - 1)
            .map(|hours| now + jiff::SignedDuration::from_hours(*hours)),
        ours: now,
        end: if code == 4 {
            StepStatus::failed(Reason::HttpTimeout, plan.text.clone())
        } else {
            StepStatus::Done
        },
    });
    let controls = plan.controls.iter().map(|code| ControlProbe {
        what: plan.text.clone(),
        end: match (plan.blind, code) {
            (0, 0 | 1) => StepStatus::Done,
            (2, _) | (_, 2) => StepStatus::Exhausted(plan.text.clone()),
            _ => StepStatus::failed(Reason::TcpTimeout, plan.text.clone()),
        },
    });
    let mut root = Vec::new();
    for (index, resolver) in resolvers(plan).into_iter().enumerate() {
        let code = plan.resolvers_say[index].unwrap_or(2);
        root.extend(looks(resolver, "", &saying(plan, code, code)));
    }
    VantageEvidence {
        name: plan.text.clone(),
        ipv4: family(plan.families[0], false),
        ipv6: family(plan.families[1], true),
        resolvers: root,
        controls: controls.collect(),
        dates: dates.collect(),
        taken_at: None,
    }
}

fn identity(plan: &Plan, index: usize, tenant: &TenantPlan) -> Tenant {
    let id = match tenant.name {
        1 => format!("{}{index}", plan.text),
        _ => format!("t{index}"),
    };
    let name = match tenant.name {
        2 => format!("a.b.t{index}.{DOMAIN}"),
        3 => format!("x.t{}.{DOMAIN}", index + 1),
        4 => format!("{}.{DOMAIN}", "l".repeat(62) + &index.to_string()),
        _ => format!("t{index}.{DOMAIN}"),
    };
    Tenant {
        app: format!("sp-{id}"),
        id: TenantId::new(id),
        hostname: host(&name),
        labels: BTreeMap::new(),
        status: None,
        inactive: tenant.inactive,
        unlisted: false,
    }
}

fn expectation(plan: &Plan, tenant: &TenantPlan) -> Expectation {
    let mut expectation = Expectation {
        skip: Check::ALL
            .into_iter()
            .filter(|check| tenant.skip >> *check as u8 & 1 == 1)
            .collect(),
        ..Expectation::default()
    };
    let site = &mut expectation.site;
    match tenant.expects {
        1 => site.status = vec![200, 404],
        2 => site.http = HttpVersion::Any,
        3 => site.body_contains = plan.text.clone(),
        4 => drop(site.json.insert("/status".into(), "healthy".into())),
        5 => drop(site.expect_headers.insert("x-tier".into(), plan.text.clone())),
        6 => site.identity = Identity::Place(Place::Header("x-sp-app".into())),
        7 => site.identity = Identity::Off,
        _ => {}
    }
    expectation
}

fn tenant_world(
    plan: &Plan,
    index: usize,
    planned: &TenantPlan,
    known: &[Tenant],
    chains: &mut BTreeMap<ChainId, Arc<CertificateChain>>,
) -> TenantEvidence {
    let tenant = known[index].clone();
    let mut world = TenantEvidence::unseen(tenant.clone(), expectation(plan, planned));
    if !planned.looked_at {
        return world;
    }
    world.looked_at = true;
    let name = tenant.hostname.as_str();
    let servers = servers(plan);
    for (turn, code) in [planned.dns, planned.second].into_iter().enumerate() {
        let usable = world.dns.authoritative.iter().any(|look| look.reply.is_some());
        if usable || turn >= servers.len() {
            break;
        }
        let at = (index + turn) % servers.len();
        let code = code.unwrap_or_else(|| wildcard(plan, at));
        let v6 = planned.dns_v6.filter(|_| turn == 0).unwrap_or(code);
        world
            .dns
            .authoritative
            .extend(looks(servers[at], name, &saying(plan, code, v6)));
        if plan.blind == 0 && code < 5 {
            world.dns.authoritative.extend(caa(servers[at], name, planned.caa));
        }
    }
    for (at, resolver) in resolvers(plan).into_iter().enumerate() {
        let code = planned.resolvers[at].unwrap_or_else(|| plan.resolvers_say[at].unwrap_or(plan.zone));
        world
            .dns
            .resolvers
            .extend(looks(resolver, name, &saying(plan, code, code)));
    }
    if let Some(server) = servers.first() {
        world.dns.blockers = blockers(*server, name, planned.blockers);
    }
    if !planned.unvisited && !planned.inactive {
        visits(plan, index, planned, known, chains, &mut world);
    }
    world
}

fn visits(
    plan: &Plan,
    index: usize,
    planned: &TenantPlan,
    known: &[Tenant],
    chains: &mut BTreeMap<ChainId, Arc<CertificateChain>>,
    world: &mut TenantEvidence,
) {
    let addresses = edge_addresses(plan);
    let name = &known[index].hostname;
    let at = |turn: usize| SocketAddr::new(addresses[(index + turn) % addresses.len()], 443);
    let as_control = plan.odd_addresses[index % addresses.len()]
        .as_ref()
        .unwrap_or(&plan.edge);
    let first = planned.visit.as_ref().unwrap_or(as_control);
    let who = Some((index, known));
    world.visits.push(visit(plan, first, at(0), name, who, chains));
    for (turn, other) in planned.others.iter().enumerate().take(addresses.len() - 1) {
        if world.visits.iter().any(|visit| visit.handshake.end.is_done()) {
            break;
        }
        world.visits.push(visit(plan, other, at(turn + 1), name, who, chains));
    }
    if world.visits[0].was_cut() {
        for (again, control) in &planned.retries {
            let control = control
                .as_ref()
                .map(|control| visit(plan, control, at(0), &host(CONTROL), None, chains));
            let visit = visit(plan, again, at(0), name, who, chains);
            world.retries.push(Retry { visit, control });
        }
    }
}

/// A tenant with its index, or the control name.
type Who<'k> = Option<(usize, &'k [Tenant])>;

fn visit(
    plan: &Plan,
    planned: &VisitPlan,
    address: SocketAddr,
    name: &Hostname,
    who: Who<'_>,
    chains: &mut BTreeMap<ChainId, Arc<CertificateChain>>,
) -> Visit {
    let mut visit = Visit::new(address, name.clone());
    let failed = |reason| StepStatus::failed(reason, plan.text.clone());
    let end = match plan.blind {
        1 => 3,
        2 => 5,
        _ => planned.end,
    };
    visit.connect.ms = Millis(plan.milliseconds);
    visit.connect.end = match end {
        1 => failed(Reason::TcpRefused),
        2 => failed(Reason::TcpTimeout),
        3 => failed(Reason::TcpUnreachable),
        4 => failed(Reason::TcpReset),
        5 => StepStatus::Exhausted(plan.text.clone()),
        6 => StepStatus::NotReached,
        _ => StepStatus::Done,
    };
    if !visit.connect.end.is_done() {
        return visit;
    }
    visit.handshake.ms = Millis(3.5);
    visit.handshake.end = match end {
        7 => failed(Reason::TlsUnexpectedEof),
        8 => failed(Reason::TlsReset),
        9 => failed(Reason::TlsAlert(Alert::UNRECOGNIZED_NAME)),
        10 => failed(Reason::TlsAlert(Alert(40))),
        11 => failed(Reason::TlsTimeout),
        12 => failed(Reason::TlsProtocol),
        13 => failed(Reason::TlsMalformed),
        14 => StepStatus::Exhausted(plan.text.clone()),
        15 => StepStatus::NotReached,
        _ => StepStatus::Done,
    };
    if !visit.handshake.end.is_done() {
        return visit;
    }
    show(
        &mut visit,
        chains::presented(planned.chain, who.map(|(index, _)| index)),
        chains,
    );
    if visit.handshake.end.is_done() {
        exchange(plan, planned, end, who, &mut visit);
    }
    visit
}

/// Lets a visit be served a chain, with what the product finds wrong with it.
pub(crate) fn show(
    visit: &mut Visit,
    presented: CertificateChain,
    chains: &mut BTreeMap<ChainId, Arc<CertificateChain>>,
) {
    let faults = chains::faults(&presented, visit.name.as_str());
    let id = ChainId::of(&presented.0);
    chains.insert(id, Arc::new(presented));
    visit.handshake.chain = Some(id);
    visit.handshake.version = Some("1.3".into());
    visit.handshake.end = match faults.first() {
        Some(reason) => StepStatus::failed(*reason, "what the verifier said"),
        None => StepStatus::Done,
    };
    visit.handshake.faults = faults;
}

fn exchange(plan: &Plan, planned: &VisitPlan, end: u8, who: Who<'_>, visit: &mut Visit) {
    let failed = |reason| StepStatus::failed(reason, plan.text.clone());
    visit.page.total_ms = Millis(if planned.slow { 2_500.0 } else { 40.0 });
    visit.page.end = match end {
        16 => StepStatus::NotReached,
        17 => StepStatus::Exhausted(plan.text.clone()),
        18 => failed(Reason::HttpTimeout),
        19 => failed(Reason::HttpClosed),
        _ if planned.answer == 11 => failed(Reason::HttpMalformed),
        _ => StepStatus::Done,
    };
    if visit.page.end.is_done() && planned.answer != 9 {
        visit.page.answer = Some(answer(plan, planned, who, visit));
    }
    if let (Some((index, known)), 5..=7) = (who, planned.identity) {
        let host = match planned.identity {
            5 => format!("{{\"issuer\":\"https://{}/x\"}}", known[index].hostname),
            6 => format!(
                "{{\"issuer\":\"https://{}\"}}",
                known[(index + 1) % known.len()].hostname
            ),
            _ => plan.text.clone(),
        };
        visit.issuer = Exchange {
            end: StepStatus::Done,
            answer: Some(Answer {
                version: "2".into(),
                status: 200,
                headers: Vec::new(),
                body: body(host),
            }),
            ..Exchange::default()
        };
    }
}

fn body(prefix: String) -> Body {
    Body {
        length: prefix.len() as u64,
        prefix,
        complete: true,
        digest: String::new(),
        matches: Matches::default(),
    }
}

/// An answer; of the control name without more, the edge's word for a name that does not exist.
fn answer(plan: &Plan, planned: &VisitPlan, who: Who<'_>, visit: &Visit) -> Answer {
    let unknown = who.is_none() && planned.answer == 0 || planned.answer == 1;
    let (status, text) = match planned.answer {
        _ if unknown => (404, format!("no tenant {}", visit.name)),
        2 => (301, String::new()),
        3 => (500, plan.text.clone()),
        4 => (503, "{\"error\":\"service starting\"}".into()),
        6 => (200, plan.text.clone()),
        8 => (200, "{\"status\":\"starting\"}".into()),
        10 => (999, plan.text.clone()),
        _ => (200, "{\"status\":\"healthy\"}".into()),
    };
    let mut headers = vec![("fly-request-id".to_owned(), format!("id-{}", visit.name))];
    headers.extend((status == 301).then(|| ("location".into(), plan.text.clone())));
    headers.extend((planned.identity == 8).then(|| ("x-tier".into(), plan.text.clone())));
    if let (Some((index, known)), false) = (who, unknown) {
        let other = &known[(index + 1) % known.len()];
        headers.extend(match planned.identity {
            0 | 8 => Some(("x-sp-app".to_owned(), known[index].app.clone())),
            2 => Some(("x-sp-app".into(), other.app.clone())),
            3 => Some(("x-sp-app".into(), plan.text.clone())),
            4 => Some(("x-served-by".into(), other.hostname.to_string())),
            _ => None,
        });
    }
    let healthy = text == "{\"status\":\"healthy\"}";
    let mut body = body(text);
    body.complete = planned.answer != 7;
    body.matches.contains = Some(healthy && planned.answer != 7);
    body.matches.json = BTreeMap::from([("/status".into(), healthy.then(|| "healthy".into()))]);
    Answer {
        version: if planned.answer == 5 { "1.1" } else { "2" }.into(),
        status,
        headers,
        body,
    }
}
