//! What would settle what is open: the deeper looks that run only where something failed.

use std::net::SocketAddr;

use super::agent::rests_on_apis;
use super::tenant_dns::is_blocked;
use super::{Judgement, tenant_override, tenant_replay};
use crate::chain::fails_by_dates_alone;
use crate::check::Findings;
use crate::evidence::{Reason, Visit};
use crate::finding::{Check, Outcome};
use crate::fleet::FleetContext;
use crate::reading::{AppState, app_state, is_limited};
use crate::target::TenantId;
use crate::world::TenantEvidence;

/// A look that a diagnosis asks for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum FollowUp {
    /// The control name again, without haste, at this address.
    Control(SocketAddr),
    /// What clock the edge at this address keeps.
    Date(SocketAddr),
    /// Whether the APIs answer now.
    Apis,
    /// What stands at or below this tenant's name.
    Blockers(TenantId),
    /// This tenant's name and the control name some times more, at the server that told them apart.
    Repetition(TenantId),
    /// This tenant again, without haste, at this address.
    Unhurried(TenantId, SocketAddr),
    /// This tenant at another address of the edge.
    OtherAddress(TenantId, SocketAddr),
    /// This tenant's app asked directly, past the edge.
    Direct(TenantId),
    /// What the health checks of this tenant's app say.
    Checks(TenantId),
    /// What the edge's log says of requests for this tenant.
    Log(TenantId),
}

impl FollowUp {
    /// The tenant that it is about, where it is about one.
    #[must_use]
    pub fn tenant(&self) -> Option<&TenantId> {
        match self {
            Self::Control(_) | Self::Date(_) | Self::Apis => None,
            Self::Blockers(tenant)
            | Self::Repetition(tenant)
            | Self::Unhurried(tenant, _)
            | Self::OtherAddress(tenant, _)
            | Self::Direct(tenant)
            | Self::Checks(tenant)
            | Self::Log(tenant) => Some(tenant),
        }
    }
}

/// What is worth asking about the fleet, in the order in which it should be asked.
pub(crate) fn of_fleet(context: &FleetContext) -> Vec<FollowUp> {
    let controls = || context.fleet.edge.controls.iter();
    let again = controls().filter_map(|visit| control(context, visit));
    let dates = controls().filter_map(|visit| date(context, Some(visit)));
    let apis = rests_on_apis(context).then_some(FollowUp::Apis);
    again.chain(dates).chain(apis).collect()
}

/// What is worth asking about a tenant that was judged so. Its log is proposed whoever else's was asked for already.
pub(super) fn of_tenant(context: &FleetContext, tenant: &TenantEvidence, findings: &Findings) -> Vec<FollowUp> {
    let id = &tenant.tenant.id;
    let mut asked = Vec::new();
    asked.extend(date(context, tenant.visit()));
    asked.extend(blockers(context, tenant, findings).then(|| FollowUp::Blockers(id.clone())));
    let repetition = tenant_override::is_worth_repeating(context, tenant, findings);
    asked.extend(repetition.then(|| FollowUp::Repetition(id.clone())));
    asked.extend(visit(context, tenant));
    asked.extend(page(context, tenant, findings));
    asked.extend(direct(context, tenant, findings));
    let log = tenant_replay::is_worth_asking(context, tenant, findings);
    asked.extend(log.then(|| FollowUp::Log(id.clone())));
    asked
}

/// What is open about fleet and tenants together, each once; for `logs_asked` tenants the edge's log was asked already.
pub(crate) fn follow_ups<'j>(
    context: &FleetContext,
    judgements: impl Iterator<Item = &'j Judgement>,
    logs_asked: usize,
) -> Vec<FollowUp> {
    let mut open = of_fleet(context);
    open.extend(judgements.flat_map(|judgement| judgement.follow_ups.iter().cloned()));
    open.sort();
    open.dedup();
    limit_logs(&mut open, logs_asked);
    open
}

/// Keeps as many questions for the log as may still be asked; `asked` were before.
fn limit_logs(follow_ups: &mut Vec<FollowUp>, asked: usize) {
    let mut left = MOST_LOGS.saturating_sub(asked);
    follow_ups.retain(|follow_up| match follow_up {
        FollowUp::Log(_) => {
            let kept = left > 0;
            left = left.saturating_sub(1);
            kept
        }
        _ => true,
    });
}

/// How many tenants' lines are looked for in one round.
const MOST_LOGS: usize = 20;

fn control(context: &FleetContext, visit: &Visit) -> Option<FollowUp> {
    let again = context
        .fleet
        .edge
        .rechecks
        .iter()
        .any(|recheck| recheck.address == visit.address);
    (visit.was_cut() && !again).then_some(FollowUp::Control(visit.address))
}

fn date(context: &FleetContext, visit: Option<&Visit>) -> Option<FollowUp> {
    let visit = visit.filter(|visit| fails_by_dates_alone(&visit.handshake.faults))?;
    let asked = context
        .fleet
        .vantage
        .dates
        .iter()
        .any(|look| look.address == visit.address);
    (!asked).then_some(FollowUp::Date(visit.address))
}

