//! What a daemon says, for machines: objects of JSON, and the same by OTLP.

use serde_json::Value;

use super::{Daemon, configure, eventually, served};
use crate::support::collector::{Collector, Mood, said};

#[test]
fn what_is_said_is_told_to_whoever_collects_logs_without_addresses() {
    let collector = Collector::start(Mood::Takes);
    let served = served(&["site-status@a3b1"]);
    let channel = "[[alerts.channels]]\nname = \"ops\"\nkind = \"email\"\nserver = \"smtp://127.0.0.1:9\"\n\
        from = \"roundsman@example.com\"\nto = [\"ann@example.com\"]\n[alerts]\ngroup_wait = \"0s\"\n";
    let to = format!("[telemetry]\notlp_endpoint = \"http://{}\"\n", collector.http);
    configure(&served, &format!("{channel}{to}"));
    let mut daemon = Daemon::start(&served);
    daemon.hears(&["tenant a3b1: failing (site-status)"]);
    daemon.hears(&["incident", "site-status", "opened"]);
    daemon.hears(&["(first) to ops", "not delivered"]);
    let lines = eventually("the delivery is told", || {
        let lines = collector.lines();
        let is_it = |line: &&opentelemetry_proto::tonic::logs::v1::LogRecord| format!("{line:?}").contains("to ops");
        lines.iter().any(|line| is_it(&line)).then_some(lines)
    });
    let told = |key: &str, value: &str| {
        let found = lines.iter().find(|line| {
            let mut pairs = line.attributes.iter().map(said);
            pairs.any(|(k, v)| k == key && v == value)
        });
        found.unwrap_or_else(|| panic!("{key} = {value} is in none of {lines:?}"))
    };
    assert_eq!(told("roundsman.tenant", "a3b1").severity_text, "warn");
    let opened = told("roundsman.incident", "inc-1");
    assert!(opened.severity_number >= 13 && opened.time_unix_nano > 0, "{opened:?}");
    assert_eq!(told("roundsman.channel", "ops").severity_text, "warn");
    let raw = daemon.raw.clone();
    assert_eq!(daemon.stop(), Some(0));
    let raw = raw.lock().expect("the lines").clone();
    let mut messages = Vec::new();
    for line in &raw {
        let object: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        for key in ["timestamp", "level", "message"] {
            assert!(object[key].is_string(), "{line}");
        }
        assert!(!line.contains('@'), "{line}");
        messages.push(object["message"].as_str().unwrap_or_default().to_owned());
    }
    // What was said until the end is told, in the same words.
    let bodies = collector.lines();
    let bodies = bodies.iter().map(|line| format!("{:?}", line.body)).collect::<Vec<_>>();
    for message in &messages {
        assert!(
            bodies.iter().any(|body| body.contains(&message.replace('"', "\\\""))),
            "{message}: {bodies:?}"
        );
    }
    assert!(bodies.iter().all(|body| !body.contains('@')), "{bodies:?}");
}
