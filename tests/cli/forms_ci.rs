//! What CI servers see: JUnit XML that their schema accepts, annotations and the summary of GitHub Actions, a comment.

use std::fs;
use std::path::Path;
use std::process::Command;

use roundsman_lab::LabOptions;
use serde_json::Value;

use super::{Ran, Served, serve};

/// Something of everything: fleet and tenants, failures, warnings and what could not be seen.
const MANY: [&str; 12] = [
    "dns-override@q7f9",
    "dns-override@a3b1",
    "certificate-expired@c04e",
    "certificate-expiring@d9a2=20",
    "site-status@e51f=404",
    "dns-stale-resolver@f8c3",
    "certificate-conflict@b6d0",
    "app-crashed@7e2a=oom",
    "app-missing@91cc",
    "site-header@3fa8",
    "acme-challenge-broken",
    "dns-servers-failing=refused/1",
];

fn run(mut command: Command, arguments: &[&str]) -> Ran {
    command.args(arguments).output().expect("the binary runs").into()
}

/// A file beside the configuration.
fn read(served: &Served, name: &str) -> String {
    fs::read_to_string(served.dir.path().join(name)).expect("the file was written")
}

/// What the schema that Jenkins checks against says of this document; `None`: it is valid.
fn refused_by_schema(document: &str) -> Option<String> {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let file = dir.path().join("junit.xml");
    fs::write(&file, document).expect("the file is written");
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/schemas/junit-10.xsd");
    let output = Command::new("xmllint")
        .args(["--noout", "--schema"])
        .args([&schema, &file])
        .output()
        .unwrap_or_else(|error| panic!("xmllint: {error}; apt-get install --no-install-recommends libxml2-utils"));
    (!output.status.success()).then(|| String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn junit_of_a_bad_night_is_what_the_schema_of_ci_servers_accepts() {
    let served = serve(LabOptions::with_platform(), &MANY);
    let ran = run(served.command(), &["--format", "junit", "--output", "json=report.json"]);
    assert_eq!(ran.code, Some(1), "{}", ran.err);
    assert_eq!(refused_by_schema(&ran.out), None, "{}", ran.out);
    let report = serde_json::from_str::<Value>(&read(&served, "report.json")).expect("a report");
    let failed = |outcome: &str| {
        let checks = report["tenants"].as_array().into_iter().flatten();
        let checks = checks.flat_map(|tenant| tenant["checks"].as_array().into_iter().flatten());
        let fleet = report["fleet"].as_array().into_iter().flatten();
        checks.chain(fleet).filter(|check| check["outcome"] == outcome).count()
    };
    assert_eq!(ran.out.matches("<failure ").count(), failed("fail"));
    assert_eq!(ran.out.matches("<error ").count(), failed("unknown"));
    assert_eq!(ran.out.matches("<skipped ").count(), failed("skipped"));
    assert_eq!(ran.out.matches("<system-out>warning: ").count(), failed("warn"));
    assert_eq!(ran.out.matches("<testsuite name=").count(), 13);
    for cause in [
        "dns-override",
        "certificate-expired",
        "app-missing",
        "certificate-conflict",
    ] {
        assert!(ran.out.contains(&format!("type=\"{cause}\"")), "{cause}: {}", ran.out);
        assert!(
            ran.out.contains(&format!("<failure message=\"{cause}: ")),
            "{cause}: {}",
            ran.out
        );
    }
    assert!(ran.out.contains("<testcase name=\"dns\" classname=\"q7f9\" time=\"0."));
    assert!(
        ran.out
            .contains("run: fly certs remove b6d0.tenants.test -a sp-b6d0 -y")
    );
}

#[test]
fn the_schema_refuses_what_ci_servers_would() {
    let served = serve(LabOptions::with_tenants(1), &[]);
    let valid = served.verify(&["--format", "junit"]).out;
    assert_eq!(refused_by_schema(&valid), None);
    for (from, to) in [
        ("<testsuites ", "<testsuites skipped=\"0\" "),
        (" name=\"fleet\"", ""),
        ("time=\"0.", "time=\"0.0000"),
        ("<testcase ", "<test "),
    ] {
        let broken = valid.replacen(from, to, 1);
        assert_ne!(broken, valid, "{from}");
        assert!(refused_by_schema(&broken).is_some(), "{to}: {broken}");
    }
}

#[test]
fn a_round_that_proves_nothing_is_never_green_in_junit() {
    let blind = serve(LabOptions::default(), &["vantage-offline"]);
    let unmet = serve(LabOptions::with_tenants(2), &[]);
    let strict = serve(LabOptions::with_tenants(2), &["certificate-expiring@t0001=20"]);
    let rounds = [
        (
            blind.verify(&["--format", "junit"]),
            3,
            "<error message=\"vantage-offline: ",
        ),
        (
            unmet.verify(&["--format", "junit", "--require", "app"]),
            3,
            "<testcase name=\"--require app\" classname=\"fleet\">\n            <error ",
        ),
        (
            strict.verify(&["--format", "junit", "--fail-on", "warn"]),
            1,
            "<testcase name=\"--fail-on warn\" classname=\"fleet\">\n            <failure ",
        ),
        (
            unmet.verify(&["--format", "junit", "--label", "plan=pro"]),
            3,
            "<testcase name=\"inventory\" classname=\"fleet\">\n            <error ",
        ),
    ];
    for (ran, code, told) in rounds {
        assert_eq!(ran.code, Some(code), "{}{}", ran.out, ran.err);
        assert_eq!(refused_by_schema(&ran.out), None, "{}", ran.out);
        assert!(ran.out.contains(told), "{told}: {}", ran.out);
    }
}

/// The human form in the log, and the annotations after it.
fn log(out: &str) -> (&str, Vec<&str>) {
    let (first, rest) = out.split_once('\n').expect("a line");
    let token = first.strip_prefix("::stop-commands::").expect("commands are stopped");
    assert!(
        token.len() == 32 && token.bytes().all(|byte| byte.is_ascii_hexdigit()),
        "{token}"
    );
    let (story, annotations) = rest.split_once(&format!("::{token}::\n")).expect("commands go on");
    (story, annotations.lines().collect())
}

#[test]
fn on_github_each_cause_is_one_annotation_and_the_summary_has_the_report() {
    let served = serve(LabOptions::with_platform(), &MANY);
    let summary = served.dir.path().join("summary.md");
    fs::write(&summary, "# before\n").expect("the summary is there");
    let mut command = served.command();
    command
        .env("GITHUB_ACTIONS", "true")
        .env("GITHUB_STEP_SUMMARY", &summary);
    let ran = run(
        command,
        &["--output", "human=human.txt", "--output", "markdown=comment.md"],
    );
    assert_eq!((ran.code, ran.err.as_str()), (Some(1), ""));
    let (story, annotations) = log(&ran.out);
    assert_eq!(story, read(&served, "human.txt"));
    let overrides = annotations.iter().filter(|line| line.contains("title=dns-override"));
    let overrides = overrides.collect::<Vec<_>>();
    assert_eq!(overrides.len(), 1, "{annotations:?}");
    let start = "::error title=dns-override%3A 2%3A a3b1%2C q7f9::The tenant has its own record, which overrides the wildcard. ";
    assert!(overrides[0].starts_with(start), "{}", overrides[0]);
    for line in [
        "%0A- a3b1.tenants.test has A ",
        "%0Ado: delete the ",
        "%0Amore: roundsman explain dns-override",
    ] {
        assert!(overrides[0].contains(line), "{line}: {}", overrides[0]);
    }
    let warned = annotations.iter().position(|line| line.starts_with("::warning "));
    let failed = annotations.iter().rposition(|line| line.starts_with("::error "));
    assert!(failed < warned, "{annotations:?}");
    assert_eq!(
        read(&served, "summary.md"),
        format!("# before\n{}\n", read(&served, "comment.md"))
    );
}

#[test]
fn a_format_that_is_named_wins_over_github() {
    let served = serve(LabOptions::with_tenants(1), &[]);
    let summary = served.dir.path().join("summary.md");
    for (arguments, start) in [
        (["--format", "human"], "tenants.test · 1 tenant · "),
        (["--output", "json=-"], "{\n"),
        (["--format", "markdown"], "## ✅ verified: 1 healthy"),
    ] {
        let mut command = served.command();
        command
            .env("GITHUB_ACTIONS", "true")
            .env("GITHUB_STEP_SUMMARY", &summary);
        let ran = run(command, &arguments);
        assert_eq!(ran.code, Some(0), "{}", ran.err);
        assert!(ran.out.starts_with(start), "{}", ran.out);
        assert!(!ran.out.contains("::stop-commands"), "{}", ran.out);
    }
    assert!(!summary.exists(), "only the form `github` writes the summary");
}

#[test]
fn a_healthy_round_is_a_notice_on_github() {
    let served = serve(LabOptions::with_tenants(2), &[]);
    let ran = served.verify(&["--format", "github"]);
    assert_eq!(log(&ran.out).1, ["::notice title=roundsman::verified: 2 healthy"]);
}

#[test]
fn a_summary_that_cannot_be_written_is_a_warning_alone() {
    let served = serve(LabOptions::with_tenants(1), &[]);
    let full = served.dir.path().join("full.md");
    fs::write(&full, vec![b'x'; 1024 * 1024]).expect("the summary is there");
    for (place, why) in [
        (served.dir.path().join("missing/summary.md"), "No such file"),
        (full.clone(), "GitHub takes 1048576"),
    ] {
        let mut command = served.command();
        command.env("GITHUB_STEP_SUMMARY", &place);
        let ran = run(command, &["--format", "github"]);
        assert_eq!(ran.code, Some(0));
        assert!(ran.err.starts_with("warning: GITHUB_STEP_SUMMARY: "), "{}", ran.err);
        assert!(ran.err.contains(why), "{}", ran.err);
    }
    assert_eq!(fs::metadata(full).expect("the summary").len(), 1024 * 1024);
}

#[test]
fn the_summary_of_a_huge_round_keeps_to_what_github_takes() {
    let served = serve(LabOptions::with_tenants(3), &["site-status@t0001"]);
    let summary = served.dir.path().join("summary.md");
    fs::write(&summary, vec![b'x'; 1024 * 1024 - 1500]).expect("the summary is there");
    let mut command = served.command();
    command.env("GITHUB_STEP_SUMMARY", &summary);
    let ran = run(command, &["--format", "github"]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(1), ""));
    let text = read(&served, "summary.md");
    assert!(
        text.len() > 1024 * 1024 - 1500 && text.len() <= 1024 * 1024,
        "{}",
        text.len()
    );
}

#[test]
fn a_comment_names_each_cause_with_its_fix() {
    let served = serve(LabOptions::with_platform(), &MANY);
    let ran = run(served.command(), &["--format", "markdown"]);
    assert_eq!(ran.code, Some(1), "{}", ran.err);
    assert!(ran.out.len() <= 65_000);
    assert!(ran.out.starts_with("## ❌ failing: "), "{}", ran.out);
    assert!(
        ran.out.contains("| **fail** | `dns-override` | 2: a3b1, q7f9 |  |\n"),
        "{}",
        ran.out
    );
    assert!(
        ran.out
            .contains("```sh\nfly certs remove b6d0.tenants.test -a sp-b6d0 -y\n```\n"),
        "{}",
        ran.out
    );
    assert!(ran.out.contains("| 91cc | failing | `app-missing` |\n"), "{}", ran.out);
}

#[test]
fn what_the_scope_leaves_out_is_shown_in_junit_and_does_not_fail() {
    let served = serve(LabOptions::with_platform(), &["platform-api-unauthorized"]);
    let mut command = served.command();
    command.args(["--scope", "tenant", "--only", "dns,site", "--format", "junit"]);
    let ran = Ran::from(command.output().expect("the binary runs"));
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let skipped = "<skipped message=\"does not decide: platform-api-unauthorized";
    assert!(ran.out.contains(skipped), "{}", ran.out);
    assert!(
        !ran.out.contains("<failure") && !ran.out.contains("<error"),
        "{}",
        ran.out
    );
}
