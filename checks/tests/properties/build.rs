//! From a plan to a world whose parts agree: a chain carries the faults that the product finds in it, what failed
//! below shows nothing above.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use roundsman_checks::evidence::{
    ChainId, ClockProbe, ControlProbe, Reason, Retry, StepStatus, VantageEvidence, ZoneEvidence,
};
use roundsman_checks::expectation::{
    CertificateExpectation, Expectation, ExpectedVersion, HttpVersion, Identity, Place,
};
use roundsman_checks::finding::Check;
use roundsman_checks::target::{Hostname, Tenant, TenantId};
use roundsman_checks::world::{CertificateChain, EdgeEvidence, TenantEvidence, World};

use crate::chains::{DOMAIN, NOW};
use crate::cloud;
use crate::dns::{Saying, blockers, caa, looks};
use crate::plan::{Plan, TenantPlan};
use crate::visits::visit;

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
        platform: cloud::platform(plan, &known),
        listing: cloud::listing(plan, &known),
        listed_at: None,
        zone_id: None,
        inventory: cloud::inventory(plan),
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
        zone.wildcard_caa = caa(*server, CONTROL, plan.wildcard_caa).into_iter().collect();
        zone.acme = cloud::acme(plan, *server);
    }
    zone
}

fn edge(plan: &Plan, chains: &mut BTreeMap<ChainId, Arc<CertificateChain>>) -> EdgeEvidence {
    let addresses = edge_addresses(plan);
    let mut edge = EdgeEvidence {
        addresses: addresses.clone(),
        addresses_missing: cloud::addresses_missing(plan),
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
        apis: Vec::new(),
        dates: dates.collect(),
        clocks: Vec::new(),
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
        8 => {
            site.version = Some(ExpectedVersion {
                place: Place::Header("x-tier".into()),
                value: "v1".into(),
            });
        }
        _ => {}
    }
    cloud::expect(&tenant.app, &mut expectation);
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
    if !planned.probed {
        return world;
    }
    world.probed = true;
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
    if let (Some(first), true) = (world.dns.authoritative.first(), planned.repeated > 0) {
        let code = planned.dns.unwrap_or_else(|| wildcard(plan, index % servers.len()));
        let (again, server) = ([code, 0, 3][usize::from(planned.repeated) - 1], first.server);
        let control = wildcard(plan, index % servers.len());
        for (name, code) in [(name, again), (CONTROL, control)] {
            world
                .dns
                .repeated
                .extend(looks(server, name, &saying(plan, code, code)));
        }
    }
    (world.asleep, world.woken) = (planned.sleeps(plan), planned.app.woken);
    cloud::asked(plan, &planned.app, known, &mut world);
    if !planned.unvisited && !planned.inactive && (!world.asleep || world.woken) {
        visits(plan, index, planned, known, chains, &mut world);
    }
    if let Some(direct) = planned.app.direct.as_ref().filter(|_| !world.visits.is_empty()) {
        let (at, name) = (socket("198.51.100.99:443"), host("direct.fly.dev"));
        let who = Some((index, known));
        world.direct = Some(Box::new(visit(plan, direct, at, &name, who, chains)));
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
