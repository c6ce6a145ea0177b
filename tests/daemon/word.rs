//! The platform's word while `watch` runs: how soon what only the platform knows is seen, and what that costs.

use std::process::Command;

use jiff::Timestamp;
use roundsman_lab::LabOptions;
use serde_json::Value;

use super::{Daemon, eventually, json, listens, served_with};
use crate::cli::{Served, command, platform_with_prompt_logs};

/// A few tenants of a platform.
fn platform(faults: &[&str]) -> Served {
    let options = LabOptions {
        tenants: ["q7f9", "a3b1", "c04e", "d9a2"].map(str::to_owned).into(),
        ..platform_with_prompt_logs()
    };
    served_with(options, faults)
}

fn start(served: &Served) -> Daemon {
    Daemon::start_with(served, with_tokens(served, &mut command(served.dir.path())))
}

fn with_tokens<'c>(served: &Served, command: &'c mut Command) -> &'c mut Command {
    command
        .env("FLY_API_TOKEN", served.lab.fly_token())
        .env("CLOUDFLARE_API_TOKEN", served.lab.cloudflare_token())
}

/// How many calls for all apps there were.
fn sweeps(served: &Served) -> u64 {
    calls(served, "graphql/Sweep")
}

fn calls(served: &Served, operation: &str) -> u64 {
    served.lab.counters().api.get(operation).copied().unwrap_or_default()
}

/// Waits until a tenant was examined so many seconds after the platform was read.
fn when_old(served: &Served, seconds: i64) {
    let examined = || -> Timestamp {
        let known = json(served, &["status", "q7f9"]);
        let at = known[0]["examined_at"].as_str().and_then(|at| at.parse().ok());
        at.unwrap_or(Timestamp::MIN)
    };
    let first = eventually("a first examination", || {
        Some(examined()).filter(|at| *at > Timestamp::MIN)
    });
    eventually("the reading is old", || {
        (examined().duration_since(first).as_secs() >= seconds).then_some(())
    });
}

#[test]
fn an_app_that_crashes_between_two_readings_is_called_so_from_the_first() {
    let served = platform(&[]);
    let mut daemon = start(&served);
    listens(&mut daemon);
    when_old(&served, 7);
    let before = sweeps(&served);
    served.stage_also("app-crashed@q7f9=oom");
    let failing = daemon.hears(&["tenant q7f9: failing"]);
    assert!(failing.contains("app-crashed"), "{failing}");
    daemon.hears(&["incident", "app-crashed", "opened"]);
    assert_eq!(sweeps(&served), before, "the app was asked for by itself");
    assert!(
        (1..=3).contains(&calls(&served, "machines/machines-list")),
        "{:?}",
        served.lab.counters().api
    );
    // What the next readings say is the same.
    eventually("another reading", || (sweeps(&served) > before).then_some(()));
    served.unstage("app-crashed@q7f9=oom");
    daemon.hears(&["app-crashed", "resolved"]);
    let all = json(&served, &["incidents", "--all"]);
    let causes = all
        .as_array()
        .expect("an array")
        .iter()
        .map(|incident| &incident["cause"]);
    assert_eq!(causes.collect::<Vec<_>>(), [&Value::from("app-crashed")], "{all}");
    assert_eq!(daemon.stop(), Some(0));
}
