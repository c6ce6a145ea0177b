//! Reports as operators meet them, composed without a socket: for snapshots of the forms.
#![expect(clippy::unwrap_used, reason = "a test may fail")]

use std::collections::BTreeSet;
use std::net::SocketAddr;

use jiff::{SignedDuration, Timestamp};
use roundsman_checks::diagnosis::{
    Action, AgentFact, AnswerFact, AppFact, Cause, CertificateFact, Confidence, DnsFact, EdgeFact, Fact, FleetDetail,
    HandshakeNow, Object, RecordRef, Records, Remedy, Scope, Status, Step, Wait,
};
use roundsman_checks::evidence::{Cloud, DnsRecord, Exit, Reason, ZoneRecord};
use roundsman_checks::finding::{Check, Outcome};
use roundsman_checks::platform::command_line;
use roundsman_checks::reading::{DnsAnswer, Lifetime, MachineEnd};
use roundsman_checks::target::TenantId;

use super::json::{CauseLine, FindingLine, FleetLine, RemedyLine, Report, explain};
use super::sample::{kept, report, tenant};
use crate::gate::{Change, Compared};

const EDGE: [&str; 2] = ["198.51.100.7", "2001:db8::7"];

/// A report on so many tenants, of whom these are not well, each for the first cause that names it.
fn of(all: &[String], causes: Vec<CauseLine<'static>>) -> Report<'static> {
    let lines = all.iter().map(|id| {
        let named = |line: &&CauseLine<'_>| line.tenants.contains(&TenantId::new(id.as_str()));
        match causes.iter().find(named) {
            None => tenant(id, Status::Healthy, None, &[]),
            Some(line) => {
                let status = match line.outcome {
                    Outcome::Fail => Status::Failing,
                    Outcome::Unknown => Status::Unknown,
                    _ => Status::Degraded,
                };
                let unwell = (Check::Site, line.outcome, Some(line.cause), "not well");
                tenant(id, status, Some(line.cause), &[unwell])
            }
        }
    });
    let lines = lines.collect();
    let started: Timestamp = "2026-11-30T03:12:45Z".parse().unwrap();
    let exit = match causes.iter().map(|line| line.outcome).max() {
        Some(Outcome::Fail) => 1,
        Some(Outcome::Unknown) => 3,
        _ => 0,
    };
    let mut report = report(lines, causes);
    report.edge = EDGE.map(str::to_owned).into();
    (report.started_at, report.finished_at) = (started, started + SignedDuration::from_millis(1300));
    (report.vantage, report.exit) = ("lhr", exit);
    report.fleet = fleet();
    report
}

fn fleet() -> Vec<FleetLine<'static>> {
    let left = Lifetime::Left {
        fraction: 0.61,
        until: "2027-01-18T00:00:00Z".parse().unwrap(),
    };
    let families = FleetDetail::Families {
        v4: true,
        v6: true,
        lacking: false,
    };
    let lines = [
        ("wildcard-dns", None),
        ("dnssec", None),
        ("wildcard-certificate", Some(FleetDetail::Lifetime(left))),
        ("edge", Some(families)),
        ("vantage", None),
    ];
    let line = |(check, detail)| FleetLine {
        check,
        finding: FindingLine {
            outcome: Outcome::Pass,
            reason: None,
            message: "",
            expected: None,
            observed: None,
        },
        cause: None,
        detail,
    };
    lines.map(line).into()
}

/// A dozen ids.
fn dozen() -> Vec<String> {
    let ids = "0d4e 3fa8 5b7d 91cc a3b1 b6d0 c04e d9a2 e51f f8c3 k2m4 q7f9";
    ids.split(' ').map(str::to_owned).collect()
}

fn numbered(count: usize) -> Vec<String> {
    (1..=count).map(|n| format!("t{n:04}")).collect()
}

fn entry(
    (cause, outcome): (Cause, Outcome),
    scope: Scope,
    tenants: &[&str],
    evidence: Vec<Fact>,
    actions: Vec<Action>,
) -> CauseLine<'static> {
    let tenants = tenants.iter().map(|id| TenantId::new(*id)).collect::<BTreeSet<_>>();
    let remedy = actions.into_iter().map(|action| Remedy {
        action,
        automatic: false,
    });
    let tool = command_line(Cloud::default());
    CauseLine {
        cause,
        scope,
        object: &Object::Edge,
        outcome,
        severity: cause.severity(outcome, tenants.len()),
        tenants: kept(tenants),
        title: cause.title(),
        explanation: cause.meaning(),
        explain: explain(cause),
        docs: roundsman_alerts::text::docs(cause.as_str()),
        confidence: Confidence::Confirmed,
        transient: cause.is_transient(),
        evidence: kept(evidence),
        remedy: remedy.map(|remedy| RemedyLine::of(kept(remedy), tool)).collect(),
        ignored: false,
        is_new_warning: false,
    }
}

