//! Reports for the tests of the forms: every kind of line, and text that a hostile target would choose.

use jiff::Timestamp;
use roundsman_checks::diagnosis::{
    Action, Cause, CertificateFact, Confidence, FleetDetail, Object, Remedy, Scope, Status,
};
use roundsman_checks::evidence::Reason;
use roundsman_checks::finding::{Check, Outcome};
use roundsman_checks::platform::fly::Flyctl;

use crate::gate::Unmet;

use super::json::{CauseLine, CheckLine, FindingLine, FleetLine, RemedyLine, Report, SCHEMA, Summary, TenantLine};

/// What a target would answer to break out of a form.
pub(super) const HOSTILE: &str =
    "x\n::add-mask::y\r|`</td><b>@everyone]]>\u{1b}[31m\u{0}\u{fffe}\u{ffff} 100%, a:b ```` <!-- & \"q\" 'z'";

/// One of each outcome, and an override whose evidence is hostile.
pub(super) fn hostile() -> Report {
    let tenants = vec![
        tenant("a3b1", Status::Healthy, None, Vec::new()),
        tenant(
            "q7f9",
            Status::Failing,
            Some(Cause::DnsOverride),
            vec![
                check(Check::Dns, Outcome::Fail, Some(Cause::DnsOverride), HOSTILE),
                check(Check::Site, Outcome::Skipped, None, "dns failed"),
                check(
                    Check::Certificate,
                    Outcome::Warn,
                    Some(Cause::CertificateExpiring),
                    HOSTILE,
                ),
                check(
                    Check::App,
                    Outcome::Unknown,
                    Some(Cause::PlatformApiUnauthorized),
                    "platform",
                ),
            ],
        ),
        tenant(
            "z9",
            Status::Unknown,
            None,
            vec![check(Check::Dns, Outcome::Unknown, None, HOSTILE)],
        ),
    ];
    let causes = vec![
        cause(
            Cause::PlatformApiUnauthorized,
            Scope::Agent,
            Outcome::Unknown,
            &["q7f9"],
        ),
        cause(Cause::DnsOverride, Scope::Tenant, Outcome::Fail, &["q7f9"]),
        cause(Cause::CertificateExpiring, Scope::Tenant, Outcome::Warn, &["q7f9"]),
    ];
    let mut report = report(tenants, causes);
    report.demands = vec![Unmet::Required {
        check: Check::App,
        ended: (Outcome::Unknown, None),
        tenants: (1, 3),
    }];
    report
}

/// More causes than GitHub shows, one of them about all, and tenants that nothing explains.
pub(super) fn many_causes() -> Report {
    let named = |start: &'static str| Cause::ALL.iter().filter(move |cause| cause.as_str().starts_with(start));
    let mut causes = named("site-")
        .take(6)
        .chain(named("dns-"))
        .map(|name| cause(*name, Scope::Tenant, Outcome::Fail, &["a", "b"]))
        .collect::<Vec<_>>();
    causes.extend((0..30).map(|n| cause(Cause::Unexplained, Scope::Tenant, Outcome::Fail, &[&format!("u{n}")])));
    causes.push(cause(Cause::EdgeMissing, Scope::Fleet, Outcome::Fail, &["a", "b"]));
    let tenants = ["a", "b"].map(|id| tenant(id, Status::Failing, Some(Cause::EdgeMissing), Vec::new()));
    report(tenants.into(), causes)
}

/// Nothing was there to verify.
pub(super) fn empty() -> Report {
    let mut report = report(Vec::new(), Vec::new());
    report.exit = 3;
    report.interrupted = true;
    report
}

/// `count` tenants, each failing for a reason of its own.
pub(super) fn huge(count: usize) -> Report {
    let ids = (0..count).map(|n| format!("t{n:06}")).collect::<Vec<_>>();
    let tenants = ids
        .iter()
        .map(|id| tenant(id, Status::Failing, Some(Cause::Unexplained), Vec::new()))
        .collect();
    let causes = ids
        .iter()
        .map(|id| cause(Cause::Unexplained, Scope::Tenant, Outcome::Fail, &[id]))
        .chain([cause(
            Cause::SiteStatus,
            Scope::Tenant,
            Outcome::Fail,
            &ids.iter().map(String::as_str).collect::<Vec<_>>(),
        )])
        .collect();
    report(tenants, causes)
}

