//! What verifying one tenant costs the agent in CPU time, next to the least that a client can do, and next to
//! blackbox_exporter where that is installed.
//!
//! `cargo bench --bench visit`
//!
//! The floor is TCP, a full TLS 1.3 handshake that goes by the same roots and shares verdicts on chains in the same way,
//! and one GET over HTTP/2, with the same libraries used plainly and nothing else; `unshared` is the same with every
//! chain verified at every visit. The visit is the product's round over the same tenants at the same server: five
//! questions of DNS at the zone's server and at a resolver, the visit, every check judged and diagnosed (`conflicts`
//! and `app` are skipped: there is no platform). They take turns; of each the best round counts, for all that a busy
//! machine can do is make one slower.

mod blackbox;
#[path = "../common/mod.rs"]
mod common;
mod floor;

use std::path::Path;
use std::time::Duration;

use blackbox::Blackbox;
use common::{Failure, LabProcess, Shape, cpu, served, usage};
use floor::Floor;
use nix::sys::resource::UsageWho;
use roundsman::agent::{self, ApiSnapshot, Assignment, NoProgress, RoundRequest, Setup, Stop};
use roundsman::config::{Config, Flags};
use roundsman::inventory::{Answers, load};
use roundsman_checks::diagnosis::Status;
use roundsman_checks::finding::Check;
use tokio::runtime::Runtime;

const VISITS: usize = 300;
const ROUNDS: usize = 7;
const TOGETHER: usize = 32;
/// The most that a visit may cost, as a multiple of the floor.
const GOAL: f64 = 1.15;
/// The most that a visit may cost, as a share of what blackbox_exporter takes.
const GOAL_LETS_ENCRYPT: f64 = 0.15;
const GOAL_P256: f64 = 0.35;

const COLUMNS: [&str; 5] = ["floor", "visit", "without DNS", "unshared", "blackbox"];

fn main() -> Result<(), Failure> {
    if served()? {
        return Ok(());
    }
    println!("µs of CPU (user + system) a tenant, {VISITS} tenants a round, {TOGETHER} at a time");
    measure(
        "P-256 leaf, P-384 intermediate, RSA-4096 root, as Let's Encrypt's",
        Shape::LetsEncrypt,
        GOAL_LETS_ENCRYPT,
    )?;
    measure("P-256 throughout", Shape::P256, GOAL_P256)
}

/// Measures everything with one kind of chain, in turns.
fn measure(title: &str, shape: Shape, goal: f64) -> Result<(), Failure> {
    println!("\n{title}");
    let lab = LabProcess::start(VISITS, shape)?;
    let config = lab.dir().join("roundsman.toml");
    let (whole, without_dns) = (Work::new(&config, &[])?, Work::new(&config, &[Check::Dns])?);
    let anchors = agent::anchors(Some(&lab.dir().join("roots.pem")))?;
    let (floor, unshared) = (
        Floor::new(&whole, anchors.clone(), true)?,
        Floor::new(&whole, anchors, false)?,
    );
    let blackbox = Blackbox::start(lab.dir(), floor.visits())?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut best = [Duration::MAX; 5];
    row("round", COLUMNS);
    for round in 0..=ROUNDS {
        let taken = [
            Some(measured(&runtime, floor.visit_all())?),
            Some(measured(&runtime, verify(&whole))?),
            Some(measured(&runtime, verify(&without_dns))?),
            Some(measured(&runtime, unshared.visit_all())?),
            blackbox
                .as_ref()
                .map(|blackbox| probed(&runtime, blackbox))
                .transpose()?,
        ];
        let name = if round == 0 {
            "warm-up".to_owned()
        } else {
            round.to_string()
        };
        row(
            &name,
            taken.map(|taken| taken.map_or_else(String::new, |taken| format!("{:.0}", micros(taken)))),
        );
        if round > 0 {
            best = std::array::from_fn(|kind| taken[kind].map_or(best[kind], |taken| best[kind].min(taken)));
        }
    }
    conclude(best, blackbox.is_some(), goal);
    Ok(())
}

fn conclude(best: [Duration; 5], with_blackbox: bool, goal: f64) {
    let known = |kind: usize| kind < 4 || with_blackbox;
    let figure = |kind: usize| micros(best[kind]);
    let [floor, visit] = [figure(0), figure(1)];
    row(
        "best",
        std::array::from_fn(|kind| {
            if known(kind) {
                format!("{:.0}", figure(kind))
            } else {
                String::new()
            }
        }),
    );
    row(
        "by floor",
        std::array::from_fn(|kind| {
            if known(kind) {
                format!("{:.2}", figure(kind) / floor)
            } else {
                String::new()
            }
        }),
    );
    println!("visit / floor {:.2}, goal <= {GOAL}", visit / floor);
    if with_blackbox {
        println!("visit / blackbox_exporter {:.2}, goal <= {goal}", visit / figure(4));
    } else {
        println!("blackbox_exporter is not installed (Debian: prometheus-blackbox-exporter), and not compared");
    }
}

fn row<T: std::fmt::Display>(name: &str, cells: [T; 5]) {
    let cells = cells.map(|cell| format!("{cell:>12}"));
    println!("{name:>8} {}", cells.join(""));
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6 / VISITS as f64
}

/// The CPU time that this process spends until `work` is done.
fn measured(runtime: &Runtime, work: impl Future<Output = Result<(), Failure>>) -> Result<Duration, Failure> {
    let before = cpu(&usage(UsageWho::RUSAGE_SELF)?);
    runtime.block_on(work)?;
    Ok(cpu(&usage(UsageWho::RUSAGE_SELF)?) - before)
}

/// The CPU time that blackbox_exporter spends on all tenants.
fn probed(runtime: &Runtime, blackbox: &Blackbox) -> Result<Duration, Failure> {
    let before = blackbox.cpu()?;
    runtime.block_on(blackbox.visit_all())?;
    Ok(blackbox.cpu()? - before)
}

/// What the shipped program is told to do by the lab's configuration.
pub(crate) struct Work {
    setup: Setup,
    assignment: Assignment,
}

impl Work {
    fn new(config: &Path, skip: &[Check]) -> Result<Self, Failure> {
        let flags = Flags {
            concurrency: Some(u32::try_from(TOGETHER)?.try_into()?),
            ..Flags::default()
        };
        let setup = Setup::new(Config::load(config)?.with_flags(&flags)?, None)?;
        let mut request = RoundRequest::default();
        request.selected.retain(|check| !skip.contains(check));
        let inventory = load(&setup.config, None, &[], Answers::default())?;
        let assignment = agent::assign(&setup, &request, ApiSnapshot::default(), &inventory)?;
        Ok(Self { setup, assignment })
    }
}

/// One round of the product, as shipped. Every tenant must come out healthy, or less was measured than is said.
async fn verify(work: &Work) -> Result<(), Failure> {
    let round = agent::round(&work.setup.probes, &work.assignment, &NoProgress, Stop::never()).await?;
    let sick = round
        .diagnosis
        .tenants
        .iter()
        .find(|tenant| tenant.status != Status::Healthy);
    sick.map_or(Ok(()), |tenant| Err(format!("{tenant:?}").into()))
}
