//! The healthy recorded world with one thing changed at a time: what is said of it, at the edges of each rule.
#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a test may fail")]

mod agent;
mod answers;
mod by_design;
mod machines;
mod platform;
mod release;
mod word;

use std::io::{BufRead, BufReader};
use std::sync::Arc;

use roundsman_checks::chain::Facts;
use roundsman_checks::diagnosis::{Cause, CauseEntry, Diagnosis, TenantVerdict, diagnose};
use roundsman_checks::evidence::{
    Answer, Body, CertificateState, DnsQuery, DnsRecord, Exchange, Millis, Reason, RecordKind, StepStatus,
};
use roundsman_checks::expectation::{Identity, Place};
use roundsman_checks::finding::{Check, Finding, Outcome};
use roundsman_checks::world::{TenantEvidence, World};

fn healthy() -> World {
    #[derive(serde::Deserialize)]
    struct Recorded {
        world: World,
    }
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/worlds.jsonl.gz");
    let file = std::fs::File::open(file).expect("the recorded worlds");
    let line = BufReader::new(flate2::read::GzDecoder::new(file)).lines().next();
    serde_json::from_str::<Recorded>(&line.unwrap().unwrap())
        .expect("a world")
        .world
}

/// What proves an entry, a sentence each.
fn told(entry: &CauseEntry) -> Vec<String> {
    entry.evidence.iter().map(ToString::to_string).collect()
}

/// The diagnosis of the healthy world after a change of its first tenant, and what it says of that tenant.
fn after(change: impl FnOnce(&mut TenantEvidence)) -> (Diagnosis, TenantVerdict) {
    let mut world = healthy();
    change(&mut world.tenants[0]);
    let diagnosis = diagnose(&world);
    let verdict = diagnosis.tenants[0].clone();
    (diagnosis, verdict)
}

fn finding(check: Check, change: impl FnOnce(&mut TenantEvidence)) -> Finding {
    after(change).1.findings.of(check).clone()
}

fn answer(tenant: &mut TenantEvidence) -> &mut Answer {
    tenant.visits[0].page.answer.as_mut().unwrap()
}

fn without_header(tenant: &mut TenantEvidence) {
    answer(tenant)
        .headers
        .retain(|(key, _)| key != "x-sp-app" && key != "x-served-by");
}

fn issuer(tenant: &mut TenantEvidence, status: u16, body: &str) {
    without_header(tenant);
    let body = Body {
        prefix: body.into(),
        complete: true,
        ..Body::default()
    };
    let answer = Answer {
        version: "2".into(),
        status,
        body,
        ..Answer::default()
    };
    tenant.visits[0].issuer = Exchange {
        end: StepStatus::Done,
        answer: Some(answer),
        ..Exchange::default()
    };
}

