//! Incidents from their first failing look to their end, over restarts of every kind.

use std::collections::BTreeSet;
use std::time::Duration;

use nix::sys::signal::Signal;
use roundsman::store::Reader;
use roundsman_alerts::Incident;
use roundsman_checks::clock::Stopwatch;
use roundsman_lab::LabOptions;
use serde_json::Value;

use super::{Daemon, ask, configure, eventually, get, json, listens, served, served_with};
use crate::cli::command;

fn states(incidents: &Value) -> Vec<(String, String)> {
    let text = |incident: &Value, key: &str| incident[key].as_str().unwrap_or_default().to_owned();
    let all = incidents.as_array().expect("an array").iter();
    all.map(|incident| (text(incident, "cause"), text(incident, "state")))
        .collect()
}

#[test]
fn an_incident_opens_is_looked_after_and_ends() {
    let served = served(&["site-status@q7f9"]);
    let mut daemon = Daemon::start(&served);
    daemon.hears(&["tenant q7f9: failing (site-status)"]);
    let opened = daemon.hears(&["incident", "site-status", "opened"]);
    let id = opened.split(' ').nth(2).expect("an id").to_owned();
    let open = json(&served, &["incidents"]);
    assert_eq!(states(&open), [("site-status".to_owned(), "firing".to_owned())]);
    assert_eq!(open[0]["tenants"], serde_json::json!(["q7f9"]));
    assert_eq!(
        ask(&served, &["incidents", "ack", &id, "--comment", "Ann looks"]).code,
        Some(0)
    );
    daemon.hears(&[&id, "acknowledged: Ann looks"]);
    let shown = json(&served, &["incidents", "show", &id]);
    assert_eq!(
        (&shown["acknowledged"], &shown["comment"]),
        (&Value::Bool(true), &"Ann looks".into())
    );
    served.stage(&[]);
    daemon.hears(&["tenant q7f9: healthy"]);
    daemon.hears(&[&id, "resolved"]);
    assert_eq!(json(&served, &["incidents"]), serde_json::json!([]));
    let all = json(&served, &["incidents", "--all"]);
    assert_eq!(
        (&all[0]["state"], &all[0]["acknowledged"]),
        (&"resolved".into(), &Value::Bool(false))
    );
    assert_eq!(all[0]["tenants"], serde_json::json!(["q7f9"]), "whom it concerned");
    assert_eq!(daemon.stop(), Some(0));
}

#[test]
fn a_fleets_cause_is_one_incident_with_all_tenants() {
    let served = served(&["wildcard-certificate-expired"]);
    let mut daemon = Daemon::start(&served);
    daemon.hears(&["incident", "wildcard-certificate-expired", "opened"]);
    let open = eventually("all four are members", || {
        let open = json(&served, &["incidents"]);
        (open[0]["tenants_total"] == 4).then_some(open)
    });
    assert_eq!(states(&open).len(), 1, "{open}");
    assert_eq!(
        (&open[0]["scope"], &open[0]["severity"]),
        (&"fleet".into(), &"critical".into())
    );
    served.stage(&[]);
    daemon.hears(&["wildcard-certificate-expired", "resolved"]);
    eventually("all are well", || {
        let known = json(&served, &["status"]);
        let known = known.as_array().expect("an array").iter();
        known.clone().all(|tenant| tenant["status"] == "healthy").then_some(())
    });
    assert_eq!(json(&served, &["incidents"]), serde_json::json!([]));
}

#[test]
fn a_network_that_goes_away_is_blamed_on_nobody_else() {
    network_goes_away("");
    // What an API said counts no more where APIs are no control.
    network_goes_away("[vantage]\ncontrols = [\"resolvers\"]\n");
}

fn network_goes_away(more: &str) {
    let served = served_with(LabOptions::with_platform(), &[]);
    configure(&served, more);
    let mut command = command(served.dir.path());
    command
        .env("FLY_API_TOKEN", served.lab.fly_token())
        .env("CLOUDFLARE_API_TOKEN", served.lab.cloudflare_token());
    let mut daemon = Daemon::start_with(&served, &mut command);
    let address = listens(&mut daemon);
    eventually("readiness", || (get(&address, "/readyz").0 == 200).then_some(()));
    // What the platform said a moment ago does not show that it can be asked now.
    served.stage(&["vantage-offline"]);
    daemon.hears(&["incident", "vantage-offline", "opened"]);
    let all = json(&served, &["incidents", "--all"]);
    let scopes = all
        .as_array()
        .expect("an array")
        .iter()
        .map(|incident| &incident["scope"]);
    assert!(scopes.clone().all(|scope| scope == "agent"), "{all}");
    served.stage(&[]);
    daemon.hears(&["vantage-offline", "resolved"]);
}

