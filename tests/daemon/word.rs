//! The platform's word while `watch` runs: how soon what only the platform knows is seen, and what that costs.

use std::collections::BTreeSet;
use std::process::Command;

use jiff::Timestamp;
use roundsman_lab::LabOptions;
use serde_json::Value;

use super::alerts::{tell, webhook};
use super::hook::Hook;
use super::{Daemon, ask, configure, eventually, json, listens, served_with};
use crate::cli::{Served, command, platform_with_prompt_logs, serve};

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

/// An organization of so many apps that it is read in more calls than a minute has; few of them are looked at.
fn large() -> Served {
    let options = LabOptions {
        platform: true,
        ..LabOptions::with_tenants(4_000)
    };
    let served = serve(options, &[]).impatient();
    let text = std::fs::read_to_string(&served.config).expect("the configuration");
    let others = (1..=9).flat_map(|digit| ["", "0", "00"].map(|before| format!("\"t{before}{digit}*\"")));
    let others = others.collect::<Vec<_>>().join(", ");
    let text = text.replace("[tenants]\n", &format!("[tenants]\nexclude = [{others}]\n"));
    std::fs::write(&served.config, text).expect("the configuration can be written");
    configure(
        &served,
        "[schedule]\nevery = \"1s\"\nfleet_every = \"5s\"\n[web]\nlisten = \"127.0.0.1:0\"\n",
    );
    served
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
fn when_old(served: &Served, tenant: &str, seconds: i64) {
    let examined = || -> Timestamp {
        // Before the first reading nobody is known.
        let told = ask(served, &["status", tenant, "--format", "json"]).out;
        let known = serde_json::from_str::<Value>(&told).unwrap_or_default();
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
    when_old(&served, "q7f9", 7);
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

#[test]
fn where_all_of_it_costs_much_what_changed_is_read_every_minute() {
    let served = large();
    let mut daemon = start(&served);
    listens(&mut daemon);
    when_old(&served, "t0001", 1);
    let lists = || calls(&served, "machines/org-machines-list");
    let before = (sweeps(&served), lists());
    assert!(before.0 > 40, "{before:?}");
    when_old(&served, "t0001", 20);
    eventually("what changed is read", || (lists() > before.1).then_some(()));
    assert_eq!(sweeps(&served), before.0, "all of it is not read again");
    assert_eq!(daemon.stop(), Some(0));
}

#[test]
fn a_name_that_the_edge_replays_elsewhere_is_found_in_its_log() {
    let served = platform(&["route-wrong-app@q7f9=sp-gone", "site-status@a3b1"]);
    let mut daemon = start(&served);
    daemon.hears(&["tenant q7f9: failing (route-wrong-app)"]);
    eventually("both incidents are open", || {
        let open = json(&served, &["incidents"]);
        let firing = open.as_array().expect("an array").iter();
        let firing = firing.filter(|incident| incident["state"] == "firing");
        let causes = firing.map(|incident| incident["cause"].as_str().expect("a cause"));
        let causes = causes.collect::<BTreeSet<_>>();
        (causes == ["app-unhealthy", "route-wrong-app"].into()).then_some(())
    });
    served.unstage("route-wrong-app@q7f9=sp-gone");
    daemon.hears(&["tenant q7f9: healthy"]);
    assert_eq!(daemon.stop(), Some(0));
}

#[test]
fn two_clocks_that_are_off_ours_are_told_and_nothing_stands_still() {
    let served = platform(&["clock-wrong=600", "site-status@a3b1"]);
    let mut daemon = start(&served);
    daemon.hears(&["incident", "clock-wrong", "opened"]);
    let open = json(&served, &["incidents"]);
    let open = open.as_array().expect("an array").iter();
    let clock = open.clone().find(|incident| incident["cause"] == "clock-wrong");
    assert_eq!(clock.expect("the clock")["severity"], "warning");
    eventually("what fails is told all the same", || {
        let open = json(&served, &["incidents"]);
        let mut open = open.as_array().expect("an array").iter();
        open.any(|incident| incident["cause"] == "app-unhealthy" && incident["state"] == "firing")
            .then_some(())
    });
    assert_eq!(daemon.stop(), Some(0));
}

#[test]
fn a_message_of_a_crash_tells_how_it_ended_and_the_last_lines_of_its_log() {
    let hook = Hook::start();
    let served = platform(&[]);
    tell(&served, &webhook("ops", hook.address));
    let mut daemon = start(&served);
    listens(&mut daemon);
    // What was just read would speak for the app.
    when_old(&served, "q7f9", 7);
    served.stage_also("app-crashed@q7f9=oom");
    daemon.hears(&["notification", "(first) to ops", "delivered"]);
    let first = hook.taken().remove(0).message;
    let text = first.to_string();
    assert_eq!(first["cause"], "app-crashed", "{text}");
    assert!(text.contains("137") && text.contains("out of memory"), "{text}");
    let log = first["log"].as_array().expect("lines");
    let tells = |words: &str| {
        log.iter()
            .any(|line| line.as_str().is_some_and(|line| line.contains(words)))
    };
    assert!(tells("Process appears to have been OOM killed"), "{text}");
    assert_eq!(daemon.stop(), Some(0));
}
