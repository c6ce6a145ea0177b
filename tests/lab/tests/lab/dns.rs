//! The DNS servers and the resolver, and what faults do to them.

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::RecordType::{self, A, AAAA, CAA, HTTPS, MX, NS, TXT};

use crate::client::{addresses, lab, question, tcp, udp, with_edns};

async fn code(server: std::net::SocketAddr, name: &str, kind: RecordType) -> ResponseCode {
    udp(server, &question(name, kind)).await.metadata.response_code
}

fn empty(answer: &Message) -> bool {
    answer.metadata.response_code == ResponseCode::NoError && answer.answers.is_empty()
}

#[tokio::test]
async fn all_servers_answer_for_any_tenant() {
    let lab = lab(&[]).await;
    for server in lab.dns_servers() {
        let answer = udp(*server, &question("q7f9.tenants.test.", A)).await;
        assert!(answer.metadata.authoritative && !answer.metadata.recursion_available);
        assert_eq!(addresses(*server, "fresh.tenants.test.", A).await, ["127.0.0.1"]);
        assert_eq!(addresses(*server, "fresh.tenants.test.", AAAA).await, ["::1"]);
        assert_eq!(code(*server, "elsewhere.test.", A).await, ResponseCode::Refused);
        let over_tcp = tcp(*server, &question("fresh.tenants.test.", A)).await;
        assert_eq!(over_tcp.answers.len(), 1);
    }
    assert_eq!(lab.counters().dns_queries, 10);
}

#[tokio::test]
async fn the_resolver_recurses() {
    let lab = lab(&[]).await;
    let answer = udp(lab.resolver(), &question("q7f9.tenants.test.", A)).await;
    assert!(answer.metadata.recursion_available && !answer.metadata.authoritative);
    assert_eq!(answer.answers.len(), 1);
    assert_eq!(code(lab.resolver(), ".", NS).await, ResponseCode::NoError);
    assert_eq!(code(lab.resolver(), "example.com.", A).await, ResponseCode::NXDomain);
}

#[tokio::test]
async fn own_records_shadow_the_wildcard() {
    let lab = lab(&[
        "dns-override@q7f9",
        "dns-override@a3b1=aaaa",
        "dns-override@c04e=cname",
        "dns-override@d9a2=both",
        "dns-override@e51f=equal",
    ])
    .await;
    let server = lab.dns_servers()[0];
    let both = async |id: &str| {
        let name = format!("{id}.tenants.test.");
        (addresses(server, &name, A).await, addresses(server, &name, AAAA).await)
    };
    let texts = |items: &[&str]| items.iter().map(|item| (*item).to_owned()).collect::<Vec<_>>();
    assert_eq!(both("q7f9").await, (texts(&["203.0.113.9"]), texts(&[])));
    assert_eq!(both("a3b1").await, (texts(&[]), texts(&["2001:db8::bad"])));
    assert_eq!(both("d9a2").await, (texts(&["203.0.113.9"]), texts(&["2001:db8::bad"])));
    assert_eq!(both("e51f").await, (texts(&["127.0.0.1"]), texts(&["::1"])));
    let alias = udp(server, &question("c04e.tenants.test.", A)).await;
    assert_eq!(alias.answers[0].record_type(), RecordType::CNAME);
    let resolved = addresses(lab.resolver(), "c04e.tenants.test.", A).await;
    assert_eq!(resolved, ["203.0.113.9"]);
}

#[tokio::test]
async fn other_records_block_the_wildcard() {
    let blockers = [
        ("dns-blocked@q7f9", "q7f9", TXT),
        ("dns-blocked@a3b1=acme-challenge", "_acme-challenge.a3b1", TXT),
        ("dns-blocked@c04e=fly-ownership", "_fly-ownership.c04e", TXT),
        ("dns-blocked@d9a2=mx", "d9a2", MX),
        ("dns-blocked@e51f=caa", "e51f", CAA),
        ("dns-blocked@f8c3=https", "f8c3", HTTPS),
        ("dns-blocked@b6d0=below", "x.b6d0", TXT),
    ];
    let lab = lab(&blockers.map(|(fault, _, _)| fault)).await;
    let server = lab.dns_servers()[1];
    for (fault, owner, kind) in blockers {
        let id = owner.rsplit('.').next().unwrap();
        for kind in [A, AAAA] {
            let blocked = udp(server, &question(&format!("{id}.tenants.test."), kind)).await;
            assert!(empty(&blocked), "{fault}");
            assert_eq!(blocked.authorities[0].record_type(), RecordType::SOA);
        }
        let blocker = udp(server, &question(&format!("{owner}.tenants.test."), kind)).await;
        assert_eq!(blocker.answers.len(), 1, "{fault}");
    }
}

#[tokio::test]
async fn a_delegated_tenant_is_referred() {
    let lab = lab(&["dns-delegated@q7f9"]).await;
    let answer = udp(lab.dns_servers()[0], &question("q7f9.tenants.test.", A)).await;
    assert!(empty(&answer) && !answer.metadata.authoritative);
    assert_eq!(answer.authorities[0].record_type(), NS);
    assert_eq!(
        code(lab.resolver(), "q7f9.tenants.test.", A).await,
        ResponseCode::ServFail
    );
}

