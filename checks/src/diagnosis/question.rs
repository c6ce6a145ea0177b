//! What would settle what is open: the deeper looks that run only where something failed.

use std::net::SocketAddr;

use super::tenant_dns::is_blocked;
use super::tenant_replay;
use crate::chain::fails_by_dates_alone;
use crate::check::{Condition, Context, Findings, condition};
use crate::evidence::{Reason, Visit};
use crate::finding::{Check, Outcome};
use crate::world::TenantWorld;

/// A look that a diagnosis asks for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Question {
    /// The control name again, without haste, at this address.
    Control(SocketAddr),
    /// What clock the edge at this address keeps.
    Date(SocketAddr),
    /// What stands at or below this tenant's name. The index is that of the world's tenants.
    Blockers(usize),
    /// This tenant again, without haste, at this address.
    Unhurried(usize, SocketAddr),
    /// This tenant at another address of the edge.
    OtherAddress(usize, SocketAddr),
    /// This tenant's app asked directly, past the edge.
    Direct(usize),
    /// What the health checks of this tenant's app say.
    Checks(usize),
    /// What the edge's log says of requests for this tenant.
    Log(usize),
}

/// Everything that is worth asking, in the order in which it should be asked.
pub(super) fn questions(context: &Context<'_>, findings: &[Findings]) -> Vec<Question> {
    let mut questions = context
        .world
        .edge
        .controls
        .iter()
        .filter_map(|visit| control(context, visit))
        .collect::<Vec<_>>();
    for (index, tenant) in context.world.tenants.iter().enumerate() {
        questions.extend(date(context, tenant.visit()));
        questions.extend(blockers(context, tenant, &findings[index]).then_some(Question::Blockers(index)));
        questions.extend(visit(context, index, tenant));
        questions.extend(direct(context, index, tenant, &findings[index]));
    }
    questions.extend(
        context
            .world
            .edge
            .controls
            .iter()
            .filter_map(|visit| date(context, Some(visit))),
    );
    let tenants = context.world.tenants.iter().zip(findings).enumerate();
    let logged = tenants.filter(|(_, (tenant, findings))| tenant_replay::is_worth_asking(context, tenant, findings));
    let most = tenant_replay::left(context);
    questions.extend(logged.take(most).map(|(index, _)| Question::Log(index)));
    questions.sort();
    questions.dedup();
    questions
}

fn control(context: &Context<'_>, visit: &Visit) -> Option<Question> {
    let again = context
        .world
        .edge
        .rechecks
        .iter()
        .any(|recheck| recheck.address == visit.address);
    (visit.was_cut() && !again).then_some(Question::Control(visit.address))
}

fn date(context: &Context<'_>, visit: Option<&Visit>) -> Option<Question> {
    let visit = visit.filter(|visit| fails_by_dates_alone(&visit.handshake.faults))?;
    let asked = context
        .world
        .vantage
        .dates
        .iter()
        .any(|look| look.address == visit.address);
    (!asked).then_some(Question::Date(visit.address))
}

/// An app is asked directly where its page fails and the platform says that it runs: a sleeping one never.
/// The app itself, where its page fails: asked directly, or by its own health checks where it has no public address.
fn direct(context: &Context<'_>, index: usize, tenant: &TenantWorld, findings: &Findings) -> Option<Question> {
    let platform = context.world.platform.known()?;
    let app = platform.apps.get(&tenant.tenant.app)?;
    let runs = matches!(condition(platform, &tenant.tenant.app), Condition::Running(_));
    if !runs || findings.of(Check::Site).outcome != Outcome::Fail {
        return None;
    }
    let told = app.machines.iter().any(|machine| machine.healthy.is_some());
    match app.addresses.is_empty() {
        true => (!told && !tenant.checks_asked).then_some(Question::Checks(index)),
        false => tenant.direct.is_none().then_some(Question::Direct(index)),
    }
}

fn blockers(context: &Context<'_>, tenant: &TenantWorld, findings: &Findings) -> bool {
    let fails = findings.of(Check::Dns).outcome == Outcome::Fail;
    fails && tenant.dns.blockers.is_empty() && is_blocked(context, tenant)
}

/// A visit that failed is repeated before anything is said: without haste where it was cut, at another address where
/// the address itself may be to blame. Where the control name fails everywhere there is nothing to settle.
fn visit(context: &Context<'_>, index: usize, tenant: &TenantWorld) -> Option<Question> {
    let failed = tenant.visit().filter(|visit| visit.channel_end().reason().is_some())?;
    let stands = |address: SocketAddr| {
        context
            .world
            .edge
            .control_at(address)
            .is_some_and(|control| control.handshake.end.is_done())
    };
    if failed.was_cut() && stands(failed.address) && tenant.retries.is_empty() {
        return Some(Question::Unhurried(index, failed.address));
    }
    let untried = context
        .world
        .edge
        .sockets()
        .find(|socket| stands(*socket) && tenant.all_visits().all(|visit| visit.address != *socket));
    let about_the_chain = !failed.handshake.faults.is_empty();
    if about_the_chain && stands(failed.address) || failed.channel_end().reason() == Some(Reason::TlsMalformed) {
        return None;
    }
    untried.map(|socket| Question::OtherAddress(index, socket))
}
