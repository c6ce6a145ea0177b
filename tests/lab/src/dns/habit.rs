//! What servers do to answers by design: give a part of them, give others by place, filter, know less of DNS than they
//! are asked. Each is right in its way, and none is a fault of a tenant.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::rdata::{A, AAAA, CNAME};
use hickory_proto::rr::{LowerName, Name, RData, Record, RecordType};

use super::contents::REWRITTEN;
use super::zone::{Answer, Zone};
use crate::fault::FaultSet;

const TTL: u32 = 300;
/// What a split horizon gives inside.
const PRIVATE: Ipv4Addr = Ipv4Addr::new(10, 1, 2, 3);
/// The well-known prefix of RFC 6052.
const NAT64: Ipv6Addr = Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0);

/// A random half of each set, at least one record of it.
pub(crate) fn rotate(answer: &mut Answer) {
    for kind in [RecordType::A, RecordType::AAAA] {
        let (mut set, others): (Vec<_>, Vec<_>) = std::mem::take(&mut answer.answers)
            .into_iter()
            .partition(|record| record.record_type() == kind);
        fastrand::shuffle(&mut set);
        set.truncate(set.len().div_ceil(2));
        answer.answers = others;
        answer.answers.extend(set);
    }
}

/// The alias that a zone makes of a name right below it, as a server does that knows DNAME (RFC 6672); nothing where the
/// name has records of its own.
pub(crate) fn rewritten(faults: &FaultSet, zone: &Zone, apex: &Name, name: &Name) -> Option<Answer> {
    faults.everywhere("wildcard-rewritten")?;
    let lower = LowerName::new(name);
    let right_below = lower.base_name() == LowerName::new(apex) && !name.is_root();
    if !right_below || !name.is_wildcard() && zone.exists(&lower) {
        return None;
    }
    let target = Name::from_ascii(REWRITTEN)
        .ok()?
        .prepend_label(name.iter().next()?)
        .ok()?;
    let mut answer = Answer::empty(ResponseCode::NoError);
    answer.authoritative = true;
    answer.answers = vec![Record::from_rdata(name.clone(), TTL, RData::CNAME(CNAME(target)))];
    Some(answer)
}

/// What a resolver of this kind gives for a name of the domain instead of `answer`.
pub(crate) fn resolved(word: &str, edge: &[IpAddr], name: &Name, kind: RecordType, answer: Answer) -> Answer {
    let give = |addresses: &[IpAddr]| {
        let mut answer = Answer::empty(ResponseCode::NoError);
        let of_kind = addresses.iter().filter_map(|address| data(*address, kind));
        answer.answers = of_kind
            .map(|data| Record::from_rdata(name.clone(), TTL, data))
            .collect();
        answer
    };
    let asks_for_address = matches!(kind, RecordType::A | RecordType::AAAA);
    match word {
        "nodata" if asks_for_address => Answer::empty(ResponseCode::NoError),
        "no-a" if kind == RecordType::A => Answer::empty(ResponseCode::NoError),
        "no-aaaa" if kind == RecordType::AAAA => Answer::empty(ResponseCode::NoError),
        "private" if asks_for_address => give(&[PRIVATE.into()]),
        "sinkhole" if asks_for_address => give(&[Ipv4Addr::UNSPECIFIED.into(), Ipv6Addr::UNSPECIFIED.into()]),
        "dns64" if kind == RecordType::AAAA => {
            let v4 = edge.iter().filter_map(|address| match address {
                IpAddr::V4(address) => Some(synthesized(*address).into()),
                IpAddr::V6(_) => None,
            });
            give(&v4.collect::<Vec<_>>())
        }
        "place" if asks_for_address => {
            let last = |v4: bool| edge.iter().rev().find(|address| address.is_ipv4() == v4).copied();
            give(&[last(true), last(false)].into_iter().flatten().collect::<Vec<_>>())
        }
        "nxdomain" | "" => Answer::empty(ResponseCode::NXDomain),
        _ => answer,
    }
}

/// An answer of those addresses that are of the type in question.
pub(crate) fn give(addresses: &[IpAddr], name: &Name, kind: RecordType) -> Answer {
    let mut answer = Answer::empty(ResponseCode::NoError);
    let of_kind = addresses.iter().filter_map(|address| data(*address, kind));
    answer.answers = of_kind
        .map(|data| Record::from_rdata(name.clone(), TTL, data))
        .collect();
    answer
}

fn data(address: IpAddr, kind: RecordType) -> Option<RData> {
    match (address, kind) {
        (IpAddr::V4(address), RecordType::A) => Some(RData::A(A(address))),
        (IpAddr::V6(address), RecordType::AAAA) => Some(RData::AAAA(AAAA(address))),
        _ => None,
    }
}

fn synthesized(address: Ipv4Addr) -> Ipv6Addr {
    Ipv6Addr::from(u128::from(NAT64) | u128::from(u32::from(address)))
}

/// A question as a server of an odd kind sees it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked {
    pub(crate) kind: RecordType,
    pub(crate) edns: bool,
    pub(crate) tcp: bool,
}

/// What else than an answer's records is odd about it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Form {
    pub(crate) truncated: bool,
    pub(crate) recursion_available: bool,
    /// Whether it goes without EDNS, of which such a server knows nothing.
    pub(crate) plain: bool,
}

/// What a server of the zone of this kind makes of its answer.
pub(crate) fn served(word: &str, asked: Asked, answer: &mut Answer) -> Form {
    let mut form = Form::default();
    let refused = match (word, asked.kind) {
        ("formerr", _) if asked.edns => Some(ResponseCode::FormErr),
        ("notimp", _) if asked.edns => Some(ResponseCode::NotImp),
        ("refuses-types", RecordType::CAA | RecordType::HTTPS) => Some(ResponseCode::Refused),
        ("one-family", RecordType::AAAA | RecordType::CAA) => Some(ResponseCode::NotImp),
        _ => None,
    };
    if let Some(code) = refused {
        *answer = Answer::empty(code);
        form.plain = true;
        return form;
    }
    match word {
        "forwards" => (answer.authoritative, form.recursion_available) = (false, true),
        "upper-case" => {
            let records = answer.answers.iter_mut().chain(&mut answer.authorities);
            records.for_each(|record| record.name = upper(&record.name));
        }
        "unordered" => answer.answers.reverse(),
        "extra" => {
            let stray = |name: &str, octet| {
                let name = Name::from_ascii(name).unwrap_or_else(|_| Name::root());
                Record::from_rdata(name, TTL, RData::A(A(Ipv4Addr::new(192, 0, 2, octet))))
            };
            answer.answers.insert(0, stray("stray.example.", 1));
            answer.additionals.push(stray("ns.example.", 2));
        }
        "truncates" if !asked.tcp => {
            answer.answers.clear();
            form.truncated = true;
        }
        _ => {}
    }
    form
}

/// The word of the odd kind that the zone's servers are of.
pub(crate) fn odd(faults: &FaultSet) -> Option<&str> {
    faults.everywhere("dns-servers-odd").map(|fault| match fault.word() {
        "" => "formerr",
        word => word,
    })
}

fn upper(name: &Name) -> Name {
    Name::from_ascii(name.to_ascii().to_ascii_uppercase()).unwrap_or_else(|_| name.clone())
}
