//! What an authoritative server really says, read as the product reads it; and the simulated zone beside it.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::Duration;

use roundsman_checks::diagnosis::{Cause, TenantVerdict};
use roundsman_checks::evidence::{DnsQuery, Reason, RecordKind};
use roundsman_checks::finding::Check;
use roundsman_checks::probe::{DnsClient, DnsQuestion};
use roundsman_checks::reading::DnsAnswer;
use roundsman_checks::target::Hostname;
use roundsman_lab::{Lab, LabOptions};

use super::ask::{CLIENT, authority, look, resolver};
use super::server::{Knot, Served, Unbound, Upstream};
use super::zone::{self, CASES, DOMAIN, Says, WILDCARD};
use crate::support::{Bench, bench};

/// A label that only the wildcard answers.
fn control() -> String {
    let label: String = std::iter::repeat_with(fastrand::lowercase).take(15).collect();
    zone::host(&label)
}

async fn tenants() -> Knot {
    Knot::serve(&[Served::plain(DOMAIN, zone::text(WILDCARD))]).await
}

/// A lab whose zone holds what knot's does, and an agent for it.
async fn same_lab(more: &[&str]) -> Bench {
    let options = LabOptions {
        tenants: CASES.iter().map(|case| case.tenant.to_owned()).collect(),
        ..LabOptions::default()
    };
    let bench = bench(options).await;
    let faults = CASES.iter().filter_map(|case| case.fault).chain(more.iter().copied());
    bench.stage(&faults.map(str::to_owned).collect::<Vec<_>>()).await;
    bench
}

#[tokio::test]
async fn a_real_server_says_what_rfc_4592_says() {
    let knot = tenants().await;
    for server in [knot.v4(), knot.v6()] {
        for (name, says) in zone::names() {
            assert_eq!(
                authority(server, &name, DOMAIN).await,
                says.said(),
                "{name} at {server}"
            );
        }
    }
}

#[tokio::test]
async fn the_control_name_equals_a_healthy_tenant_and_no_broken_one() {
    let knot = tenants().await;
    let control = authority(knot.v4(), &control(), DOMAIN).await;
    for case in CASES {
        let own = authority(knot.v4(), &zone::host(case.tenant), DOMAIN).await;
        let like_the_wildcard = matches!(case.says, Says::Wildcard);
        assert_eq!(own.same_as(&control), like_the_wildcard, "{}: {own}", case.tenant);
    }
}

#[tokio::test]
async fn a_name_is_read_in_whatever_case_it_is_written() {
    let knot = tenants().await;
    let upper = authority(knot.v4(), "HEALTHY.Tenants.TEST", DOMAIN).await;
    assert_eq!(upper, Says::Wildcard.said());
}

/// The lab is not the only witness: for every name and every type that the product asks for, its zone and knot's give
/// the same code, the same authority and the same records.
#[tokio::test]
async fn the_lab_agrees_with_knot() {
    let (knot, lab) = tokio::join!(tenants(), same_lab(&[]));
    agree(&knot, &lab.lab).await;
}

#[tokio::test]
async fn the_lab_agrees_with_knot_about_an_alias_as_wildcard() {
    let wildcard = "* CNAME edge\nedge A 127.0.0.1\nedge AAAA ::1";
    let knot = Knot::serve(&[Served::plain(DOMAIN, zone::text(wildcard))]).await;
    let lab = same_lab(&["wildcard-cname"]).await;
    agree(&knot, &lab.lab).await;
    let said = authority(knot.v4(), &control(), DOMAIN).await;
    let DnsAnswer::Addresses { addresses, aliases } = said else {
        panic!("{said}");
    };
    assert_eq!((addresses.len(), aliases), (2, vec!["edge.tenants.test".to_owned()]));
}

async fn agree(knot: &Knot, lab: &Lab) {
    let (knot, lab) = (knot.v4(), lab.dns_servers()[0]);
    let nobody = (control(), Says::Wildcard);
    for (name, _) in zone::names().chain([nobody]) {
        assert_eq!(
            authority(lab, &name, DOMAIN).await,
            authority(knot, &name, DOMAIN).await,
            "{name}"
        );
        for kind in [
            RecordKind::A,
            RecordKind::Aaaa,
            RecordKind::Cname,
            RecordKind::Ns,
            RecordKind::Txt,
            RecordKind::Mx,
            RecordKind::Caa,
            RecordKind::Https,
            RecordKind::Soa,
        ] {
            let (ours, theirs) = (
                look(lab, &name, kind, false).await,
                look(knot, &name, kind, false).await,
            );
            assert_eq!(essence(&ours), essence(&theirs), "{name} {kind}: the lab, then knot");
        }
    }
}

