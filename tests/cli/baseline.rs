//! A baseline: only what is worse than an earlier report fails, and nothing is excused that was not looked at.

use roundsman_lab::LabOptions;
use serde_json::Value;

use super::gate::platform;
use super::{Served, serve};

/// A report of this lab with these faults, in a file.
fn baseline(served: &Served, faults: &[&str]) -> String {
    served.stage(faults);
    let file = served.dir.path().join("before.json").display().to_string();
    served.gate(&["--output", &format!("json={file}")]).ends();
    file
}

fn changes(report: &Value, how: &str) -> Vec<String> {
    let changes = report["baseline"][how].as_array().into_iter().flatten();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    changes
        .map(|change| {
            format!(
                "{} {}->{} {}",
                text(&change["tenant"]),
                text(&change["was"]),
                text(&change["is"]),
                change["causes"]
            )
        })
        .collect()
}

#[test]
fn what_was_broken_before_does_not_fail_and_what_got_worse_does() {
    let served = serve(platform(), &[]);
    let before = baseline(
        &served,
        &["app-stopped@q7f9", "site-redirect@a3b1", "dns-override@c04e"],
    );
    let gate = |arguments: &[&str]| served.gate(&[&["--baseline", &before], arguments].concat()).ends();

    let unchanged = gate(&[]);
    assert_eq!((unchanged.0, changes(&unchanged.1, "worse")), (Some(0), vec![]));
    assert_eq!(changes(&unchanged.1, "unchanged").len(), 3);

    served.stage(&["app-stopped@q7f9", "site-redirect@a3b1"]);
    let better = gate(&["--wait", "1h"]);
    assert_eq!(better.0, Some(0));
    assert_eq!(
        changes(&better.1, "better"),
        ["c04e failing->healthy [\"dns-override\"]"]
    );

    served.stage(&["app-stopped@q7f9", "site-status@a3b1=404", "site-redirect@d9a2"]);
    let worse = gate(&[]);
    assert_eq!(worse.0, Some(1));
    assert_eq!(
        changes(&worse.1, "worse"),
        [
            "a3b1 failing->failing [\"site-status\"]",
            "d9a2 healthy->failing [\"site-redirect\"]"
        ]
    );

    // Every form tells what decides from what does not.
    let form = |name: &str| {
        let file = served.dir.path().join(name);
        gate(&["--output", &format!("{name}={}", file.display())]);
        std::fs::read_to_string(file).expect("the report")
    };
    let human = form("human");
    assert!(
        human.contains("2 worse, 1 as before, 1 better against the report of"),
        "{human}"
    );
    assert!(human.contains("KNOWN    app-stopped"), "{human}");
    assert!(
        human.find("KNOWN ") > human.rfind("FAIL "),
        "what is known stands behind what is new: {human}"
    );
    let junit = form("junit");
    assert_eq!(junit.matches("<failure").count(), 2, "{junit}");
    assert!(junit.contains("<skipped message=\"as before: app-stopped"), "{junit}");
    let github = form("github");
    assert!(github.contains("::warning title=app-stopped%3A q7f9"), "{github}");
    assert!(form("markdown").contains("| known | `app-stopped` | q7f9 |"));

    // What is not known now may be anything.
    served.stage(&["platform-api-unavailable=500"]);
    assert_eq!(gate(&[]).0, Some(3));
}

#[test]
fn a_baseline_that_is_none_is_an_error() {
    let served = serve(LabOptions::default(), &[]);
    let path = served.dir.path().join("before.json");
    let refused = |arguments: &[&str]| {
        let ran = served.verify(&[&["--baseline", "before.json"], arguments].concat());
        assert_eq!(ran.code, Some(2), "{}", ran.err);
        ran.err
    };
    assert!(refused(&[]).contains("before.json"));
    std::fs::write(&path, "{\"schema\":\"something/1\"}").expect("it can be written");
    assert!(refused(&[]).contains("is not a report of roundsman"));
    let ran = served.verify(&["--format", "json"]);
    std::fs::write(&path, ran.out.replace("tenants.test", "example.org")).expect("it can be written");
    assert!(refused(&[]).contains("is about example.org"));
    std::fs::write(&path, &ran.out[..ran.out.len() / 2]).expect("it can be written");
    assert!(refused(&[]).contains("is not a report of roundsman"));
    std::fs::write(&path, &ran.out).expect("it can be written");
    assert!(refused(&["--baseline-max-age", "1ms"]).contains("may be 0 s old"));
    assert_eq!(served.verify(&["--baseline", "before.json"]).code, Some(0));
}

/// The exit code of a round with `now` against a report of a round with `before`, and what is worse.
fn against(served: &Served, before: &[&str], now: &[&str], arguments: &[&str]) -> (Option<i32>, Vec<String>) {
    let file = baseline(served, before);
    served.stage(now);
    let (code, report, _) = served.gate(&[&["--baseline", &file], arguments].concat()).ends();
    (code, changes(&report, "worse"))
}

#[test]
fn a_latent_fault_that_breaks_something_is_worse() {
    let served = serve(platform(), &[]).impatient();
    let cut = against(
        &served,
        &["certificate-conflict@q7f9=latent"],
        &["certificate-conflict@q7f9"],
        &[],
    );
    assert_eq!(
        cut,
        (
            Some(1),
            vec!["q7f9 failing->failing [\"certificate-conflict\"]".to_owned()]
        )
    );
    let fixed = against(
        &served,
        &["certificate-conflict@q7f9"],
        &["certificate-conflict@q7f9=latent"],
        &[],
    );
    assert_eq!(fixed, (Some(0), vec![]));
    let other = against(&served, &["tls-alert@q7f9"], &["tls-timeout@q7f9"], &[]);
    assert_eq!(other.0, Some(1), "{other:?}");
    let same = against(&served, &["tls-alert@q7f9"], &["tls-alert@q7f9"], &[]);
    assert_eq!(same, (Some(0), vec![]));
}