fn host(id: &str) -> String {
    format!("{id}.example.com")
}

fn leads_to_the_edge() -> DnsAnswer {
    DnsAnswer::Addresses {
        addresses: EDGE.iter().map(|address| address.parse().unwrap()).collect(),
        aliases: Vec::new(),
    }
}

fn dns_override(id: &str) -> CauseLine<'static> {
    let record = |kind: &str, data: &str| DnsRecord {
        name: host(id),
        kind: kind.into(),
        data: data.into(),
        ttl: 300,
    };
    let shadows = DnsFact::Shadows {
        name: host(id),
        records: vec![record("A", "203.0.113.9")],
        control: leads_to_the_edge(),
        servers: (2, 2),
    };
    let listed = DnsFact::Listed {
        record: ZoneRecord {
            id: "cfe0a2b5".into(),
            name: host(id),
            kind: "A".into(),
            content: "203.0.113.9".into(),
            proxied: false,
            comment: None,
            tags: Vec::new(),
        },
        named: false,
    };
    let delete = Action::DeleteRecords {
        zone: "example.com".into(),
        zone_id: Some("0f1e2d3c".into()),
        name: host(id),
        which: Records::Responder,
        records: vec![RecordRef {
            id: Some("cfe0a2b5".into()),
            kind: "A".into(),
            name: host(id),
        }],
    };
    let evidence = vec![shadows.into(), listed.into()];
    entry(
        (Cause::DnsOverride, Outcome::Fail),
        Scope::Tenant,
        &[id],
        evidence,
        vec![delete],
    )
}

fn conflict(id: &str) -> CauseLine<'static> {
    let held = CertificateFact::Held {
        app: format!("sp-{id}"),
        name: host(id),
        status: "Ready".into(),
        edge: "management-api-prod".into(),
        imported: false,
        handshake: Some((host(id), HandshakeNow::Cut(Reason::TlsUnexpectedEof))),
    };
    let remove = Action::RemoveCertificate {
        app: format!("sp-{id}"),
        name: host(id),
    };
    let what = (Cause::CertificateConflict, Outcome::Fail);
    entry(what, Scope::Tenant, &[id], vec![held.into()], vec![remove])
}

fn stopped(id: &str) -> CauseLine<'static> {
    let machine = MachineEnd {
        id: "401f4634e8ecaf".into(),
        state: "stopped".into(),
        exit: Some(Exit {
            code: Some(0),
            at: "2026-11-30T02:39:13Z".parse().ok(),
            ..Exit::default()
        }),
    };
    let down = AppFact::Down {
        machine,
        stays_down: true,
    };
    let start = Action::StartMachine {
        app: format!("sp-{id}"),
        machine: "401f4634e8ecaf".into(),
    };
    let what = (Cause::AppStopped, Outcome::Fail);
    entry(what, Scope::Tenant, &[id], vec![down.into()], vec![start])
}

fn crashed(id: &str) -> CauseLine<'static> {
    let restart = Action::RestartMachine {
        app: format!("sp-{id}"),
        machine: "e17e".into(),
    };
    let none = AppFact::NoneRuns(2);
    let what = (Cause::AppCrashed, Outcome::Fail);
    let mut line = entry(what, Scope::Tenant, &[id], vec![none.into()], vec![restart]);
    line.confidence = Confidence::Likely;
    line
}

fn rate_limited(id: &str) -> CauseLine<'static> {
    let until: Timestamp = "2026-11-30T09:00:00Z".parse().unwrap();
    let awaited = CertificateFact::Awaited {
        edge: "management-api-prod".into(),
        name: host(id),
        status: "Awaiting certificates".into(),
    };
    let refused = CertificateFact::RefusedUntil(until);
    let wait = Action::Wait(Wait::RateLimit(Some(until)));
    let what = (Cause::CertificateRateLimited, Outcome::Fail);
    let evidence = vec![awaited.into(), refused.into()];
    entry(what, Scope::Tenant, &[id], evidence, vec![wait])
}

fn slow(id: &str) -> CauseLine<'static> {
    let slow = AnswerFact::Slow {
        message: "took 2525 ms".into(),
        limit: "at most 2000 ms".into(),
    };
    let look = Action::Manual(Step::Look(
        "look at the app's load and its log; `[site] slow` sets the limit".into(),
    ));
    let what = (Cause::SiteSlow, Outcome::Warn);
    entry(what, Scope::Tenant, &[id], vec![slow.into()], vec![look])
}

fn unexplained(id: &str) -> CauseLine<'static> {
    let cut = Fact::Unexplained {
        name: host(id),
        check: Check::Certificate,
        reason: Some(Reason::TlsUnexpectedEof),
        message: "198.51.100.7:443: the peer closed during the handshake".into(),
    };
    let control = EdgeFact::ControlPasses("xfzlxgqpuwzyayp.example.com".into());
    let look = Action::Manual(Step::Look(format!("look at the edge's log for {}", host(id))));
    let what = (Cause::Unexplained, Outcome::Fail);
    entry(what, Scope::Tenant, &[id], vec![cut, control.into()], vec![look])
}