#[tokio::test]
async fn the_resolver_can_be_stale() {
    let lab = lab(&["dns-stale-resolver@q7f9"]).await;
    let name = "q7f9.tenants.test.";
    assert_eq!(addresses(lab.resolver(), name, A).await, ["203.0.113.77"]);
    assert_eq!(addresses(lab.dns_servers()[0], name, A).await, ["127.0.0.1"]);
}

#[tokio::test]
async fn the_wildcard_can_be_wrong() {
    for (fault, kind, expected) in [
        ("wildcard-dns-missing", A, vec![]),
        ("wildcard-dns-mismatch", A, vec!["203.0.113.50"]),
        ("wildcard-dns-mismatch", AAAA, vec!["::1"]),
        ("wildcard-dns-mismatch=aaaa", AAAA, vec!["2001:db8::bad"]),
        ("wildcard-dns-mismatch=aaaa", A, vec!["127.0.0.1"]),
        ("wildcard-cname", A, vec!["127.0.0.1"]),
    ] {
        let lab = lab(&[fault]).await;
        let found = addresses(lab.dns_servers()[0], "fresh.tenants.test.", kind).await;
        assert_eq!(found, expected, "{fault}");
    }
}

#[tokio::test]
async fn servers_fail_together_or_one_of_them() {
    for (fault, first, second, resolver) in [
        (
            "dns-servers-failing",
            ResponseCode::ServFail,
            ResponseCode::ServFail,
            false,
        ),
        (
            "dns-servers-failing=refused",
            ResponseCode::Refused,
            ResponseCode::Refused,
            false,
        ),
        (
            "dns-servers-failing=refused/1",
            ResponseCode::Refused,
            ResponseCode::NoError,
            true,
        ),
    ] {
        let lab = lab(&[fault]).await;
        let name = "fresh.tenants.test.";
        assert_eq!(code(lab.dns_servers()[0], name, A).await, first, "{fault}");
        assert_eq!(code(lab.dns_servers()[1], name, A).await, second, "{fault}");
        let resolved = code(lab.resolver(), name, A).await == ResponseCode::NoError;
        assert_eq!(resolved, resolver, "{fault}");
    }
}

#[tokio::test]
async fn servers_can_disagree_and_be_lame() {
    let disagreeing = lab(&["dns-servers-failing=disagree"]).await;
    let name = "fresh.tenants.test.";
    assert_eq!(addresses(disagreeing.dns_servers()[0], name, A).await, ["127.0.0.1"]);
    assert_eq!(addresses(disagreeing.dns_servers()[1], name, A).await, ["203.0.113.60"]);
    let lame = lab(&["dns-servers-failing=lame"]).await;
    assert!(
        !udp(lame.dns_servers()[0], &question(name, A))
            .await
            .metadata
            .authoritative
    );
}

#[tokio::test]
async fn a_bogus_zone_is_answered_only_unchecked() {
    let lab = lab(&["dnssec-bogus"]).await;
    let mut query = question("q7f9.tenants.test.", A);
    assert_eq!(
        udp(lab.resolver(), &query).await.metadata.response_code,
        ResponseCode::ServFail
    );
    query.metadata.checking_disabled = true;
    assert_eq!(udp(lab.resolver(), &query).await.answers.len(), 1);
    assert_eq!(
        code(lab.dns_servers()[0], "q7f9.tenants.test.", A).await,
        ResponseCode::NoError
    );
}

#[tokio::test]
async fn a_blocked_vantage_still_has_its_resolver() {
    let lab = lab(&["vantage-dns-blocked"]).await;
    let server = lab.dns_servers()[0];
    let silent = question("q7f9.tenants.test.", A);
    // The query to the server is seen and left unanswered; the resolver answers meanwhile.
    tokio::select! {
        _ = udp(server, &silent) => panic!("the server answered"),
        found = async {
            while lab.counters().dns_queries == 0 {
                tokio::task::yield_now().await;
            }
            addresses(lab.resolver(), "q7f9.tenants.test.", A).await
        } => assert_eq!(found, ["127.0.0.1"]),
    }
}

#[tokio::test]
async fn what_is_too_long_for_udp_comes_by_tcp() {
    let many = (1..=80)
        .map(|last| std::net::Ipv4Addr::new(127, 0, 0, last).into())
        .collect();
    let options = roundsman_lab::LabOptions {
        edge_addresses: many,
        ..Default::default()
    };
    let lab = roundsman_lab::Lab::start(options).await.unwrap();
    let query = question("q7f9.tenants.test.", A);
    let plain = udp(lab.dns_servers()[0], &query).await;
    assert!(plain.metadata.truncation && plain.answers.len() < 80);
    let larger = udp(lab.dns_servers()[0], &with_edns(query.clone(), 4096)).await;
    assert!(larger.metadata.truncation && larger.answers.len() > plain.answers.len());
    let whole = tcp(lab.dns_servers()[0], &query).await;
    assert!(!whole.metadata.truncation);
    assert_eq!(whole.answers.len(), 80);
}

#[tokio::test]
async fn a_foreign_caa_leaves_the_addresses_right() {
    let lab = lab(&["caa-forbids-issuance@q7f9", "caa-forbids-issuance"]).await;
    let server = lab.dns_servers()[0];
    assert_eq!(addresses(server, "q7f9.tenants.test.", A).await, ["127.0.0.1"]);
    for owner in ["q7f9.tenants.test.", "tenants.test."] {
        let caa = udp(server, &question(owner, CAA)).await;
        assert!(caa.answers[0].data.to_string().contains("digicert.com"));
    }
}
