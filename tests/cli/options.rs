//! Options that people reach for: whom, what is accepted, and how much is said.

use roundsman_lab::LabOptions;

use super::{Served, serve};

fn served(faults: &[&str]) -> Served {
    let options = LabOptions {
        tenants: ["q7f9", "q8a1", "a3b1", "demo-1"].map(str::to_owned).into(),
        ..LabOptions::default()
    };
    serve(options, faults).impatient()
}

fn ids(report: &serde_json::Value) -> Vec<&str> {
    let rows = report["tenants"].as_array().into_iter().flatten();
    rows.filter_map(|row| row["tenant"].as_str()).collect()
}

#[test]
fn patterns_choose_tenants_and_leave_them_out() {
    let served = served(&[]);
    assert_eq!(ids(&served.report(&["q*"])), ["q7f9", "q8a1"]);
    assert_eq!(
        ids(&served.report(&["q*", "a3b1", "--exclude", "q8*"])),
        ["a3b1", "q7f9"]
    );
    assert_eq!(ids(&served.report(&["--exclude", "demo-*,q?a1"])), ["a3b1", "q7f9"]);
    assert_eq!(ids(&served.report(&["*.tenants.test"])).len(), 4);
    let nobody = served.verify(&["x*"]);
    assert_eq!(nobody.code, Some(2), "{}", nobody.err);
    assert!(nobody.err.contains("x*"), "{}", nobody.err);
    let none_left = served.verify(&["--exclude", "*"]);
    assert_eq!(none_left.code, Some(3), "{}", none_left.out);
    assert!(
        none_left.out.contains("--exclude: * leaves none of 4 tenants"),
        "{}",
        none_left.out
    );
}

#[test]
fn a_cause_that_is_accepted_is_told_apart_and_decides_nothing() {
    let served = served(&["site-status@q7f9=503", "dns-override@a3b1=a"]);
    let both = ["--ignore", "site-status,dns-override"];
    let ran = served.verify(&both);
    assert_eq!(ran.code, Some(0), "{}", ran.out);
    assert_eq!(ran.out.matches("\nIGNORED  ").count(), 2, "{}", ran.out);
    let report = served.report(&both);
    assert_eq!(report["exit"], 0);
    assert_eq!(report["summary"]["failing"], 2, "what fails is said to fail");
    let causes = report["causes"].as_array().expect("causes");
    assert!(causes.iter().all(|cause| cause["ignored"] == true), "{causes:#?}");
    // The other one decides still.
    let one = served.verify(&["--ignore", "site-status"]);
    assert_eq!(one.code, Some(1), "{}", one.out);
    let junit = served
        .verify(&["--format", "junit", "--ignore", "site-status,dns-override"])
        .out;
    assert!(
        junit.contains("failures=\"0\"") && junit.contains("ignored: "),
        "{junit}"
    );
    let wrong = served.verify(&["--ignore", "site-staus"]);
    assert_eq!(wrong.code, Some(2));
    assert!(wrong.err.contains("did you mean `site-status`?"), "{}", wrong.err);
    let fleet = super::serve(LabOptions::default(), &["wildcard-certificate-expired"]).impatient();
    assert_eq!(
        fleet.verify(&["--ignore", "wildcard-certificate-expired"]).code,
        Some(0)
    );
    assert_eq!(fleet.verify(&[]).code, Some(1));
}

#[test]
fn as_much_is_said_as_somebody_wants() {
    let well = served(&[]);
    assert_eq!(well.verify(&["-q"]).out, "");
    let served = served(&["site-status@q7f9=503"]);
    let quiet = served.verify(&["-q"]);
    assert_eq!(quiet.code, Some(1));
    let lines = quiet.out.lines().collect::<Vec<_>>();
    assert!(lines[0].starts_with("FAIL     site-status"), "{}", quiet.out);
    assert!(!quiet.out.contains("fleet    "), "{}", quiet.out);
    let verbose = served.verify(&["-v"]).out;
    for tenant in ["q7f9 failing (site-status)", "a3b1 healthy", "demo-1 healthy"] {
        assert!(verbose.contains(tenant), "{verbose}");
    }
    assert_eq!(verbose.matches("\n  dns          pass").count(), 4, "{verbose}");
    let json = served.verify(&["--json"]);
    let report = serde_json::from_str::<serde_json::Value>(&json.out).expect("JSON");
    assert_eq!(report["schema"], "roundsman.report/1");
    assert_eq!(served.verify(&["-q", "-v"]).code, Some(2));
    assert_eq!(served.verify(&["--json", "--format", "human"]).code, Some(2));
}