/// The app itself, where its page fails: asked directly, or by its own health checks where it has no public address.
fn direct(context: &FleetContext, tenant: &TenantEvidence, findings: &Findings) -> Option<FollowUp> {
    let platform = context.platform()?;
    let told = tenant.told(platform);
    let app = told.app?;
    let state = app_state(told, &[]);
    // Only the details of a machine tell whether its host is down: then nothing starts it there.
    if matches!(state, AppState::Stopped(Some(_)) | AppState::Crashed(_)) {
        let open = tenant.word.is_none() && !tenant.checks_asked;
        let fails = findings.of(Check::App).outcome == Outcome::Fail && open;
        return fails.then(|| FollowUp::Checks(tenant.tenant.id.clone()));
    }
    let runs = matches!(state, AppState::Running(_));
    if !runs || findings.of(Check::Site).outcome != Outcome::Fail {
        return None;
    }
    let id = || tenant.tenant.id.clone();
    let checks_told = tenant.is_healthy(app).is_some();
    match (app.addresses.is_empty(), tenant.direct.as_deref()) {
        (true, _) => (!checks_told && !tenant.checks_asked).then(|| FollowUp::Checks(id())),
        (false, None) => Some(FollowUp::Direct(id())),
        // An app that nobody reaches, though it is said to run: its hosts may be down.
        (false, Some(direct)) => {
            let silent = direct.page.answer.as_ref().is_none_or(|answer| answer.status >= 500);
            (silent && !tenant.checks_asked).then(|| FollowUp::Checks(id()))
        }
    }
}

fn blockers(context: &FleetContext, tenant: &TenantEvidence, findings: &Findings) -> bool {
    let fails = findings.of(Check::Dns).outcome == Outcome::Fail;
    fails && tenant.dns.blockers.is_empty() && is_blocked(context, tenant)
}

/// A visit that failed is repeated before anything is said: without haste where it was cut, at another address where
/// the address itself may be to blame. Where the control name fails everywhere there is nothing to settle.
fn visit(context: &FleetContext, tenant: &TenantEvidence) -> Option<FollowUp> {
    let failed = tenant.visit().filter(|visit| visit.channel_end().reason().is_some())?;
    let control = |address: SocketAddr| context.fleet.edge.control_at(address);
    let stands = |address| control(address).is_some_and(|control| control.handshake.end.is_done());
    if failed.was_cut() && control(failed.address).is_some_and(Visit::was_served) && tenant.retries.is_empty() {
        return Some(FollowUp::Unhurried(tenant.tenant.id.clone(), failed.address));
    }
    let untried = context
        .fleet
        .edge
        .sockets()
        .find(|socket| stands(*socket) && tenant.all_visits().all(|visit| visit.address != *socket));
    let about_the_chain = !failed.handshake.faults.is_empty();
    if about_the_chain && stands(failed.address) || failed.channel_end().reason() == Some(Reason::TlsMalformed) {
        return None;
    }
    untried.map(|socket| FollowUp::OtherAddress(tenant.tenant.id.clone(), socket))
}

/// A page that fails is asked for at the other addresses of the edge before anything is said; then again without haste,
/// where the server said that it did not look at the request, or asked for a pause. Whether a limit is for everybody, the
/// control name tells. Where the platform says that the app does not run there is nothing to be had anywhere.
fn page(context: &FleetContext, tenant: &TenantEvidence, findings: &Findings) -> Vec<FollowUp> {
    let is = |check: Check, outcome| findings.of(check).outcome == outcome;
    let fails = is(Check::Site, Outcome::Fail) && !is(Check::App, Outcome::Fail);
    let Some(failed) = tenant.visit().filter(|visit| fails && tenant.lacks_page(visit)) else {
        return Vec::new();
    };
    let id = || tenant.tenant.id.clone();
    let limited = is_limited(failed);
    let edge = &context.fleet.edge;
    let stands = |address| {
        edge.control_at(address)
            .is_some_and(|control| control.handshake.end.is_done())
    };
    let untried = |socket: &SocketAddr| stands(*socket) && tenant.all_visits().all(|visit| visit.address != *socket);
    let others = edge.sockets().filter(untried).filter(|_| !limited).take(MOST_ADDRESSES);
    let mut asked = others
        .map(|socket| FollowUp::OtherAddress(id(), socket))
        .collect::<Vec<_>>();
    if asked.is_empty() && (limited || failed.was_refused()) && tenant.retries.is_empty() {
        asked.push(FollowUp::Unhurried(id(), failed.address));
    }
    let again = edge.rechecks.iter().any(|recheck| recheck.address == failed.address);
    let settled = again || edge.control_at(failed.address).is_some_and(is_limited);
    asked.extend((limited && !settled).then_some(FollowUp::Control(failed.address)));
    asked
}

/// At how many other addresses a page is asked for at most.
const MOST_ADDRESSES: usize = 4;
