//! What the zone holds and how its servers behave: computed from the healthy world and the
//! faults, and from nothing else.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use hickory_proto::ProtoError;
use hickory_proto::rr::rdata::{A, AAAA, CAA, CNAME, HTTPS, MX, NS, SOA, SVCB, TXT};
use hickory_proto::rr::{Name, RData, RecordType};

use super::zone::Zone;
use crate::fault::{Fault, FaultSet};
use crate::platform::{APP_DOMAIN, app_name};
use crate::world::World;

/// Where records point that should not: documentation addresses that nobody has.
pub(crate) const OVERRIDE_V4: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 9);
pub(crate) const STALE_V4: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 77);
/// The addresses of the CDN.
pub(crate) const PROXY_V4: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 80);
pub(crate) const PROXY_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0x80, 0, 0, 0, 0, 0x80);
/// Below this the platform answers validations.
pub(crate) const VALIDATION: &str = "lab.flydns.test";
const MISMATCH_V4: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 50);
const DISAGREE_V4: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 60);
const WRONG_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0xbad);
/// A host outside the zone.
pub(crate) const OTHER_HOST: &str = "other-host.example.";
/// A host outside the zone that leads to the edge, and what the zone may rewrite its names to.
pub(crate) const EDGE_HOST: &str = "edge-host.example.";
pub(crate) const REWRITTEN: &str = "rewritten.example.";
const TTL: u32 = 300;

/// How one server of the zone behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Serve,
    ServFail,
    Refused,
    Silent,
    Lame,
}

/// How the server of this index behaves, whoever asks.
pub(crate) fn mode(faults: &FaultSet, server: usize) -> Mode {
    let failing =
        |fault: &&Fault| fault.cause() == "dns-servers-failing" && (server == 0 || !fault.word().ends_with("/1"));
    let mut modes = faults
        .general()
        .iter()
        .filter(failing)
        .map(|fault| match fault.word().trim_end_matches("/1") {
            "refused" => Mode::Refused,
            "timeout" => Mode::Silent,
            "lame" => Mode::Lame,
            "disagree" => Mode::Serve,
            _ => Mode::ServFail,
        });
    modes.find(|mode| *mode != Mode::Serve).unwrap_or(Mode::Serve)
}

/// The zone as the server of this index has it.
pub(crate) fn zone(world: &World, faults: &FaultSet, server: usize) -> Result<Zone, ProtoError> {
    let mut zone = healthy(world)?;
    for fault in faults.general() {
        general(&mut zone, world, fault, server)?;
    }
    for (tenant, fault) in faults.of_tenants() {
        own(&mut zone, world, tenant, fault)?;
    }
    Ok(zone)
}

fn healthy(world: &World) -> Result<Zone, ProtoError> {
    let apex = &world.apex;
    let mut zone = Zone::new(apex, TTL);
    let servers = [apex.prepend_label("ns1")?, apex.prepend_label("ns2")?];
    let person = apex.prepend_label("hostmaster")?;
    let soa = SOA::new(servers[0].clone(), person, 2_026_112_401, 7_200, 3_600, 1_209_600, 300);
    zone.add(apex, RData::SOA(soa));
    for server in servers {
        zone.add(apex, RData::NS(NS(server.clone())));
        zone.add(&server, a(Ipv4Addr::LOCALHOST));
    }
    edge_addresses(&mut zone, world, &apex.prepend_label("*")?);
    if world.platform {
        let target = Name::from_ascii(format!("{}.{VALIDATION}.", world.domain))?;
        zone.add(&apex.prepend_label("_acme-challenge")?, RData::CNAME(CNAME(target)));
    }
    Ok(zone)
}

