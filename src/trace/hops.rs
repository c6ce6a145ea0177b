//! The hops of one request, from what its visit and its look at DNS left.

use std::net::{IpAddr, SocketAddr};

use roundsman_checks::chain;
use roundsman_checks::evidence::{Answer, ApiAnswer, App, DnsQuery, RecordKind, Visit};
use roundsman_checks::expectation::{Identity, Place};
use roundsman_checks::reading::{AppState, MachineEnd, app_state, value_at_place};
use roundsman_checks::world::{TenantEvidence, World};

use super::{Chosen, Connected, Direct, Dns, Failure, Http, Lookup, Part, Phase, Record, Setting, Tls, Unvisited};

/// The headers that tell who answered on the way.
const TELLING: &[&str] = &["server", "via", "fly-request-id", "x-sp-app", "x-served-by", "location"];
/// Certificates of a chain that are told.
const MOST_LINKS: usize = 10;
/// Records of an answer that are told.
const MOST_RECORDS: usize = 16;

/// What each name server said: of the tenant's name, or of the round's own where it was asked for nothing else.
pub(super) fn dns(world: &World, seen: &TenantEvidence) -> Dns {
    let zone = &world.zone;
    let mut authoritative = lookups(&seen.dns.authoritative, &zone.controls);
    let resolvers = if zone.through_resolvers {
        // Resolvers stand in for the zone's servers: no authority is asked of them, and they are told once.
        authoritative.iter_mut().for_each(|look| look.authority = None);
        &[][..]
    } else {
        &zone.resolver_controls
    };
    Dns {
        authoritative,
        undiscovered: Failure::of(&zone.discovery),
        recursive: lookups(&seen.dns.resolvers, resolvers),
    }
}

fn lookups(own: &[DnsQuery], controls: &[DnsQuery]) -> Vec<Lookup> {
    let asked = |server: SocketAddr| own.iter().any(|look| look.server == server);
    let others = controls.iter().filter(|look| !asked(look.server));
    let own = own.iter().map(|look| lookup(look, false));
    own.chain(others.map(|look| lookup(look, true))).collect()
}

fn lookup(look: &DnsQuery, control: bool) -> Lookup {
    let records = look.reply.iter().flat_map(|reply| &reply.answers);
    let records = records.take(MOST_RECORDS).map(|record| Record {
        name: record.name.clone(),
        kind: record.kind.clone(),
        data: record.data.clone(),
        ttl: record.ttl,
    });
    Lookup {
        server: look.server,
        name: look.name.clone(),
        control,
        kind: look.kind.as_str(),
        rcode: look.reply.as_ref().map(|reply| rcode(reply.rcode)),
        authority: look.reply.as_ref().map(|reply| reply.authoritative),
        records: records.collect(),
        failure: Failure::of(&look.end),
        ms: look.ms.0,
    }
}

/// The names of response codes (RFC 1035, section 4.1.1).
fn rcode(code: u16) -> String {
    match code {
        0 => "NOERROR".into(),
        1 => "FORMERR".into(),
        2 => "SERVFAIL".into(),
        3 => "NXDOMAIN".into(),
        4 => "NOTIMP".into(),
        5 => "REFUSED".into(),
        other => format!("RCODE {other}"),
    }
}

/// Where the request went, and why there: always to an address of the edge, whatever DNS says.
pub(super) fn chosen(world: &World, seen: &TenantEvidence, setting: &Setting) -> Option<Chosen> {
    let visit = seen.visit()?;
    let tried = seen.all_visits().filter(|other| other.address != visit.address);
    let failure = |other: &Visit| Failure::of(other.channel_end()).or_else(|| Failure::of(&other.page.end));
    let tried = tried.filter_map(|other| Some((other.address, failure(other)?)));
    let tried = tried.collect::<Vec<_>>();
    let whence = if setting.addresses_given {
        "as configured"
    } else {
        "as the platform tells them"
    };
    let which = match (world.edge.addresses.len(), tried.is_empty()) {
        (1, _) => format!("the edge's only address, {whence}"),
        (count, true) => format!("one of {count} addresses of the edge, {whence}; rounds take them in turn"),
        (count, false) => format!("the first of {count} addresses of the edge, {whence}, that went further"),
    };
    let why = format!("{which}; {}", given(seen, visit.address.ip()));
    Some(Chosen {
        address: visit.address,
        why,
        tried,
    })
}