/// Nothing is wrong.
pub(super) fn healthy() -> Report<'static> {
    of(&numbered(1000), Vec::new())
}

/// One of a dozen fails.
pub(super) fn one_failing() -> Report<'static> {
    of(&dozen(), vec![conflict("q7f9")])
}

/// Much is wrong at once.
pub(super) fn many_at_once() -> Report<'static> {
    let mut causes = vec![
        dns_override("a3b1"),
        dns_override("q7f9"),
        conflict("0d4e"),
        stopped("91cc"),
    ];
    causes.extend([
        slow("3fa8"),
        slow("5b7d"),
        crashed("k2m4"),
        rate_limited("e51f"),
        rate_limited("f8c3"),
    ]);
    causes.extend([unexplained("b6d0"), unexplained("c04e"), unexplained("d9a2")]);
    of(&dozen(), causes)
}

/// Many fail for one cause.
pub(super) fn four_hundred() -> Report<'static> {
    let ids = numbered(1000);
    let causes = ids.iter().take(400).map(|id| stopped(id)).collect();
    of(&ids, causes)
}

/// The edge fails, and all with it.
pub(super) fn fleet_outage() -> Report<'static> {
    let ids = dozen();
    let addresses: [SocketAddr; 2] = [
        "198.51.100.7:443".parse().unwrap(),
        "[2001:db8::7]:443".parse().unwrap(),
    ];
    let fails = |address| {
        EdgeFact::AddressFails {
            address,
            reason: Reason::TcpRefused,
            detail: "connection refused".into(),
        }
        .into()
    };
    let check =
        "check that the edge listens on 198.51.100.7:443, [2001:db8::7]:443, and the firewalls between here and there";
    let look = Action::Manual(Step::Do(check.into()));
    let tenants = ids.iter().map(String::as_str).collect::<Vec<_>>();
    let what = (Cause::EdgeUnreachable, Outcome::Fail);
    let causes = vec![entry(
        what,
        Scope::Fleet,
        &tenants,
        addresses.map(fails).into(),
        vec![look],
    )];
    let mut report = of(&ids, causes);
    for line in &mut report.fleet {
        if line.check == "edge" {
            (line.finding.outcome, line.cause) = (Outcome::Fail, Some(Cause::EdgeUnreachable));
        }
    }
    report
}

/// The agent sees nothing.
pub(super) fn agent_outage() -> Report<'static> {
    let ids = dozen();
    let silence = AgentFact::Silence {
        resolvers: 1,
        controls: 2,
        servers: 2,
        addresses: 2,
    };
    let look = Action::Manual(Step::Do(
        "check the network of the machine that roundsman runs on, then run it again".into(),
    ));
    let tenants = ids.iter().map(String::as_str).collect::<Vec<_>>();
    let what = (Cause::VantageOffline, Outcome::Unknown);
    let mut report = of(
        &ids,
        vec![entry(what, Scope::Agent, &tenants, vec![silence.into()], vec![look])],
    );
    for line in &mut report.fleet {
        (line.finding.outcome, line.finding.message) = (Outcome::Unknown, "no server answers");
        line.detail = None;
    }
    report
}

/// One fails as before, one anew.
pub(super) fn with_a_baseline() -> Report<'static> {
    let change = |id: &str, was: &str, cause: Cause| Change {
        tenant: Some(id.into()),
        check: None,
        was: was.into(),
        is: "failing".into(),
        causes: vec![cause.to_string()],
    };
    let mut compared = Compared::default();
    compared.finished_at = "2026-11-30T02:00:00Z".parse().unwrap();
    compared.worse = vec![change("q7f9", "healthy", Cause::DnsOverride)];
    compared.unchanged = vec![change("91cc", "failing", Cause::AppStopped)];
    let mut report = of(&dozen(), vec![stopped("91cc"), dns_override("q7f9")]);
    report.baseline = Some(compared);
    report
}

/// Ended early.
pub(super) fn interrupted() -> Report<'static> {
    let ids = numbered(12);
    let mut report = of(&ids, vec![conflict("t0003")]);
    for (at, line) in report.tenants.iter_mut().enumerate().skip(6) {
        let unwell = (
            Check::Site,
            Outcome::Unknown,
            None,
            "the round was ended before it was looked at",
        );
        *line = tenant(&ids[at], Status::Unknown, None, &[unwell]);
    }
    (report.summary.healthy, report.summary.unknown) = (5, 6);
    report.interrupted = true;
    report
}

/// Names as long as DNS allows.
pub(super) fn long_names() -> Report<'static> {
    let ids = ["a", "b", "c"].map(|letter| letter.repeat(63));
    let causes = vec![stopped(&ids[0]), stopped(&ids[1]), slow(&ids[2])];
    of(&ids, causes)
}
