//! Machines as they are: process groups, sleepers, transitions that last, hosts that are gone. And never wake: for every
//! state, service, exit and group beside it.

use jiff::Timestamp;
use roundsman_checks::evidence::{App, Exit, Fault, Machine, MachineState, Platform, Reason};
use roundsman_checks::reading::{AppState, Wakes, app_state, wakes};

const NOW: &str = "2026-11-24T12:00:00Z";

fn moment(text: &str) -> Option<Timestamp> {
    Some(text.parse().unwrap())
}

/// A machine of a group: `web` has a service, the others have none.
fn machine(id: &str, group: &str, state: &str, autostart: Option<bool>) -> Machine {
    let serves = group == "web";
    Machine {
        id: id.to_owned(),
        state: state.into(),
        group: Some(group.to_owned()),
        serves: Some(serves),
        autostart: Some(serves && autostart.unwrap_or(true)),
        ports: Some(if serves { vec![443] } else { Vec::new() }),
        updated_at: moment("2026-11-24T11:59:00Z"),
        ..Machine::default()
    }
}

fn platform(machines: Vec<Machine>) -> Platform {
    let app = App {
        name: "sp-a".into(),
        machines,
        ..App::default()
    };
    Platform {
        taken_at: moment(NOW),
        apps: [("sp-a".into(), app)].into(),
        ..Platform::default()
    }
}

const STATES: [&str; 13] = [
    "started",
    "stopped",
    "suspended",
    "stopping",
    "suspending",
    "created",
    "starting",
    "restarting",
    "replacing",
    "failed",
    "destroyed",
    "something-new",
    "",
];
const AUTOSTART: [Option<bool>; 3] = [None, Some(true), Some(false)];

fn exits() -> [Option<Exit>; 4] {
    let exit = |code, out_of_memory, requested| Exit {
        code: Some(code),
        out_of_memory,
        requested,
        at: None,
        crashes: None,
    };
    [
        None,
        Some(exit(0, false, true)),
        Some(exit(137, true, false)),
        Some(exit(1, false, false)),
    ]
}

/// What stands beside the web machine: nothing, or a machine without a service.
fn besides() -> Vec<Option<Machine>> {
    let groups = ["worker", "cron", "standby"].into_iter();
    let all = groups.flat_map(|group| STATES.map(|state| Some(machine("b", group, state, None))));
    std::iter::once(None).chain(all).collect()
}

/// What the vendor's proxy does with a request: it starts a machine with a service where none of those runs.
fn proxy_starts_one(web: &Machine) -> bool {
    web.state.is_at_rest() && web.autostart == Some(true)
}

#[test]
fn whoever_may_not_wake_asks_nobody_that_a_request_would_start() {
    let mut seen = 0;
    for state in STATES {
        for autostart in AUTOSTART {
            for exit in exits() {
                for beside in besides() {
                    let web = Machine {
                        last_exit: exit.clone(),
                        ..machine("a", "web", state, autostart)
                    };
                    let starts = proxy_starts_one(&web);
                    let told = format!("{state} {autostart:?} {exit:?} {beside:?}");
                    let known = !matches!(web.state, MachineState::Other(_) | MachineState::Untold);
                    let found = wakes(platform([Some(web), beside].into_iter().flatten().collect()).told("sp-a"));
                    if known {
                        let expected = if starts { Wakes::Yes } else { Wakes::No };
                        assert_eq!(found, expected, "{told}");
                    } else if autostart != Some(false) {
                        // A word that nobody knows may be a sleeper's.
                        assert_eq!(found, Wakes::Perhaps, "{told}");
                    }
                    seen += 1;
                }
            }
        }
    }
    assert_eq!(seen, 13 * 3 * 4 * 40);
}

