//! What servers say in a world.

use std::net::{IpAddr, SocketAddr};

use roundsman_checks::evidence::{DnsQuery, DnsRecord, DnsReply, Millis, Reason, RecordKind, StepStatus};

use crate::build::edge_addresses;
use crate::chains::DOMAIN;
use crate::plan::Plan;

/// What a server says of a name in each family.
pub(crate) struct Saying<'p> {
    pub v4: u8,
    pub v6: u8,
    pub plan: &'p Plan,
}

/// A and AAAA of a name at a server.
pub(crate) fn looks(server: SocketAddr, name: &str, saying: &Saying<'_>) -> Vec<DnsQuery> {
    [(RecordKind::A, saying.v4), (RecordKind::Aaaa, saying.v6)]
        .into_iter()
        .filter_map(|(kind, code)| look(server, name, kind, code, saying.plan))
        .collect()
}

/// A look that ended with this reply.
pub(crate) fn replied(server: SocketAddr, name: &str, kind: RecordKind, reply: DnsReply) -> DnsQuery {
    DnsQuery {
        server,
        name: name.to_owned(),
        kind,
        checking_disabled: false,
        reply: Some(reply),
        end: StepStatus::Done,
        ms: Millis(1.5),
        sent_at: None,
    }
}

/// A reply with authority and these answers.
pub(crate) fn reply(answers: Vec<DnsRecord>) -> DnsReply {
    DnsReply {
        rcode: 0,
        authoritative: true,
        recursion_available: false,
        authentic: false,
        tcp: false,
        answers,
        authority: Vec::new(),
    }
}

pub(crate) fn record(name: &str, kind: &str, data: impl Into<String>) -> DnsRecord {
    DnsRecord {
        name: name.to_owned(),
        kind: kind.to_owned(),
        data: data.into(),
        ttl: 300,
    }
}

fn look(server: SocketAddr, name: &str, kind: RecordKind, code: u8, plan: &Plan) -> Option<DnsQuery> {
    let v6 = kind == RecordKind::Aaaa;
    let of_family = |address: &IpAddr| address.is_ipv6() == v6;
    let edge = edge_addresses(plan).into_iter().filter(of_family);
    let owned = |address: IpAddr| record(name, kind.as_str(), address.to_string());
    let stranger = if v6 { "2001:db8:66::1" } else { "203.0.113.66" };
    let stranger = || record(name, kind.as_str(), stranger);
    let mut said = reply(Vec::new());
    let ended = |end| {
        Some(DnsQuery {
            reply: None,
            end,
            ..replied(server, name, kind, reply(Vec::new()))
        })
    };
    match code {
        0 => said.answers = edge.map(owned).collect(),
        1 => said.rcode = 3,
        2 => {}
        3 => said.answers = vec![stranger()],
        4 => said.answers = vec![record(name, "CNAME", "edge.fly.dev")],
        5 => said.rcode = 2,
        6 => said.rcode = 5,
        7 => return ended(StepStatus::failed(Reason::DnsTimeout, plan.text.clone())),
        8 => said.authoritative = false,
        9 => return ended(StepStatus::Exhausted(plan.text.clone())),
        10 => return ended(StepStatus::NotReached),
        11 => return None,
        12 => said.answers = (!v6).then(stranger).into_iter().collect(),
        13 => said.answers = edge.map(owned).take(1).collect(),
        14 => said.rcode = 23,
        15 => return ended(StepStatus::failed(Reason::DnsRefused, plan.text.clone())),
        16 => {
            said.authoritative = false;
            said.authority = vec![record(name, "NS", "ns.elsewhere.test")];
        }
        // The edge's other addresses: of a zone that picks, or answers by place.
        17 => said.answers = edge.map(owned).skip(1).collect(),
        // A zone that rewrites its names: each gets a target of its own.
        19 => {
            let label = name.split('.').next().unwrap_or_default();
            said.answers = vec![record(name, "CNAME", format!("{label}.rewritten.test"))];
        }
        // A server that knows one type of address.
        18 if v6 => said.rcode = 4,
        18 => said.answers = edge.map(owned).collect(),
        _ => said.answers = vec![record(name, kind.as_str(), plan.text.clone()), stranger()],
    }
    said.authentic = code == 0 && plan.caa == 0;
    Some(replied(server, name, kind, said))
}

/// A CAA question, where one was asked.
pub(crate) fn caa(server: SocketAddr, name: &str, code: u8) -> Option<DnsQuery> {
    let records = match code {
        0 => return None,
        1 => Vec::new(),
        2 => vec!["0 issue \"letsencrypt.org\""],
        3 => vec!["0 issue \"digicert.com\""],
        4 => vec!["0 issue \"digicert.com\"", "0 issuewild \"letsencrypt.org\""],
        _ => vec!["\u{fffd} issue", "128 tbs"],
    };
    let answers = records.into_iter().map(|data| record(name, "CAA", data)).collect();
    Some(replied(server, name, RecordKind::Caa, reply(answers)))
}

/// What stands at a name or below it.
pub(crate) fn blockers(server: SocketAddr, name: &str, code: u8) -> Vec<DnsQuery> {
    let (owner, kind, data) = match code {
        1 => (name.to_owned(), RecordKind::Txt, "v=spf1 -all".to_owned()),
        2 => (
            format!("_acme-challenge.{name}"),
            RecordKind::Cname,
            "x.flydns.net".into(),
        ),
        3 => (format!("_fly-ownership.{name}"), RecordKind::Txt, "é".repeat(80)),
        4 => (DOMAIN.to_owned(), RecordKind::Mx, "10 mail.example.com".into()),
        _ => return Vec::new(),
    };
    vec![replied(
        server,
        &owner,
        kind,
        reply(vec![record(&owner, kind.as_str(), data)]),
    )]
}
