//! Runs the product against a lab: the real round, over real sockets.

mod benches;
pub(crate) mod collector;

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use roundsman::agent::{
    ApiSnapshot, Assignment, NoProgress, Pacers, ProbeSetup, Round, RoundRequest, Setup, Snapshot, Stop, assign, round,
};
use roundsman::config::{Config, Flags};
use roundsman::gate::{GatePolicy, exit_code};
use roundsman::inventory;
use roundsman::report::Report;
use roundsman::trace::{Setting, Trace};
use roundsman_checks::gather::{RetrySchedule, Timing};
use roundsman_lab::{Fault, Lab, LabOptions};
use serde::Deserialize;

pub(crate) use benches::benches;

/// A lab with the setup of an agent, and the assignment of a round over all its tenants.
pub(crate) struct Bench {
    pub(crate) lab: Lab,
    pub(crate) setup: Setup,
    assignment: Assignment,
    _dir: tempfile::TempDir,
}

/// Starts a lab and assigns a round over it. With a platform the tokens are in files.
pub(crate) async fn bench(options: LabOptions) -> Bench {
    bench_with(options, &[]).await
}

/// As `bench`, with faults that are there before the configuration is written: some change the tenants' host names.
pub(crate) async fn bench_with(options: LabOptions, faults: &[&str]) -> Bench {
    // Lines are there at once: waiting for late ones is tested through the binary.
    let options = LabOptions {
        log_delay: Duration::ZERO,
        ..options
    };
    let lab = Lab::start(options).await.expect("the lab starts");
    let faults = faults.iter().map(|fault| read(fault)).collect::<Vec<_>>();
    lab.stage_all(faults).await.expect("faults can be staged");
    let dir = tempfile::tempdir().expect("a temporary folder");
    let path = lab.write_config(dir.path()).expect("the configuration is written");
    let config = config_of(&lab, &path, dir.path());
    let mut setup = Setup::new(config, None).expect("the configuration can be used");
    setup.probes.timing = in_a_hurry();
    let assignment = without_platform(&setup);
    Bench {
        lab,
        setup,
        assignment,
        _dir: dir,
    }
}

/// A lab is what it is at once: only what the pauses are for needs the real ones.
fn in_a_hurry() -> Timing {
    let timing = Timing::default();
    Timing {
        rest: Duration::from_millis(50),
        retry: RetrySchedule {
            pause: Duration::from_millis(25),
            ..timing.retry
        },
        log_search: [125, 250].map(Duration::from_millis).into(),
        log_follow: [125, 125, 250].map(Duration::from_millis).into(),
        ..timing
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

fn without_platform(setup: &Setup) -> Assignment {
    let nobody = inventory::Answers::default();
    let inventory = inventory::load(&setup.config, None, &[], nobody).expect("the inventory is valid");
    let request = RoundRequest::default();
    assign(setup, &request, ApiSnapshot::default(), &inventory).expect("all secrets are there")
}

impl Bench {
    /// With the pauses of the product, for what is about them.
    pub(crate) fn unhurried(mut self) -> Self {
        self.setup.probes.timing = Timing::default();
        self
    }

    /// Stages exactly these faults.
    pub(crate) async fn stage(&self, faults: &[String]) {
        self.lab.clear_all().await.expect("faults can be cleared");
        let faults = faults.iter().map(|fault| read(fault)).collect::<Vec<_>>();
        self.lab.stage_all(faults).await.expect("faults can be staged");
    }

    /// A round in which nothing is known yet of the pace that the edge bears: a bench is used again and again.
    async fn run(&self, assignment: &Assignment, stop: Stop) -> Round {
        let probes = ProbeSetup {
            pacers: Pacers::new(self.setup.config.schedule.rate),
            ..self.setup.probes.clone()
        };
        round(&probes, assignment, &NoProgress, stop).await.expect("a round")
    }

    /// What a round without a platform is given.
    pub(crate) fn without_platform(&self) -> &Assignment {
        &self.assignment
    }

    /// One round without a platform.
    pub(crate) async fn round(&self) -> Round {
        self.run(&self.assignment, Stop::never()).await
    }

    /// One request to a tenant told hop by hop.
    pub(crate) async fn trace(&self, id: &str) -> Trace<'static> {
        self.trace_until(id, Stop::never()).await
    }

    /// The same, ended when `stop` is pulled.
    pub(crate) async fn trace_until(&self, id: &str, stop: Stop) -> Trace<'static> {
        let mut assignment = self.assignment().await;
        assignment.targets.retain(|target| target.tenant.id.as_str() == id);
        assignment.traced = true;
        let round = self.run(&assignment, stop).await;
        let demand = GatePolicy::default();
        // A trace borrows from its round; here it outlives the test's look at it.
        let round = Box::leak(Box::new(round));
        let report = Report::new(round, &demand, exit_code(&round.diagnosis, &demand));
        Trace::new(round, report, &Setting::default()).expect("the tenant")
    }

    /// The assignment of a round with what the platform says, read anew.
    async fn assignment(&self) -> Assignment {
        let request = RoundRequest::default();
        let read = Snapshot::read(&self.setup, &request, &mut Stop::never()).await;
        let Snapshot { api, inventory } = read.expect("the inventory is valid");
        assign(&self.setup, &request, api, &inventory).expect("all secrets are there")
    }

    /// Requests to APIs so far.
    pub(crate) fn calls(&self) -> u32 {
        self.setup.clients.calls.made().values().sum()
    }

    /// One round with what the platform says, read anew; and how many requests that took.
    pub(crate) async fn round_with_platform(&self) -> (Round, u32) {
        let before = self.calls();
        let assignment = self.assignment().await;
        let round = self.run(&assignment, Stop::never()).await;
        (round, self.calls() - before)
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
pub(crate) fn causes(round: &Round) -> BTreeSet<String> {
    round
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
