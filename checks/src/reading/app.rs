//! How an app is, by its machines: whether it runs, would wake, or is another release than expected. No outcome: what that
//! means for a tenant is the check's.

use crate::evidence::{App, AppTold, Exit, Fault, Machine, Reason};
use crate::release::ExpectedImage;

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
    /// The host of one does not answer, and no other machine runs or wakes.
    HostDown(&'p Machine),
    /// One failed, or ended by itself with a fault.
    Crashed(&'p Machine),
    /// None runs and none will wake; `None`: there is none at all.
    Stopped(Option<&'p Machine>),
    /// One has been on its way for longer than that ever takes.
    Stuck(&'p Machine),
}

/// Seconds after which a state that passes by itself is stuck.
const STUCK_AFTER: i64 = 300;

/// The machines that decide how an app is: those that serve requests; where none is known to, all. One that is gone is no
/// machine.
#[must_use]
pub fn deciding(app: &App) -> Vec<&Machine> {
    let stands = || app.machines.iter().filter(|machine| !machine.is_gone());
    let serving = stands()
        .filter(|machine| machine.serves == Some(true))
        .collect::<Vec<_>>();
    match serving.is_empty() {
        true => stands().collect(),
        false => serving,
    }
}

/// Whether a request would start a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wakes {
    /// One that serves requests runs, or none may be started.
    No,
    /// The platform does not tell which machines serve, or how they are.
    Perhaps,
    /// None that serves requests runs, and one may be started, however it ended.
    Yes,
}

/// Whether a request to an app would start a machine of it. What is not told of a machine may be so.
#[must_use]
pub fn wakes(told: AppTold<'_>) -> Wakes {
    let Some(app) = told.app else {
        return told.app_missing().map_or(Wakes::No, |_| Wakes::Perhaps);
    };
    let machines = || {
        app.machines
            .iter()
            .filter(|machine| !machine.is_gone() && machine.serves != Some(false))
    };
    let runs = |serves| machines().any(|machine| machine.state.is_running() && machine.serves == serves);
    let may_start = |machine: &Machine| !machine.state.is_running() && machine.autostart != Some(false);
    let sleeps = machines().any(|machine| may_start(machine) && machine.state.is_at_rest());
    let untold = machines().any(|machine| may_start(machine) && machine.state.is_untold());
    if runs(Some(true)) {
        Wakes::No
    } else if sleeps && !runs(None) {
        Wakes::Yes
    } else if sleeps || untold || told.machines_missing().is_some() {
        Wakes::Perhaps
    } else {
        Wakes::No
    }
}

/// Judges an app by its machines: the best of them decides. Details of them that were asked for besides, where they were,
/// tell of their hosts.
#[must_use]
pub fn app_state<'p>(told: AppTold<'p>, details: &[Machine]) -> AppState<'p> {
    let Some(app) = told.app else {
        return told.app_missing().cloned().map_or(AppState::Missing, AppState::Unknown);
    };
    let machines = deciding(app);
    // A machine that is not known may be the only one that serves.
    let missing = told.machines_missing();
    if let Some(fault) = missing
        .clone()
        .filter(|_| machines.iter().all(|machine| machine.serves != Some(true)))
    {
        return AppState::Unknown(fault);
    }
    let detailed = |machine: &Machine| details.iter().find(|detail| detail.id == machine.id);
    let host_down = |machine: &Machine| machine.host_down || detailed(machine).is_some_and(|detail| detail.host_down);
    let reachable = |machine: &&Machine| !host_down(machine);
    let running = machines.iter().copied().filter(|machine| machine.state.is_running());
    let running = running.filter(reachable).count();
    if running > 0 {
        return AppState::Running(running);
    }
    let fit = |machine: &Machine| machine.last_exit.as_ref().is_none_or(Exit::is_orderly);
    let find = |is: &dyn Fn(&Machine) -> bool| machines.iter().copied().find(|machine| is(machine));
    let wakes = |machine: &Machine| {
        machine.state.is_at_rest() && machine.autostart == Some(true) && fit(machine) && !host_down(machine)
    };
    if find(&wakes).is_some() {
        return AppState::Asleep;
    }
    if let Some(fault) = missing {
        return AppState::Unknown(fault);
    }
    if let Some(machine) = find(&host_down) {
        return AppState::HostDown(machine);
    }
    let stuck = |machine: &Machine| is_stuck(told, machine);
    if let Some(machine) = find(&|machine| machine.state.is_on_its_way() && !stuck(machine)) {
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
    match find(&|machine| machine.state.is_on_its_way()) {
        Some(machine) => AppState::Stuck(machine),
        None => AppState::Stopped(machines.first().copied()),
    }
}

/// Whether a machine has been on its way for too long. Where nobody tells since when, it is not.
fn is_stuck(app: AppTold<'_>, machine: &Machine) -> bool {
    let lasts = || Some(app.at?.as_second() - machine.updated_at?.as_second());
    lasts().is_some_and(|seconds| seconds > STUCK_AFTER)
}

/// The machines that run another image than expected, or are still being made to run it; those that are gone do not
/// count, and whether one runs at all is another question.
#[must_use]
pub fn other_releases<'a>(expected: &ExpectedImage, app: &'a App) -> Vec<&'a Machine> {
    let other = |machine: &&Machine| {
        !machine.is_gone() && (machine.state.is_on_its_way() || runs_expected(expected, app, machine) == Some(false))
    };
    app.machines.iter().filter(other).collect()
}

/// Whether a machine runs the image that is expected; `None` where that is not told.
#[must_use]
pub fn runs_expected(expected: &ExpectedImage, app: &App, machine: &Machine) -> Option<bool> {
    expected.is(&app.name, machine.image.as_ref()?, machine.digest.as_deref())
}
