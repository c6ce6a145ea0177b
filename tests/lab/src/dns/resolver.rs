//! What the recursive resolver says. It takes the zone's contents within the process, so that it
//! can still see them where the zone's servers are silent to the agent alone.

use std::net::IpAddr;

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::rdata::{A, AAAA, NS};
use hickory_proto::rr::{LowerName, Name, RData, Record, RecordType};

use super::contents::{EDGE_HOST, Mode, OTHER_HOST, OVERRIDE_V4, REWRITTEN, STALE_V4, VALIDATION};
use super::habit;
use super::zone::Answer;
use crate::platform::{APP_DOMAIN, Platform};
use crate::snapshot::{Shared, Snapshot};
use crate::world::World;

const TTL: u32 = 300;

/// Answers a question as a validating resolver would; `unchecked` is the CD bit.
pub(crate) fn resolve(shared: &Shared, snapshot: &Snapshot, name: &Name, kind: RecordType, unchecked: bool) -> Answer {
    let world = &shared.world;
    let apex = LowerName::new(&world.apex);
    if name.is_root() {
        return root(kind);
    }
    if let Some(answer) = shared.platform.as_ref().and_then(|platform| app(platform, name, kind)) {
        return answer;
    }
    if !apex.zone_of(&LowerName::new(name)) {
        return outside(world, name, kind);
    }
    if snapshot.faults.everywhere("dnssec-bogus").is_some() && !unchecked {
        return Answer::empty(ResponseCode::ServFail);
    }
    if let Some(answer) = stale(world, snapshot, name, kind) {
        return answer;
    }
    let Some(server) = snapshot.modes.iter().position(|mode| *mode == Mode::Serve) else {
        return Answer::empty(ResponseCode::ServFail);
    };
    let zone = &snapshot.zones[server];
    let rewritten = habit::rewritten(&snapshot.faults, zone, &world.apex, name);
    let mut answer = rewritten.unwrap_or_else(|| zone.answer(name, kind));
    let referred = !answer.authorities.is_empty()
        && answer
            .authorities
            .iter()
            .all(|record| record.record_type() == RecordType::NS);
    if referred {
        return Answer::empty(ResponseCode::ServFail);
    }
    answer.authoritative = false;
    leave_the_zone(&mut answer, world, kind);
    match snapshot.faults.everywhere("resolver-differs") {
        Some(fault) => habit::resolved(fault.word(), &world.edge_addresses, name, kind, answer),
        None => answer,
    }
}

/// Follows an alias that ends outside the zone.
fn leave_the_zone(answer: &mut Answer, world: &World, kind: RecordType) {
    let Some(RData::CNAME(target)) = answer.answers.last().map(|record| &record.data) else {
        return;
    };
    if kind == RecordType::CNAME || world.apex.zone_of(&target.0) {
        return;
    }
    let rest = outside(world, &target.0, kind);
    answer.code = rest.code;
    answer.answers.extend(rest.answers);
}

/// A name below the platform's own domain: an app that can be reached directly.
fn app(platform: &Platform, name: &Name, kind: RecordType) -> Option<Answer> {
    let text = name.to_ascii().to_ascii_lowercase();
    let app = text.strip_suffix('.').unwrap_or(&text).strip_suffix(APP_DOMAIN)?;
    let app = app.strip_suffix('.')?;
    let addresses = platform.direct_addresses(app);
    if addresses.is_empty() {
        return Some(Answer::empty(ResponseCode::NXDomain));
    }
    let mut answer = Answer::empty(ResponseCode::NoError);
    let data = addresses.into_iter().filter_map(|address| match (address, kind) {
        (IpAddr::V4(address), RecordType::A) => Some(RData::A(A(address))),
        (IpAddr::V6(address), RecordType::AAAA) => Some(RData::AAAA(AAAA(address))),
        _ => None,
    });
    let record = |data| Record::from_rdata(name.clone(), TTL, data);
    answer.answers = data.map(record).collect();
    Some(answer)
}

/// Old addresses of a name that the zone has corrected since.
fn stale(world: &World, snapshot: &Snapshot, name: &Name, kind: RecordType) -> Option<Answer> {
    let tenant = world.tenant_of(&name.to_ascii())?;
    snapshot.faults.at(tenant, "dns-stale-resolver")?;
    (kind == RecordType::A).then(|| positive(name, RData::A(A(STALE_V4))))
}

fn root(kind: RecordType) -> Answer {
    match Name::from_ascii("a.root-servers.net.") {
        Ok(server) if kind == RecordType::NS => positive(&Name::root(), RData::NS(NS(server))),
        _ => Answer::empty(ResponseCode::NoError),
    }
}

fn outside(world: &World, name: &Name, kind: RecordType) -> Answer {
    let text = name.to_ascii().to_ascii_lowercase();
    if text == EDGE_HOST || text.ends_with(REWRITTEN) {
        return habit::give(&world.edge_addresses, name, kind);
    }
    if text.trim_end_matches('.').ends_with(VALIDATION) {
        return Answer::empty(ResponseCode::NoError);
    }
    let known = name.to_ascii().eq_ignore_ascii_case(OTHER_HOST);
    match (known, kind) {
        (true, RecordType::A) => positive(name, RData::A(A(OVERRIDE_V4))),
        (true, _) => Answer::empty(ResponseCode::NoError),
        (false, _) => Answer::empty(ResponseCode::NXDomain),
    }
}

fn positive(name: &Name, data: RData) -> Answer {
    let mut answer = Answer::empty(ResponseCode::NoError);
    answer.answers.push(Record::from_rdata(name.clone(), TTL, data));
    answer
}
