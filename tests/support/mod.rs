//! Runs the product against a lab: the real round, over real sockets.

use std::collections::BTreeSet;
use std::path::Path;

use roundsman::agent::{Outcome, Plan, Quiet, Stop, round};
use roundsman::cli::plan::{Word, plan, selection};
use roundsman::config::Config;
use roundsman::inventory;
use roundsman_lab::{Fault, Lab, LabOptions};
use serde::Deserialize;

/// A lab with the plan of a round over all its tenants.
pub(crate) struct Bench {
    pub(crate) lab: Lab,
    pub(crate) plan: Plan,
    _dir: tempfile::TempDir,
}

/// Starts a lab and plans a round over it.
pub(crate) async fn bench(options: LabOptions) -> Bench {
    let lab = Lab::start(options).await.expect("the lab starts");
    let dir = tempfile::tempdir().expect("a temporary folder");
    let path = lab.write_config(dir.path()).expect("the configuration is written");
    let plan = plan_of(&path, "[site]\ntimeout = \"5s\"");
    Bench { lab, plan, _dir: dir }
}

/// Plans a round by the lab's configuration, with other lines for the head of its `[site]` table.
pub(crate) fn plan_of(path: &Path, site: &str) -> Plan {
    let text = std::fs::read_to_string(path).expect("the configuration can be read");
    let config = Config::parse(&text.replace("[site]", site), path).expect("the configuration is valid");
    let inventory = inventory::load(&config, None, &[], inventory::Answers::default()).expect("the inventory is valid");
    plan(
        &config,
        &inventory,
        selection(&[], &[]).expect("all checks"),
        Word::default(),
        &|_| false,
    )
    .expect("the plan is complete")
}

impl Bench {
    /// Stages exactly these faults.
    pub(crate) async fn stage(&self, faults: &[String]) {
        self.lab.clear_all().await.expect("faults can be cleared");
        let faults = faults.iter().map(|fault| {
            fault
                .parse::<Fault>()
                .unwrap_or_else(|error| panic!("{fault}: {error}"))
        });
        self.lab
            .stage_all(faults.collect::<Vec<_>>())
            .await
            .expect("faults can be staged");
    }

    /// One round.
    pub(crate) async fn round(&self) -> Outcome {
        let (_pull, stop) = Stop::new();
        round(&self.plan, &Quiet, stop).await.expect("a round")
    }
}

/// One scenario of `causes.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Scenario {
    pub(crate) fault: String,
    pub(crate) cause: String,
    pub(crate) scope: String,
    pub(crate) confidence: String,
    pub(crate) outcome: String,
    pub(crate) tenants: Vec<String>,
    pub(crate) remedy: String,
    pub(crate) exit: u8,
    pub(crate) check: Option<String>,
    pub(crate) reason: Option<String>,
    #[serde(default)]
    pub(crate) slow: bool,
}

/// Every scenario.
pub(crate) fn scenarios() -> Vec<Scenario> {
    #[derive(Deserialize)]
    struct File {
        scenario: Vec<Scenario>,
    }
    toml::from_str::<File>(include_str!("../scenarios/causes.toml"))
        .expect("the scenarios are valid")
        .scenario
}

/// The names of all causes that a round found.
pub(crate) fn causes(outcome: &Outcome) -> BTreeSet<String> {
    outcome
        .diagnosis
        .causes
        .iter()
        .map(|entry| entry.cause.to_string())
        .collect()
}

/// A word as it stands in reports.
pub(crate) fn word<T: serde::Serialize>(value: T) -> String {
    serde_json::to_value(value)
        .ok()
        .and_then(|value| value.as_str().map(str::to_owned))
        .unwrap_or_default()
}
