//! What the benchmarks share: the server, which must not count, and what a process used.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::sys::resource::{Usage, UsageWho, getrusage};
use roundsman_lab::{Lab, LabOptions, RootKey};
use tempfile::TempDir;

/// What can go wrong: nothing that a benchmark could fix.
pub(crate) type Failure = Box<dyn std::error::Error>;

/// Set in the process that is the server: where to write the configuration.
const SERVES_IN: &str = "ROUNDSMAN_BENCH_LAB";
const TENANTS: &str = "ROUNDSMAN_BENCH_TENANTS";
const CHEAP: &str = "ROUNDSMAN_BENCH_CHEAP_CHAIN";
const READY: &str = "ready";

/// The chain that the lab's edge presents.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// As Let's Encrypt's: a P-256 leaf, a P-384 intermediate, an RSA-4096 root.
    LetsEncrypt,
    /// P-256 throughout.
    P256,
}

/// The benchmark itself started a second time as the lab, so that what serving costs is not counted here.
pub(crate) struct LabProcess {
    child: Child,
    dir: TempDir,
}

impl LabProcess {
    /// Starts a lab of `tenants` healthy tenants and waits until it serves.
    pub(crate) fn start(tenants: usize, shape: Shape) -> Result<Self, Failure> {
        let dir = tempfile::tempdir()?;
        let mut lab = Command::new(std::env::current_exe()?);
        lab.env(SERVES_IN, dir.path()).env(TENANTS, tenants.to_string());
        if shape == Shape::P256 {
            lab.env(CHEAP, "1");
        }
        let mut child = lab.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        if let Some(out) = child.stdout.take() {
            BufReader::new(out).read_line(&mut line)?;
        }
        let lab = Self { child, dir };
        if line.trim_end() == READY {
            Ok(lab)
        } else {
            Err("the lab did not start".into())
        }
    }

    /// Where `roundsman.toml` and `roots.pem` are.
    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }
}

impl Drop for LabProcess {
    fn drop(&mut self) {
        // Where it ended by itself there is nothing left to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Serves until the benchmark that started us is gone; `false` where we are the benchmark.
pub(crate) fn served() -> Result<bool, Failure> {
    let (Some(dir), Ok(tenants)) = (std::env::var_os(SERVES_IN), std::env::var(TENANTS)) else {
        return Ok(false);
    };
    let options = LabOptions {
        root_key: std::env::var_os(CHEAP).map_or(RootKey::Rsa4096, |_| RootKey::P256),
        ..LabOptions::with_tenants(tenants.parse()?)
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let lab = Lab::start(options).await?;
        lab.write_config(Path::new(&dir))?;
        println!("{READY}");
        // Standard input ends with whoever holds its other end.
        let gone = tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new()));
        gone.await??;
        Ok(true)
    })
}

/// CPU time that a process (or all its children that ended) used so far, in user and kernel mode.
pub(crate) fn cpu(usage: &Usage) -> Duration {
    let times = [usage.user_time(), usage.system_time()];
    let part = |time: nix::sys::time::TimeVal| {
        let micros = time.tv_sec() * 1_000_000 + time.tv_usec();
        Duration::from_micros(u64::try_from(micros).unwrap_or_default())
    };
    times.into_iter().map(part).sum()
}

/// What was used so far.
pub(crate) fn usage(who: UsageWho) -> Result<Usage, Failure> {
    Ok(getrusage(who)?)
}
