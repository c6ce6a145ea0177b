//! Tenant rules about a wrong answer: who answered, and what is wrong with what was said.

use super::tenant_rules::TenantContext;
use super::{AnswerFact, Fact, Heard, Object, PlatformStep, Proof, Remedy, Wait};
use crate::check::{Responder, answers_like, named, says_starting};
use crate::evidence::{App, Machine, Platform, Reason, Visit};
use crate::expectation::Identity;
use crate::finding::{Check, Outcome};
use crate::reading::{StatusLine, deciding};

/// The visit, where it brought an answer that `site` or `route` does not pass.
fn wrong_answer<'s>(subject: &'s TenantContext<'_>) -> Option<&'s Visit> {
    let visit = subject.tenant.visit()?;
    visit.page.answer.as_ref()?;
    (subject.fails(Check::Site) || subject.fails(Check::Route)).then_some(visit)
}

/// Whether the tenant's own app answered, by what the answer says: whatever is wrong with it, the edge knows the way.
pub(super) fn own_app_answered(subject: &TenantContext<'_>) -> bool {
    let identity = &subject.tenant.expectation.site.identity;
    let named = |visit| named(subject.context, &subject.tenant.tenant, identity, visit);
    let visit = subject.tenant.visit();
    visit.is_some_and(|visit| matches!(named(visit), Responder::Tenant(_)))
}

pub(super) fn starting(subject: &TenantContext<'_>) -> Option<Proof> {
    let visit = wrong_answer(subject).filter(|_| subject.fails(Check::Site))?;
    let answer = visit.page.answer.as_ref().filter(|answer| says_starting(answer))?;
    let says = AnswerFact::SaysStarting(StatusLine::of(answer));
    let proof = Proof::fail(Object::App(subject.tenant.tenant.app.clone()), vec![says.into()])
        .because(subject.findings.of(Check::Site).reason)
        .likely();
    Some(proof.remedy(Remedy::wait(Wait::Boot)))
}

pub(super) fn unknown_to_edge(subject: &TenantContext<'_>) -> Option<Proof> {
    let visit = wrong_answer(subject)?;
    let identity = &subject.tenant.expectation.site.identity;
    let another = matches!(
        named(subject.context, &subject.tenant.tenant, identity, visit),
        Responder::OtherTenant(..)
    );
    if another || !answers_like(subject.context, visit) {
        return None;
    }
    let answer = visit.page.answer.as_ref()?;
    let alike = AnswerFact::LikeUnknown {
        name: subject.name().to_owned(),
        control: subject.context.fleet.zone.control.to_string(),
        answer: StatusLine::of(answer),
    };
    let remedy = Remedy::advise(format!(
        "register tenant {} (app {}) at the edge",
        subject.id(),
        subject.tenant.tenant.app
    ));
    let reason = subject
        .findings
        .of(Check::Site)
        .reason
        .or(Some(Reason::HttpWrongTenant));
    let object = Object::Name(subject.name().to_owned());
    let proof = Proof::fail(object, vec![alike.into()]).because(reason).remedy(remedy);
    Some(if subject.fails(Check::Site) {
        proof
    } else {
        proof.likely()
    })
}

pub(super) fn wrong_tenant(subject: &TenantContext<'_>) -> Option<Proof> {
    let visit = subject.tenant.visit().filter(|_| subject.fails(Check::Route))?;
    let identity = &subject.tenant.expectation.site.identity;
    let app = &subject.tenant.tenant.app;
    let (other, by) = match named(subject.context, &subject.tenant.tenant, identity, visit) {
        Responder::OtherTenant(other, whence) => (Some(other.app.clone()), whence),
        Responder::Unrecognised(whence) if *identity != Identity::Auto => (None, whence),
        _ => return None,
    };
    let direct = other.is_some();
    let answered = AnswerFact::AnsweredBy {
        name: subject.name().to_owned(),
        app: app.clone(),
        other,
        by,
    };
    let remedy = Remedy::advise(format!("correct the edge's route of {} to app {app}", subject.name()));
    let proof = Proof::fail(Object::Name(subject.name().to_owned()), vec![answered.into()])
        .because(Reason::HttpWrongTenant)
        .remedy(remedy);
    Some(if direct { proof } else { proof.likely() })
}

/// An answer that is not as expected for one of these reasons, and nothing deeper was found.
pub(super) fn site(subject: &TenantContext<'_>, reasons: &[Reason]) -> Option<Proof> {
    let finding = subject.findings.of(Check::Site);
    let reason = finding
        .reason
        .filter(|reason| subject.fails(Check::Site) && reasons.contains(reason))?;
    let answer = subject.tenant.visit()?.page.answer.as_ref()?;
    let page = AnswerFact::Page {
        url: format!("https://{}{}", subject.name(), subject.tenant.expectation.site.path),
        reason,
        status: answer.status,
        message: finding.message.clone(),
        expected: finding.expected.clone(),
    };
    Some(
        Proof::fail(Object::Name(subject.name().to_owned()), vec![page.into()])
            .because(reason)
            .remedy(what_to_do(reason)),
    )
}

