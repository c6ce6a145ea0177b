//! The gate as a pipeline meets it: it waits while a lab changes, and tells the story on standard error.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, ChildStderr, Stdio};

use roundsman_lab::LabOptions;
use serde_json::Value;

use super::{Ran, Served, command, platform_with_prompt_logs, serve};

/// A run of `verify --wait` that is still going on.
pub(super) struct Waiting {
    child: Child,
    story: BufReader<ChildStderr>,
    told: Vec<String>,
}

impl Served {
    /// Starts `verify` on it, with the tokens of its platform, and reports as JSON.
    pub(super) fn gate(&self, arguments: &[&str]) -> Waiting {
        let mut command = self.command();
        command
            .args(["--format", "json"])
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().expect("the binary runs");
        let story = BufReader::new(child.stderr.take().expect("a pipe"));
        Waiting {
            child,
            story,
            told: Vec::new(),
        }
    }
}

impl Waiting {
    /// Waits for a line that holds this text.
    pub(super) fn hears(&mut self, text: &str) -> &str {
        loop {
            let mut line = String::new();
            let read = self.story.read_line(&mut line).expect("the story can be read");
            assert!(read > 0, "`{text}` was never told:\n{}", self.told.join(""));
            self.told.push(line);
            if self.told.last().is_some_and(|line| line.contains(text)) {
                return self.told.last().expect("a line").trim_end();
            }
        }
    }

    /// Waits for its end: the exit code, the report, and the whole story.
    pub(super) fn ends(mut self) -> (Option<i32>, Value, Vec<String>) {
        let mut line = String::new();
        while self.story.read_line(&mut line).expect("the story can be read") > 0 {
            self.told.push(std::mem::take(&mut line));
        }
        let output = self.child.wait_with_output().expect("it ends");
        let report = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
        (output.status.code(), report, self.told)
    }

    fn interrupt(&self) {
        let killed = std::process::Command::new("kill")
            .args(["-INT", &self.child.id().to_string()])
            .status();
        assert!(killed.expect("kill runs").success());
    }
}

pub(super) fn platform() -> LabOptions {
    LabOptions {
        platform_inventory: true,
        ..platform_with_prompt_logs()
    }
}

pub(super) fn first_cause(report: &Value) -> &str {
    report["causes"][0]["cause"].as_str().unwrap_or_default()
}

#[test]
fn a_tenant_that_is_deployed_meanwhile_passes_when_all_is_true_and_not_before() {
    let served = serve(platform(), &["app-missing@q7f9"]);
    let mut gate = served.gate(&["q7f9", "--wait", "60s"]);
    gate.hears("q7f9 is not in the inventory yet");
    gate.hears("waiting  app-missing");
    served.stage(&["certificate-issuing@q7f9=cut", "app-starting@q7f9=machine"]);
    gate.hears("waiting  ");
    served.stage(&["app-starting@q7f9=machine"]);
    assert!(gate.hears("waiting  app-starting").contains("is starting"));
    served.stage(&["app-starting@q7f9"]);
    gate.hears("service starting");
    served.stage(&[]);
    gate.hears("VERIFIED q7f9: 6 of 6 checks");
    let (code, report, _) = gate.ends();
    assert_eq!((code, report["summary"]["healthy"].as_u64()), (Some(0), Some(1)));
}

#[test]
fn a_certificate_that_is_being_issued_is_waited_for() {
    let served = serve(platform(), &["certificate-issuing@q7f9=cut"]);
    let mut gate = served.gate(&["q7f9", "--wait", "60s", "--fail-fast"]);
    assert!(gate.hears("waiting").ends_with("waiting  certificate-issuing"));
    served.stage(&[]);
    let (code, _, _) = gate.ends();
    assert_eq!(code, Some(0));
}

#[test]
fn a_fault_that_stays_fails_with_its_cause_when_the_time_is_up() {
    let served = serve(platform(), &["app-stopped@q7f9"]);
    let (code, report, told) = served.gate(&["q7f9", "--wait", "1s"]).ends();
    assert_eq!((code, first_cause(&report)), (Some(1), "app-stopped"));
    assert!(
        told.last().is_some_and(|line| line.contains("FAILING  app-stopped")),
        "{told:?}"
    );
}