#[test]
fn who_fails_with_all_others_says_since_when() {
    let served = served(&[]);
    let text = std::fs::read_to_string(&served.config).expect("the configuration");
    // Nobody is looked at again meanwhile: the look at the fleet alone tells.
    let rarely = text.replace("every = \"1s\"\nfleet_every", "every = \"1h\"\nfleet_every");
    std::fs::write(&served.config, rarely).expect("it can be written");
    let mut daemon = Daemon::start(&served);
    daemon.hears(&["listening on"]);
    let all = |status: &str| {
        let known = json(&served, &["status"]);
        let all = known.as_array().cloned().unwrap_or_default();
        (all.len() == 4 && all.iter().all(|tenant| tenant["status"] == status)).then_some(all)
    };
    eventually("all are well", || all("healthy"));
    let before = roundsman_checks::clock::now();
    served.stage(&["wildcard-dns-mismatch"]);
    for tenant in eventually("all fail", || all("failing")) {
        let since = tenant["since"]
            .as_str()
            .and_then(|since| since.parse::<jiff::Timestamp>().ok());
        assert!(
            since.is_some_and(|since| since >= before),
            "{tenant}, not before {before}"
        );
        assert_eq!(tenant["cause"], "wildcard-dns-mismatch");
    }
}

#[test]
fn silences_mute_what_they_match_and_end() {
    let served = served(&["site-status@q7f9"]);
    let mut daemon = Daemon::start(&served);
    daemon.hears(&["site-status", "opened"]);
    let preview = json(&served, &["silences", "preview", "tenant=q*"]);
    assert_eq!(preview["tenants"], serde_json::json!(["q7f9"]));
    assert_eq!(preview["incidents"].as_array().map(Vec::len), Some(1));
    assert_eq!(
        ask(&served, &["silences", "add", "tenant=q*"]).code,
        Some(2),
        "without an end"
    );
    let added = ask(&served, &["silences", "add", "tenant=q*", "--for", "2h"]);
    let id = added.out.trim_end();
    assert!(
        added.code == Some(0) && !id.is_empty() && !id.contains(' '),
        "{}",
        added.out
    );
    eventually("the silence is seen", || {
        json(&served, &["incidents"])[0]["silenced_until"]
            .is_string()
            .then_some(())
    });
    assert_eq!(ask(&served, &["silences", "expire", id]).code, Some(0));
    eventually("its end is seen", || {
        json(&served, &["incidents"])[0]["silenced_until"]
            .is_null()
            .then_some(())
    });
    assert_eq!(ask(&served, &["silences", "expire", "sil-none"]).code, Some(2));
}

/// Killed at any moment, with faults that come and go: no open incident is lost, none is there twice, the database is
/// never damaged, and whatever was said to have opened is there.
#[test]
fn killed_again_and_again_it_loses_and_doubles_nothing() {
    let loops = std::env::var("ROUNDSMAN_KILLS").ok().and_then(|text| text.parse().ok());
    let loops = loops.unwrap_or(12);
    let served = served(&["site-status@q7f9"]);
    let mut daemon = Daemon::start(&served);
    let opened = daemon.hears(&["site-status", "opened"]);
    let id = opened.split(' ').nth(2).expect("an id").to_owned();
    let database = served.dir.path().join("roundsman.db");
    let mut random = fastrand::Rng::with_seed(7);
    let (mut said, mut hit) = (BTreeSet::from([id.clone()]), BTreeSet::new());
    for round in 0..loops {
        // A fault lasts over a few kills, so that they meet each state of its incident.
        match round % 6 {
            0 => served.stage_also("dns-override@a3b1"),
            3 => served.unstage("dns-override@a3b1"),
            _ => {}
        }
        let moment = Duration::from_millis(random.u64(0..3_500));
        let began = Stopwatch::start();
        let mut lines = Vec::new();
        while let Ok(line) = daemon.lines.recv_timeout(began.left(moment)) {
            lines.push(line);
        }
        daemon.signal(Signal::SIGKILL);
        daemon.child.wait().expect("it ends");
        lines.extend(daemon.lines.iter());
        let opened = lines
            .iter()
            .filter(|line| line.ends_with(" opened") || line.contains(": opened;"));
        said.extend(opened.filter_map(|line| line.split(' ').nth(2)).map(ToOwned::to_owned));
        let reader = Reader::open(&database).expect("the database is whole");
        let known = reader.remembered().expect("it can be read").incidents;
        let open = known.iter().filter(|incident| incident.is_open());
        let ours = open.filter(|incident| incident.core().id.as_str() == id).count();
        assert_eq!(ours, 1, "round {round}: {known:?}");
        let ids = known
            .iter()
            .map(|incident| incident.core().id.to_string())
            .collect::<BTreeSet<_>>();
        assert_eq!(ids.len(), known.len(), "round {round}: {known:?}");
        let over = reader.history().expect("it can be read").into_iter();
        let kept = ids
            .into_iter()
            .chain(over.map(|incident| incident.core().id.to_string()));
        let kept = kept.collect::<BTreeSet<_>>();
        assert!(
            said.is_subset(&kept),
            "round {round}: {said:?} were said, {kept:?} are kept"
        );
        let others = known.iter().filter(|incident| incident.core().id.as_str() != id);
        hit.extend(others.map(Incident::state));
        daemon = Daemon::start(&served);
    }
    println!("killed {loops} times, in each of {hit:?}");
    if loops >= 100 {
        assert_eq!(hit.len(), 4, "{hit:?}");
    }
    // It still knows what is well again.
    served.stage(&[]);
    daemon.hears(&[&id, "resolved"]);
    assert_eq!(daemon.stop(), Some(0));
}
