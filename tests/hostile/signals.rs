//! Ctrl-C and SIGTERM while there is much to do, or somebody keeps the program waiting: it ends at once, with what it knows.

use std::io::{Read as _, Write as _};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use roundsman::agent::clock::Moment;
use roundsman_lab::{Counters, LabOptions};
use serde_json::Value;

use super::tenants::at;
use super::{drained, end};
use crate::cli::platform::with_tenants;
use crate::cli::{Served, command, serve};

/// After this it was not heard; it takes a hundredth of it. Whatever is waited for here takes longer.
const HEARD: Duration = Duration::from_secs(5);

/// Waits until something is so.
fn until(what: &str, mut so: impl FnMut() -> bool) {
    let started = Moment::now();
    while !so() {
        assert!(started.elapsed() < super::HANGS, "never: {what}");
        std::thread::sleep(super::GLANCE);
    }
}

fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").args([name, &child.id().to_string()]).status();
    assert!(sent.expect("kill runs").success());
}

/// The exit code; a signal that nobody caught has none.
fn ends(child: &mut Child) -> Option<i32> {
    let started = Moment::now();
    loop {
        if let Some(status) = child.try_wait().expect("a child") {
            return status.code();
        }
        if started.elapsed() > HEARD {
            end(child);
            panic!("the signal was not heard");
        }
        std::thread::sleep(super::GLANCE);
    }
}

/// Verifies, and is interrupted as soon as it is in the middle of it.
fn interrupted(served: &Served, busy: impl Fn(&Counters, &Child) -> bool) -> Value {
    let mut verify = served.command();
    verify.args(["--format", "json"]).env("TENANTS_TOKEN", "t");
    let child = verify.stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
    let mut child = child.expect("the binary runs");
    let out = drained(child.stdout.take());
    until("busy", || busy(&served.lab.counters(), &child));
    signal(&child, "-INT");
    let code = ends(&mut child);
    let out = out.join().expect("no panic");
    let report = serde_json::from_str::<Value>(&out).unwrap_or_else(|error| panic!("{error}: {out}"));
    assert_eq!(report["interrupted"], true);
    assert_eq!(report["exit"].as_i64(), code.map(i64::from));
    report
}

/// With a site that is waited for longer than a signal is.
fn patient(served: Served) -> Served {
    let text = std::fs::read_to_string(&served.config).expect("the configuration");
    let text = text.replace("[site]\n", "[site]\nconnect_timeout = \"30s\"\ntimeout = \"60s\"\n");
    let text = text.replace("[dns]\n", "[dns]\ntimeout = \"60s\"\n");
    std::fs::write(&served.config, text).expect("it can be written");
    served
}

fn apis_asked(counters: &Counters, _: &Child) -> bool {
    counters.api_requests > 0
}

#[test]
fn while_tenants_are_waited_for() {
    let faults = [
        "http2-hostile=pings",
        "http2-hostile=silent",
        "http1-hostile=silent",
        "http1-hostile=interim",
        "tls-hostile=half",
        "slow-drip=tls",
        "slow-drip=body",
        "tls-timeout",
    ];
    let faults = faults
        .iter()
        .enumerate()
        .map(|(number, fault)| at(&format!("t{:04}", number + 1), fault));
    let faults = faults.collect::<Vec<_>>();
    let faults = faults.iter().map(String::as_str).collect::<Vec<_>>();
    let served = patient(serve(LabOptions::with_tenants(faults.len() + 1), &faults));
    let all = faults.len() as u64;
    interrupted(&served, |counters, _| counters.connections.values().sum::<u64>() > all);
}

#[test]
fn while_dns_is_dead() {
    let served = patient(serve(LabOptions::default(), &["vantage-offline"]));
    interrupted(&served, |counters, _| counters.dns_queries > 0);
}

#[test]
fn while_an_api_drips() {
    let options = LabOptions::with_platform();
    let served = serve(options, &[]);
    for api in ["graphql", "machines", "records"] {
        served.stage(&[&format!("api-hostile={api}-drip")]);
        let before = served.lab.counters().api_requests;
        interrupted(&served, |counters, _| counters.api_requests >= before + 3);
    }
}

#[test]
fn while_an_inventory_drips() {
    let served = with_tenants(
        LabOptions::with_platform(),
        "source = [\"list\", \"http\"]\nurl = \"URL\"\nlist = [\"q7f9\"]",
    );
    let text = std::fs::read_to_string(&served.config).expect("the configuration");
    let url = format!("{}/tenants", served.lab.api_url().expect("a platform"));
    std::fs::write(&served.config, text.replace("URL", &url)).expect("it can be written");
    served.stage(&["api-hostile=tenants-drip"]);
    interrupted(&served, |counters, _| counters.api.contains_key("tenants/list"));
}

#[test]
fn while_a_large_answer_is_read() {
    let served = serve(LabOptions::with_platform(), &["api-hostile=graphql-zeros"]);
    // A thread of its own reads it: then, and not before, there is a second one.
    let reads = |_: &Counters, child: &Child| {
        let threads = std::fs::read_dir(format!("/proc/{}/task", child.id()));
        threads.is_ok_and(|threads| threads.count() > 1)
    };
    let report = interrupted(&served, |counters, child| {
        apis_asked(counters, child) && reads(counters, child)
    });
    // It was heard before the answer was read to its end.
    assert!(
        report.to_string().contains("the round was ended before it answered"),
        "{report}"
    );
}

#[test]
fn while_nobody_reads_the_report() {
    let served = serve(LabOptions::with_tenants(150), &[]);
    for (name, format) in [("-INT", "json"), ("-TERM", "junit")] {
        let mut verify = served.command();
        let child = verify
            .args(["--format", format])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let mut child = child.expect("the binary runs");
        let mut out = child.stdout.take().expect("a pipe");
        // It is being written, and there is more of it than the pipe holds.
        out.read_exact(&mut [0]).expect("a report");
        signal(&child, name);
        assert_eq!(ends(&mut child), Some(2), "{name}");
        let said = drained(child.stderr.take()).join().expect("no panic");
        assert!(said.contains("while the report was written"), "{said}");
    }
}

#[test]
fn while_a_recording_is_read() {
    let served = serve(LabOptions::with_tenants(3), &[]);
    let (recording, pipe) = (served.dir.path().join("recording"), served.dir.path().join("pipe"));
    let recorded = served
        .command()
        .arg("--record")
        .arg(&recording)
        .output()
        .expect("the binary runs");
    assert_eq!(recorded.status.code(), Some(0));
    let made = Command::new("mkfifo").arg(&pipe).status().expect("mkfifo runs");
    assert!(made.success());
    let mut replay = command(served.dir.path());
    let child = replay
        .arg("replay")
        .arg(&pipe)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let mut child = child.expect("the binary runs");
    // Opening waits for the other side, so that the program is reading by then; the second half never comes.
    let mut writing = std::fs::OpenOptions::new().write(true).open(&pipe).expect("a pipe");
    let bytes = std::fs::read(&recording).expect("the recording");
    writing.write_all(&bytes[..bytes.len() / 2]).expect("a reader");
    signal(&child, "-INT");
    assert_eq!(ends(&mut child), None);
}
