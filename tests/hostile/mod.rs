//! Peers that mean harm, each played by the lab and met by the real binary: how long it takes, how often it asks, how much
//! memory it needs, and what it says of the others. Each try has a bound in time of its own; it is wide, for other tests run
//! beside it, and what is beyond it is killed.

mod apis;
mod files;
mod signals;
mod sockets;
mod tenants;

use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use roundsman::agent::clock::Moment;

use crate::cli::Ran;

/// After this something hangs.
const HANGS: Duration = Duration::from_secs(180);
/// Between two looks at a process.
const GLANCE: Duration = Duration::from_millis(2);

/// How the binary ended, how much memory it had at most, in MiB, and how long it took.
struct Ended {
    ran: Ran,
    peak: u64,
    took: Duration,
}

/// Runs a command to its end within so many seconds, and looks at its memory meanwhile.
fn watched(command: &mut Command, seconds: u64) -> Ended {
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    let (out, err) = (drained(child.stdout.take()), drained(child.stderr.take()));
    let started = Moment::now();
    let mut peak = 0;
    let status = loop {
        peak = peak.max(memory(child.id()).unwrap_or_default());
        if let Some(status) = child.try_wait().expect("a child") {
            break status;
        }
        if started.elapsed() > Duration::from_secs(seconds) {
            end(&mut child);
            panic!("{command:?} takes longer than {seconds} s");
        }
        thread::sleep(GLANCE);
    };
    let text = |reading: thread::JoinHandle<String>| reading.join().expect("no panic");
    Ended {
        ran: Ran {
            code: status.code(),
            out: text(out),
            err: text(err),
        },
        peak,
        took: started.elapsed(),
    }
}

fn drained(pipe: Option<impl Read + Send + 'static>) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            pipe.read_to_end(&mut bytes).expect("a pipe");
        }
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// The most memory that a process had until now, in MiB; nothing where it is over.
fn memory(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes = line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?;
    Some(kibibytes.div_ceil(1024))
}

fn end(child: &mut Child) {
    // It may be over by itself.
    let _ = child.kill();
    let _ = child.wait();
}