/// What of a reply may not differ: the code, the authority, the records, and what the authority section is about.
fn essence(look: &DnsQuery) -> (u16, bool, Vec<String>, Vec<String>) {
    let reply = look.reply.as_ref().unwrap();
    let record =
        |record: &roundsman_checks::evidence::DnsRecord| format!("{} {} {}", record.name, record.kind, record.data);
    let mut answers = reply.answers.iter().map(record).collect::<Vec<_>>();
    answers.sort_unstable();
    let about = reply
        .authority
        .iter()
        .map(|record| format!("{} {}", record.name, record.kind));
    (reply.rcode, reply.authoritative, answers, about.collect())
}

#[tokio::test]
async fn what_blocks_a_name_is_found_by_its_type() {
    let knot = tenants().await;
    for (name, kind) in [
        ("txt.tenants.test", RecordKind::Txt),
        ("mx.tenants.test", RecordKind::Mx),
        ("caa.tenants.test", RecordKind::Caa),
        ("https.tenants.test", RecordKind::Https),
        ("_acme-challenge.challenge.tenants.test", RecordKind::Txt),
        ("_fly-ownership.ownership.tenants.test", RecordKind::Txt),
        ("own-cname.tenants.test", RecordKind::Cname),
    ] {
        let look = look(knot.v4(), name, kind, false).await;
        let records = look.reply.unwrap().answers;
        assert_eq!(records.len(), 1, "{name}");
        assert_eq!(
            (records[0].name.as_str(), records[0].kind.as_str()),
            (name, kind.as_str())
        );
    }
}

#[tokio::test]
async fn an_alias_that_leaves_the_zone_is_kept_as_it_stands() {
    let text = "$TTL 300\n@ SOA ns hostmaster 1 7200 3600 1209600 300\n@ NS ns\nns A 127.0.0.1\n\
                * CNAME edge.platform.example.\n";
    let knot = Knot::serve(&[Served::plain("alias.test", text)]).await;
    let said = authority(knot.v4(), "anybody.alias.test", "alias.test").await;
    assert_eq!(said, Says::Alias("edge.platform.example").said());
}

#[tokio::test]
async fn an_answer_too_big_for_udp_comes_whole_over_tcp() {
    let mut text = zone::text(WILDCARD);
    for n in 0..150 {
        text += &format!(
            "big A 203.0.113.{n}\nbig AAAA 2001:db8::{n:x}\nbig TXT \"{n:03} {}\"\n",
            "x".repeat(200)
        );
    }
    let knot = Knot::serve(&[Served::plain(DOMAIN, text)]).await;
    for server in [knot.v4(), knot.v6()] {
        let a = look(server, "big.tenants.test", RecordKind::A, false).await;
        let reply = a.reply.unwrap();
        assert!(reply.tcp);
        assert_eq!(reply.answers.len(), 150);
        let small = look(server, "healthy.tenants.test", RecordKind::A, false).await;
        assert!(!small.reply.unwrap().tcp);
        assert_eq!(
            authority(server, "big.tenants.test", DOMAIN).await.addresses().len(),
            300
        );
        let texts = look(server, "big.tenants.test", RecordKind::Txt, false).await;
        assert_eq!(texts.reply.unwrap().answers.len(), 150);
    }
}

async fn reason(server: SocketAddr, name: &str) -> Option<Reason> {
    authority(server, name, DOMAIN).await.reason()
}

#[tokio::test]
async fn each_way_to_fail_has_its_own_reason() {
    let zones = [Served::plain(DOMAIN, zone::text(WILDCARD)), Served::lost("lost.test")];
    let knot = Knot::serve(&zones).await;
    let server = knot.v4();
    assert_eq!(
        reason(server, "nothing.own-a.tenants.test").await,
        Some(Reason::DnsNxdomain)
    );
    assert_eq!(reason(server, "txt.tenants.test").await, Some(Reason::DnsNodata));
    assert_eq!(
        reason(server, "x.delegated.tenants.test").await,
        Some(Reason::DnsDelegated)
    );
    assert_eq!(reason(server, "a.elsewhere.example").await, Some(Reason::DnsRefused));
    let lost = authority(server, "a.lost.test", "lost.test").await;
    assert_eq!(lost.reason(), Some(Reason::DnsServfail));
}

#[tokio::test]
async fn a_resolver_in_the_place_of_a_server_is_lame() {
    let knot = tenants().await;
    let unbound = Unbound::start(&[Upstream::Stub(DOMAIN, knot.v4())], None).await;
    // Without RD a resolver tells what it has in its cache only.
    let name = zone::host("healthy");
    assert!(resolver(unbound.v4(), &name, DOMAIN).await.has_answer());
    assert_eq!(reason(unbound.v4(), &name).await, Some(Reason::DnsLame));
}

