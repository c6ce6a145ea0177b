//! What users hand over as it comes: newlines behind secrets, lists of URLs, streams as files, proxies, zones above.

use std::fs;

use roundsman_checks::evidence::ApiAnswer;
use roundsman_checks::platform::Calls;
use roundsman_checks::platform::cloudflare::Zone;
use roundsman_checks::target::Hostname;
use roundsman_lab::LabOptions;
use serde_json::Value;

use super::{Ran, Served, serve};

/// Runs `verify` over it with these variables besides.
fn run(served: &Served, arguments: &[&str], variables: &[(&str, &str)]) -> Ran {
    let mut command = served.command();
    command.args(arguments).envs(variables.iter().copied());
    command.output().expect("the binary runs").into()
}

fn first_cause(out: &str) -> Value {
    let report = serde_json::from_str::<Value>(out).expect("a report");
    report["causes"][0].clone()
}

#[test]
fn a_token_with_the_newline_of_its_file_is_the_token() {
    let served = serve(LabOptions::with_platform(), &[]);
    let ran = run(
        &served,
        &["--format", "json"],
        &[
            ("FLY_API_TOKEN", "fm2_lab\n"),
            ("CLOUDFLARE_API_TOKEN", "cf_lab_token\r\n"),
        ],
    );
    assert_eq!((ran.code, first_cause(&ran.out)), (Some(0), Value::Null), "{}", ran.out);
}

#[test]
fn a_proxy_that_stands_between_is_named_without_its_secret() {
    let served = serve(LabOptions::with_platform(), &[]);
    let text = fs::read_to_string(&served.config).expect("the configuration");
    let base = served.lab.api_url().expect("a platform");
    fs::write(&served.config, text.replace(&base, "https://api.example.test")).expect("it is written");
    for (variable, proxy, named) in [
        ("ALL_PROXY", "socks5://user:hunter2@127.0.0.1:9", "socks5://127.0.0.1:9"),
        ("HTTPS_PROXY", "http://user:hunter2@127.0.0.1:9", "http://127.0.0.1:9"),
    ] {
        let ran = run(&served, &["--format", "json"], &[(variable, proxy)]);
        let cause = first_cause(&ran.out);
        assert_eq!(
            (ran.code, cause["cause"].as_str()),
            (Some(3), Some("platform-api-unavailable")),
            "{}",
            ran.out
        );
        let evidence = cause["evidence"][0].as_str().unwrap_or_default();
        let through = format!("through the proxy {named} that the environment names");
        assert!(evidence.contains(&through), "{evidence}");
        assert!(!ran.out.contains("hunter2") && !ran.err.contains("hunter2"));
    }
}

#[test]
fn an_organization_that_the_token_does_not_see_is_named() {
    let served = serve(LabOptions::with_platform(), &[]);
    let ran = run(&served, &["--org", "nobody", "--format", "json"], &[]);
    let cause = first_cause(&ran.out);
    assert_eq!(
        (ran.code, cause["cause"].as_str()),
        (Some(3), Some("platform-api-unavailable")),
        "{}",
        ran.out
    );
    let evidence = cause["evidence"][0].as_str().unwrap_or_default();
    assert!(evidence.contains("the token sees no organization nobody"), "{evidence}");
    let fix = cause["remedy"][0]["command"].as_str().unwrap_or_default();
    assert!(fix.contains("--org") && !fix.contains("status page"), "{fix}");
}

/// With a wrong edge app nothing is taken from the right one, however little of the edge was looked at.
#[test]
fn a_wrong_edge_app_takes_nothing_from_the_right_one() {
    let served = serve(LabOptions::with_platform(), &["edge-app-mismatch"]);
    for arguments in [
        &["--only", "conflicts"][..],
        &["--only", "conflicts,app"],
        &["--skip", "certificate,site,route"],
        &[],
    ] {
        let ran = run(&served, &[&["--format", "json"], arguments].concat(), &[]);
        let report = serde_json::from_str::<Value>(&ran.out).expect("a report");
        assert_eq!(ran.code, Some(3), "{arguments:?}: {}", ran.out);
        let told = report["causes"].as_array().expect("causes").iter();
        let fixes = told.flat_map(|cause| cause["remedy"].as_array().cloned().unwrap_or_default());
        let actions = fixes.filter_map(|fix| fix["action"].as_str().map(str::to_owned));
        let actions = actions.collect::<Vec<_>>();
        assert!(
            actions.iter().all(|action| action == "manual"),
            "{arguments:?}: {actions:?}"
        );
    }
}

