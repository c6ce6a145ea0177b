//! Resolvers and zones that answer otherwise by design, as real servers do it: what the shipped program makes of them.

use std::net::SocketAddr;

use roundsman_lab::{Lab, LabOptions};

use super::server::{Knot, Served, Unbound, Upstream};
use super::verify::{Verified, verify};
use super::zone::{self, DOMAIN, WILDCARD};

async fn judged(knot: &Knot, resolver: SocketAddr) -> Verified {
    let lab = Lab::start(LabOptions::default()).await.unwrap();
    verify(&lab, &[knot.v4(), knot.v6()], &[resolver]).await
}

fn assert_healthy(verified: &Verified, what: &str) {
    let report = &verified.report;
    assert_eq!(verified.causes(), [], "{what}: {report:#}");
    let statuses = report["tenants"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tenant| &tenant["status"]);
    assert!(
        statuses.into_iter().all(|status| status == "healthy"),
        "{what}: {report:#}"
    );
    assert_eq!(verified.exit, Some(0), "{what}");
    assert_eq!(verified.fleet("vantage")["outcome"], "pass", "{what}");
}

/// Modules and options of unbound.
const RESOLVERS: &[(&str, &str)] = &[
    // What keeps names of the world from leading inside, against rebinding.
    ("iterator", "private-address: 127.0.0.0/8\nprivate-address: ::1/128"),
    // The inner view of a split horizon, and a filter.
    (
        "iterator",
        "local-zone: \"tenants.test.\" redirect\nlocal-data: \"tenants.test. A 10.1.2.3\"",
    ),
    ("iterator", "local-zone: \"tenants.test.\" always_nxdomain"),
    ("iterator", "local-zone: \"tenants.test.\" always_nodata"),
    ("iterator", "local-zone: \"tenants.test.\" always_null"),
    ("iterator", "local-zone: \"tenants.test.\" always_refuse"),
    ("dns64 iterator", "dns64-prefix: 64:ff9b::/96\ndns64-synthall: yes"),
];

#[tokio::test]
async fn a_resolver_with_a_view_of_its_own_blames_nobody() {
    let knot = Knot::serve(&[Served::plain(DOMAIN, zone::text(WILDCARD))]).await;
    for (modules, options) in RESOLVERS {
        let upstreams = [Upstream::Stub(DOMAIN, knot.v4()), Upstream::Stub(".", knot.v4())];
        let unbound = Unbound::start_with(&upstreams, None, modules, options).await;
        let verified = judged(&knot, unbound.v4()).await;
        assert_healthy(&verified, options);
        let message = verified.fleet("vantage")["message"].as_str().unwrap();
        let failing = options.contains("refuse");
        assert_eq!(
            message.matches("resolver-differs").count(),
            usize::from(!failing),
            "{options}: {message}"
        );
    }
}

#[tokio::test]
async fn a_resolver_that_only_turns_and_trims_is_as_good_as_any() {
    let knot = Knot::serve(&[Served::plain(DOMAIN, zone::text(WILDCARD))]).await;
    for options in [
        "rrset-roundrobin: yes",
        "minimal-responses: yes\ncache-max-ttl: 0",
        "use-caps-for-id: yes",
    ] {
        let upstreams = [Upstream::Stub(DOMAIN, knot.v4()), Upstream::Stub(".", knot.v4())];
        let unbound = Unbound::start_with(&upstreams, None, "iterator", options).await;
        let verified = judged(&knot, unbound.v4()).await;
        assert_healthy(&verified, options);
        let message = verified.fleet("vantage")["message"].as_str().unwrap();
        assert!(!message.contains("resolver-differs"), "{options}: {message}");
    }
}

/// DNAME at the zone's own name rewrites every name below it (RFC 6672): the server adds an alias for each.
#[tokio::test]
async fn a_zone_that_rewrites_its_names_is_no_zone_of_overrides() {
    let head = "$TTL 300\n@ SOA ns1.edge.test. hostmaster 1 7200 3600 1209600 300\n@ NS ns1.edge.test.\n";
    let rewriting = format!("$ORIGIN {DOMAIN}.\n{head}@ DNAME edge.test.\n");
    let edge = format!("$ORIGIN edge.test.\n{head}ns1 A 127.0.0.1\n* A 127.0.0.1\n* AAAA ::1\n");
    let outside = Knot::serve(&[Served::plain("edge.test", edge.clone())]).await;
    let alone = Knot::serve(&[Served::plain(DOMAIN, rewriting.clone())]).await;
    let both = Knot::serve(&[Served::plain(DOMAIN, rewriting), Served::plain("edge.test", edge)]).await;
    for (knot, what) in [(&both, "both zones at one server"), (&alone, "the zone alone")] {
        let upstreams = [
            Upstream::Stub(DOMAIN, knot.v4()),
            Upstream::Stub("edge.test", outside.v4()),
            Upstream::Stub(".", knot.v4()),
        ];
        let unbound = Unbound::start(&upstreams, None).await;
        assert_healthy(&judged(knot, unbound.v4()).await, what);
    }
}

/// The wildcard below an empty non-terminal, and a zone with both wildcards and names that exist only by what is below
/// them; signed, so that denial is by NSEC.
#[tokio::test]
async fn an_empty_name_above_the_tenants_is_no_zone_and_no_fault() {
    let text = zone::text(WILDCARD) + "_tcp._acme.elsewhere TXT \"deep\"\n";
    let knot = Knot::serve(&[Served::signed(DOMAIN, text)]).await;
    let unbound = Unbound::start(
        &[Upstream::Stub(DOMAIN, knot.v4()), Upstream::Stub(".", knot.v4())],
        None,
    )
    .await;
    assert_healthy(&judged(&knot, unbound.v4()).await, "signed");
}