#[tokio::test]
async fn a_server_that_never_answers_is_a_timeout() {
    let silent = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let server = silent.local_addr().unwrap();
    let dns = DnsClient {
        timeout: Duration::from_millis(300),
    };
    let question = DnsQuestion {
        name: "healthy.tenants.test",
        kind: RecordKind::A,
        recursion: false,
        checking_disabled: false,
    };
    let look = dns.ask(server, question).await;
    assert_eq!(look.end.reason(), Some(Reason::DnsTimeout));
    assert!(look.ms.0 >= 300.0, "gave up after {} ms", look.ms);
    let domain = Hostname::parse(DOMAIN).unwrap();
    let said = DnsAnswer::read(&[look], "healthy.tenants.test", server, &domain, true);
    assert_eq!(said.reason(), Some(Reason::DnsTimeout));
}

#[tokio::test]
async fn a_port_where_nothing_listens_refuses() {
    let gone = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
    let look = look(gone, "healthy.tenants.test", RecordKind::A, false).await;
    assert_eq!(look.end.reason(), Some(Reason::DnsRefused));
    // Told at once, not when the question is sent again.
    assert!(look.ms.0 < CLIENT.timeout.as_secs_f64() * 500.0, "{} ms", look.ms);
}

#[tokio::test]
async fn a_resolver_says_the_same_of_the_wildcard() {
    let root = "$TTL 300\n. SOA a.root. nobody.root. 1 7200 3600 1209600 300\n. NS a.root.\na.root. A 127.0.0.1\n\
                other-host.example. A 198.51.100.77\n";
    let knot = Knot::serve(&[Served::plain(DOMAIN, zone::text(WILDCARD)), Served::plain("", root)]).await;
    let upstreams = [Upstream::Stub(DOMAIN, knot.v4()), Upstream::Stub(".", knot.v4())];
    let unbound = Unbound::start(&upstreams, None).await;
    for server in [unbound.v4(), unbound.v6()] {
        for (name, says) in zone::names() {
            let said = resolver(server, &name, DOMAIN).await;
            match says {
                // A resolver follows the alias, and the referral to a server that nobody has.
                Says::Alias(target) => {
                    let DnsAnswer::Addresses { addresses, aliases } = said else {
                        panic!("{name}: {said}");
                    };
                    let found = addresses.iter().map(ToString::to_string).collect::<Vec<_>>();
                    assert_eq!((found, aliases), (vec!["198.51.100.77".into()], vec![target.into()]));
                }
                Says::Delegated(..) => assert_eq!(said.reason(), Some(Reason::DnsServfail), "{name}: {said}"),
                says => assert_eq!(said, says.said(), "{name} at {server}"),
            }
        }
        let root = look(server, ".", RecordKind::Ns, true).await;
        assert_eq!(root.reply.unwrap().answers.len(), 1);
    }
}

#[tokio::test]
async fn a_resolver_whose_server_lost_its_zone_says_servfail() {
    let knot = Knot::serve(&[Served::lost("lost.test")]).await;
    let unbound = Unbound::start(&[Upstream::Forward(".", knot.v4())], None).await;
    let said = resolver(unbound.v4(), "a.lost.test", "lost.test").await;
    assert_eq!(said.reason(), Some(Reason::DnsServfail), "{said}");
}

/// The whole way: knot's zone, judged against its own control name by a round of the agent.
#[tokio::test]
async fn a_round_over_a_real_zone_finds_what_is_in_it() {
    let knot = tenants().await;
    let mut bench = same_lab(&[]).await;
    bench.setup.probes.authoritative = vec![knot.v4(), knot.v6()];
    let outcome = bench.round().await;
    let verdicts = &outcome.diagnosis.tenants;
    for case in CASES {
        let of_case = |verdict: &&TenantVerdict| verdict.tenant.as_str() == case.tenant;
        let verdict = verdicts.iter().find(of_case).unwrap();
        let (reason, cause) = match (case.says, case.fault) {
            (Says::Wildcard, _) => (None, None),
            (Says::Addresses(_) | Says::Alias(_), _) => (Some(Reason::DnsMismatch), Some("dns-override")),
            (Says::Delegated(..), _) => (Some(Reason::DnsDelegated), Some("dns-delegated")),
            _ => (Some(Reason::DnsNodata), Some("dns-blocked")),
        };
        assert_eq!(verdict.findings.of(Check::Dns).reason, reason, "{}", case.tenant);
        assert_eq!(verdict.cause.map(Cause::as_str), cause, "{}", case.tenant);
    }
}
