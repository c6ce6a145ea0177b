//! Reports for the tests of the forms: every kind of line, and text that a hostile target would choose.
#![expect(clippy::unwrap_used, reason = "a test may fail")]

use std::collections::BTreeSet;

use jiff::Timestamp;
use roundsman_checks::check::Findings;
use roundsman_checks::diagnosis::{
    Action, Cause, CertificateFact, Confidence, Fact, FleetDetail, Object, Remedy, Scope, Status, TenantVerdict,
};
use roundsman_checks::evidence::Reason;
use roundsman_checks::finding::{Check, Finding, Outcome};
use roundsman_checks::platform::fly::Flyctl;
use roundsman_checks::target::{Hostname, Tenant, TenantId};

use crate::gate::Unmet;

use super::json::{CauseLine, FindingLine, FleetLine, RemedyLine, Report, Summary, TenantLine};

/// What a target would answer to break out of a form.
pub(super) const HOSTILE: &str =
    "x\n::add-mask::y\r|`</td><b>@everyone]]>\u{1b}[31m\u{0}\u{fffe}\u{ffff} 100%, a:b ```` <!-- & \"q\" 'z'";

/// One of each outcome, and an override whose evidence is hostile.
pub(super) fn hostile() -> Report<'static> {
    let tenants = vec![
        tenant("a3b1", Status::Healthy, None, &[]),
        tenant(
            "q7f9",
            Status::Failing,
            Some(Cause::DnsOverride),
            &[
                (Check::Dns, Outcome::Fail, Some(Cause::DnsOverride), HOSTILE),
                (Check::Site, Outcome::Skipped, None, "dns failed"),
                (
                    Check::Certificate,
                    Outcome::Warn,
                    Some(Cause::CertificateExpiring),
                    HOSTILE,
                ),
                (
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
            &[(Check::Dns, Outcome::Unknown, None, HOSTILE)],
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
pub(super) fn many_causes() -> Report<'static> {
    let named = |start: &'static str| Cause::ALL.iter().filter(move |cause| cause.as_str().starts_with(start));
    let mut causes = named("site-")
        .take(6)
        .chain(named("dns-"))
        .map(|name| cause(*name, Scope::Tenant, Outcome::Fail, &["a", "b"]))
        .collect::<Vec<_>>();
    causes.extend((0..30).map(|n| cause(Cause::Unexplained, Scope::Tenant, Outcome::Fail, &[&format!("u{n}")])));
    causes.push(cause(Cause::EdgeMissing, Scope::Fleet, Outcome::Fail, &["a", "b"]));
    let tenants = ["a", "b"].map(|id| tenant(id, Status::Failing, Some(Cause::EdgeMissing), &[]));
    report(tenants.into(), causes)
}

/// Nothing was there to verify.
pub(super) fn empty() -> Report<'static> {
    let mut report = report(Vec::new(), Vec::new());
    report.exit = 3;
    report.interrupted = true;
    report
}

/// `count` tenants, each failing for a reason of its own.
pub(super) fn huge(count: usize) -> Report<'static> {
    let ids = (0..count).map(|n| format!("t{n:06}")).collect::<Vec<_>>();
    let tenants = ids
        .iter()
        .map(|id| tenant(id, Status::Failing, Some(Cause::Unexplained), &[]))
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

pub(super) fn report(tenants: Vec<TenantLine<'static>>, causes: Vec<CauseLine<'static>>) -> Report<'static> {
    let count = |status| tenants.iter().filter(|tenant| tenant.status() == status).count();
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
        schema: crate::schema::REPORT,
        domain: "example.com",
        roundsman: "0.0.0",
        started_at: Timestamp::UNIX_EPOCH,
        finished_at: Timestamp::UNIX_EPOCH,
        vantage: "here",
        edge: vec!["198.51.100.7".into()],
        exit: 1,
        interrupted: false,
        demands: Vec::new(),
        tenants_only: false,
        release: None,
        baseline: None,
        summary: Summary {
            tenants: tenants.len(),
            healthy: count(Status::Healthy),
            degraded: count(Status::Degraded),
            failing: count(Status::Failing),
            unknown: count(Status::Unknown),
            asleep: 0,
        },
        fleet: fleet
            .into_iter()
            .map(|(check, outcome, message, cause)| FleetLine {
                check,
                finding: FindingLine {
                    outcome,
                    reason: None,
                    message,
                    expected: None,
                    observed: None,
                },
                cause,
                detail: (check == "edge").then_some(both),
            })
            .collect(),
        causes,
        tenants,
    }
}

/// What stands in the place of a round's evidence lives as long as the test.
pub(super) fn kept<T>(value: T) -> &'static T {
    Box::leak(Box::new(value))
}

/// One check that is not well: its outcome, its cause, what is said of it.
type Unwell<'t> = (Check, Outcome, Option<Cause>, &'t str);

pub(super) fn tenant(id: &str, status: Status, cause: Option<Cause>, unwell: &[Unwell<'_>]) -> TenantLine<'static> {
    let domain = Hostname::parse("example.com").unwrap();
    let mut findings = Findings(Check::ALL.map(|_| timed(Finding::plain(Outcome::Pass, "fine"))));
    let mut explained = Vec::new();
    for (check, outcome, cause, message) in unwell {
        let reason = (*outcome == Outcome::Skipped).then_some(Reason::PrerequisiteDns);
        *findings.of_mut(*check) = timed(Finding::plain(*outcome, *message).because(reason));
        explained.extend(cause.map(|cause| (*check, cause)));
    }
    TenantLine {
        verdict: kept(TenantVerdict {
            tenant: TenantId::new(id),
            status,
            cause,
            explained,
            findings,
        }),
        tenant: kept(Tenant {
            app: format!("sp-{id}"),
            ..Tenant::below(&domain, id).unwrap()
        }),
    }
}

fn timed(finding: Finding) -> Finding {
    Finding {
        duration_ms: Some(12.34),
        ..finding
    }
}

fn cause(cause: Cause, scope: Scope, outcome: Outcome, tenants: &[&str]) -> CauseLine<'static> {
    let tenants = tenants.iter().map(|id| TenantId::new(*id));
    let evidence = [HOSTILE, "a second fact"].map(|text| Fact::from(CertificateFact::PlatformSays(text.into())));
    let remedy = Remedy {
        action: Action::RemoveCertificate {
            app: "\"$(touch /tmp/`id`)\"".into(),
            name: "x".into(),
        },
        automatic: false,
    };
    let tenants = kept(tenants.collect::<BTreeSet<_>>());
    CauseLine {
        cause,
        scope,
        object: &Object::Edge,
        outcome,
        tenants,
        title: cause.title(),
        explanation: cause.meaning(),
        explain: super::json::explain(cause),
        docs: roundsman_alerts::text::docs(cause.as_str()),
        confidence: Confidence::Confirmed,
        severity: cause.severity(outcome, tenants.len()),
        transient: false,
        evidence: kept(evidence),
        remedy: vec![RemedyLine::of(kept(remedy), &Flyctl)],
        ignored: false,
        is_new_warning: false,
    }
}
