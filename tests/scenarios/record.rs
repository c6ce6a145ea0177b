//! A tool, not a test: records worlds for the tests of the judging crate, which then need no socket. Each part is run by
//! name, and writes its files anew; `checks/tests/data/README.md` says how and what they are for.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Write;
use std::net::IpAddr;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use roundsman_checks::target::Hostname;
use roundsman_checks::world::World;
use roundsman_lab::LabOptions;
use serde_json::Value;

use super::{by_design, chains, lists, machines};
use crate::support::{Bench, Scenario, bench, platform_scenarios, scenarios};

/// Where the judging crate reads them.
const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/checks/tests/data");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a tool that writes files: cargo test --test main record::worlds_without_a_platform -- --ignored"]
async fn worlds_without_a_platform() {
    let bench = bench(small(LabOptions::default())).await;
    let mut faults = vec![Vec::new()];
    faults.extend(scenarios().into_iter().map(|scenario| vec![scenario.fault]));
    faults.extend(
        TOGETHER
            .iter()
            .map(|faults| faults.split(' ').map(str::to_owned).collect()),
    );
    let mut recorder = Recorder::new(&bench, false);
    recorder.write("worlds.jsonl.gz", &faults).await;
}

/// Every scenario of the platform; then, of the same lab so that their parts can be put together, the other scenarios
/// with the platform's word, and all of one tenant again at a second one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a tool that writes files: cargo test --test main record::worlds_with_a_platform -- --ignored"]
async fn worlds_with_a_platform() {
    // Whoever waits too briefly for a log records another cause.
    let bench = bench(small(LabOptions::with_platform())).await.unhurried();
    let (others, of_platform) = (scenarios(), platform_scenarios());
    let alone = |scenario: &Scenario| vec![scenario.fault.clone()];
    let mut recorder = Recorder::new(&bench, true);
    let first = [Vec::new()].into_iter().chain(of_platform.iter().map(alone));
    recorder.write("platform.jsonl.gz", &first.collect::<Vec<_>>()).await;
    let second = of_platform.iter().chain(&others);
    let second = second.filter(|scenario| scenario.scope == "tenant").map(|scenario| {
        let fault = scenario.fault.replace("q7f9", "a3b1");
        vec![fault]
    });
    let more = others.iter().map(alone).chain(second);
    recorder.write("beside.jsonl.gz", &more.collect::<Vec<_>>()).await;
}

/// Set-ups that differ by design, and chains whose trouble is not the leaf's; with the platform's word, lists that are not
/// what they say, and apps of several kinds of machines.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a tool that writes files: cargo test --test main record::worlds_of_other_kinds -- --ignored"]
async fn worlds_of_other_kinds() {
    let alone = |fault: &str| vec![fault.to_owned()];
    let designs = by_design::SET_UPS.iter().map(|(set_up, _)| alone(set_up));
    let chains = chains::CHAINS.iter().map(|(fault, ..)| alone(fault));
    let bench_alone = bench(small(by_design::wide())).await;
    let mut recorder = Recorder::new(&bench_alone, false);
    recorder
        .write("kinds.jsonl.gz", &designs.chain(chains).collect::<Vec<_>>())
        .await;
    let lies = lists::LIES.iter().map(|lie| vec![format!("lists-lie={}", lie.how)]);
    let apps = machines::APPS
        .iter()
        .map(|(machines, ..)| vec![format!("app-machines@q7f9={machines}")]);
    let bench_with = bench(small(LabOptions::with_platform())).await;
    let mut recorder = Recorder::new(&bench_with, true);
    recorder
        .write("platform-kinds.jsonl.gz", &lies.chain(apps).collect::<Vec<_>>())
        .await;
}

/// Three tenants are enough to tell one from its neighbours.
fn small(options: LabOptions) -> LabOptions {
    let tenants = ["q7f9", "a3b1", "c04e"].map(str::to_owned).to_vec();
    LabOptions { tenants, ..options }
}

/// Stages, looks and writes.
struct Recorder<'b> {
    bench: &'b Bench,
    with_platform: bool,
    steady: Steady,
}

impl<'b> Recorder<'b> {
    fn new(bench: &'b Bench, with_platform: bool) -> Self {
        Self {
            bench,
            with_platform,
            steady: Steady::default(),
        }
    }