#[test]
fn an_outage_of_the_api_during_the_wait_is_inconclusive() {
    let served = serve(platform(), &["app-starting@q7f9=machine"]);
    let mut gate = served.gate(&["q7f9", "--wait", "4s"]);
    gate.hears("waiting  app-starting");
    served.stage(&["platform-api-unavailable=500"]);
    let (code, report, told) = gate.ends();
    assert_eq!(
        (code, first_cause(&report)),
        (Some(3), "platform-api-unavailable"),
        "{told:?}"
    );
}

#[test]
fn a_rolling_deploy_passes_only_when_both_machines_run_the_release_and_it_answers() {
    let served = serve(platform(), &["release-mismatch@q7f9=old"]);
    let image = "registry.fly.io/{app}:deployment-01LABQ7F9";
    let release = ["--expect-image", image, "--expect-version", "01LAB"];
    let mut gate = served.gate(&[&["q7f9", "--wait", "60s", "--consecutive", "2"], &release[..]].concat());
    assert!(
        gate.hears("waiting  release-mismatch: machine")
            .ends_with("runs deployment-00LAB")
    );
    served.stage(&["release-mismatch@q7f9=half"]);
    gate.hears("runs deployment-00LAB");
    served.stage(&["release-mismatch@q7f9=replacing"]);
    gate.hears("is replacing with deployment-00LAB");
    // The platform says that all is deployed, and the release before still answers.
    served.stage(&["release-mismatch@q7f9=serving"]);
    gate.hears("answers with 00LAB");
    served.stage(&["release-mismatch@q7f9=done"]);
    gate.hears("passed   1 of 2");
    gate.hears("VERIFIED q7f9: 6 of 6 checks, deployment-01LABQ7F9 on 2 of 2 machines");
    assert_eq!(gate.ends().0, Some(0));
}

#[test]
fn a_release_that_nobody_runs_is_a_mismatch_and_waiting_may_mend_it() {
    let served = serve(platform(), &[]);
    let ran = served.gate(&["q7f9", "--expect-image", ":v43"]).ends();
    let cause = &ran.1["causes"][0];
    assert_eq!(
        (ran.0, cause["cause"].as_str(), cause["transient"].as_bool()),
        (Some(1), Some("release-mismatch"), Some(true))
    );
    let app = ran.1["tenants"][0]["checks"][4].clone();
    assert_eq!(
        (app["check"].as_str(), app["reason"].as_str()),
        (Some("app"), Some("platform/release"))
    );
    let ran = served.gate(&["q7f9", "--expect-version", "v43"]).ends();
    let site = ran.1["tenants"][0]["checks"][2].clone();
    assert_eq!(
        (site["check"].as_str(), site["reason"].as_str()),
        (Some("site"), Some("http/release"))
    );
    assert_eq!(ran.1["tenants"][0]["cause"].as_str(), Some("release-mismatch"));
}

#[test]
fn a_release_that_was_not_looked_at_is_no_pass() {
    let served = serve(platform(), &["app-asleep@c04e", "one-image"]);
    let ran = served.gate(&["--expect-version", "01LAB"]).ends();
    assert_eq!(ran.0, Some(3));
    let demand = ran.1["demands"][0].as_str().unwrap_or_default();
    assert_eq!(demand, "--expect-version: site skipped at 1 of 12 tenants (asleep)");
    // The machines of those who sleep are known all the same.
    assert_eq!(served.gate(&["--expect-image", ":deployment-01LAB"]).ends().0, Some(0));
    assert_eq!(served.gate(&["c04e", "--expect-version", "01LAB"]).ends().0, Some(0));
}

