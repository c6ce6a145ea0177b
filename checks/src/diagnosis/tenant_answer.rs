//! Tenant rules about a wrong answer: who answered, and what is wrong with what was said.

use super::tenant_rules::{Rule, Subject};
use super::{Cause, Proof, Remedy, tenant_replay};
use crate::check::{Named, answers_like, named, says_starting, status_text};
use crate::evidence::{App, Platform, Reason, Visit};
use crate::expectation::Identity;
use crate::finding::{Check, Outcome};

/// In order of precedence.
pub(super) const RULES: &[Rule] = &[
    (Cause::AppStarting, starting),
    (Cause::TenantUnknownToEdge, unknown_to_edge),
    (Cause::RouteWrongApp, tenant_replay::wrong_app),
    (Cause::RouteWrongTenant, wrong_tenant),
    (Cause::RouteBroken, route_broken),
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
    (Cause::AppUnhealthy, app_unhealthy),
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

/// Whether a visit brought no answer, or one of a server's faults.
fn is_down(visit: &Visit) -> bool {
    let unanswered =
        visit.page.answer.is_none() && (visit.channel_end().reason().is_some() || visit.page.end.reason().is_some());
    unanswered || visit.page.answer.as_ref().is_some_and(|answer| answer.status >= 500)
}

/// Whether a visit brought an answer with an expected status.
fn is_right(subject: &Subject<'_, '_>, visit: &Visit) -> bool {
    let status = visit.page.answer.as_ref().map(|answer| answer.status);
    status.is_some_and(|status| subject.tenant.expectation.site.status.contains(&status))
}

fn told(visit: &Visit) -> String {
    match (
        &visit.page.answer,
        visit.channel_end().reason().or(visit.page.end.reason()),
    ) {
        (Some(answer), _) => format!("status {}", status_text(answer)),
        (None, Some(reason)) => reason.to_string(),
        (None, None) => "no answer".into(),
    }
}

/// Right when asked directly, wrong through the edge. An app without a public address is asked by its own health checks.
fn route_broken(subject: &Subject<'_, '_>) -> Option<Proof> {
    let visit = subject
        .tenant
        .visit()
        .filter(|visit| subject.fails(Check::Site) && visit.handshake.end.is_done() && is_down(visit))?;
    let platform = subject.context.world.platform.known()?;
    let app = platform.apps.get(&subject.tenant.tenant.app)?;
    let direct = subject.tenant.direct.as_ref();
    let checks_pass = app.addresses.is_empty()
        && app
            .machines
            .iter()
            .any(|machine| machine.state == "started" && machine.healthy == Some(true));
    let right = direct.is_some_and(|direct| is_right(subject, direct));
    if !right && !checks_pass {
        return None;
    }
    let own = direct.map_or_else(
        || "its own health checks pass".to_owned(),
        |direct| format!("asked directly it answers {}", told(direct)),
    );
    let mut evidence = vec![format!("through the edge {} answers {}; {own}", app.name, told(visit))];
    let (why, command) = between(platform, app);
    evidence.extend(why);
    let proof = Proof::fail(&app.name, evidence).because(subject.findings.of(Check::Site).reason);
    let proof = proof.remedy(Remedy::new("manual", command));
    Some(if right { proof } else { proof.likely() })
}

/// What lies between the edge and the app, where the platform knows.
fn between(platform: &Platform, app: &App) -> (Option<String>, String) {
    let closed = app
        .machines
        .iter()
        .any(|machine| machine.ports.as_ref().is_some_and(|ports| !ports.contains(&443)));
    if closed {
        let why = format!(
            "{} has no service on port 443, which a replayed request needs",
            app.name
        );
        return (
            Some(why),
            format!(
                "add a service on 443 to {}'s fly.toml, then: fly deploy -a {0}",
                app.name
            ),
        );
    }
    let edge = platform.apps.get(&platform.edge_app);
    let apart = edge.is_some_and(|edge| edge.network != app.network) && platform.cross_network_replays == Some(false);
    if apart {
        let why = format!(
            "{} is on another network than the edge, and the organization allows no replays across networks",
            app.name
        );
        return (
            Some(why),
            format!("allow cross-network replays in organization {}", platform.organization),
        );
    }
    (
        None,
        format!(
            "look at the edge's log for the replay: fly logs -a {}",
            platform.edge_app
        ),
    )
}

/// A server's fault both ways.
fn app_unhealthy(subject: &Subject<'_, '_>) -> Option<Proof> {
    let visit = subject
        .tenant
        .visit()
        .filter(|visit| subject.fails(Check::Site) && visit.handshake.end.is_done() && is_down(visit))?;
    let direct = subject.tenant.direct.as_ref().filter(|direct| is_down(direct))?;
    let app = &subject.tenant.tenant.app;
    let evidence = vec![format!(
        "through the edge {app} answers {}, directly {}",
        told(visit),
        told(direct)
    )];
    let proof = Proof::fail(app, evidence).because(subject.findings.of(Check::Site).reason);
    Some(proof.remedy(Remedy::new("manual", format!("fly logs -a {app}"))))
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
