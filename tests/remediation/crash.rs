//! Killed at any moment: the next run reads the world anew, finishes what is still needed, and does nothing twice.

use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use roundsman_lab::HoldAt;

use super::{planned, ready, remediate, repairable, writes};
use crate::cli::Served;

/// How many runs are killed by chance; more by hand: `ROUNDSMAN_KILLS=200`.
fn kills() -> u64 {
    let set = std::env::var("ROUNDSMAN_KILLS").ok().and_then(|text| text.parse().ok());
    set.unwrap_or(4)
}

/// How many labs are killed in beside each other: most of a run waits.
const TOGETHER: usize = 3;

const FAULTS: [&str; 3] = [
    "certificate-conflict@a001",
    "dns-override@a002=both",
    "app-stopped@a003",
];

fn lab() -> Served {
    repairable(&["a001", "a002", "a003", "a004", "a005"], &FAULTS)
}

fn begin(served: &Served) -> Child {
    let tokens = (served.lab.fly_token(), served.lab.cloudflare_token());
    let mut command = ready(served, Some(tokens));
    command
        .args(["--apply", "--yes"])
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.spawn().expect("the binary runs")
}

/// Kills, runs again, and looks at what came of both.
fn kill(served: &Served, mut child: Child, what: &str) {
    child.kill().expect("it can be killed");
    child.wait().expect("it ends");
    let ran = remediate(served, &["ledger"]);
    assert_eq!(ran.code, Some(0), "{what}: {}{}", ran.out, ran.err);
    let document = planned(served, &["--apply", "--yes"]);
    assert_eq!(document["exit"], 0, "{what}: {document:#}");
    let mut done = writes(served);
    done.sort();
    let count = done.len();
    done.dedup();
    assert_eq!((count, done.len()), (4, 4), "{what}: each call once: {done:?}");
    assert_eq!(remediate(served, &["ledger"]).code, Some(0), "{what}");
}

#[test]
fn killed_between_any_two_calls_it_ends_as_if_it_had_not_been() {
    let calls = {
        let served = lab();
        assert_eq!(planned(&served, &["--apply", "--yes"])["exit"], 0);
        served.lab.writer_calls()
    };
    // A row of the ledger is written between two calls, so that these moments lie around each row as well.
    let moments = (1..=calls).flat_map(|number| [(number, HoldAt::Call), (number, HoldAt::Answer)]);
    let moments = moments.collect::<Vec<_>>();
    assert!(moments.len() > 20, "{moments:?}");
    let next = AtomicUsize::new(0);
    let one_after_the_other = || {
        while let Some((number, at)) = moments.get(next.fetch_add(1, Ordering::Relaxed)) {
            let served = lab();
            let hold = served.lab.hold(*number, *at).expect("a platform");
            let mut child = begin(&served);
            while !hold.is_met() {
                let ended = child.try_wait().expect("it can be asked");
                assert_eq!(ended, None, "it ended before call {number}");
                std::thread::sleep(Duration::from_millis(1));
            }
            kill(&served, child, &format!("{at:?} {number}"));
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..TOGETHER {
            scope.spawn(one_after_the_other);
        }
    });
}

#[test]
fn killed_at_any_moment_it_ends_as_if_it_had_not_been() {
    for number in 0..kills() {
        let served = lab();
        let child = begin(&served);
        let after = Duration::from_millis(fastrand::u64(0..600));
        let stopwatch = roundsman_checks::clock::Stopwatch::start();
        while !stopwatch.left(after).is_zero() {
            std::thread::sleep(Duration::from_millis(1));
        }
        kill(&served, child, &number.to_string());
    }
}