#[test]
fn a_known_lasting_cause_does_not_end_the_wait_for_another() {
    let served = serve(platform(), &[]);
    let before = baseline(&served, &["certificate-conflict@q7f9=latent"]);
    served.stage(&["certificate-conflict@q7f9=latent", "app-starting@q7f9"]);
    let mut gate = served.gate(&["--baseline", &before, "--wait", "60s", "--fail-fast"]);
    gate.hears("app-starting");
    served.stage(&["certificate-conflict@q7f9=latent"]);
    let (code, _, told) = gate.ends();
    assert_eq!(code, Some(0), "{told:?}");
    served.stage(&["certificate-conflict@a3b1"]);
    let (code, _, _) = served
        .gate(&["--baseline", &before, "--wait", "60s", "--fail-fast"])
        .ends();
    assert_eq!(code, Some(1));
}

#[test]
fn a_known_warning_is_no_demand() {
    let served = serve(platform(), &[]);
    let before = baseline(&served, &["certificate-expiring@q7f9=20"]);
    let (code, report, _) = served.gate(&["--baseline", &before, "--fail-on", "warn"]).ends();
    assert_eq!((code, report["demands"].as_array()), (Some(0), None), "{report:#}");
    served.stage(&["certificate-expiring@q7f9=20", "certificate-expiring@a3b1=20"]);
    let (code, report, _) = served.gate(&["--baseline", &before, "--fail-on", "warn"]).ends();
    assert_eq!(code, Some(1));
    assert_eq!(
        changes(&report, "worse"),
        ["a3b1 healthy->degraded [\"certificate-expiring\"]"]
    );
}

#[test]
fn who_is_gone_is_listed_where_all_were_asked_for() {
    let served = serve(platform(), &[]);
    let before = baseline(&served, &[]);
    served.stage(&["app-missing@q7f9"]);
    let (code, report, _) = served.gate(&["--baseline", &before]).ends();
    assert_eq!((code, report["baseline"]["gone"][0].as_str()), (Some(0), Some("q7f9")));
    let (_, report, _) = served.gate(&["a3b1", "--baseline", &before]).ends();
    assert_eq!(report["baseline"]["gone"], Value::Null);
}

#[test]
fn what_was_not_looked_at_is_not_better() {
    let served = serve(platform(), &[]);
    let before = baseline(&served, &["site-status@q7f9=404"]);
    let (code, report, _) = served.gate(&["--only", "dns", "--baseline", &before]).ends();
    assert_eq!((code, changes(&report, "better")), (Some(0), vec![]));
}

#[test]
fn only_new_causes_stand_under_what_is_worse() {
    let served = serve(platform(), &[]);
    let before = ["site-redirect@a3b1", "certificate-conflict@a3b1=latent"];
    let now = ["site-status@a3b1=404", "certificate-conflict@a3b1=latent"];
    let worse = against(&served, &before, &now, &[]);
    assert_eq!(
        worse,
        (Some(1), vec!["a3b1 failing->failing [\"site-status\"]".to_owned()])
    );
}

#[test]
fn a_round_that_was_ended_early_is_no_baseline() {
    let served = serve(LabOptions::default(), &[]);
    let ran = served.verify(&["--format", "json"]);
    let cut = ran.out.replacen("{", "{\n  \"interrupted\": true,", 1);
    std::fs::write(served.dir.path().join("before.json"), cut).expect("it can be written");
    let ran = served.verify(&["--baseline", "before.json"]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.err.contains("ended before everything was looked at"), "{}", ran.err);
}

#[test]
fn a_warning_that_the_baseline_does_not_know_is_not_as_before() {
    let served = serve(platform(), &[]);
    let before = baseline(&served, &["certificate-expiring@q7f9=20"]);
    let human = |faults: &[&str]| {
        served.stage(faults);
        let file = served.dir.path().join("human");
        let output = format!("human={}", file.display());
        served.gate(&["--baseline", &before, "--output", &output]).ends();
        std::fs::read_to_string(file).expect("the report")
    };
    let row = |text: &str, cause: &str| {
        let mut rows = text.lines().filter(|line| line.contains(cause));
        rows.next().expect(cause).to_owned()
    };
    let same = human(&["certificate-expiring@q7f9=20"]);
    assert!(row(&same, "certificate-expiring").starts_with("KNOWN "), "{same}");
    let more = human(&[
        "certificate-expiring@q7f9=20",
        "site-slow@a3b1",
        "edge-unreachable=127.0.0.1",
    ]);
    assert!(row(&more, "certificate-expiring").starts_with("KNOWN "), "{more}");
    for cause in ["site-slow", "edge-unreachable"] {
        assert!(row(&more, cause).starts_with("WARN "), "{more}");
    }
    let other = human(&["certificate-expiring@q7f9=20", "certificate-expiring@a3b1=20"]);
    assert!(row(&other, "certificate-expiring").starts_with("WARN "), "{other}");
    assert!(other.contains("KNOWN    certificate-expiring"), "{other}");
}