fn general(zone: &mut Zone, world: &World, fault: &Fault, server: usize) -> Result<(), ProtoError> {
    let wildcard = world.apex.prepend_label("*")?;
    match (fault.cause(), fault.word().trim_end_matches("/1")) {
        ("wildcard-dns-missing", _) => zone.remove(&wildcard),
        ("wildcard-dns-mismatch", "aaaa") => {
            zone.remove_set(&wildcard, RecordType::AAAA);
            zone.add(&wildcard, aaaa(WRONG_V6));
        }
        ("wildcard-dns-mismatch", _) => {
            zone.remove_set(&wildcard, RecordType::A);
            zone.add(&wildcard, a(MISMATCH_V4));
        }
        ("wildcard-cname", _) => {
            let edge = world.apex.prepend_label("edge")?;
            zone.remove(&wildcard);
            zone.add(&wildcard, RData::CNAME(CNAME(edge.clone())));
            edge_addresses(zone, world, &edge);
        }
        ("wildcard-proxied", _) => {
            zone.remove(&wildcard);
            proxied(zone, &wildcard);
        }
        ("acme-challenge-broken", how) => {
            let name = world.apex.prepend_label("_acme-challenge")?;
            zone.remove(&name);
            if how == "elsewhere" {
                zone.add(&name, RData::CNAME(CNAME(Name::from_ascii(OTHER_HOST)?)));
            }
        }
        ("dns-servers-failing", "disagree") if server == 1 => {
            zone.remove(&wildcard);
            zone.add(&wildcard, a(DISAGREE_V4));
        }
        ("caa-forbids-issuance", _) => zone.add(&world.apex, foreign_caa()?),
        ("wildcard-caa", _) => {
            zone.add(&world.apex, issue("letsencrypt.org")?);
            zone.add(&wildcard, foreign_caa()?);
        }
        _ => {}
    }
    Ok(())
}

fn own(zone: &mut Zone, world: &World, tenant: &str, fault: &Fault) -> Result<(), ProtoError> {
    let name = world.apex.prepend_label(tenant)?;
    match (fault.cause(), fault.word()) {
        ("dns-override", "aaaa") => zone.add(&name, aaaa(WRONG_V6)),
        ("dns-override", "cname") => {
            zone.add(&name, RData::CNAME(CNAME(Name::from_ascii(OTHER_HOST)?)));
        }
        ("dns-override", "both") => {
            zone.add(&name, a(OVERRIDE_V4));
            zone.add(&name, aaaa(WRONG_V6));
        }
        ("dns-override", "alias") => zone.add(&name, RData::CNAME(CNAME(Name::from_ascii(EDGE_HOST)?))),
        ("dns-override", "equal") => edge_addresses(zone, world, &name),
        ("dns-override", _) => zone.add(&name, a(OVERRIDE_V4)),
        ("app-missing", "dangling") => {
            let app = Name::from_ascii(format!("{}.{APP_DOMAIN}.", app_name(tenant)))?;
            zone.add(&name, RData::CNAME(CNAME(app)));
        }
        ("dns-proxied", _) => proxied(zone, &name),
        ("dns-blocked", kind) => {
            let (owner, data) = blocker(&name, kind)?;
            zone.add(&owner, data);
        }
        ("dns-delegated", _) => {
            let server = Name::from_ascii(OTHER_HOST)?.prepend_label("ns1")?;
            zone.add(&name, RData::NS(NS(server)));
        }
        ("caa-forbids-issuance", _) => {
            edge_addresses(zone, world, &name);
            zone.add(&name, foreign_caa()?);
        }
        _ => {}
    }
    Ok(())
}

fn blocker(name: &Name, kind: &str) -> Result<(Name, RData), ProtoError> {
    Ok(match kind {
        "acme-challenge" => (name.prepend_label("_acme-challenge")?, txt("left-over-challenge")),
        "fly-ownership" => (name.prepend_label("_fly-ownership")?, txt("app-left-over")),
        "below" => (name.prepend_label("x")?, txt("a record below")),
        "mx" => (name.clone(), RData::MX(MX::new(10, Name::from_ascii("mail.example.")?))),
        "caa" => (name.clone(), issue("letsencrypt.org")?),
        "https" => (
            name.clone(),
            RData::HTTPS(HTTPS(SVCB::new(1, Name::root(), Vec::new()))),
        ),
        _ => (name.clone(), txt("a record of another type")),
    })
}

fn edge_addresses(zone: &mut Zone, world: &World, name: &Name) {
    for address in &world.edge_addresses {
        zone.add(
            name,
            match address {
                IpAddr::V4(address) => a(*address),
                IpAddr::V6(address) => aaaa(*address),
            },
        );
    }
}

fn proxied(zone: &mut Zone, name: &Name) {
    zone.add(name, a(PROXY_V4));
    zone.add(name, aaaa(PROXY_V6));
}

fn foreign_caa() -> Result<RData, ProtoError> {
    issue("digicert.com")
}

fn issue(authority: &str) -> Result<RData, ProtoError> {
    let name = Name::from_ascii(authority)?;
    Ok(RData::CAA(CAA::new_issue(false, Some(name), Vec::new())))
}

fn a(address: Ipv4Addr) -> RData {
    RData::A(A(address))
}

fn aaaa(address: Ipv6Addr) -> RData {
    RData::AAAA(AAAA(address))
}

fn txt(text: &str) -> RData {
    RData::TXT(TXT::new(vec![text.to_owned()]))
}