fn what_to_do(reason: Reason) -> Remedy {
    match reason {
        Reason::HttpRedirect => {
            Remedy::advise("find out what sends the redirect; if it is intended, add its status to `[site] status`")
        }
        Reason::HttpProtocol => {
            Remedy::advise("enable the HTTP version at the edge for this name, or set `[site] http`")
        }
        Reason::HttpHeader => Remedy::look("look at what should set the header: the app or the edge"),
        Reason::HttpStatus => Remedy::look("look at the app's log for this request"),
        _ => Remedy::look("look at the app: its log, its last deploy"),
    }
}

/// Whether a visit brought no answer, or one of a server's faults.
fn is_down(visit: &Visit) -> bool {
    let unanswered =
        visit.page.answer.is_none() && (visit.channel_end().reason().is_some() || visit.page.end.reason().is_some());
    unanswered || visit.page.answer.as_ref().is_some_and(|answer| answer.status >= 500)
}

/// Whether a visit brought an answer with an expected status.
fn is_right(subject: &TenantContext<'_>, visit: &Visit) -> bool {
    let status = visit.page.answer.as_ref().map(|answer| answer.status);
    status.is_some_and(|status| subject.tenant.expectation.site.status.contains(&status))
}

/// Right when asked directly, wrong through the edge. An app without a public address is asked by its own health checks.
pub(super) fn route_broken(subject: &TenantContext<'_>) -> Option<Proof> {
    let visit = subject
        .tenant
        .visit()
        .filter(|visit| subject.fails(Check::Site) && visit.handshake.end.is_done() && is_down(visit))?;
    let platform = subject.context.platform()?;
    let app = subject.tenant.told(platform).app?;
    let direct = subject.tenant.direct.as_deref();
    let is_private = app.addresses.is_empty() && app.addresses_missing.is_none();
    let checks_pass = is_private && subject.tenant.is_healthy(app) == Some(true);
    let right = direct.is_some_and(|direct| is_right(subject, direct));
    if !right && !checks_pass {
        return None;
    }
    let ways = AnswerFact::BothWays {
        app: app.name.clone(),
        edge: Heard::of(visit),
        direct: direct.map(Heard::of),
    };
    let (why, step) = between(subject.context.edge_app(), platform, app);
    let evidence = std::iter::once(ways).chain(why).map(Fact::from);
    let proof = Proof::fail(Object::App(app.name.clone()), evidence.collect());
    let proof = proof.because(subject.findings.of(Check::Site).reason);
    let proof = proof.remedy(Remedy::platform(step));
    Some(if right { proof } else { proof.likely() })
}

/// What lies between the edge and the app, where the platform knows.
fn between(edge: Option<&App>, platform: &Platform, app: &App) -> (Option<AnswerFact>, PlatformStep) {
    // A worker beside the machines that serve has no port at all.
    let lacks = |machine: &&Machine| machine.ports.as_ref().is_some_and(|ports| !ports.contains(&443));
    let serving = deciding(app);
    if !serving.is_empty() && serving.iter().all(lacks) {
        let why = AnswerFact::NoService(app.name.clone());
        return (Some(why), PlatformStep::AddService(app.name.clone()));
    }
    let apart = edge.is_some_and(|edge| edge.network != app.network) && platform.cross_network_replays == Some(false);
    if apart {
        let why = AnswerFact::OtherNetwork(app.name.clone());
        return (Some(why), PlatformStep::AllowReplays(platform.organization.clone()));
    }
    (None, PlatformStep::ReadReplays(platform.edge_app.clone()))
}

/// A server's fault both ways.
pub(super) fn app_unhealthy(subject: &TenantContext<'_>) -> Option<Proof> {
    let visit = subject
        .tenant
        .visit()
        .filter(|visit| subject.fails(Check::Site) && visit.handshake.end.is_done() && is_down(visit))?;
    let direct = subject.tenant.direct.as_ref().filter(|direct| is_down(direct))?;
    let app = &subject.tenant.tenant.app;
    let wrong = AnswerFact::WrongBothWays {
        app: app.clone(),
        edge: Heard::of(visit),
        direct: Heard::of(direct),
    };
    let proof = Proof::fail(Object::App(app.clone()), vec![wrong.into()]);
    let proof = proof.because(subject.findings.of(Check::Site).reason);
    Some(proof.remedy(Remedy::platform(PlatformStep::ReadLog(app.clone()))))
}

pub(super) fn slow(subject: &TenantContext<'_>) -> Option<Proof> {
    let finding = subject.findings.of(Check::Site);
    if finding.outcome != Outcome::Warn || finding.reason != Some(Reason::HttpSlow) {
        return None;
    }
    let visit = subject.tenant.visit()?;
    let slow = AnswerFact::Slow {
        message: finding.message.clone(),
        limit: finding.expected.clone().unwrap_or_default(),
    };
    let phases = AnswerFact::Phases {
        connect: visit.connect.ms,
        tls: visit.handshake.ms,
        first_byte: visit.page.first_byte_ms,
        total: visit.page.total_ms,
    };
    let object = Object::Name(subject.name().to_owned());
    let proof = Proof::fail(object, vec![slow.into(), phases.into()])
        .outcome(Outcome::Warn)
        .because(Reason::HttpSlow);
    Some(proof.remedy(Remedy::look(
        "look at the app's load and its log; `[site] slow` sets the limit",
    )))
}
