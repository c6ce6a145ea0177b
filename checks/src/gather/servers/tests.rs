//! Where a zone is found, by a resolver on a socket that says what a table has.
#![expect(clippy::unwrap_used, reason = "a test may fail")]

use std::net::Ipv4Addr;
use std::time::Duration;

use hickory_proto::op::{Message, MessageType, ResponseCode};
use hickory_proto::rr::rdata::{A, CNAME, NS};
use hickory_proto::rr::{Name, RData, Record};
use tokio::net::UdpSocket;

use super::*;

/// What is said of a name and type: a code, and records as owner, type and data.
type Row = (
    &'static str,
    &'static str,
    u16,
    &'static [(&'static str, &'static str, &'static str)],
);

fn name(text: &str) -> Name {
    Name::from_ascii(format!("{text}.")).unwrap()
}

fn record(owner: &str, kind: &str, data: &str) -> Record {
    let data = match kind {
        "A" => RData::A(A(data.parse::<Ipv4Addr>().unwrap())),
        "CNAME" => RData::CNAME(CNAME(name(data))),
        _ => RData::NS(NS(name(data))),
    };
    Record::from_rdata(name(owner), 0, data)
}

/// A name without a row has no records; a row for `*` is for every name below it that has none of its own.
fn answer(rows: &[Row], query: &Message) -> Message {
    let question = &query.queries[0];
    let asked = question.name().to_ascii().trim_end_matches('.').to_owned();
    let kind = question.query_type().to_string();
    let of = |wanted: &str| rows.iter().find(|row| row.0 == wanted && row.1 == kind);
    let star = asked.split_once('.').map(|(_, parent)| format!("*.{parent}"));
    let row = of(&asked).or_else(|| of(&star?));
    let mut answer = Message::new(query.metadata.id, MessageType::Response, query.metadata.op_code);
    answer.add_query(question.clone());
    if let Some((_, _, code, records)) = row {
        answer.metadata.response_code = ResponseCode::from(0, u8::try_from(*code).unwrap());
        for (owner, kind, data) in *records {
            let owner = if owner.starts_with('*') { &asked } else { *owner };
            answer.add_answer(record(owner, kind, data));
        }
    }
    answer
}

async fn found(domain: &str, rows: &'static [Row]) -> (Vec<String>, StepStatus) {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let resolver = socket.local_addr().unwrap();
    let serving = tokio::spawn(async move {
        let mut buffer = [0; 4096];
        loop {
            let (length, from) = socket.recv_from(&mut buffer).await.unwrap();
            let query = Message::from_vec(&buffer[..length]).unwrap();
            let answer = answer(rows, &query).to_vec().unwrap();
            socket.send_to(&answer, from).await.unwrap();
        }
    });
    let dns = DnsClient {
        timeout: Duration::from_secs(20),
    };
    let (servers, end) = of_zone(&dns, &[resolver], &Hostname::parse(domain).unwrap()).await;
    serving.abort();
    (servers.iter().map(ToString::to_string).collect(), end)
}

const ALIAS: Row = (
    "apps.example.test",
    "NS",
    0,
    &[
        ("apps.example.test", "CNAME", "vendor.test"),
        ("vendor.test", "NS", "ns.vendor.test"),
    ],
);
const OWN: Row = ("example.test", "NS", 0, &[("example.test", "NS", "ns.example.test")]);
const OWN_ADDRESS: Row = ("ns.example.test", "A", 0, &[("ns.example.test", "A", "127.0.0.9")]);
const VENDOR_ADDRESS: Row = ("ns.vendor.test", "A", 0, &[("ns.vendor.test", "A", "127.0.0.66")]);

#[tokio::test]
async fn the_zone_is_found_wherever_it_is_cut() {
    let cases: [(&str, &'static [Row]); 5] = [
        // An alias of a vendor's apex: the servers behind it are another zone's.
        ("apps.example.test", &[ALIAS, OWN, OWN_ADDRESS, VENDOR_ADDRESS]),
        // A name that exists only because of names below it.
        ("apps.example.test", &[OWN, OWN_ADDRESS]),
        // The same at servers that deny such names.
        (
            "apps.example.test",
            &[
                ("apps.example.test", "NS", 3, &[]),
                ("*.apps.example.test", "A", 0, &[("*", "A", "127.0.0.1")]),
                OWN,
                OWN_ADDRESS,
            ],
        ),
        // Cut at the name itself.
        (
            "apps.example.test",
            &[
                (
                    "apps.example.test",
                    "NS",
                    0,
                    &[("APPS.example.test", "NS", "ns.example.test")],
                ),
                OWN_ADDRESS,
            ],
        ),
        // A zone of one label, as inner networks have.
        (
            "apps.corp",
            &[("corp", "NS", 0, &[("corp", "NS", "ns.example.test")]), OWN_ADDRESS],
        ),
    ];
    for (domain, rows) in cases {
        assert_eq!(
            found(domain, rows).await,
            (vec!["127.0.0.9:53".to_owned()], StepStatus::Done),
            "{rows:?}"
        );
    }
}

#[tokio::test]
async fn a_domain_that_nobody_has_is_told() {
    let (servers, end) = found("exampel.test", &[("exampel.test", "NS", 3, &[])]).await;
    assert_eq!((servers, end.reason()), (Vec::new(), Some(Reason::DnsNxdomain)));
}

#[tokio::test]
async fn names_that_nobody_answers_are_asked_for_together_and_not_for_ever() {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let resolver = socket.local_addr().unwrap();
    let (tell, mut asked) = tokio::sync::mpsc::unbounded_channel();
    let serving = tokio::spawn(async move {
        let mut buffer = [0; 4096];
        loop {
            let (length, from) = socket.recv_from(&mut buffer).await.unwrap();
            let query = Message::from_vec(&buffer[..length]).unwrap();
            let question = query.queries[0].clone();
            if question.query_type().to_string() != "NS" {
                let _ = tell.send(question.name().to_ascii());
                continue;
            }
            let mut answer = Message::new(query.metadata.id, MessageType::Response, query.metadata.op_code);
            answer.add_query(question);
            for at in 0..20 {
                answer.add_answer(record("example.test", "NS", &format!("n{at}.x.test")));
            }
            socket.send_to(&answer.to_vec().unwrap(), from).await.unwrap();
        }
    });
    let dns = DnsClient {
        timeout: Duration::from_millis(300),
    };
    let (servers, end) = of_zone(&dns, &[resolver], &Hostname::parse("example.test").unwrap()).await;
    serving.abort();
    assert!(servers.is_empty() && end.reason().is_some(), "{end:?}");
    let mut names = std::collections::BTreeSet::new();
    while let Ok(name) = asked.try_recv() {
        names.insert(name);
    }
    assert_eq!(names.len(), 13, "{names:?}");
}
