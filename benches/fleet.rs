//! What a round over a thousand healthy tenants costs: the shipped program against a lab in a process of its own.
//!
//! `cargo bench --bench fleet`

mod common;

use std::process::{Command, Stdio};

use common::{Failure, LabProcess, Shape, cpu, served, usage};
use nix::sys::resource::UsageWho;
use roundsman_checks::clock::Stopwatch;

const FLEET: usize = 1000;
const ROUNDS: usize = 3;
/// Goals: seconds of wall time, and MiB of memory.
const WALL: f64 = 20.0;
const MEMORY: i64 = 150;

fn main() -> Result<(), Failure> {
    if served()? {
        return Ok(());
    }
    let lab = LabProcess::start(FLEET, Shape::LetsEncrypt)?;
    println!("{FLEET} healthy tenants, `roundsman verify --format json`, {ROUNDS} rounds");
    println!(
        "{:>8} {:>12} {:>14} {:>16}",
        "wall s", "CPU s", "CPU µs/tenant", "peak MiB so far"
    );
    for _ in 0..ROUNDS {
        round(&lab)?;
    }
    println!("goals: wall <= {WALL} s, peak <= {MEMORY} MiB");
    Ok(())
}

fn round(lab: &LabProcess) -> Result<(), Failure> {
    let before = cpu(&usage(UsageWho::RUSAGE_CHILDREN)?);
    let watch = Stopwatch::start();
    let status = Command::new(env!("CARGO_BIN_EXE_roundsman"))
        .args(["verify", "--format", "json", "--config"])
        .arg(lab.dir().join("roundsman.toml"))
        .stdout(Stdio::null())
        .status()?;
    let wall = watch.ms().0 / 1000.0;
    if !status.success() {
        return Err(format!("verify of a healthy fleet: {status}").into());
    }
    let after = usage(UsageWho::RUSAGE_CHILDREN)?;
    let used = (cpu(&after) - before).as_secs_f64();
    let each = used * 1e6 / FLEET as f64;
    // In KiB; the largest of all children that ended. The lab runs on.
    let peak = after.max_rss() / 1024;
    println!("{wall:>8.2} {used:>12.2} {each:>14.0} {peak:>16}");
    Ok(())
}
