//! `app`: the tenant's app exists and runs, or is asleep and will wake by itself. Only the platform can say.

use super::platform;
use crate::evidence::{AppTold, Fault, Machine, Reason};
use crate::finding::{Finding, Outcome};
use crate::fleet::FleetContext;
use crate::reading::{AppState, MachineEnd, MachineRelease, app_state, other_releases, runs_expected, second};
use crate::world::TenantEvidence;

pub(super) fn judge(context: &FleetContext, tenant: &TenantEvidence) -> Finding {
    let platform = match platform(context) {
        Ok(platform) => platform,
        Err(finding) => return finding,
    };
    let name = &tenant.tenant.app;
    let told = tenant.told(platform);
    let state = app_state(told, &tenant.details);
    if let Some(fault) = contradiction(context, tenant, &state) {
        return Finding::plain(Outcome::Unknown, fault.detail).because(fault.reason);
    }
    match state {
        AppState::Missing => fail(
            Reason::PlatformNotFound,
            format!("no app {name} in the organization"),
            "an app",
        ),
        AppState::Unknown(fault) => Finding::plain(Outcome::Unknown, fault.detail).because(fault.reason),
        AppState::Running(count) => release(told, tenant)
            .unwrap_or_else(|| Finding::plain(Outcome::Pass, with_release(tenant, format!("{count} started")))),
        AppState::Asleep => release(told, tenant).unwrap_or_else(|| {
            Finding::plain(
                Outcome::Pass,
                with_release(tenant, "asleep, wakes by itself on a request".into()),
            )
        }),
        AppState::Starting(machine) => fail(
            Reason::PlatformStarting,
            format!("machine {} is {}", machine.id, machine.state),
            "started",
        ),
        AppState::Crashed(machine) => fail(Reason::PlatformCrashed, MachineEnd::of(machine).to_string(), "started"),
        AppState::HostDown(machine) => {
            let message = format!("the host of machine {} does not answer", machine.id);
            fail(Reason::PlatformUnavailable, message, "started")
        }
        AppState::Stuck(machine) => fail(Reason::PlatformStopped, stuck(machine), "started"),
        AppState::Stopped(None) => fail(Reason::PlatformStopped, format!("{name} has no machine"), "started"),
        AppState::Stopped(Some(machine)) => {
            let message = format!("machine {} is {} and nothing starts it", machine.id, machine.state);
            fail(Reason::PlatformStopped, message, "started")
        }
    }
}

/// What speaks against a platform by whose word nothing answers: the app's own page, as it is expected. That a machine ended
/// with a fault is no less true when it runs again.
fn contradiction(context: &FleetContext, tenant: &TenantEvidence, state: &AppState<'_>) -> Option<Fault> {
    let said = match state {
        AppState::Missing => "the list of apps has none".to_owned(),
        AppState::Stopped(None) => "no machine is listed".to_owned(),
        AppState::Starting(machine)
        | AppState::HostDown(machine)
        | AppState::Stuck(machine)
        | AppState::Stopped(Some(machine)) => format!("machine {} is listed as {}", machine.id, machine.state),
        AppState::Crashed(machine) if machine.state.has_failed() => {
            format!("machine {} is listed as {}", machine.id, machine.state)
        }
        AppState::Crashed(_) | AppState::Running(_) | AppState::Asleep | AppState::Unknown(_) => return None,
    };
    let whence = super::answers_well(context, tenant)?;
    let detail = format!("{said}, and {} answers as expected, by {whence}", tenant.tenant.app);
    Some(Fault::new(Reason::PlatformPartial, detail))
}

fn stuck(machine: &Machine) -> String {
    let since = machine.updated_at.map(|at| format!(" since {}", second(at)));
    format!(
        "machine {} is stuck in {}{}",
        machine.id,
        machine.state,
        since.unwrap_or_default()
    )
}

/// What keeps an app that runs from being the release that is expected: nothing where none is.
fn release(told_app: AppTold<'_>, tenant: &TenantEvidence) -> Option<Finding> {
    let expected = tenant.expectation.image.as_ref()?;
    let app = told_app.app?;
    if let Some(machine) = other_releases(expected, app).first() {
        let message = MachineRelease::of(machine).to_string();
        return Some(fail(
            Reason::PlatformRelease,
            message,
            &format!("{expected} on every machine"),
        ));
    }
    let untold = app
        .machines
        .iter()
        .find(|machine| !machine.is_gone() && runs_expected(expected, app, machine).is_none());
    let untold = untold.map(|machine| {
        let message = format!(
            "the platform does not tell whether machine {} runs {expected}",
            machine.id
        );
        Fault::new(Reason::PlatformPartial, message)
    });
    let fault = untold.or_else(|| told_app.machines_missing())?;
    Some(Finding::plain(Outcome::Unknown, fault.detail).because(fault.reason))
}

fn with_release(tenant: &TenantEvidence, message: String) -> String {
    match &tenant.expectation.image {
        Some(expected) => format!("{message}, {} on every machine", expected.short()),
        None => message,
    }
}

/// A tenant that somebody asked for and that nobody names: it fails, whichever checks were chosen.
pub(super) fn unlisted() -> Finding {
    fail(
        Reason::PlatformNotFound,
        "no source of the inventory names this tenant".into(),
        "a tenant of the inventory",
    )
}

fn fail(reason: Reason, message: String, expected: &str) -> Finding {
    Finding::plain(Outcome::Fail, message.clone())
        .because(reason)
        .comparing(expected, message)
}