#[test]
fn a_token_for_this_machine_goes_through_no_proxy() {
    let served = serve(LabOptions::with_platform(), &[]);
    let refuses = [
        ("ALL_PROXY", "http://127.0.0.1:9"),
        ("HTTP_PROXY", "http://127.0.0.1:9"),
    ];
    let ran = run(&served, &["--format", "json"], &refuses);
    assert_eq!((ran.code, first_cause(&ran.out)), (Some(0), Value::Null), "{}", ran.out);
}

#[test]
fn an_output_that_is_standard_output_already_loses_nothing() {
    let served = serve(LabOptions::default(), &[]);
    let log = served.dir.path().join("job.log");
    fs::write(&log, "what was said before\n").expect("the log is written");
    let file = fs::OpenOptions::new().append(true).open(&log).expect("the log");
    let mut command = served.command();
    command.args(["--output", "json=/dev/stdout"]).stdout(file);
    let ran = command.status().expect("it runs");
    assert_eq!(ran.code(), Some(0));
    let text = fs::read_to_string(&log).expect("the log");
    let report = text.strip_prefix("what was said before\n").expect("nothing is lost");
    assert!(serde_json::from_str::<Value>(report).is_ok(), "{report}");
}

#[test]
fn a_file_that_is_read_is_never_written_over() {
    let served = serve(LabOptions::default(), &[]);
    let ids = served.dir.path().join("ids.txt");
    fs::write(&ids, "q7f9\n").expect("the list is written");
    for (arguments, named) in [
        (["--output", "json=ids.txt"], "--output and --tenants"),
        (["--output", "json=roundsman.toml"], "--output and --config"),
        (["--record", "ids.txt"], "--record and --tenants"),
    ] {
        let arguments = [&["--tenants", "ids.txt"][..], &arguments[..]].concat();
        let ran = run(&served, &arguments, &[]);
        assert_eq!(ran.code, Some(2), "{}", ran.out);
        assert!(ran.err.contains(&format!("{named} name the same file")), "{}", ran.err);
    }
    assert_eq!(fs::read_to_string(&ids).expect("the list"), "q7f9\n");
}

/// A link to what does not exist yet is what it leads to; a file with a secret is read, too.
#[test]
fn two_names_of_one_file_are_one_file() {
    let served = serve(LabOptions::default(), &[]);
    let within = |name: &str| served.dir.path().join(name);
    std::os::unix::fs::symlink("report.json", within("first")).expect("a link");
    std::os::unix::fs::symlink("first", within("second")).expect("a link");
    std::os::unix::fs::symlink(served.dir.path(), within("here")).expect("a link");
    fs::write(within("bypass"), "hunter2-bypass").expect("the secret is written");
    let text = fs::read_to_string(&served.config).expect("the configuration");
    let text = text.replace(
        "[site]\n",
        "[site]\nrequest_headers = { x-bypass = { file = \"bypass\" } }\n",
    );
    fs::write(&served.config, text).expect("it can be written");
    for (arguments, said) in [
        (
            ["--output", "json=report.json", "--record", "second"],
            "--output and --record name the same file",
        ),
        (
            ["--output", "json=report.json", "--record", "here/report.json"],
            "--output and --record name the same file",
        ),
        (
            ["--output", "json=here/bypass", "--fail-on", "fail"],
            "--output and a secret of the configuration name the same file",
        ),
    ] {
        let ran = run(&served, &arguments, &[]);
        assert_eq!(ran.code, Some(2), "{}", ran.out);
        assert!(ran.err.contains(said), "{}", ran.err);
    }
    assert!(!within("report.json").exists());
    assert_eq!(
        fs::read_to_string(within("bypass")).expect("the secret"),
        "hunter2-bypass"
    );
}

#[tokio::test]
async fn the_zone_above_the_domain_is_found() {
    let lab = roundsman_lab::Lab::start(LabOptions::with_platform())
        .await
        .expect("a lab");
    let base = format!("{}/client/v4", lab.api_url().expect("a platform"));
    let listing = async |name: Option<&str>, domain: &str| {
        let domain = Hostname::parse(domain).expect("a domain");
        let zone = Zone::new(&base, name, &domain, "cf_lab_token", "test", Calls::default());
        zone.expect("a client").listing().await
    };
    assert!(matches!(listing(None, "apps.eu.tenants.test").await, ApiAnswer::Known(records) if !records.is_empty()));
    // What the user names is what is meant.
    let named = listing(Some("apps.tenants.test"), "apps.tenants.test").await;
    assert!(
        named.fault().is_some_and(|fault| !fault.detail.contains("above")),
        "{named:?}"
    );
    let nowhere = listing(None, "apps.example.org").await;
    let fault = nowhere.fault().expect("no such zone");
    assert!(fault.detail.contains("set `[cloudflare] zone`"), "{fault:?}");
}
