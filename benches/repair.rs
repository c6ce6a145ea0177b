//! How long it takes from a certificate conflict until its repair is verified: the shipped program against a lab beside it.
//!
//! `cargo bench --bench repair`

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use roundsman_checks::clock::Stopwatch;
use roundsman_lab::{Lab, LabOptions};
use serde_json::Value;
use tempfile::TempDir;

/// What can go wrong: nothing that a benchmark could fix.
type Failure = Box<dyn std::error::Error>;

/// How often it is repaired, by the command and by `watch`. Each time at another tenant: whoever was repaired rests.
const BY_COMMAND: usize = 15;
const BY_WATCH: usize = 5;
const TENANTS: usize = 100;
/// How often `watch` looks at each tenant here; all else is as it is by default.
const EVERY: u32 = 10;
/// A repair that takes longer has failed.
const LONGEST: Duration = Duration::from_secs(300);

fn main() -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let bench = runtime.block_on(Bench::start())?;
    let by_command = (0..BY_COMMAND).map(|number| runtime.block_on(bench.by_command(number)));
    told(
        "`remediate TENANT --apply --yes`, from its start",
        by_command.collect::<Result<_, _>>()?,
    );
    let mut watch = bench.watch()?;
    let mut by_watch = Vec::new();
    for number in BY_COMMAND..BY_COMMAND + BY_WATCH {
        by_watch.push(runtime.block_on(bench.by_watch(number, &mut watch.0))?);
    }
    told(
        &format!("`watch`, every = \"{EVERY}s\", mode = \"auto\", from the fault"),
        by_watch,
    );
    Ok(())
}

fn told(what: &str, mut seconds: Vec<f64>) {
    seconds.sort_by(f64::total_cmp);
    let (first, last) = (seconds.first().copied(), seconds.last().copied());
    println!(
        "{what}: median {:.2} s of {} ({:.2} to {:.2})",
        seconds.get(seconds.len() / 2).copied().unwrap_or_default(),
        seconds.len(),
        first.unwrap_or_default(),
        last.unwrap_or_default(),
    );
}

/// A `watch` that ends with this.
struct Watch(Child);

impl Drop for Watch {
    fn drop(&mut self) {
        // Where it ended by itself there is nothing left to kill.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

struct Bench {
    lab: Lab,
    dir: TempDir,
}

impl Bench {
    async fn start() -> Result<Self, Failure> {
        let lab = Lab::start(LabOptions {
            tenants: LabOptions::with_tenants(TENANTS).tenants,
            ..LabOptions::with_platform()
        })
        .await?;
        let dir = tempfile::tempdir()?;
        let config = lab.write_config(dir.path())?;
        let text = std::fs::read_to_string(&config)?;
        let more = format!(
            "\n[schedule]\nevery = \"{EVERY}s\"\n\n[remediation]\nmode = \"auto\"\nallow = [\"remove-certificate\"]\n\
             max_per_10m = 100\nmax_per_hour = 100\nmax_per_day = 100\n"
        );
        std::fs::write(config, text + &more)?;
        Ok(Self { lab, dir })
    }

    fn roundsman(&self, arguments: &[&str]) -> Command {
        let (fly, cloudflare) = self.lab.read_tokens();
        let mut command = Command::new(env!("CARGO_BIN_EXE_roundsman"));
        command
            .args(arguments)
            .current_dir(self.dir.path())
            .env("ROUNDSMAN_CONFIG", self.dir.path().join("roundsman.toml"))
            .env("FLY_API_TOKEN", fly)
            .env("CLOUDFLARE_API_TOKEN", cloudflare)
            .env("FLY_WRITE_TOKEN", self.lab.fly_token())
            .env("CLOUDFLARE_WRITE_TOKEN", self.lab.cloudflare_token())
            .stdin(Stdio::null());
        command
    }

    async fn breaks(&self, number: usize) -> Result<String, Failure> {
        let tenant = format!("t{:04}", number + 1);
        self.lab
            .stage(format!("certificate-conflict@{tenant}").parse()?)
            .await?;
        Ok(tenant)
    }

    /// How long one command takes that finds and fixes it.
    async fn by_command(&self, number: usize) -> Result<f64, Failure> {
        let tenant = self.breaks(number).await?;
        let began = Stopwatch::start();
        let mut command = self.roundsman(&["remediate", &tenant, "--apply", "--yes", "--format", "json"]);
        let ran = command.output()?;
        let took = began.ms().0 / 1000.0;
        let document = serde_json::from_slice::<Value>(&ran.stdout)?;
        match document["plans"][0]["verified"] == true {
            true => Ok(took),
            false => Err(format!("it was not repaired: {document:#}").into()),
        }
    }

    fn watch(&self) -> Result<Watch, Failure> {
        let mut command = self.roundsman(&["watch"]);
        Ok(Watch(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?))
    }

    /// How long it takes until `watch` has found, fixed and verified it.
    async fn by_watch(&self, number: usize, watch: &mut Child) -> Result<f64, Failure> {
        // A first look at everybody comes before anything is found.
        while self.status().is_none_or(|known| known < TENANTS) {
            if let Some(status) = watch.try_wait()? {
                return Err(format!("watch ended: {status}").into());
            }
        }
        let began = Stopwatch::start();
        let tenant = self.breaks(number).await?;
        while !self.is_verified(&tenant)? {
            if began.left(LONGEST).is_zero() {
                return Err(format!("{tenant} was not repaired in time").into());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(began.ms().0 / 1000.0)
    }

    /// How many tenants `watch` knows to be healthy.
    fn status(&self) -> Option<usize> {
        let ran = self.roundsman(&["status", "--format", "json"]).output().ok()?;
        let document = serde_json::from_slice::<Value>(&ran.stdout).ok()?;
        let tenants = document["tenants"].as_array().or(document.as_array())?;
        Some(tenants.iter().filter(|tenant| tenant["status"] == "healthy").count())
    }

    fn is_verified(&self, tenant: &str) -> Result<bool, Failure> {
        let ran = self.roundsman(&["remediate", "ledger", "--format", "json"]).output()?;
        let rows = serde_json::from_slice::<Value>(&ran.stdout)?;
        let mut rows = rows.as_array().into_iter().flatten();
        Ok(rows.any(|row| row["tenant"] == tenant && row["phase"] == "verified"))
    }
}
