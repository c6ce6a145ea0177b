//! Tenant rules about a wrong answer: who answered, and what is wrong with what was said.

use super::tenant_rules::{Rule, Subject};
use super::{Cause, Proof, Remedy};
use crate::check::{Named, answers_like, named, says_starting, status_text};
use crate::evidence::{Reason, Visit};
use crate::expectation::Identity;
use crate::finding::{Check, Outcome};

/// In order of precedence.
pub(super) const RULES: &[Rule] = &[
    (Cause::AppStarting, starting),
    (Cause::TenantUnknownToEdge, unknown_to_edge),
    (Cause::RouteWrongTenant, wrong_tenant),
    (Cause::SiteRedirect, |subject| {
        site(
            subject,
            &[Reason::HttpRedirect],
            "find out who redirects; expected: add the status to `[site] status`",
        )
    }),
    (Cause::SiteProtocol, |subject| {
        site(
            subject,
            &[Reason::HttpProtocol],
            "enable the HTTP version at the edge for this name, or set `[site] http`",
        )
    }),
    (Cause::SiteBody, |subject| {
        site(
            subject,
            &[Reason::HttpBody, Reason::HttpTooLarge],
            "look at what the app answers (its log, its last deploy)",
        )
    }),
    (Cause::SiteHeader, |subject| {
        site(
            subject,
            &[Reason::HttpHeader],
            "look at what sets the header (the app or the edge)",
        )
    }),
    (Cause::SiteStatus, |subject| {
        site(subject, &[Reason::HttpStatus], "look at the app's log for this request")
    }),
    (Cause::SiteSlow, slow),
];

/// The visit, where it brought an answer that `site` or `route` does not pass.
fn wrong_answer<'s>(subject: &'s Subject<'_, '_>) -> Option<&'s Visit> {
    let visit = subject.tenant.visit()?;
    visit.page.answer.as_ref()?;
    let unidentified = subject.findings.of(Check::Route).reason == Some(Reason::NotIdentifiable);
    (subject.fails(Check::Site) || subject.fails(Check::Route) || unidentified).then_some(visit)
}

fn starting(subject: &Subject<'_, '_>) -> Option<Proof> {
    let visit = wrong_answer(subject).filter(|_| subject.fails(Check::Site))?;
    let answer = visit.page.answer.as_ref().filter(|answer| says_starting(answer))?;
    let evidence = vec![format!("the app says so itself: {}", status_text(answer))];
    let proof = Proof::fail(&subject.tenant.tenant.app, evidence)
        .because(subject.findings.of(Check::Site).reason)
        .likely();
    Some(proof.remedy(Remedy::wait("wait until the app has booted, usually seconds")))
}

fn unknown_to_edge(subject: &Subject<'_, '_>) -> Option<Proof> {
    let visit = wrong_answer(subject)?;
    let identity = &subject.tenant.expectation.site.identity;
    let known = matches!(
        named(subject.context, &subject.tenant.tenant, identity, visit),
        Named::Self_(_) | Named::Other(..)
    );
    if known || !answers_like(subject.context, visit) {
        return None;
    }
    let answer = visit.page.answer.as_ref()?;
    let control = &subject.context.world.zone.control;
    let evidence = vec![format!(
        "{} and {control}, which exists nowhere, get the same answer: {}",
        subject.name(),
        status_text(answer)
    )];
    let remedy = Remedy::new(
        "manual",
        format!(
            "register tenant {} (app {}) at the edge",
            subject.id(),
            subject.tenant.tenant.app
        ),
    );
    let reason = subject
        .findings
        .of(Check::Site)
        .reason
        .or(Some(Reason::HttpWrongTenant));
    let proof = Proof::fail(subject.name(), evidence).because(reason).remedy(remedy);
    Some(if subject.fails(Check::Site) {
        proof
    } else {
        proof.likely()
    })
}

fn wrong_tenant(subject: &Subject<'_, '_>) -> Option<Proof> {
    let visit = subject.tenant.visit().filter(|_| subject.fails(Check::Route))?;
    let identity = &subject.tenant.expectation.site.identity;
    let app = &subject.tenant.tenant.app;
    let (whence, direct) = match named(subject.context, &subject.tenant.tenant, identity, visit) {
        Named::Other(other, whence) => (format!("{} answered: {whence}", other.app), true),
        Named::Stranger(whence) if *identity != Identity::Auto => (format!("another app answered: {whence}"), false),
        _ => return None,
    };
    let evidence = vec![format!("{} is to be answered by {app}; {whence}", subject.name())];
    let remedy = Remedy::new(
        "manual",
        format!("correct the edge's route of {} to app {app}", subject.name()),
    );
    let proof = Proof::fail(subject.name(), evidence)
        .because(Reason::HttpWrongTenant)
        .remedy(remedy);
    Some(if direct { proof } else { proof.likely() })
}

fn site(subject: &Subject<'_, '_>, reasons: &[Reason], what: &str) -> Option<Proof> {
    let finding = subject.findings.of(Check::Site);
    let reason = finding
        .reason
        .filter(|reason| subject.fails(Check::Site) && reasons.contains(reason))?;
    subject.tenant.visit()?.page.answer.as_ref()?;
    let wanted = finding
        .expected
        .as_deref()
        .map(|wanted| format!("; expected {wanted}"))
        .unwrap_or_default();
    let path = &subject.tenant.expectation.site.path;
    let evidence = vec![format!(
        "GET https://{}{path}: {}{wanted}",
        subject.name(),
        finding.message
    )];
    Some(
        Proof::fail(subject.name(), evidence)
            .because(reason)
            .remedy(Remedy::new("manual", what)),
    )
}

fn slow(subject: &Subject<'_, '_>) -> Option<Proof> {
    let finding = subject.findings.of(Check::Site);
    if finding.outcome != Outcome::Warn || finding.reason != Some(Reason::HttpSlow) {
        return None;
    }
    let visit = subject.tenant.visit()?;
    let phases = format!(
        "connect {:.0} ms, TLS {:.0} ms, first byte {:.0} ms, whole answer {:.0} ms",
        visit.connect.ms, visit.handshake.ms, visit.page.first_byte_ms, visit.page.total_ms
    );
    let limit = finding.expected.clone().unwrap_or_default();
    let evidence = vec![format!("{}; {limit}", finding.message), phases];
    let proof = Proof::fail(subject.name(), evidence)
        .outcome(Outcome::Warn)
        .because(Reason::HttpSlow);
    Some(proof.remedy(Remedy::new(
        "manual",
        "look at the app's load and its log; a higher limit: `[site] slow`",
    )))
}