#[test]
fn every_form_says_where_the_expected_release_was_seen() {
    let served = serve(
        platform(),
        &["one-image", "release-mismatch@q7f9=serving", "site-closed@a3b1"],
    );
    let release = ["--expect-image", ":deployment-01LAB", "--expect-version", "01LAB"];
    let outputs = ["markdown", "junit", "github"].map(|form| format!("--output={form}={form}"));
    let verify = |options: &[&str]| Ran::from(served.command().args(options).output().expect("the binary runs"));
    let ran = verify(&outputs.iter().map(String::as_str).chain(release).collect::<Vec<_>>());
    assert_eq!(ran.code, Some(1), "{}{}", ran.out, ran.err);
    // As many machines as the lab gives its tenants; one tenant answers with the release before, one not at all.
    let machines = ran.out.split("release  deployment-01LAB on ").nth(1).expect(&ran.out);
    let machines = machines.split(" machines").next().expect("a count");
    let seen = format!("deployment-01LAB on {machines} machines, 01LAB in 10 of 11 answers");
    assert!(ran.out.contains(&format!("\nrelease  {seen}\n")), "{}", ran.out);
    let written = |form: &str| std::fs::read_to_string(served.dir.path().join(form)).expect("it was written");
    assert!(written("markdown").contains(&format!("> release: {seen}\n")));
    assert!(written("junit").contains(&format!("release: {seen}")));
    assert!(written("github").contains(&format!("::notice title=release::{seen}\n")));
    // Where none is expected, none is told of.
    assert!(!verify(&[]).out.contains("\nrelease "));
}

#[test]
fn a_digest_is_asked_of_each_app_and_compared() {
    let served = serve(platform(), &["release-mismatch@q7f9=half"]);
    // The lab's digests are made of the tag.
    let digest = |tag: &str| {
        let machines = served.machines("sp-q7f9");
        let of = |machine: &&Value| machine["image_ref"]["tag"] == tag;
        let found = machines
            .iter()
            .find(of)
            .map(|machine| machine["image_ref"]["digest"].clone());
        found
            .and_then(|digest| digest.as_str().map(str::to_owned))
            .expect("a digest")
    };
    let (new, old) = (digest("deployment-01LABQ7F9"), digest("deployment-00LAB"));
    let half = served.gate(&["q7f9", "--expect-image", &new]).ends();
    assert_eq!((half.0, first_cause(&half.1)), (Some(1), "release-mismatch"));
    served.stage(&["release-mismatch@q7f9=done"]);
    assert_eq!(served.gate(&["q7f9", "--expect-image", &new]).ends().0, Some(0));
    assert_eq!(served.gate(&["q7f9", "--expect-image", &old]).ends().0, Some(1));
    let both = format!("registry.fly.io/{{app}}@{new}");
    assert_eq!(served.gate(&["q7f9", "--expect-image", &both]).ends().0, Some(0));
}

#[test]
fn a_lasting_cause_ends_the_wait_only_where_that_was_asked_for() {
    let served = serve(platform(), &["certificate-conflict@q7f9"]);
    let (code, report, _) = served.gate(&["q7f9", "--wait", "1h", "--fail-fast"]).ends();
    assert_eq!((code, first_cause(&report)), (Some(1), "certificate-conflict"));
    let mut patient = served.gate(&["q7f9", "--wait", "1h"]);
    patient.hears("waiting  certificate-conflict");
    served.stage(&[]);
    assert_eq!(patient.ends().0, Some(0));
}

#[test]
fn only_what_is_not_well_is_looked_at_again_and_all_of_it_at_the_end() {
    let served = serve(platform(), &["site-status@q7f9=403"]);
    let asked = |tenant: &str| served.lab.counters().requests.get(tenant).copied().unwrap_or_default();
    let mut gate = served.gate(&["--wait", "60s"]);
    gate.hears("site-status");
    served.stage(&["site-status@q7f9=404"]);
    gate.hears("404");
    served.stage(&["site-status@q7f9=410"]);
    gate.hears("410");
    assert_eq!(asked("a3b1"), 1);
    served.stage(&[]);
    gate.hears("VERIFIED 12 tenants");
    assert_eq!(gate.ends().0, Some(0));
    assert_eq!(asked("a3b1"), 2);
    assert!(asked("q7f9") >= 5, "{}", asked("q7f9"));
}