fn report(tenants: Vec<TenantLine>, causes: Vec<CauseLine>) -> Report {
    let count = |status| tenants.iter().filter(|tenant| tenant.status == status).count();
    let fleet = [
        (
            "wildcard-dns",
            Outcome::Fail,
            "wildcard-dns-missing: nothing there",
            Some(Cause::WildcardDnsMissing),
        ),
        ("edge", Outcome::Pass, "2 of 2 addresses, IPv4 and IPv6", None),
        (
            "vantage",
            Outcome::Unknown,
            "platform-api-unauthorized: 401",
            Some(Cause::PlatformApiUnauthorized),
        ),
    ];
    let both = FleetDetail::Families {
        v4: true,
        v6: true,
        lacking: false,
    };
    Report {
        schema: SCHEMA,
        domain: "example.com".into(),
        roundsman: "0.0.0",
        started_at: Timestamp::UNIX_EPOCH,
        finished_at: Timestamp::UNIX_EPOCH,
        vantage: "here".into(),
        edge: vec!["198.51.100.7".into()],
        exit: 1,
        interrupted: false,
        demands: Vec::new(),
        tenants_only: false,
        baseline: None,
        summary: Summary {
            tenants: tenants.len(),
            healthy: count(Status::Healthy),
            degraded: count(Status::Degraded),
            failing: count(Status::Failing),
            unknown: count(Status::Unknown),
        },
        fleet: fleet
            .into_iter()
            .map(|(check, outcome, message, cause)| FleetLine {
                check,
                finding: finding(outcome, message),
                cause,
                detail: (check == "edge").then_some(both),
            })
            .collect(),
        causes,
        tenants,
    }
}

fn tenant(id: &str, status: Status, cause: Option<Cause>, checks: Vec<CheckLine>) -> TenantLine {
    let others = Check::ALL
        .into_iter()
        .filter(|name| checks.iter().all(|check| check.check != name.as_str()))
        .map(|name| check(name, Outcome::Pass, None, "fine"))
        .collect::<Vec<_>>();
    TenantLine {
        tenant: id.into(),
        hostname: format!("{id}.example.com"),
        app: format!("sp-{id}"),
        status,
        cause,
        checks: [checks, others].concat(),
    }
}

fn check(check: Check, outcome: Outcome, cause: Option<Cause>, message: &str) -> CheckLine {
    CheckLine {
        check: check.as_str(),
        finding: finding(outcome, message),
        cause,
        duration_ms: Some(12.34),
    }
}

fn finding(outcome: Outcome, message: &str) -> FindingLine {
    FindingLine {
        outcome,
        reason: (outcome == Outcome::Skipped).then_some(Reason::PrerequisiteDns),
        message: message.into(),
        expected: None,
        observed: None,
    }
}

fn cause(cause: Cause, scope: Scope, outcome: Outcome, tenants: &[&str]) -> CauseLine {
    CauseLine {
        cause,
        scope,
        object: Object::Edge,
        outcome,
        tenants: tenants.iter().map(|id| (*id).to_owned()).collect(),
        title: cause.title(),
        explanation: cause.meaning(),
        confidence: Confidence::Confirmed,
        severity: cause.severity(outcome, tenants.len()),
        transient: false,
        evidence: [HOSTILE, "a second fact"]
            .map(|text| CertificateFact::PlatformSays(text.into()).into())
            .into(),
        remedy: vec![RemedyLine::of(
            &Remedy {
                action: Action::RemoveCertificate {
                    app: "\"$(touch /tmp/`id`)\"".into(),
                    name: "x".into(),
                },
                automatic: false,
            },
            &Flyctl,
        )],
    }
}