    /// A world a line, each with these faults.
    async fn write(&mut self, name: &str, faults: &[Vec<String>]) {
        let file = File::create(Path::new(FOLDER).join(name)).expect("the file");
        let mut file = GzEncoder::new(file, Compression::best());
        for faults in faults {
            self.bench.stage(faults).await;
            let round = match self.with_platform {
                true => self.bench.round_with_platform().await.0,
                false => self.bench.round().await,
            };
            let line = serde_json::json!({ "faults": faults, "world": self.steady.world(round.world) });
            writeln!(file, "{line}").expect("the line is written");
        }
        file.finish().expect("the file is whole");
    }
}

/// What differs from one lab to the next and means nothing, made the same: ports and fresh labels are numbered as they
/// come, and the host has no name. Keys, the moments at which their certificates are valid, and durations stay as they
/// are: they belong together.
#[derive(Default)]
struct Steady {
    ports: BTreeMap<String, String>,
    labels: usize,
}

impl Steady {
    fn world(&mut self, mut world: World) -> Value {
        "lab".clone_into(&mut world.vantage.name);
        let mut text = serde_json::to_string(&world).expect("a world is JSON");
        for label in fresh(&world) {
            self.labels += 1;
            text = text.replace(label.as_str(), &format!("fresh{:010}.{}", self.labels, world.domain));
        }
        let addresses = world.edge.addresses.iter().map(|address| match address {
            IpAddr::V4(v4) => format!("{v4}:"),
            IpAddr::V6(v6) => format!("[{v6}]:"),
        });
        // The zone's servers are at the first two.
        let befores = addresses.chain(["127.0.0.1:", "[::1]:", "\"port\":"].map(str::to_owned));
        for before in befores.collect::<BTreeSet<_>>() {
            text = self.renumber(&text, &before);
        }
        serde_json::from_str(&text).expect("still JSON")
    }

    /// The text with each port after these words replaced by its number.
    fn renumber(&mut self, text: &str, before: &str) -> String {
        let mut parts = text.split(before);
        let mut steady = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let digits = part.bytes().take_while(u8::is_ascii_digit).count();
            let (port, rest) = part.split_at(digits);
            let number = 20_001 + self.ports.len();
            let known = self.ports.entry(port.to_owned()).or_insert_with(|| number.to_string());
            steady.extend([before, known.as_str(), rest]);
        }
        steady
    }
}

/// The names that only the wildcard answers, in the order in which a world has them.
fn fresh(world: &World) -> Vec<Hostname> {
    let asked = world.zone.resolver_controls.iter().map(|look| look.name.as_str());
    let asked = asked.filter_map(|name| Hostname::parse(name).ok());
    let mut fresh = std::iter::once(world.zone.control.clone())
        .chain(asked)
        .collect::<Vec<_>>();
    fresh.dedup();
    fresh
}

/// Faults that meet: precedence, merging, what stays visible.
const TOGETHER: &[&str] = &[
    "wildcard-dns-missing dns-override@q7f9 dns-blocked@a3b1",
    "wildcard-dns-mismatch dns-delegated@q7f9 dns-override@a3b1=both",
    "wildcard-certificate-expired certificate-expired@q7f9 certificate-untrusted@a3b1",
    "wildcard-certificate-expiring certificate-expiring@q7f9 caa-forbids-issuance@a3b1",
    "dns-override@q7f9 certificate-expired@q7f9 site-status@q7f9",
    "site-status@q7f9 site-status@a3b1=404 site-slow@c04e=2100",
    "route-wrong-tenant@q7f9 site-slow@q7f9=2100 tls-eof@a3b1",
    "edge-tls-failing=127.0.0.1 tls-reset@q7f9",
    "edge-unreachable=::1 dns-stale-resolver@q7f9 site-redirect@a3b1",
    "dns-servers-failing=servfail/1 dns-override@q7f9 dns-blocked@a3b1=mx",
    "dnssec-bogus dns-override@q7f9 certificate-name-mismatch@a3b1",
    "clock-wrong dns-override@q7f9 certificate-expired@a3b1",
    "platform-outage=100 dns-override@q7f9 certificate-chain-incomplete@a3b1",
    "caa-forbids-issuance caa-forbids-issuance@q7f9",
    "wildcard-cname dns-override@q7f9=cname dns-override@a3b1=equal",
];