#[test]
fn lists_are_told_whole_and_who_failed_before_is_looked_at_alone() {
    let faults = ["q7f9", "a3b1", "demo-1"].map(|id| format!("site-status@{id}=503"));
    let served = served(&faults.each_ref().map(String::as_str));
    let usual = served.verify(&[]).out;
    assert!(!usual.contains("--all"), "three are three: {usual}");
    let verbose = served.verify(&["-v"]).out;
    assert!(verbose.contains("\nslowest  "), "{verbose}");
    let report = served.dir.path().join("before.json");
    let output = format!("json={}", report.display());
    assert_eq!(served.verify(&["--output", &output]).code, Some(1));
    served.stage(&["site-status@q7f9=503"]);
    let before = report.display().to_string();
    let again = served.report(&["--failed-in", &before]);
    assert_eq!(again["summary"]["tenants"], 3, "{again:#}");
    assert_eq!(again["summary"]["failing"], 1, "{again:#}");
    // The same file may be written: it was read before.
    let output = served.verify(&["--failed-in", &before, "--output", &output]);
    assert_eq!(output.code, Some(1), "{}", output.err);
    served.stage(&[]);
    assert_eq!(served.verify(&["--failed-in", &before]).code, Some(0));
    assert_eq!(served.verify(&["--failed-in", &before, "q7f9"]).code, Some(0));
    let other = served.verify(&["--failed-in", "roundsman.toml"]);
    assert_eq!(other.code, Some(2));
    assert!(other.err.contains("--failed-in: "), "{}", other.err);
    let nobody = served.verify(&[
        "--failed-in",
        &before,
        "--only",
        "dns",
        "--output",
        &format!("json={before}"),
    ]);
    assert_eq!(nobody.code, Some(0), "{}", nobody.err);
    let nobody = served.verify(&["--failed-in", &before]);
    assert_eq!(nobody.code, Some(3), "{}", nobody.out);
    assert!(nobody.out.contains("no tenant failed in that report"), "{}", nobody.out);
}

/// A terminal of its own, by util-linux' `script`: the progress line says roughly how long it will take, in ASCII where the
/// locale has no more.
#[test]
fn the_progress_line_says_how_much_is_left_after_some_seconds() {
    let tenants = ["q7f9", "a3b1", "c04e", "d9a2", "e51f"];
    let options = LabOptions {
        tenants: tenants.map(str::to_owned).into(),
        ..LabOptions::default()
    };
    let slow = tenants.map(|tenant| format!("site-slow@{tenant}=2000"));
    let served = serve(options, &slow.each_ref().map(String::as_str));
    let binary = env!("CARGO_BIN_EXE_roundsman");
    let verify = format!("{binary} verify --concurrency 1 --config {}", served.config.display());
    let mut script = std::process::Command::new("script");
    script
        .args(["-qec", &verify, "/dev/null"])
        .current_dir(served.dir.path());
    script
        .env("LC_ALL", "C")
        .env("TERM", "xterm")
        .env_remove("NO_COLOR")
        .stdin(std::process::Stdio::null());
    let output = script.output().expect("script: apt-get install bsdutils");
    let text = String::from_utf8_lossy(&output.stdout);
    let shown = text
        .split(['\r', '\n'])
        .filter(|line| line.contains("tenants"))
        .collect::<Vec<_>>();
    assert!(shown.iter().any(|line| line.contains(" s left")), "{shown:#?}");
    // Nothing is guessed from the first answers.
    assert!(shown.first().is_some_and(|line| !line.contains("left")), "{shown:#?}");
    assert!(text.is_ascii(), "{text}");
}
