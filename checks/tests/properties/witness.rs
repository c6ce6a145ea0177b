//! What must have been seen for a check to pass: written from the contract, not from the code that judges.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use roundsman_checks::evidence::{DnsQuery, Exit, Machine, MachineState, RecordKind, Visit};
use roundsman_checks::expectation::Identity;
use roundsman_checks::finding::{Check, FleetCheck};
use roundsman_checks::world::{TenantEvidence, World};

use crate::chains::{DOMAIN, faults};

/// Whether the evidence holds what a pass of this check needs.
pub(crate) fn stands(world: &World, tenant: &TenantEvidence, check: Check) -> bool {
    match check {
        Check::Dns => dns(world, tenant, None),
        Check::Certificate => served(world, tenant).next().is_some(),
        Check::Site => served(world, tenant).any(|visit| answers(tenant, visit)),
        Check::Route => served(world, tenant).any(|visit| identifies(tenant, visit)),
        Check::Conflicts => nobody_is_in_the_way(world, tenant),
        Check::App => runs_or_wakes(world, tenant),
    }
}

/// Whether the platform told all certificates of the tenant's app, or that there is no such app, and none under the domain
/// is among them; and no other app but the edge's is known to hold one for the name.
fn nobody_is_in_the_way(world: &World, tenant: &TenantEvidence) -> bool {
    let Some(platform) = world.platform.known() else {
        return false;
    };
    let name = tenant.tenant.hostname.as_str();
    let parent = name.split_once('.').map(|(_, parent)| format!("*.{parent}"));
    let of_name = |held: &str| held == name || Some(held) == parent.as_deref();
    let foreign = platform.apps.values().filter(|app| app.name != platform.edge_app);
    let mut foreign = foreign.flat_map(|app| &app.certificates);
    let below = |held: &str| held == DOMAIN || held.ends_with(&format!(".{DOMAIN}"));
    let own = match platform.apps.get(&tenant.tenant.app) {
        Some(app) => app.certificates_missing.is_none() && !app.certificates.iter().any(|held| below(&held.hostname)),
        None => platform.apps_missing.is_none(),
    };
    own && !foreign.any(|held| of_name(&held.hostname))
}

/// Whether a machine of the tenant's app runs, or rests and is known to wake and not to have failed; and each is known to
/// run the expected image.
fn runs_or_wakes(world: &World, tenant: &TenantEvidence) -> bool {
    let platform = world.platform.known();
    let Some(app) = platform.and_then(|platform| platform.apps.get(&tenant.tenant.app)) else {
        return false;
    };
    let ended_well = |exit: &Exit| exit.requested || exit.code == Some(0) && !exit.out_of_memory;
    let good = |machine: &Machine| {
        let wakes = matches!(machine.autostart, Some(true)) && machine.last_exit.as_ref().is_none_or(ended_well);
        machine.state == MachineState::Started || machine.state.is_at_rest() && wakes
    };
    let right = |machine: &Machine| {
        tenant.expectation.image.as_ref().is_none_or(|expected| {
            let image = machine.image.as_deref();
            image.and_then(|image| expected.is(&app.name, image, machine.digest.as_deref())) == Some(true)
        })
    };
    let there = || app.machines.iter().filter(|machine| !machine.is_gone());
    there().any(good) && there().all(right)
}

/// Whether the evidence holds what a pass of this fleet check needs.
pub(crate) fn stands_for_all(world: &World, check: FleetCheck) -> bool {
    let edge = &world.edge;
    let kept = |visit: &Visit| visit.handshake.chain.is_some_and(|id| world.chains.contains_key(&id));
    let works = |visit: &Visit| visit.handshake.end.is_done() && kept(visit);
    match check {
        FleetCheck::WildcardDns => controlled(world, None),
        FleetCheck::Dnssec => {
            let looks = &world.zone.resolver_controls;
            looks
                .iter()
                .filter_map(|look| look.reply.as_ref())
                .any(|reply| reply.authentic)
        }
        FleetCheck::WildcardCertificate => edge.controls.iter().chain(&edge.rechecks).any(works),
        FleetCheck::Edge => {
            let probed = |address: &SocketAddr| {
                let family = if address.is_ipv4() {
                    world.vantage.ipv4
                } else {
                    world.vantage.ipv6
                };
                family != Some(false)
            };
            let stands = |address| {
                edge.control_at(address)
                    .is_some_and(|visit| visit.connect.end.is_done())
            };
            edge.sockets().filter(probed).all(stands)
        }
        FleetCheck::Vantage => sees(world),
    }
}

