//! Runs the product against a lab: the real round, over real sockets.

use std::collections::BTreeSet;
use std::path::Path;

use roundsman::agent::{Clients, Needs, Outcome, Plan, Quiet, Stop, Waking, round};
use roundsman::cli::plan::{Word, plan, selection};
use roundsman::config::{Config, Flags};
use roundsman::gate::{Demand, exit_code};
use roundsman::inventory;
use roundsman::report::Report;
use roundsman::trace::{Setting, Trace};
use roundsman_lab::{Fault, Lab, LabOptions};
use serde::Deserialize;

/// A lab with the plan of a round over all its tenants.
pub(crate) struct Bench {
    pub(crate) lab: Lab,
    pub(crate) plan: Plan,
    config: Config,
    _dir: tempfile::TempDir,
}

/// Starts a lab and plans a round over it. With a platform the tokens are in files.
pub(crate) async fn bench(options: LabOptions) -> Bench {
    bench_with(options, &[]).await
}

/// As `bench`, with faults that are there before the configuration is written: some change the tenants' host names.
pub(crate) async fn bench_with(options: LabOptions, faults: &[&str]) -> Bench {
    // Lines are there at once: waiting for late ones is tested through the binary.
    let options = LabOptions {
        log_delay: std::time::Duration::ZERO,
        ..options
    };
    let lab = Lab::start(options).await.expect("the lab starts");
    let faults = faults.iter().map(|fault| read(fault)).collect::<Vec<_>>();
    lab.stage_all(faults).await.expect("faults can be staged");
    let dir = tempfile::tempdir().expect("a temporary folder");
    let path = lab.write_config(dir.path()).expect("the configuration is written");
    let config = config_of(&lab, &path, dir.path());
    let plan = plan_of(&config, Word::default());
    Bench {
        lab,
        plan,
        config,
        _dir: dir,
    }
}

fn read(fault: &str) -> Fault {
    fault.parse().unwrap_or_else(|error| panic!("{fault}: {error}"))
}

fn config_of(lab: &Lab, path: &Path, dir: &Path) -> Config {
    let mut text = std::fs::read_to_string(path).expect("the configuration can be read");
    text = text.replace("[site]", "[site]\ntimeout = \"5s\"");
    for (name, token) in [
        ("FLY_API_TOKEN", lab.fly_token()),
        ("CLOUDFLARE_API_TOKEN", lab.cloudflare_token()),
    ] {
        let file = dir.join(name);
        std::fs::write(&file, token).expect("the token is written");
        text = text.replace(
            &format!("{{ env = \"{name}\" }}"),
            &format!("{{ file = \"{}\" }}", file.display()),
        );
    }
    let config = Config::parse(&text, path).expect("the configuration is valid");
    config
        .with_flags(&Flags::default())
        .expect("the configuration is complete")
}

fn plan_of(config: &Config, word: Word) -> Plan {
    let inventory = inventory::load(
        config,
        None,
        &[],
        inventory::Answers {
            platform: word.platform.known(),
            listing: None,
        },
    )
    .expect("the inventory is valid");
    let all = selection(&[], &[]).expect("all checks");
    plan(config, &inventory, all, word, &|_| Waking::Unknowingly).expect("the plan is complete")
}

impl Bench {
    /// Stages exactly these faults.
    pub(crate) async fn stage(&self, faults: &[String]) {
        self.lab.clear_all().await.expect("faults can be cleared");
        let faults = faults.iter().map(|fault| read(fault)).collect::<Vec<_>>();
        self.lab.stage_all(faults).await.expect("faults can be staged");
    }

    /// One round over the plan.
    pub(crate) async fn round(&self) -> Outcome {
        let (_pull, stop) = Stop::new();
        round(&self.plan, &Quiet, stop).await.expect("a round")
    }

    /// One request to a tenant told hop by hop.
    pub(crate) async fn trace(&self, id: &str) -> Trace {
        let (_pull, stop) = Stop::new();
        self.trace_until(id, stop).await
    }

    /// The same, ended when `stop` is pulled.
    pub(crate) async fn trace_until(&self, id: &str, stop: Stop) -> Trace {
        let clients = self.clients();
        let (platform, listing) = clients.read(Needs::ALL).await;
        let logs = clients.logs();
        let mut plan = plan_of(
            &self.config,
            Word {
                platform,
                listing,
                logs,
                details: clients.details(),
            },
        );
        plan.tenants.retain(|subject| subject.tenant.id.as_str() == id);
        plan.traced = true;
        let outcome = round(&plan, &Quiet, stop).await.expect("a round");
        let demand = Demand::default();
        let report = Report::new(&outcome, &demand, exit_code(&outcome.diagnosis, &demand));
        Trace::new(&outcome, report, &Setting::default()).expect("the tenant")
    }

    /// The clients of a round.
    pub(crate) fn clients(&self) -> Clients {
        Clients::new(&self.config, "test").expect("the tokens are there")
    }

    /// One round with the platform's word, read anew; and how many requests that took.
    pub(crate) async fn round_with_platform(&self) -> (Outcome, u32) {
        let clients = self.clients();
        let (platform, listing) = clients.read(Needs::ALL).await;
        let logs = clients.logs();
        let word = Word {
            platform,
            listing,
            logs,
            details: clients.details(),
        };
        let plan = plan_of(&self.config, word);
        let (_pull, stop) = Stop::new();
        let outcome = round(&plan, &Quiet, stop).await.expect("a round");
        (outcome, clients.calls.made().values().sum())
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

#[derive(Deserialize)]
struct File {
    scenario: Vec<Scenario>,
}

/// Every scenario that needs no platform.
pub(crate) fn scenarios() -> Vec<Scenario> {
    let file = toml::from_str::<File>(include_str!("../scenarios/causes.toml"));
    file.expect("the scenarios are valid").scenario
}

/// Every scenario that needs the platform's word.
pub(crate) fn platform_scenarios() -> Vec<Scenario> {
    let file = toml::from_str::<File>(include_str!("../scenarios/platform.toml"));
    file.expect("the scenarios are valid").scenario
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
