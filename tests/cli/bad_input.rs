//! Bad input: one clear error that names the place and the fix, exit code 2, and nothing lost.

use std::fs;

use roundsman_lab::LabOptions;

use super::{roundsman, serve};

/// The error of a run that must end with 2 and print no report.
fn refused(arguments: &[&str], files: &[(&str, &str)]) -> String {
    let dir = tempfile::tempdir().expect("a temporary folder");
    for (name, text) in files {
        fs::write(dir.path().join(name), text).expect("the file is written");
    }
    let ran = roundsman(arguments, dir.path());
    assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""), "{}", ran.err);
    ran.err
}

const CONFIG: &str =
    "domain = \"example.com\"\n[edge]\naddresses = [\"127.0.0.1\"]\n[tenants]\nlist = [\"abc123\", \"def456\"]\n";

#[test]
fn neither_file_nor_flags_names_both_ways() {
    insta::assert_snapshot!(refused(&["verify"], &[]));
}

#[test]
fn an_unreadable_configuration_is_named() {
    insta::assert_snapshot!(refused(&["verify", "--config", "missing.toml"], &[]));
    assert!(refused(&["verify", "--config", "."], &[]).contains("directory"));
}

#[test]
fn an_unknown_key_is_shown_with_the_nearest() {
    let config = CONFIG.replace("addresses", "adresses");
    insta::assert_snapshot!(refused(&["verify"], &[("roundsman.toml", &config)]));
}

#[test]
fn an_unknown_tenant_is_told_with_the_nearest_names() {
    insta::assert_snapshot!(refused(&["verify", "abc132"], &[("roundsman.toml", CONFIG)]));
}

#[test]
fn an_output_that_cannot_be_written_is_told_before_the_round() {
    insta::assert_snapshot!(refused(
        &["verify", "--output", "json=missing/report.json"],
        &[("roundsman.toml", CONFIG)]
    ));
}

#[test]
fn an_unset_secret_is_named_and_never_shown() {
    let config =
        format!("{CONFIG}[site]\nrequest_headers = {{ \"x-probe\" = {{ env = \"ROUNDSMAN_TEST_UNSET\" }} }}\n");
    insta::assert_snapshot!(refused(&["verify"], &[("roundsman.toml", &config)]));
}

#[test]
fn roots_that_are_none_are_named() {
    let config = CONFIG.replace("[tenants]", "ca_file = \"roots.pem\"\n[tenants]");
    let error = refused(
        &["verify"],
        &[("roundsman.toml", &config), ("roots.pem", "no certificate")],
    );
    insta::assert_snapshot!(
        error
            .replace(|c: char| c.is_ascii_digit(), "0")
            .split("/roots.pem")
            .last()
            .unwrap_or_default()
    );
}

#[test]
fn leaving_out_every_check_is_refused() {
    insta::assert_snapshot!(refused(
        &["verify", "--only", "dns", "--skip", "dns"],
        &[("roundsman.toml", CONFIG)]
    ));
}

#[test]
fn an_empty_inventory_is_never_all_fine() {
    let served = serve(LabOptions::default(), &[]);
    let ran = served.verify(&["--tenants", "/dev/null"]);
    assert_eq!(ran.code, Some(3), "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("the inventory is empty"), "{}", ran.out);
}

#[test]
fn a_report_goes_to_a_file_and_to_the_screen() {
    let served = serve(LabOptions::default(), &[]);
    let file = served.dir.path().join("report.json");
    fs::write(&file, "x".repeat(100_000)).expect("an older report");
    let ran = served.verify(&["--output", &format!("json={}", file.display()), "--output", "human=-"]);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    assert!(ran.out.starts_with("tenants.test · 12 tenants · "), "{}", ran.out);
    let report =
        serde_json::from_str::<serde_json::Value>(&fs::read_to_string(file).expect("the report")).expect("JSON");
    assert_eq!(report["schema"], "roundsman.report/1");
}

#[test]
fn two_forms_for_one_stream_are_refused_before_the_round() {
    let served = serve(LabOptions::default(), &[]);
    for second in ["junit=-", "json=/dev/stdout", "human=-"] {
        let ran = served.verify(&["--output", "human=-", "--output", second]);
        assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""), "{second}");
        assert!(ran.err.contains("both go to standard output"), "{}", ran.err);
    }
}