#[test]
fn a_tenant_that_breaks_while_another_is_waited_for_fails_the_closing_round() {
    let served = serve(platform(), &["site-status@q7f9=403"]);
    let mut gate = served.gate(&["--wait", "2s"]);
    gate.hears("site-status");
    served.stage(&["site-status@a3b1=418"]);
    let (code, report, told) = gate.ends();
    let failing = |line: &&Value| line["status"] == "failing";
    let failing = report["tenants"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(failing)
        .count();
    assert_eq!((code, failing), (Some(1), 1), "{told:?}");
}

#[test]
fn a_name_that_nobody_ever_names_is_a_failing_tenant_with_a_row() {
    let served = serve(platform(), &[]);
    let (code, report, told) = served.gate(&["q7f8", "--wait", "1s", "--skip", "app"]).ends();
    assert_eq!((code, first_cause(&report)), (Some(1), "app-missing"));
    let row = &report["tenants"][0];
    assert_eq!(
        (row["tenant"].as_str(), row["cause"].as_str()),
        (Some("q7f8"), Some("app-missing"))
    );
    assert!(told[0].contains("nearest names there: q7f9"), "{told:?}");
    assert_eq!(report["causes"].as_array().map(Vec::len), Some(1), "{report:#}");
}

#[test]
fn a_name_that_nobody_can_be_asked_about_is_inconclusive() {
    let served = serve(platform(), &["platform-api-unavailable=500"]);
    let (code, report, _) = served.gate(&["q7f8", "--wait", "1s", "--only", "app"]).ends();
    assert_eq!((code, report["summary"]["unknown"].as_u64()), (Some(3), Some(1)));
}

#[test]
fn a_named_tenant_without_the_label_keeps_its_row_until_somebody_names_it() {
    let served = serve(platform(), &[]);
    let (code, report, _) = served.gate(&["nosuch", "--label", "plan=pro", "--wait", "1s"]).ends();
    assert_eq!((code, first_cause(&report)), (Some(1), "app-missing"));
}

#[test]
fn a_release_of_a_tenant_that_is_not_to_run_is_no_pass_where_it_was_named() {
    let served = serve(platform_with_prompt_logs(), &["one-image"]);
    let list = served.dir.path().join("tenants.json");
    std::fs::write(&list, r#"[{"id":"q7f9","status":"suspended"},{"id":"a3b1"}]"#).expect("it can be written");
    let list = list.display().to_string();
    let gate = |arguments: &[&str]| {
        let release = ["--tenants", &list, "--expect-image", ":deployment-01LAB"];
        served.gate(&[&release, arguments].concat()).ends().0
    };
    assert_eq!(gate(&["q7f9"]), Some(3));
    assert_eq!(gate(&[]), Some(0));
    std::fs::write(&list, r#"[{"id":"q7f9","status":"suspended"}]"#).expect("it can be written");
    assert_eq!(gate(&[]), Some(3));
}

#[test]
fn an_inventory_that_is_being_written_is_waited_for() {
    let served = serve(platform_with_prompt_logs(), &["app-starting@q7f9"]);
    let list = served.dir.path().join("tenants.json");
    std::fs::write(&list, r#"["q7f9"]"#).expect("it can be written");
    let mut gate = served.gate(&["--tenants", &list.display().to_string(), "--wait", "60s"]);
    gate.hears("waiting  app-starting");
    std::fs::write(&list, r#"["q7f"#).expect("it can be written");
    gate.hears("the inventory can't be read just now");
    std::fs::write(&list, r#"["q7f9"]"#).expect("it can be written");
    served.stage(&[]);
    assert_eq!(gate.ends().0, Some(0));
}

#[test]
fn what_a_page_says_anew_each_time_is_told_once() {
    let served = serve(LabOptions::default(), &["site-slow@q7f9"]);
    let (code, _, told) = served.gate(&["q7f9", "--fail-on", "warn", "--wait", "9s"]).ends();
    assert_eq!(code, Some(1));
    assert_eq!(
        told.iter().filter(|line| line.contains("waiting")).count(),
        1,
        "{told:?}"
    );
}

#[test]
fn an_outage_of_the_edge_is_told_at_once_and_once() {
    let served = serve(LabOptions::default(), &["edge-tls-failing"]);
    let mut gate = served.gate(&["--wait", "1h"]);
    let first = "edge fails: edge-tls-failing: ";
    gate.hears(first);
    gate.hears("waiting");
    served.stage(&[]);
    let (code, _, told) = gate.ends();
    assert_eq!(code, Some(0));
    let times = told.iter().filter(|line| line.contains(first)).count();
    assert_eq!(times, 1, "{told:?}");
}

#[test]
fn the_last_line_says_what_is_lacking_where_nothing_is_wrong() {
    let served = serve(LabOptions::default(), &[]);
    let (code, _, told) = served.gate(&["q7f9", "--wait", "1s", "--consecutive", "99"]).ends();
    assert_eq!(code, Some(3));
    let last = told.last().expect("a line");
    assert!(last.contains("INCONCLUSIVE --consecutive 99: passed "), "{last}");
}

#[test]
fn an_interrupt_ends_a_wait_with_what_is_known() {
    let served = serve(platform(), &["app-stopped@q7f9"]);
    let mut gate = served.gate(&["q7f9", "--wait", "1h"]);
    gate.hears("waiting");
    gate.interrupt();
    let (code, report, _) = gate.ends();
    assert_eq!((code, report["interrupted"].as_bool()), (Some(1), Some(true)));
}

#[test]
fn standard_input_is_read_once_for_all_rounds() {
    let served = serve(LabOptions::default(), &["site-status@q7f9"]);
    let mut child = command(served.dir.path())
        .args([
            "verify",
            "--tenants",
            "-",
            "--wait",
            "1s",
            "--format",
            "json",
            "--config",
        ])
        .arg(&served.config)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the binary runs");
    let mut stdin = child.stdin.take().expect("a pipe");
    std::io::Write::write_all(&mut stdin, b"q7f9\na3b1\n").expect("it reads");
    drop(stdin);
    let output = child.wait_with_output().expect("it ends");
    let report = serde_json::from_slice::<Value>(&output.stdout).expect("a report");
    assert_eq!(report["summary"]["tenants"].as_u64(), Some(2));
}

#[test]
fn what_the_gate_is_told_wrongly_is_refused_before_anybody_is_asked() {
    let served = serve(LabOptions::default(), &[]);
    for (arguments, said) in [
        (vec!["--wait", "soon"], "expected a duration such as 90s"),
        (vec!["--wait", "0s"], "expected a duration"),
        (vec!["--consecutive", "2"], "--wait"),
        (vec!["--fail-fast"], "--wait"),
        (vec!["--baseline-max-age", "1h"], "--baseline"),
        (vec!["--expect-version", ""], "this one is empty"),
        (
            vec!["--expect-image", "registry.fly.io/{app}"],
            "names neither a tag nor a digest",
        ),
        (
            vec!["--expect-image", ":v1"],
            "--expect-image needs the platform's word",
        ),
        (
            vec!["--expect-version", "v1", "--skip", "site"],
            "judged by the check site",
        ),
    ] {
        let ran = served.verify(&arguments);
        assert_eq!(ran.code, Some(2), "{arguments:?}: {}", ran.err);
        assert!(ran.err.contains(said), "{arguments:?}: {}", ran.err);
    }
    let alone = [
        "verify",
        "--domain",
        "example.com",
        "--edge",
        "192.0.2.1",
        "abc",
        "--expect-version",
        "v1",
    ];
    let ran = super::roundsman(&alone, tempfile::tempdir().expect("a folder").path());
    assert!(
        ran.err.contains("nothing says where the answer of tenant abc"),
        "{}",
        ran.err
    );
    assert_eq!(served.lab.counters().connections.values().sum::<u64>(), 0);
}
