//! Tenant rule about what the edge's log says: to which app it replays requests for the name.

use super::tenant_rules::TenantContext;
use super::{AnswerFact, Fact, Object, Proof, Remedy};
use crate::check::{Findings, answers_like, says_starting};
use crate::evidence::{ApiAnswer, LogLine, Reason};
use crate::finding::{Check, Outcome};
use crate::fleet::FleetContext;
use crate::logs::Replay;
use crate::reading::{AppState, StatusLine, app_state};
use crate::world::TenantEvidence;

/// Whether the edge's log may tell why a tenant answers wrongly: its site or its route fails with an answer, and
/// neither its app nor an edge that does not know the name explains it.
pub(super) fn is_worth_asking(context: &FleetContext, tenant: &TenantEvidence, findings: &Findings) -> bool {
    let Some(platform) = context.platform() else {
        return false;
    };
    if !matches!(tenant.log.edge, ApiAnswer::NotConfigured) {
        return false;
    }
    let Some((visit, answer)) = tenant
        .visit()
        .and_then(|visit| Some((visit, visit.page.answer.as_ref()?)))
    else {
        return false;
    };
    let fails = |check| {
        let finding = findings.of(check);
        finding.outcome == Outcome::Fail && finding.reason != Some(Reason::HttpRelease)
    };
    let explained = match app_state(tenant.told(platform), &[]) {
        AppState::Running(_) | AppState::Unknown(_) => false,
        AppState::Asleep => !tenant.woken,
        _ => true,
    };
    (fails(Check::Site) || fails(Check::Route)) && !explained && !answers_like(context, visit) && !says_starting(answer)
}

/// The edge says itself that it replays the name elsewhere. Its latest word counts.
pub(super) fn wrong_app(subject: &TenantContext<'_>) -> Option<Proof> {
    let visit = subject.tenant.visit()?;
    let answer = visit.page.answer.as_ref()?;
    if !subject.fails(Check::Site) && !subject.fails(Check::Route) {
        return None;
    }
    let lines = subject.tenant.log.edge.known()?;
    let (tenant, domain) = (&subject.tenant.tenant, &subject.context.fleet.domain);
    let replays = lines
        .iter()
        .filter_map(|line| Some((line, Replay::read(&line.message)?)))
        .filter(|(_, replay)| replay.is_of(&tenant.hostname, domain));
    let (line, replay) = replays.max_by_key(|(line, _)| line.at)?;
    if replay.app == tenant.app {
        return None;
    }
    let edge = &line.app;
    let replayed = AnswerFact::Replayed {
        name: subject.name().to_owned(),
        app: tenant.app.clone(),
        edge: edge.clone(),
        to: replay.app.clone(),
        answer: StatusLine::of(answer),
    };
    let refused = lines.iter().find(|line| line.error_code.is_some()).map(quoted);
    let evidence = [replayed, quoted(line)]
        .into_iter()
        .chain(absent(subject, &replay.app))
        .chain(refused);
    let remedy = Remedy::advise(format!(
        "correct the edge's route of {} to app {}",
        subject.name(),
        tenant.app
    ));
    let site = subject.findings.of(Check::Site).reason;
    let reason = site.filter(|_| subject.fails(Check::Site));
    let object = Object::Name(subject.name().to_owned());
    let proof = Proof::fail(object, evidence.map(Fact::from).collect());
    let proof = proof.because(reason.or(Some(Reason::HttpWrongTenant)));
    Some(proof.remedy(remedy))
}

fn quoted(line: &LogLine) -> AnswerFact {
    AnswerFact::Log {
        app: line.app.clone(),
        at: line.at,
        message: line.message.clone(),
    }
}

/// That the app which gets the requests does not exist, where the platform knows all apps.
fn absent(subject: &TenantContext<'_>, app: &str) -> Option<AnswerFact> {
    let platform = subject.context.platform()?;
    let missing = platform.apps_missing.is_none() && !platform.apps.contains_key(app);
    missing.then(|| AnswerFact::NoApp {
        app: app.to_owned(),
        organization: platform.organization.clone(),
    })
}
