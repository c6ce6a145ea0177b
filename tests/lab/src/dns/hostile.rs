//! Answers that harm who believes them: too many records, aliases without an end, records of somebody else's.

use std::net::Ipv4Addr;

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::rdata::{A, CNAME, NS, TXT};
use hickory_proto::rr::{Name, RData, Record, RecordType};

use super::habit::Form;
use super::zone::Answer;
use crate::fault::FaultSet;
use crate::world::World;

/// What the zone's servers may do under a tenant's name.
pub(crate) const ANSWERS: &[&str] = &[
    "silent",
    "addresses",
    "loop",
    "aliases",
    "strangers",
    "referral",
    "texts",
    "truncated",
    "absent",
    "unasked",
    "forged",
];
const TTL: u32 = 300;
/// As many as fit into 64 KiB.
const MANY: u16 = 2_000;

/// What is answered instead.
pub(crate) enum Harm {
    /// Nothing at all.
    Silence,
    Answer(Answer, Form),
    /// An answer without the question that it is to; the true one behind it, where that comes at all.
    Unasked(Answer, bool),
}

/// What this question gets, where a fault wants harm done.
pub(crate) fn instead(world: &World, faults: &FaultSet, name: &Name, kind: RecordType, tcp: bool) -> Option<Harm> {
    let labels = usize::from(name.num_labels()).checked_sub(usize::from(world.apex.num_labels()) + 1)?;
    if !world.apex.zone_of(name) {
        return None;
    }
    let label = name.iter().nth(labels)?;
    let tenant = world.tenant(std::str::from_utf8(label).ok()?)?;
    let how = faults.at(tenant, "dns-hostile")?.word();
    let mut answer = Answer::empty(ResponseCode::NoError);
    answer.authoritative = true;
    let record = |owner: &Name, data| Record::from_rdata(owner.clone(), TTL, data);
    let address = |at: u16| RData::A(A(Ipv4Addr::from(0xc633_6400 | u32::from(at))));
    let mut form = Form::default();
    match how {
        "silent" => return Some(Harm::Silence),
        "loop" => {
            let other = name.prepend_label("loop").unwrap_or_else(|_| name.clone());
            let target = if labels > 0 { name.base_name() } else { other };
            answer.answers.push(record(name, RData::CNAME(CNAME(target))));
        }
        // Each answer leads on to a name that was never asked for.
        "aliases" => {
            let base = world.apex.prepend_label(tenant).ok()?;
            let target = base.prepend_label(format!("a{:x}", fastrand::u32(..))).ok()?;
            answer.answers.push(record(name, RData::CNAME(CNAME(target))));
        }
        "strangers" => {
            let stranger = Name::from_ascii("stranger.example.").ok()?;
            answer.answers.extend((0..20).map(|at| record(&stranger, address(at))));
        }
        "referral" => {
            let server = |at: u16| Name::from_ascii(format!("ns{at}.nobody.example.")).ok();
            let servers = (0..MANY)
                .filter_map(server)
                .map(|server| record(name, RData::NS(NS(server))));
            answer.authorities.extend(servers);
            answer.authoritative = false;
        }
        "texts" => {
            let text = RData::TXT(TXT::new(vec!["x".repeat(250)]));
            answer.answers.extend((0..200).map(|_| record(name, text.clone())));
        }
        // Over TCP, where the whole answer should be, there is none.
        "truncated" if tcp => return Some(Harm::Silence),
        "truncated" => {}
        // Whoever forges an answer may not know what was asked.
        "unasked" | "forged" if !tcp => {
            if kind == RecordType::A {
                answer.answers.push(record(name, address(66)));
            }
            return Some(Harm::Unasked(answer, how == "forged"));
        }
        "forged" => return None,
        "unasked" => return Some(Harm::Silence),
        // It does not exist, and here is its address.
        "absent" => {
            answer.code = ResponseCode::NXDomain;
            let real = world.edge_addresses.iter().filter_map(|edge| match (edge, kind) {
                (std::net::IpAddr::V4(edge), RecordType::A) => Some(RData::A(A(*edge))),
                _ => None,
            });
            answer.answers.extend(real.map(|data| record(name, data)));
        }
        _ if kind == RecordType::A => answer.answers.extend((0..MANY).map(|at| record(name, address(at)))),
        _ => {}
    }
    if !tcp && matches!(how, "truncated" | "addresses" | "" | "referral" | "texts") {
        (answer.answers, answer.authorities) = (Vec::new(), Vec::new());
        form.truncated = true;
    }
    Some(Harm::Answer(answer, form))
}
