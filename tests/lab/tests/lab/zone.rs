//! The zone model against the example of RFC 4592, section 2.2.1.

use std::net::Ipv4Addr;

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::rdata::{A, CNAME, MX, NS, SOA, SRV, TXT};
use hickory_proto::rr::{Name, RData, Record, RecordType};
use roundsman_lab::zone::{Answer, Zone};

fn name(text: &str) -> Name {
    Name::from_ascii(text).unwrap()
}

fn example() -> Zone {
    let apex = name("example.");
    let mut zone = Zone::new(&apex, 3600);
    let soa = SOA::new(name("ns.example.com."), name("root.example."), 1, 2, 3, 4, 5);
    zone.add(&apex, RData::SOA(soa));
    zone.add(&apex, RData::NS(NS(name("ns.example.com."))));
    zone.add(&apex, RData::NS(NS(name("ns.example.net."))));
    zone.add(
        &name("*.example."),
        RData::TXT(TXT::new(vec!["this is a wildcard".into()])),
    );
    zone.add(&name("*.example."), RData::MX(MX::new(10, name("host1.example."))));
    let txt = RData::TXT(TXT::new(vec!["this is not a wildcard".into()]));
    zone.add(&name("sub.*.example."), txt);
    zone.add(&name("host1.example."), RData::A(A(Ipv4Addr::new(192, 0, 2, 1))));
    let srv = || RData::SRV(SRV::new(1, 2, 3, name("host1.example.")));
    zone.add(&name("_ssh._tcp.host1.example."), srv());
    zone.add(&name("_ssh._tcp.host2.example."), srv());
    zone.add(&name("subdel.example."), RData::NS(NS(name("ns.example.com."))));
    zone.add(&name("subdel.example."), RData::NS(NS(name("ns.example.net."))));
    zone
}

fn ask(text: &str, kind: RecordType) -> Answer {
    example().answer(&name(text), kind)
}

fn soa(answer: &Answer) -> bool {
    answer
        .authorities
        .iter()
        .any(|record| record.record_type() == RecordType::SOA)
}

#[test]
fn the_wildcard_answers_for_names_that_do_not_exist() {
    for (text, kind) in [
        ("host3.example.", RecordType::MX),
        ("HOST3.Example.", RecordType::MX),
        ("foo.bar.example.", RecordType::TXT),
        ("*.example.", RecordType::MX),
    ] {
        let answer = ask(text, kind);
        assert_eq!(
            (answer.code, answer.answers.len()),
            (ResponseCode::NoError, 1),
            "{text}"
        );
        assert_eq!(answer.answers[0].name, name(text));
        assert!(answer.authoritative);
    }
}

#[test]
fn the_wildcard_has_no_records_of_other_types() {
    let answer = ask("host3.example.", RecordType::A);
    assert_eq!((answer.code, answer.answers.len()), (ResponseCode::NoError, 0));
    assert!(soa(&answer));
}

#[test]
fn names_that_exist_stop_the_wildcard() {
    for (text, kind) in [
        // It exists and has another type.
        ("host1.example.", RecordType::MX),
        // They exist and are empty.
        ("_tcp.host1.example.", RecordType::MX),
        ("host2.example.", RecordType::MX),
        // A wildcard is no exception.
        ("sub.*.example.", RecordType::MX),
    ] {
        let answer = ask(text, kind);
        assert_eq!(
            (answer.code, answer.answers.len()),
            (ResponseCode::NoError, 0),
            "{text}"
        );
        assert!(soa(&answer));
    }
}

#[test]
fn nothing_is_below_names_that_exist() {
    for (text, kind) in [
        ("_telnet._tcp.host1.example.", RecordType::SRV),
        ("ghost.*.example.", RecordType::MX),
    ] {
        let answer = ask(text, kind);
        assert_eq!(
            (answer.code, answer.answers.len()),
            (ResponseCode::NXDomain, 0),
            "{text}"
        );
        assert!(soa(&answer));
    }
}

#[test]
fn a_delegation_refers() {
    for text in ["host.subdel.example.", "subdel.example."] {
        let answer = ask(text, RecordType::A);
        assert_eq!((answer.code, answer.answers.len()), (ResponseCode::NoError, 0));
        assert!(!answer.authoritative);
        assert_eq!(answer.authorities.len(), 2);
        assert!(answer.authorities.iter().all(|r| r.record_type() == RecordType::NS));
    }
}

#[test]
fn names_outside_are_refused() {
    assert_eq!(ask("example.com.", RecordType::A).code, ResponseCode::Refused);
}

#[test]
fn an_alias_at_the_wildcard_is_followed() {
    let mut zone = example();
    zone.remove(&name("*.example."));
    zone.add(&name("*.example."), RData::CNAME(CNAME(name("host1.example."))));
    let answer = zone.answer(&name("new.example."), RecordType::A);
    let types: Vec<_> = answer.answers.iter().map(Record::record_type).collect();
    assert_eq!(types, [RecordType::CNAME, RecordType::A]);
    assert_eq!(answer.answers[0].name, name("new.example."));
}

#[test]
fn aliases_that_turn_in_a_circle_end() {
    let mut zone = example();
    zone.add(&name("a.example."), RData::CNAME(CNAME(name("b.example."))));
    zone.add(&name("b.example."), RData::CNAME(CNAME(name("a.example."))));
    assert_eq!(
        zone.answer(&name("a.example."), RecordType::A).code,
        ResponseCode::NoError
    );
}
