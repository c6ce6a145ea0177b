//! `app`: the tenant's app exists and runs, or is asleep and will wake by itself. Only the platform can say.

use super::platform;
use crate::evidence::{App, Exit, Fault, Machine, Platform, Reason};
use crate::finding::{Finding, Outcome};
use crate::fleet::FleetContext;
use crate::reading::{MachineEnd, MachineRelease};
use crate::release::ExpectedImage;
use crate::world::TenantEvidence;

pub(super) fn judge(context: &FleetContext, tenant: &TenantEvidence) -> Finding {
    let platform = match platform(context) {
        Ok(platform) => platform,
        Err(finding) => return finding,
    };
    let name = &tenant.tenant.app;
    match app_state(platform, name) {
        AppState::Missing => fail(
            Reason::PlatformNotFound,
            format!("no app {name} in the organization"),
            "an app",
        ),
        AppState::Unknown(fault) => Finding::plain(Outcome::Unknown, fault.detail).because(fault.reason),
        AppState::Running(count) => release(platform, tenant)
            .unwrap_or_else(|| Finding::plain(Outcome::Pass, with_release(tenant, format!("{count} started")))),
        AppState::Asleep => release(platform, tenant).unwrap_or_else(|| {
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
        AppState::Stopped(None) => fail(Reason::PlatformStopped, format!("{name} has no machine"), "started"),
        AppState::Stopped(Some(machine)) => {
            let message = format!("machine {} is {} and nothing starts it", machine.id, machine.state);
            fail(Reason::PlatformStopped, message, "started")
        }
    }
}

/// What keeps an app that runs from being the release that is expected: nothing where none is.
fn release(platform: &Platform, tenant: &TenantEvidence) -> Option<Finding> {
    let expected = tenant.expectation.image.as_ref()?;
    let app = platform.apps.get(&tenant.tenant.app)?;
    if let Some(machine) = others(expected, app).first() {
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
        .find(|machine| !machine.is_gone() && told(expected, app, machine).is_none());
    let untold = untold.map(|machine| {
        let message = format!(
            "the platform does not tell whether machine {} runs {expected}",
            machine.id
        );
        Fault::new(Reason::PlatformPartial, message)
    });
    let fault = untold.or_else(|| missing(platform, app))?;
    Some(Finding::plain(Outcome::Unknown, fault.detail).because(fault.reason))
}

fn with_release(tenant: &TenantEvidence, message: String) -> String {
    match &tenant.expectation.image {
        Some(expected) => format!("{message}, {} on every machine", expected.short()),
        None => message,
    }
}

/// The machines that run another image than expected, or are still being made to run it; those that are gone do not
/// count, and whether one runs at all is another question.
#[must_use]
pub fn others<'a>(expected: &ExpectedImage, app: &'a App) -> Vec<&'a Machine> {
    let other = |machine: &&Machine| {
        !machine.is_gone() && (machine.state.is_on_its_way() || told(expected, app, machine) == Some(false))
    };
    app.machines.iter().filter(other).collect()
}

fn told(expected: &ExpectedImage, app: &App, machine: &Machine) -> Option<bool> {
    expected.is(&app.name, machine.image.as_ref()?, machine.digest.as_deref())
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

/// How an app is, by its machines.
#[derive(Clone, Debug, PartialEq)]
pub enum AppState<'p> {
    /// No app of that name.
    Missing,
    /// The platform did not answer what decides it.
    Unknown(Fault),
    /// So many machines run.
    Running(usize),
    /// None runs, and the proxy starts one on the next request.
    Asleep,
    /// One is booting or being replaced.
    Starting(&'p Machine),
    /// One failed, or ended by itself with a fault.
    Crashed(&'p Machine),
    /// None runs and none will wake; `None`: there is none at all.
    Stopped(Option<&'p Machine>),
}

/// Judges an app by its machines: the best of them decides.
#[must_use]
pub fn app_state<'p>(platform: &'p Platform, name: &str) -> AppState<'p> {
    let Some(app) = platform.apps.get(name) else {
        return platform
            .apps_missing
            .clone()
            .map_or(AppState::Missing, AppState::Unknown);
    };
    let machines = app
        .machines
        .iter()
        .filter(|machine| !machine.is_gone())
        .collect::<Vec<_>>();
    let running = machines.iter().filter(|machine| machine.state.is_running()).count();
    if running > 0 {
        return AppState::Running(running);
    }
    let fit = |machine: &Machine| machine.last_exit.as_ref().is_none_or(ended_well);
    let find = |is: &dyn Fn(&Machine) -> bool| machines.iter().copied().find(|machine| is(machine));
    if find(&|machine| machine.state.is_at_rest() && machine.autostart == Some(true) && fit(machine)).is_some() {
        return AppState::Asleep;
    }
    if let Some(fault) = missing(platform, app) {
        return AppState::Unknown(fault);
    }
    if let Some(machine) = find(&|machine| machine.state.is_transient()) {
        return AppState::Starting(machine);
    }
    let crashed = |machine: &Machine| machine.state.has_failed() || (machine.state.is_at_rest() && !fit(machine));
    if let Some(machine) = find(&crashed) {
        return AppState::Crashed(machine);
    }
    if find(&|machine| machine.state.is_at_rest() && machine.autostart.is_none()).is_some() {
        return AppState::Unknown(Fault::new(
            Reason::PlatformPartial,
            "the platform does not tell whether a request wakes it",
        ));
    }
    AppState::Stopped(machines.first().copied())
}

/// Why the machines of an app are not all known, where they are not.
#[must_use]
pub fn missing(platform: &Platform, app: &App) -> Option<Fault> {
    let silent = || {
        let regions = platform.silent_regions.iter().cloned().collect::<Vec<_>>().join(", ");
        let concerned = !regions.is_empty();
        concerned.then(|| {
            Fault::new(
                Reason::PlatformPartial,
                format!("no answer about machines in {regions}"),
            )
        })
    };
    app.machines_missing
        .clone()
        .or_else(|| platform.machines_missing.clone())
        .or_else(silent)
}

fn ended_well(exit: &Exit) -> bool {
    exit.requested || (exit.code == Some(0) && !exit.out_of_memory)
}
