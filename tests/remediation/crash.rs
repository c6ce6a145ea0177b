//! Killed at any moment: the next run reads the world anew, finishes what is still needed, and does nothing twice.

use std::time::Duration;

use super::{planned, ready, remediate, repairable, writes};

/// How many runs are killed; more by hand: `ROUNDSMAN_KILLS=200`.
fn kills() -> u64 {
    let set = std::env::var("ROUNDSMAN_KILLS").ok().and_then(|text| text.parse().ok());
    set.unwrap_or(12)
}

#[test]
fn killed_at_any_moment_it_ends_as_if_it_had_not_been() {
    let faults = [
        "certificate-conflict@a001",
        "dns-override@a002=both",
        "app-stopped@a003",
    ];
    for kill in 0..kills() {
        let served = repairable(&["a001", "a002", "a003", "a004", "a005"], &faults);
        let tokens = (served.lab.fly_token(), served.lab.cloudflare_token());
        let mut child = ready(&served, Some(tokens))
            .args(["--apply", "--yes"])
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .expect("the binary runs");
        // Most of a run is the round before it: the rest is met by chance, and by the first call that changes something.
        let after = Duration::from_millis(fastrand::u64(0..400));
        let stopwatch = roundsman_checks::clock::Stopwatch::start();
        let is_time = || {
            let at_a_call = kill % 2 == 0 && !writes(&served).is_empty();
            at_a_call || stopwatch.left(after).is_zero()
        };
        while !is_time() {
            std::thread::sleep(Duration::from_millis(1));
        }
        child.kill().expect("it can be killed");
        child.wait().expect("it ends");
        let ran = remediate(&served, &["ledger"]);
        assert_eq!(ran.code, Some(0), "{kill}: {}{}", ran.out, ran.err);
        let document = planned(&served, &["--apply", "--yes"]);
        assert_eq!(document["exit"], 0, "{kill}: {document:#}");
        let mut done = writes(&served);
        done.sort();
        let count = done.len();
        done.dedup();
        assert_eq!((count, done.len()), (4, 4), "{kill}: each call once: {done:?}");
        assert_eq!(remediate(&served, &["ledger"]).code, Some(0), "{kill}");
    }
}