/// Why no address was visited, from what the round knew of the edge; nothing where one was.
pub(super) fn unvisited(world: &World, seen: &TenantEvidence) -> Option<Unvisited> {
    if seen.visit().is_some() {
        return None;
    }
    let tried = world.edge.sockets().filter_map(|socket| {
        let failure = match world.edge.control_at(socket) {
            Some(control) => Failure::of(control.channel_end())?,
            None if lacks(world, socket) => Failure {
                reason: None,
                detail: format!("the agent has no {}", if socket.is_ipv4() { "IPv4" } else { "IPv6" }),
            },
            None => return None,
        };
        Some((socket, failure))
    });
    Some(Unvisited {
        why: not_visited(world, seen),
        tried: tried.collect(),
    })
}

fn lacks(world: &World, socket: SocketAddr) -> bool {
    let family = if socket.is_ipv4() {
        world.vantage.ipv4
    } else {
        world.vantage.ipv6
    };
    family == Some(false)
}

fn not_visited(world: &World, seen: &TenantEvidence) -> String {
    if world.interrupted && !seen.probed {
        return "the trace was interrupted before an address was visited".to_owned();
    }
    if !seen.tenant.hostname.is_within(&world.domain) {
        return format!("none is visited: the name is not within {}", world.domain);
    }
    if seen.tenant.inactive {
        return "none is visited: the tenant is expected not to run".to_owned();
    }
    if !world.edge.addresses.is_empty() {
        return "no address of the edge could be reached, by the control name at each".to_owned();
    }
    let none = "no address of the edge is known";
    match &world.platform {
        ApiAnswer::Unknown(fault) => format!("{none}: the platform was asked: {}: {}", fault.reason, fault.detail),
        ApiAnswer::Known(platform) => match (platform.apps.get(&platform.edge_app), &platform.apps_missing) {
            (None, Some(fault)) => format!("{none}: the platform was asked: {}: {}", fault.reason, fault.detail),
            (None, None) => format!("{none}: there is no app {}", platform.edge_app),
            (Some(_), _) => format!("{none}: the platform tells none of app {}", platform.edge_app),
        },
        ApiAnswer::NotConfigured => format!("{none}: none is configured, and no platform to ask"),
    }
}

/// What DNS makes of the address that was visited.
fn given(seen: &TenantEvidence, address: IpAddr) -> String {
    let looks = seen.dns.authoritative.iter();
    let records = looks
        .filter_map(|look| look.reply.as_ref())
        .flat_map(|reply| &reply.answers);
    let mut addresses = records
        .filter_map(|record| record.data.parse::<IpAddr>().ok())
        .collect::<Vec<_>>();
    addresses.sort_unstable();
    addresses.dedup();
    if addresses.contains(&address) {
        return "DNS gives it for the name".to_owned();
    }
    if addresses.is_empty() {
        return "DNS gives no address for the name".to_owned();
    }
    let shown = addresses.iter().take(4).map(ToString::to_string).collect::<Vec<_>>();
    format!("DNS sends users to {} instead", shown.join(", "))
}

pub(super) fn connected(visit: &Visit) -> Connected {
    Connected {
        ms: visit.connect.ms.0,
        failure: Failure::of(&visit.connect.end),
    }
}

/// The handshake; nothing where the connection did not stand.
pub(super) fn tls(world: &World, visit: &Visit) -> Option<Tls> {
    if !visit.connect.end.is_done() {
        return None;
    }
    let shaken = &visit.handshake;
    let presented = shaken.chain.and_then(|id| world.chains.get(&id));
    let links = presented.map(|presented| {
        let mut links = chain::links(&presented.0[..presented.0.len().min(MOST_LINKS)]);
        links.truncate(MOST_LINKS);
        links
    });
    Some(Tls {
        ms: shaken.ms.0,
        version: shaken.version.clone(),
        cipher: shaken.cipher.clone(),
        alpn: shaken.alpn.clone(),
        verified: shaken.chain.is_some() && shaken.faults.is_empty(),
        faults: shaken.faults.clone(),
        failure: Failure::of(&shaken.end),
        chain: links,
    })
}

/// The request; nothing where it was not sent and did not fail.
pub(super) fn http(seen: &TenantEvidence, visit: &Visit, setting: &Setting) -> Option<Http> {
    let page = &visit.page;
    let failure = Failure::of(&page.end);
    if page.sent_at.is_none() && page.answer.is_none() && failure.is_none() {
        return None;
    }
    let site = &seen.expectation.site;
    let answer = page.answer.as_ref();
    let release = setting.version.as_ref().zip(answer);
    Some(Http {
        path: site.path.clone(),
        status: answer.map(|answer| answer.status),
        version: answer.map(|answer| answer.version.clone()),
        headers: answer
            .map(|answer| telling(answer, &site.identity, setting))
            .unwrap_or_default(),
        release: release.and_then(|(place, answer)| Some(value_at_place(place, answer)?.0)),
        bytes: answer.map_or(0, |answer| answer.body.length),
        first_byte_ms: page.first_byte_ms.0,
        total_ms: page.total_ms.0,
        failure,
    })
}