/// Whether anything at all answered.
fn sees(world: &World) -> bool {
    let zone = &world.zone;
    let looks = [
        &zone.controls,
        &zone.wildcards,
        &zone.resolver_controls,
        &world.vantage.resolvers,
    ];
    let visits = world
        .edge
        .controls
        .iter()
        .chain(world.tenants.iter().flat_map(TenantEvidence::all_visits));
    let own = world
        .tenants
        .iter()
        .flat_map(|tenant| tenant.dns.authoritative.iter().chain(&tenant.dns.resolvers));
    looks.into_iter().flatten().chain(own).any(|look| look.reply.is_some())
        || world.vantage.controls.iter().any(|control| control.end.is_done())
        || visits.into_iter().any(|visit| visit.connect.end.is_done())
        || world.platform.known().is_some()
        || world.listing.known().is_some()
}

/// The servers at which both families of a name were answered, with at least one address or alias.
fn answered(looks: &[DnsQuery], name: &str) -> BTreeSet<SocketAddr> {
    let servers = looks.iter().map(|look| look.server);
    let latest = |server: &SocketAddr, kind: RecordKind| {
        let of = |look: &&DnsQuery| look.server == *server && look.kind == kind && look.name == name;
        let reply = looks.iter().rfind(of)?.reply.as_ref()?;
        matches!(reply.rcode, 0 | 3).then(|| !reply.answers.is_empty())
    };
    let both = |server: &SocketAddr| {
        let families = [RecordKind::A, RecordKind::Aaaa].map(|kind| latest(server, kind));
        families.iter().all(Option::is_some) && families.contains(&Some(true))
    };
    servers.filter(both).collect()
}

/// The servers that gave addresses in one family and, to a question for the other, the words for a type that they do not
/// serve.
fn answered_in_one(looks: &[DnsQuery], name: &str) -> BTreeSet<SocketAddr> {
    let latest = |server: SocketAddr, kind: RecordKind| {
        let of = |look: &&DnsQuery| look.server == server && look.kind == kind && look.name == name;
        looks.iter().rfind(of)?.reply.as_ref()
    };
    let one = |server: &SocketAddr| {
        let families = [RecordKind::A, RecordKind::Aaaa].map(|kind| latest(*server, kind));
        let any = |test: &dyn Fn(u16, bool) -> bool| {
            let mut told = families.iter().flatten();
            told.any(|reply| test(reply.rcode, !reply.answers.is_empty()))
        };
        any(&|code, has| code == 0 && has) && any(&|code, _| matches!(code, 1 | 4 | 5))
    };
    looks.iter().map(|look| look.server).filter(one).collect()
}

/// Whether a server other than `but` gave the tenant's addresses, and any server the control name's.
pub(crate) fn dns(world: &World, tenant: &TenantEvidence, but: Option<SocketAddr>) -> bool {
    let looks = &tenant.dns.authoritative;
    let in_one = answered_in_one(&world.zone.controls, world.zone.control.as_str());
    let one = |server: &&SocketAddr| {
        let mut own = looks
            .iter()
            .filter_map(|look| Some((look.server, look.reply.as_ref()?)));
        own.any(|(at, reply)| at == **server && reply.rcode == 0 && !reply.answers.is_empty())
    };
    let mut own = answered(looks, tenant.tenant.hostname.as_str());
    own.extend(in_one.iter().filter(one).copied());
    own.iter().any(|server| Some(*server) != but) && controlled(world, None)
}

/// Whether a server other than `but` gave the control name's addresses.
pub(crate) fn controlled(world: &World, but: Option<SocketAddr>) -> bool {
    let mut servers = answered(&world.zone.controls, world.zone.control.as_str());
    servers.extend(answered_in_one(&world.zone.controls, world.zone.control.as_str()));
    servers.iter().any(|server| Some(*server) != but)
}

/// The visits that were served a chain without a fault, which was kept.
fn served<'w>(world: &'w World, tenant: &'w TenantEvidence) -> impl Iterator<Item = &'w Visit> {
    tenant.all_visits().filter(|visit| {
        let kept = visit.handshake.chain.and_then(|id| world.chains.get(&id));
        let good = kept.is_some_and(|chain| faults(chain, visit.name.as_str()).is_empty());
        visit.connect.end.is_done() && visit.handshake.end.is_done() && good
    })
}

fn answers(tenant: &TenantEvidence, visit: &Visit) -> bool {
    let answer = visit.page.answer.as_ref().filter(|_| visit.page.end.is_done());
    answer.is_some_and(|answer| tenant.expectation.site.status.contains(&answer.status))
}

fn identifies(tenant: &TenantEvidence, visit: &Visit) -> bool {
    let who = &tenant.tenant;
    let ours = [who.id.as_str(), who.app.as_str(), who.hostname.as_str()];
    let answer = visit.page.answer.as_ref();
    let headers = answer.into_iter().flat_map(|answer| &answer.headers);
    let named = headers.into_iter().any(|(_, value)| ours.contains(&value.as_str()));
    let issuer = visit.issuer.answer.as_ref();
    let issued = issuer.is_some_and(|answer| answer.body.prefix.contains(who.hostname.as_str()));
    tenant.expectation.site.identity != Identity::Off && answer.is_some() && (named || issued)
}
