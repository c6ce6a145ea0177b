//! What is ready-made for Prometheus and Grafana: rules that promtool takes and that fire, and a dashboard each of whose
//! queries has an answer.

use std::path::{Path, PathBuf};
use std::process::Command;

use roundsman_lab::LabOptions;
use serde_json::Value;

use super::prometheus::Prometheus;
use super::{Daemon, configure, eventually, get, listens, served_with};

fn deploy(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy").join(path)
}

#[test]
fn promtool_takes_the_rules_and_their_tests_pass() {
    for arguments in [
        ["check", "rules", "roundsman.rules.yml"],
        ["test", "rules", "roundsman.rules.test.yml"],
    ] {
        let ran = Command::new("promtool")
            .args(arguments)
            .current_dir(deploy("prometheus"))
            .output()
            .expect("promtool runs: apt-get install prometheus");
        assert!(
            ran.status.success(),
            "{}{}",
            String::from_utf8_lossy(&ran.stdout),
            String::from_utf8_lossy(&ran.stderr)
        );
    }
}

/// Every query of the dashboard, with its panel's title.
fn queries(dashboard: &Value) -> Vec<(String, String)> {
    let panels = dashboard["panels"].as_array().expect("panels");
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let of = |panel: &Value| {
        let targets = panel["targets"].as_array().cloned().unwrap_or_default();
        let title = text(&panel["title"]);
        targets
            .into_iter()
            .map(move |target| (title.clone(), text(&target["expr"])))
    };
    panels.iter().flat_map(of).collect()
}

#[test]
fn a_fault_fires_a_rule_and_each_query_of_the_dashboard_has_an_answer() {
    let served = served_with(LabOptions::with_platform(), &["dns-override@q7f9", "app-stopped@a3b1"]);
    // A channel that nobody serves: what waits is told as well.
    configure(
        &served,
        "[alerts]\ngroup_wait = \"0s\"\n[[alerts.channels]]\nname = \"hook\"\nkind = \"webhook\"\nurl = \"http://127.0.0.1:9/\"\n",
    );
    let mut command = crate::cli::command(served.dir.path());
    command
        .env("FLY_API_TOKEN", served.lab.fly_token())
        .env("CLOUDFLARE_API_TOKEN", served.lab.cloudflare_token());
    let mut daemon = Daemon::start_with(&served, &mut command);
    let address = listens(&mut daemon);
    let rules = deploy("prometheus/roundsman.rules.yml");
    let prometheus = Prometheus::with_rules(
        &format!("- job_name: roundsman\n  static_configs: [{{ targets: ['{address}'] }}]\n"),
        &rules,
    );
    eventually("the alert of the fault", || {
        let firing =
            prometheus.query("ALERTS{alertname=\"RoundsmanIncident\", cause=\"dns-override\", alertstate=\"firing\"}");
        (!firing.is_empty()).then_some(())
    });
    let dashboard = std::fs::read_to_string(deploy("grafana/roundsman.json")).expect("the dashboard");
    let dashboard = serde_json::from_str::<Value>(&dashboard).expect("JSON");
    let queries = queries(&dashboard);
    assert!(queries.len() >= 20, "{queries:?}");
    for (title, query) in queries {
        let query = query
            .replace("$__rate_interval", "10s")
            .replace("$job", ".*")
            .replace("$instance", ".*")
            .replace("$tenant", ".*");
        eventually(&format!("{title}: {query}"), || {
            (!prometheus.query(&query).is_empty()).then_some(())
        });
    }
    // The names that rules and dashboard go by are told.
    let (_, page) = get(&address, "/metrics");
    let rules = std::fs::read_to_string(rules).expect("the rules");
    let named = rules.split(|character: char| !character.is_ascii_alphanumeric() && character != '_');
    for name in named.filter(|name| name.starts_with("roundsman_")) {
        let family = name.trim_end_matches("_bucket");
        assert!(page.contains(&format!("# TYPE {family} ")), "{family}");
    }
}