/// The headers that tell who answered, and those that the configuration looks at. No other: they may hold secrets.
fn telling(answer: &Answer, identity: &Identity, setting: &Setting) -> Vec<(String, String)> {
    let configured = |place: Option<&Place>| match place {
        Some(Place::Header(name)) => Some(name.to_ascii_lowercase()),
        _ => None,
    };
    let identity = match identity {
        Identity::Place(place) => configured(Some(place)),
        Identity::Auto | Identity::Off => None,
    };
    let more = [configured(setting.version.as_ref()), identity];
    let wanted = |name: &str| TELLING.contains(&name) || more.iter().flatten().any(|more| more == name);
    answer
        .headers
        .iter()
        .filter(|(name, _)| wanted(name))
        .cloned()
        .collect()
}

/// The app asked past the edge, or why it was not.
pub(super) fn direct(world: &World, seen: &TenantEvidence) -> Part<Direct> {
    let not = |why: &str| Part::NotAsked { why: why.to_owned() };
    if let Some(visit) = &seen.direct {
        let answer = visit.page.answer.as_ref();
        return Part::Known(Direct {
            host: visit.name.to_string(),
            address: visit.address,
            status: answer.map(|answer| answer.status),
            version: answer.map(|answer| answer.version.clone()),
            ms: (visit.connect.ms + visit.handshake.ms + visit.page.total_ms).0,
            failure: Failure::of(visit.channel_end()).or_else(|| Failure::of(&visit.page.end)),
        });
    }
    let platform = match &world.platform {
        ApiAnswer::Known(platform) => platform,
        ApiAnswer::Unknown(fault) => return Part::Unknown(fault.into()),
        ApiAnswer::NotConfigured => return Part::NotConfigured,
    };
    match app_state(seen.told(platform), &[]) {
        AppState::Missing => not("there is no such app"),
        AppState::Unknown(fault) => not(&format!(
            "its machines are not known: {}: {}",
            fault.reason, fault.detail
        )),
        AppState::Asleep => not("it sleeps, and is not woken past the edge"),
        AppState::Starting(machine) => not(&format!("it is starting: {}", MachineEnd::of(machine))),
        AppState::HostDown(machine) => not(&format!("the host of machine {} does not answer", machine.id)),
        AppState::Stuck(machine) => not(&format!("it does not come up: {}", MachineEnd::of(machine))),
        AppState::Crashed(machine) => not(&format!("it crashed: {}", MachineEnd::of(machine))),
        AppState::Stopped(Some(_)) => not("it does not run"),
        AppState::Stopped(None) => not("it has no machine"),
        AppState::Running(_) => match platform.apps.get(&seen.tenant.app) {
            Some(App {
                addresses_missing: Some(fault),
                ..
            }) => not(&format!(
                "its addresses are not known: {}: {}",
                fault.reason, fault.detail
            )),
            Some(app) if app.addresses.is_empty() => not("it has no public address"),
            _ => not("its own name has no address, or was not looked up"),
        },
    }
}

/// What took how long: DNS at the server that decided, and the parts of the visit, one after another.
pub(super) fn phases(seen: &TenantEvidence) -> Vec<Phase> {
    let decided = seen.dns.authoritative.last().map(|look| look.server);
    let of_addresses = |look: &&DnsQuery| matches!(look.kind, RecordKind::A | RecordKind::Aaaa);
    let at = |server: Option<SocketAddr>| {
        let looks = seen.dns.authoritative.iter().filter(of_addresses);
        looks.filter(move |look| Some(look.server) == server)
    };
    let resolve = at(decided).map(|look| look.ms.0).reduce(f64::max);
    let mut parts = vec![("resolve", resolve)];
    if let Some(visit) = seen.visit() {
        let stood = visit.connect.end.is_done();
        let sent = visit.page.sent_at.is_some() || visit.page.answer.is_some();
        parts.push(("connect", Some(visit.connect.ms.0)));
        parts.push(("tls", stood.then_some(visit.handshake.ms.0)));
        parts.push(("processing", sent.then_some(visit.page.first_byte_ms.0)));
        let transfer = (visit.page.total_ms.0 - visit.page.first_byte_ms.0).max(0.0);
        parts.push(("transfer", visit.page.answer.as_ref().map(|_| transfer)));
    }
    let mut start_ms = 0.0;
    let mut phases = Vec::new();
    for (phase, ms) in parts {
        let Some(ms) = ms else { continue };
        phases.push(Phase { phase, start_ms, ms });
        start_ms += ms;
    }
    phases
}
