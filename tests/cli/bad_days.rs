//! Days on which the agent itself is in trouble: each through the real binary.

use std::io::Read;
use std::process::Stdio;

use roundsman_lab::LabOptions;
use serde_json::Value;

use super::{Ran, command, serve};

fn causes(report: &Value) -> Vec<&str> {
    report["causes"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|cause| cause["cause"].as_str())
        .collect()
}

#[test]
fn an_edge_that_limits_handshakes_is_not_blamed_on_tenants() {
    let served = serve(LabOptions::with_tenants(300), &["edge-throttled"]);
    let report = served.report(&[]);
    assert_eq!(causes(&report), ["edge-throttled"]);
    assert_eq!(report["summary"]["failing"], 0);
    assert_eq!(report["causes"][0]["outcome"], "warn");
}

#[test]
fn an_edge_that_resets_above_its_limit_is_not_blamed_on_tenants() {
    let served = serve(LabOptions::with_tenants(300), &["edge-throttled=20/40/reset"]);
    assert_eq!(causes(&served.report(&[])), ["edge-throttled"]);
}

#[test]
fn a_conflict_like_cut_stays_the_tenants_beside_a_limit() {
    let served = serve(
        LabOptions::with_tenants(100),
        &["edge-throttled=20/20", "tls-eof@t0007"],
    );
    let report = served.report(&[]);
    let mut causes = causes(&report);
    causes.sort_unstable();
    assert_eq!(causes, ["edge-throttled", "unexplained"]);
    assert_eq!(report["summary"]["failing"], 1);
}

#[test]
fn a_wrong_clock_says_nothing_of_tenants() {
    for fault in ["clock-wrong", "clock-wrong=-40000000"] {
        let served = serve(LabOptions::default(), &[fault]);
        let report = served.report(&[]);
        assert_eq!(causes(&report), ["clock-wrong"]);
        assert_eq!(
            (report["exit"].as_u64(), report["summary"]["unknown"].as_u64()),
            (Some(3), Some(12))
        );
    }
}

/// What `verify` says of a fleet that is well, where it may have so many descriptors.
fn with_descriptors(limit: usize, tenants: usize, options: &str) -> Ran {
    let served = serve(LabOptions::with_tenants(tenants), &[]);
    let script = format!(
        "ulimit -n {limit}; exec {} verify {options} --config {} --format json",
        env!("CARGO_BIN_EXE_roundsman"),
        served.config.display()
    );
    let ran = std::process::Command::new("sh").args(["-c", &script]).output();
    ran.expect("sh runs").into()
}

#[test]
fn running_out_of_descriptors_says_nothing_of_tenants() {
    let ran = with_descriptors(24, 200, "--concurrency 64");
    let report =
        serde_json::from_str::<Value>(&ran.out).unwrap_or_else(|error| panic!("{error}: {}{}", ran.out, ran.err));
    assert_eq!((ran.code, causes(&report)), (Some(3), vec!["agent-exhausted"]));
    assert_eq!(report["summary"]["failing"], 0);
}

#[test]
fn with_hardly_a_descriptor_it_is_said_what_to_raise() {
    for limit in [8, 15] {
        let ran = with_descriptors(limit, 1, "");
        assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""), "{limit}: {}", ran.err);
        assert!(ran.err.contains("raise `ulimit -n`"), "{limit}: {}", ran.err);
    }
    assert_eq!(with_descriptors(16, 1, "").code, Some(3));
}

#[test]
fn with_few_descriptors_fewer_tenants_are_probed_together() {
    let ran = with_descriptors(32, 50, "");
    assert_eq!(ran.code, Some(0), "{}{}", ran.out, ran.err);
}

#[test]
fn an_interrupt_ends_the_round_with_what_is_known() {
    let served = serve(
        LabOptions::with_tenants(3),
        &["slow-drip@t0001=tls", "site-status@t0002"],
    );
    let mut child = command(served.dir.path())
        .args(["verify", "--format", "json", "--config"])
        .arg(&served.config)
        .stdout(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    // The round is under way when the edge has answered the others.
    while served.lab.counters().requests.values().sum::<u64>() < 2 {
        std::thread::yield_now();
    }
    let killed = std::process::Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .expect("kill runs");
    assert!(killed.success());
    let mut out = String::new();
    child
        .stdout
        .take()
        .expect("a pipe")
        .read_to_string(&mut out)
        .expect("the report");
    let report = serde_json::from_str::<Value>(&out).expect("a report");
    assert_eq!(report["interrupted"], true);
    let code = child.wait().expect("it ends").code();
    assert!(matches!(code, Some(1 | 3)), "{code:?}");
    assert_eq!(report["exit"].as_i64(), code.map(i64::from));
}
