//! What telling costs: the CPU time of `roundsman watch` for each examination with every trace, number and line sent by OTLP
//! to a collector, next to the same without.
//!
//! `cargo bench --bench telemetry`
//!
//! The shipped program runs as a process of its own, the lab is another one, and the collector (which counts what comes and
//! keeps nothing) is a thread of this one: of neither does anything count here. Both ways take turns, and each pair is a
//! ratio by itself, for what else the machine does changes slowly; the middle one counts.

mod common;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use common::{Failure, LabProcess, Shape, cpu, served, usage};
use nix::sys::resource::UsageWho;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

const FLEET: usize = 200;
const PAIRS: usize = 5;
/// How long each daemon runs: some 1,000 examinations.
const RUNS_FOR: Duration = Duration::from_secs(10);
/// The most that examinations may cost with all of it, as a multiple of what they cost without.
const GOAL: f64 = 1.10;

fn main() -> Result<(), Failure> {
    if served()? {
        return Ok(());
    }
    let lab = LabProcess::start(FLEET, Shape::LetsEncrypt)?;
    let collector = Collector::start()?;
    println!(
        "µs of CPU (user + system) an examination, {FLEET} tenants every 2 s for {} s",
        RUNS_FOR.as_secs()
    );
    println!(
        "{:>8} {:>10} {:>10} {:>8} {:>14}",
        "pair", "without", "with", "ratio", "KiB collected"
    );
    let mut ratios = Vec::new();
    for pair in 1..=PAIRS {
        let (without, _) = watched(&lab, None)?;
        let before = collector.bytes();
        let (with, examined) = watched(&lab, Some(&collector))?;
        let came = (collector.bytes() - before) / 1024;
        if came * 1024 < examined {
            return Err("hardly anything was told to the collector".into());
        }
        let ratio = with / without;
        println!("{pair:>8} {without:>10.0} {with:>10.0} {ratio:>8.3} {came:>14}");
        ratios.push(ratio);
    }
    ratios.sort_by(f64::total_cmp);
    println!("goal: ratio <= {GOAL}; the middle one: {:.3}", ratios[PAIRS / 2]);
    Ok(())
}

/// The CPU time of an examination, in µs, and how many there were.
fn watched(lab: &LabProcess, collector: Option<&Collector>) -> Result<(f64, usize), Failure> {
    let dir = tempfile::tempdir()?;
    let config = configuration(lab, dir.path())?;
    let before = cpu(&usage(UsageWho::RUSAGE_CHILDREN)?);
    let mut command = Command::new(env!("CARGO_BIN_EXE_roundsman"));
    let telemetry = std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("OTEL_"));
    for (name, _) in telemetry {
        command.env_remove(name);
    }
    if let Some(collector) = collector {
        command
            .env("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{}", collector.address))
            .env("OTEL_METRIC_EXPORT_INTERVAL", "5000");
    }
    let mut child = command
        .args(["watch", "--config"])
        .arg(&config)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let counted = examinations(&mut child);
    let pid = Pid::from_raw(i32::try_from(child.id())?);
    kill(pid, Signal::SIGTERM)?;
    child.wait()?;
    let examined = counted?;
    let used = cpu(&usage(UsageWho::RUSAGE_CHILDREN)?) - before;
    Ok((used.as_secs_f64() * 1e6 / examined as f64, examined))
}

/// The lab's configuration with what a daemon needs.
fn configuration(lab: &LabProcess, dir: &Path) -> Result<PathBuf, Failure> {
    let text = std::fs::read_to_string(lab.dir().join("roundsman.toml"))?;
    let config = dir.join("roundsman.toml");
    let more = "[schedule]\nevery = \"2s\"\n[web]\nlisten = \"127.0.0.1:0\"\n[telemetry]\ntraces = \"all\"\n";
    std::fs::write(&config, text + more)?;
    Ok(config)
}

/// Lets a daemon run, and asks it then how many examinations it made.
fn examinations(child: &mut Child) -> Result<usize, Failure> {
    let out = child.stdout.take().ok_or("no output")?;
    let mut lines = BufReader::new(out).lines();
    let address = loop {
        let line = lines.next().ok_or("the daemon ended")??;
        if let Some((_, rest)) = line.split_once("listening on http://") {
            break rest.split('"').next().unwrap_or_default().to_owned();
        }
    };
    // What it says is read on, or it would wait for us.
    std::thread::spawn(move || lines.for_each(drop));
    std::thread::sleep(RUNS_FOR);
    let mut stream = TcpStream::connect(&address)?;
    write!(stream, "GET /metrics HTTP/1.0\r\nhost: {address}\r\n\r\n")?;
    let mut page = String::new();
    stream.read_to_string(&mut page)?;
    let counts = page.lines().filter(|line| {
        line.starts_with("roundsman_check_duration_seconds_count{") && line.contains("check=\"certificate\"")
    });
    let counts = counts.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok());
    let examined = counts.sum::<f64>() as usize;
    match examined < FLEET {
        true => Err(format!("only {examined} examinations").into()),
        false => Ok(examined),
    }
}

/// A collector that takes everything over HTTP and counts the bytes.
struct Collector {
    address: SocketAddr,
    bytes: Arc<AtomicUsize>,
}

impl Collector {
    fn start() -> Result<Self, Failure> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let bytes = Arc::<AtomicUsize>::default();
        let all = Arc::clone(&bytes);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let all = Arc::clone(&all);
                std::thread::spawn(move || drop(take(stream, &all)));
            }
        });
        Ok(Self { address, bytes })
    }

    fn bytes(&self) -> usize {
        self.bytes.load(Ordering::SeqCst)
    }
}

fn take(stream: TcpStream, bytes: &AtomicUsize) -> std::io::Result<()> {
    let mut writer = stream.try_clone()?;
    let mut reader = BufReader::new(stream);
    loop {
        let mut length = 0;
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line)? == 0 {
                return Ok(());
            }
            if line.trim_end().is_empty() {
                break;
            }
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().unwrap_or(0);
            }
        }
        std::io::copy(&mut reader.by_ref().take(length), &mut std::io::sink())?;
        bytes.fetch_add(usize::try_from(length).unwrap_or_default(), Ordering::SeqCst);
        // An answer of OTLP that rejects nothing is empty.
        writer.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n")?;
    }
}