#[test]
fn flags_alone_are_enough_and_select() {
    let served = serve(LabOptions::default(), &["site-status@a3b1"]);
    let some = served.verify(&["q7f9", "c04e.tenants.test"]);
    assert_eq!(some.code, Some(0), "{}{}", some.out, some.err);
    assert!(some.out.starts_with("tenants.test · 2 tenants"), "{}", some.out);
    let left_out = served.verify(&["a3b1", "--skip", "site,route"]);
    assert_eq!(left_out.code, Some(0), "{}", left_out.out);
    let required = served.verify(&["a3b1", "--skip", "site,route", "--require", "site"]);
    assert_eq!(required.code, Some(3), "{}", required.out);
    let fleet = served.verify(&["--only", "dns"]);
    assert_eq!(fleet.code, Some(0), "{}", fleet.out);
}

#[test]
fn warnings_fail_and_the_fleet_does_not_where_asked() {
    let served = serve(LabOptions::default(), &["caa-forbids-issuance"]);
    assert_eq!(served.verify(&[]).code, Some(0));
    assert_eq!(served.verify(&["--fail-on", "warn"]).code, Some(1));
    assert_eq!(served.verify(&["--fail-on", "warn", "--scope", "tenant"]).code, Some(0));
    served.stage(&["edge-unreachable=127.0.0.1"]);
    assert_eq!(served.verify(&["--skip", "dns"]).code, Some(0));
}

#[test]
fn a_report_that_cannot_be_written_is_no_success() {
    let served = serve(LabOptions::default(), &[]);
    let full = std::fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .expect("/dev/full");
    let mut verify = super::command(served.dir.path());
    let ran = verify
        .args(["verify", "--config"])
        .arg(&served.config)
        .stdout(full)
        .output()
        .expect("it runs");
    assert_eq!(ran.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&ran.stderr).contains("standard output"));
}

#[test]
fn a_demand_that_is_not_met_is_told() {
    let served = serve(LabOptions::default(), &[]);
    let ran = served.verify(&["--require", "app"]);
    assert_eq!(ran.code, Some(3));
    assert!(
        ran.out
            .contains("--require app: skipped at 12 of 12 tenants (not-configured)"),
        "{}",
        ran.out
    );
    let nobody = served.verify(&["--label", "plan=zzz"]);
    assert_eq!(nobody.code, Some(3));
    assert!(nobody.out.contains("none of 12 tenants has plan=zzz"), "{}", nobody.out);
}

#[test]
fn config_check_refuses_roots_that_verify_would_refuse() {
    let config = CONFIG.replace("[tenants]", "ca_file = \"roots.pem\"\n[tenants]");
    let error = refused(
        &["config", "check"],
        &[("roundsman.toml", &config), ("roots.pem", "garbage")],
    );
    assert!(error.contains("holds no certificate"), "{error}");
}

#[test]
fn the_file_to_check_may_be_named_without_an_option() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    fs::write(dir.path().join("staging.toml"), CONFIG).expect("the file is written");
    let ran = roundsman(&["config", "check", "staging.toml"], dir.path());
    assert_eq!(
        (ran.code, ran.out.as_str()),
        (Some(0), "staging.toml: valid, 2 tenants from list\n"),
        "{}",
        ran.err
    );
    let wrong = refused(&["config", "check", "other.toml"], &[("staging.toml", CONFIG)]);
    assert!(wrong.contains("other.toml"), "{wrong}");
}