#[test]
fn the_issuer_names_the_tenant_by_its_host() {
    let route = |status, body: &str| finding(Check::Route, |tenant| issuer(tenant, status, body));
    assert_eq!(
        route(200, r#"{"issuer":"https://a3b1.tenants.test/path"}"#).outcome,
        Outcome::Pass
    );
    assert_eq!(
        route(200, r#"{"issuer":"https://A3B1.tenants.test:8443"}"#).outcome,
        Outcome::Pass
    );
    assert_eq!(
        route(200, r#"{"issuer":"https://q7f9.tenants.test"}"#).reason,
        Some(Reason::HttpWrongTenant)
    );
    for (status, body) in [
        (404, r#"{"issuer":"https://q7f9.tenants.test"}"#),
        (200, r#"{"issuer":"https://elsewhere.example"}"#),
        (200, "no JSON"),
    ] {
        let found = route(status, body);
        assert_eq!(
            (found.outcome, found.reason),
            (Outcome::Skipped, Some(Reason::NotIdentifiable)),
            "{body}"
        );
    }
}

#[test]
fn an_explicit_place_must_name_the_tenant() {
    let by = |place: Place, value: Option<&str>| {
        finding(Check::Route, |tenant| {
            Arc::make_mut(&mut tenant.expectation).site.identity = Identity::Place(place);
            without_header(tenant);
            if let Some(value) = value {
                answer(tenant).headers.push(("x-who".into(), value.into()));
                answer(tenant).body.prefix = format!(r#"{{"who":"{value}"}}"#);
            }
        })
        .outcome
    };
    for place in [Place::Header("x-who".into()), Place::Json("/who".into())] {
        for ours in ["a3b1", "sp-a3b1", "a3b1.tenants.test"] {
            assert_eq!(by(place.clone(), Some(ours)), Outcome::Pass, "{ours}");
        }
        assert_eq!(by(place.clone(), Some("q7f9")), Outcome::Fail);
        assert_eq!(by(place.clone(), Some("somebody")), Outcome::Fail);
        assert_eq!(by(place, None), Outcome::Unknown);
    }
}

#[test]
fn identity_that_is_off_is_not_judged() {
    let found = finding(Check::Route, |tenant| {
        Arc::make_mut(&mut tenant.expectation).site.identity = Identity::Off;
    });
    assert_eq!(
        (found.outcome, found.reason),
        (Outcome::Skipped, Some(Reason::NotConfigured))
    );
}

fn each_look(tenant: &mut TenantEvidence, change: impl Fn(&mut DnsQuery)) {
    tenant.dns.authoritative.iter_mut().for_each(change);
}

#[test]
fn each_end_of_a_question_has_its_outcome() {
    let said = |end: StepStatus| {
        finding(Check::Dns, |tenant| {
            each_look(tenant, |look| {
                look.reply = None;
                look.end = end.clone();
            });
        })
    };
    let silent = said(StepStatus::failed(Reason::DnsTimeout, "no answer"));
    assert_eq!(
        (silent.outcome, silent.reason),
        (Outcome::Unknown, Some(Reason::DnsTimeout))
    );
    assert!(
        silent.message.contains("server 127.0.0.1:") && silent.message.contains("no answer"),
        "{}",
        silent.message
    );
    let refused = said(StepStatus::failed(Reason::DnsRefused, "closed"));
    assert_eq!(
        (refused.outcome, refused.reason),
        (Outcome::Fail, Some(Reason::DnsRefused))
    );
    let exhausted = said(StepStatus::Exhausted("no descriptors".into()));
    assert_eq!(exhausted.outcome, Outcome::Unknown);
    assert!(exhausted.message.contains("no descriptors"), "{}", exhausted.message);
}

#[test]
fn what_a_server_says_counts_more_than_silence_whoever_was_asked_first() {
    let said = |ends: [Reason; 2]| {
        let found = finding(Check::Dns, |tenant| {
            let mut other = tenant.dns.authoritative.clone();
            let server = healthy().zone.servers;
            for (looks, (server, reason)) in [&mut tenant.dns.authoritative, &mut other]
                .into_iter()
                .zip(server.iter().zip(ends))
            {
                for look in looks {
                    look.server = *server;
                    look.reply = None;
                    look.end = StepStatus::failed(reason, "no answer");
                }
            }
            tenant.dns.authoritative.append(&mut other);
        });
        (found.outcome, found.reason)
    };
    let refused = (Outcome::Fail, Some(Reason::DnsRefused));
    assert_eq!(said([Reason::DnsTimeout, Reason::DnsRefused]), refused);
    assert_eq!(said([Reason::DnsRefused, Reason::DnsTimeout]), refused);
    let silent = (Outcome::Unknown, Some(Reason::DnsTimeout));
    assert_eq!(said([Reason::DnsTimeout, Reason::DnsTimeout]), silent);
}

/// Turns the answers of a zone into an alias without addresses, as an authority answers that knows no more.
fn as_alias(look: &mut DnsQuery, target: &str) {
    let name = look.name.clone();
    if let Some(reply) = look.reply.as_mut().filter(|_| look.kind != RecordKind::Caa) {
        reply.answers = vec![DnsRecord {
            name,
            kind: "CNAME".into(),
            data: target.into(),
            ttl: 60,
        }];
    }
}

#[test]
fn an_alias_of_the_wildcard_is_followed_through_the_resolvers() {
    let dns = |own: Option<&str>| {
        let mut world = healthy();
        world
            .zone
            .controls
            .iter_mut()
            .for_each(|look| as_alias(look, "edge.elsewhere.example"));
        for tenant in &mut world.tenants {
            each_look(tenant, |look| as_alias(look, "edge.elsewhere.example"));
        }
        if let Some(own) = own {
            // The first tenant has addresses of its own instead.
            each_look(&mut world.tenants[0], |look| {
                let kind = look.kind.as_str();
                let name = look.name.clone();
                let wanted = if kind == "A" { own } else { "::1" };
                if let Some(reply) = look.reply.as_mut().filter(|_| kind != "CAA") {
                    reply.answers = vec![DnsRecord {
                        name,
                        kind: kind.into(),
                        data: wanted.into(),
                        ttl: 60,
                    }];
                }
            });
        }
        diagnose(&world).tenants[0].findings.of(Check::Dns).outcome
    };
    assert_eq!(dns(None), Outcome::Pass);
    assert_eq!(dns(Some("127.0.0.1")), Outcome::Pass);
    assert_eq!(dns(Some("203.0.113.9")), Outcome::Fail);
}

#[test]
fn a_wildcard_with_another_address_than_the_edges_fails_family_by_family() {
    let with_edge = |addresses: &[&str]| {
        let mut world = healthy();
        world.edge.addresses = addresses.iter().map(|address| address.parse().unwrap()).collect();
        diagnose(&world).tenants[0].findings.of(Check::Dns).outcome
    };
    assert_eq!(with_edge(&["127.0.0.1", "::1"]), Outcome::Pass);
    assert_eq!(
        with_edge(&["127.0.0.1"]),
        Outcome::Pass,
        "what is not said of the edge is not compared"
    );
    assert_eq!(with_edge(&["127.0.0.9", "::1"]), Outcome::Fail);
    assert_eq!(
        with_edge(&["127.0.0.1", "127.0.0.9", "::1"]),
        Outcome::Pass,
        "a subset of the edge is enough"
    );
}

#[test]
fn slow_is_what_takes_longer_than_the_limit() {
    let site = |limit_ms: f64| {
        finding(Check::Site, |tenant| {
            let visit = &mut tenant.visits[0];
            (visit.connect.ms, visit.handshake.ms, visit.page.total_ms) = (Millis(1.0), Millis(2.0), Millis(97.0));
            Arc::make_mut(&mut tenant.expectation).site.slow = std::time::Duration::from_secs_f64(limit_ms / 1000.0);
        })
        .outcome
    };
    assert_eq!(site(100.0), Outcome::Pass);
    assert_eq!(site(99.0), Outcome::Warn);
}

#[test]
fn a_header_must_be_there_with_its_value_once() {
    let site = |values: &[&str]| {
        finding(Check::Site, |tenant| {
            Arc::make_mut(&mut tenant.expectation).site.expect_headers =
                [("x-key".to_owned(), "right".to_owned())].into();
            for value in values {
                answer(tenant).headers.push(("x-key".into(), (*value).into()));
            }
        })
        .reason
    };
    assert_eq!(site(&["wrong", "right"]), None);
    assert_eq!(site(&["wrong"]), Some(Reason::HttpHeader));
    assert_eq!(site(&[]), Some(Reason::HttpHeader));
}

#[test]
fn a_body_match_that_reading_left_undecided_is_too_large() {
    let site = |found: bool, complete: bool| {
        finding(Check::Site, |tenant| {
            Arc::make_mut(&mut tenant.expectation).site.body_contains = "needle".into();
            answer(tenant).body.matches.contains = Some(found);
            answer(tenant).body.complete = complete;
        })
        .reason
    };
    assert_eq!(site(true, true), None);
    assert_eq!(site(true, false), None);
    assert_eq!(site(false, true), Some(Reason::HttpBody));
    assert_eq!(site(false, false), Some(Reason::HttpTooLarge));
}

#[test]
fn expiry_begins_below_each_threshold_and_not_at_it() {
    let left = {
        let (_, verdict) = after(|_| ());
        assert_eq!(verdict.findings.of(Check::Certificate).outcome, Outcome::Pass);
        0.55
    };
    let with = |warn: f64, fail: f64| {
        finding(Check::Certificate, |tenant| {
            Arc::make_mut(&mut tenant.expectation).certificate.warn_below = warn;
            Arc::make_mut(&mut tenant.expectation).certificate.fail_below = fail;
        })
        .outcome
    };
    assert_eq!(with(left, 0.1), Outcome::Pass);
    assert_eq!(with(0.9, 0.1), Outcome::Warn);
    assert_eq!(with(0.95, 0.9), Outcome::Fail);
}

/// The healthy world's certificate is looked at when it is visited, not when all is judged.
#[test]
fn a_certificate_is_judged_at_the_moment_of_its_visit() {
    let late = |started_at: Option<jiff::Timestamp>| {
        let mut world = healthy();
        let ends = last_moment(&world);
        world.now = ends + jiff::SignedDuration::from_hours(1);
        let tenant = &mut world.tenants[0];
        tenant.visits[0].started_at = started_at.or(Some(ends - jiff::SignedDuration::from_hours(1)));
        diagnose(&world).tenants[0].findings.of(Check::Certificate).clone()
    };
    let during = late(None);
    assert_eq!(during.reason, Some(Reason::TlsExpiring));
    assert!(during.message.contains(" % left"), "{}", during.message);
}

/// A recording of before visits told their time is judged at the world's own moment.
#[test]
fn a_visit_without_a_time_is_judged_with_the_world() {
    let mut world = healthy();
    world.now = last_moment(&world) - jiff::SignedDuration::from_hours(1);
    for tenant in &mut world.tenants {
        tenant.visits[0].started_at = None;
    }
    let diagnosis = diagnose(&world);
    let certificate = diagnosis.tenants[0].findings.of(Check::Certificate);
    assert_eq!(certificate.reason, Some(Reason::TlsExpiring));
}

fn last_moment(world: &World) -> jiff::Timestamp {
    let chain = world.tenants[0].visits[0].handshake.chain.unwrap();
    Facts::read(&world.chains[&chain].0).unwrap().not_after
}

/// A certificate that is awaited is as old as it was when the platform answered.
#[test]
fn an_awaited_certificate_is_as_old_as_the_platforms_answer() {
    let cause = |seconds_before: i64| {
        let mut world = platform::with_apps(Vec::new());
        let (now, host) = (world.now, world.tenants[0].tenant.hostname.to_string());
        let created = now - jiff::SignedDuration::from_secs(150);
        let platform = world.platform_mut().unwrap();
        platform.taken_at = Some(now - jiff::SignedDuration::from_secs(seconds_before));
        let mut own = platform::app("x", &[&host]).certificates.remove(0);
        (own.state, own.created_at) = (CertificateState::AwaitingCertificates, Some(created));
        let edge = platform.edge_app.clone();
        platform.apps.get_mut(&edge).unwrap().certificates.push(own);
        diagnose(&world).tenants[0].cause
    };
    assert_eq!(cause(0), Some(Cause::CertificateStuck));
    assert_eq!(cause(100), Some(Cause::CertificateIssuing));
}