#[test]
fn what_is_not_told_may_be_a_sleeper() {
    let asleep = || machine("a", "web", "stopped", None);
    let untold = |machine: Machine| Machine {
        serves: None,
        autostart: None,
        ports: None,
        ..machine
    };
    let runs = || untold(machine("b", "worker", "started", None));
    assert_eq!(wakes(platform(vec![untold(asleep())]).told("sp-a")), Wakes::Yes);
    assert_eq!(wakes(platform(vec![asleep(), runs()]).told("sp-a")), Wakes::Perhaps);
    assert_eq!(
        wakes(platform(vec![asleep(), machine("b", "web", "started", None)]).told("sp-a")),
        Wakes::No
    );
    let fault = || Some(Fault::new(Reason::PlatformPartial, "a page is missing"));
    let unlisted = Platform {
        apps_missing: fault(),
        ..platform(Vec::new())
    };
    assert_eq!(wakes(unlisted.told("sp-b")), Wakes::Perhaps);
    assert_eq!(wakes(platform(Vec::new()).told("sp-b")), Wakes::No);
    let unread = Platform {
        machines_missing: fault(),
        ..platform(Vec::new())
    };
    assert_eq!(wakes(unread.told("sp-a")), Wakes::Perhaps);
}

#[test]
fn only_machines_that_serve_decide_how_an_app_is() {
    let sleeps = || machine("a", "web", "stopped", Some(true));
    let worker = |state| machine("b", "worker", state, None);
    for state in STATES {
        assert_eq!(
            app_state(platform(vec![sleeps(), worker(state)]).told("sp-a"), &[]),
            AppState::Asleep,
            "{state}"
        );
    }
    let off = platform(vec![machine("a", "web", "stopped", Some(false)), worker("started")]);
    assert!(matches!(app_state(off.told("sp-a"), &[]), AppState::Stopped(Some(machine)) if machine.id == "a"));
    let runs = platform(vec![machine("a", "web", "started", None), worker("failed")]);
    assert_eq!(app_state(runs.told("sp-a"), &[]), AppState::Running(1));
    // Where nothing serves, all decide: an app of workers alone is a worker.
    let worker_alone = platform(vec![worker("started"), machine("c", "cron", "stopped", None)]);
    assert_eq!(app_state(worker_alone.told("sp-a"), &[]), AppState::Running(1));
}

#[test]
fn a_transition_that_lasts_is_stuck_and_a_machine_that_never_started_is_stopped() {
    let since = |state: &str, at: &str| Machine {
        updated_at: at.parse().ok(),
        ..machine("a", "web", state, None)
    };
    let state = |machine| format!("{:?}", app_state(platform(vec![machine]).told("sp-a"), &[]));
    assert!(state(since("starting", "2026-11-24T11:55:00Z")).starts_with("Starting"));
    assert!(state(since("starting", "2026-11-24T11:54:59Z")).starts_with("Stuck"));
    assert!(state(since("starting", "")).starts_with("Starting"));
    for at in ["2026-11-21T12:00:00Z", "2026-11-24T11:59:59Z"] {
        assert!(state(since("created", at)).starts_with("Stopped"), "{at}");
    }
}

#[test]
fn a_host_that_is_gone_takes_its_machine_along() {
    let on_a_lost_host = |machine: Machine| Machine {
        host_down: true,
        ..machine
    };
    let runs = |id| machine(id, "web", "started", None);
    let lost = platform(vec![on_a_lost_host(runs("a"))]);
    assert!(matches!(app_state(lost.told("sp-a"), &[]), AppState::HostDown(machine) if machine.id == "a"));
    let other = platform(vec![on_a_lost_host(runs("a")), runs("b")]);
    assert_eq!(app_state(other.told("sp-a"), &[]), AppState::Running(1));
    // Only the detail of a machine may tell of its host.
    let told = platform(vec![runs("a")]);
    assert_eq!(app_state(told.told("sp-a"), &[]), AppState::Running(1));
    let details = [on_a_lost_host(runs("a"))];
    assert!(matches!(app_state(told.told("sp-a"), &details), AppState::HostDown(_)));
}
