//! Through the binary with the platform's account: what the account, its tokens and its silence mean for a pipeline.

use std::time::Duration;

use roundsman::agent::clock::Moment;
use roundsman_lab::LabOptions;
use serde_json::{Value, json};

use super::{Ran, Served, command, serve};

/// The lab with this text in the place of its tenants.
pub(crate) fn with_tenants(options: LabOptions, tenants: &str) -> Served {
    let served = serve(options, &[]);
    let text = std::fs::read_to_string(&served.config).expect("the configuration");
    let (before, rest) = text.split_once("[tenants]\n").expect("a table");
    let (_, after) = rest.split_once("\n[").expect("another table");
    let text = format!("{before}[tenants]\n{tenants}\n[{after}");
    std::fs::write(&served.config, text).expect("the configuration can be written");
    served
}

/// Runs the binary with the lab's tokens.
pub(crate) fn run(served: &Served, arguments: &[&str]) -> Ran {
    run_with(served, arguments, &[])
}

/// As `run`, with these settings in the environment.
fn run_with(served: &Served, arguments: &[&str], environment: &[(&str, &str)]) -> Ran {
    let mut command = command(served.dir.path());
    command
        .args(arguments)
        .arg("--config")
        .arg(&served.config)
        .env("FLY_API_TOKEN", served.lab.fly_token())
        .env("CLOUDFLARE_API_TOKEN", served.lab.cloudflare_token())
        .env("TENANTS_TOKEN", "s3cret")
        .env("EMPTY_TOKEN", "")
        .envs(environment.iter().copied());
    command.output().expect("the binary runs").into()
}

/// The JSON that was printed.
pub(crate) fn document(ran: &Ran) -> Value {
    serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{error}: {}{}", ran.out, ran.err))
}

/// A tenant's row.
pub(crate) fn tenant<'r>(report: &'r Value, id: &str) -> &'r Value {
    let mut rows = report["tenants"].as_array().into_iter().flatten();
    rows.find(|row| row["tenant"] == id)
        .unwrap_or_else(|| panic!("no row of {id}: {report}"))
}

/// One check of a tenant's row.
pub(crate) fn check<'r>(row: &'r Value, name: &str) -> &'r Value {
    let mut checks = row["checks"].as_array().into_iter().flatten();
    checks
        .find(|check| check["check"] == name)
        .unwrap_or_else(|| panic!("no {name}: {row}"))
}

fn causes(report: &Value) -> Vec<&str> {
    let causes = report["causes"].as_array().into_iter().flatten();
    causes.filter_map(|cause| cause["cause"].as_str()).collect()
}

const VERIFY: &[&str] = &["verify", "--format", "json"];

#[test]
fn an_organization_without_tenants_is_inconclusive_and_says_so() {
    let options = LabOptions {
        tenants: Vec::new(),
        platform_inventory: true,
        ..LabOptions::with_platform()
    };
    let served = serve(options, &[]);
    let ran = run(&served, VERIFY);
    let report = document(&ran);
    assert_eq!((ran.code, causes(&report)), (Some(3), vec![]), "{}", ran.out);
    assert_eq!(report["tenants"], json!([]));
    let ran = run(&served, &["verify"]);
    assert_eq!(ran.code, Some(3));
    assert!(ran.out.contains("the inventory is empty"), "{}", ran.out);
    let ran = run(&served, &["tenants"]);
    assert_eq!(ran.code, Some(0), "{}{}", ran.out, ran.err);
    assert!(ran.out.starts_with("0 tenants"), "{}", ran.out);
}

#[test]
fn an_empty_token_is_a_usage_error_before_anything_is_asked() {
    let served = serve(LabOptions::with_platform(), &[]);
    for name in ["FLY_API_TOKEN", "CLOUDFLARE_API_TOKEN"] {
        for command in ["verify", "tenants"] {
            let ran = run_with(&served, &[command], &[(name, "")]);
            assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""), "{name}: {}", ran.err);
            assert!(ran.err.contains(name), "{}", ran.err);
        }
    }
    assert_eq!(served.lab.counters().api_requests, 0);
}

#[test]
fn a_wrong_token_is_the_agents_trouble_and_is_never_shown() {
    for platform_inventory in [false, true] {
        let options = LabOptions {
            platform_inventory,
            ..LabOptions::with_platform()
        };
        let served = serve(options, &[]);
        let ran = run_with(&served, VERIFY, &[("FLY_API_TOKEN", "fm2_wrong")]);
        let report = document(&ran);
        assert_eq!(
            (ran.code, causes(&report)),
            (Some(3), vec!["platform-api-unauthorized"]),
            "{}",
            ran.out
        );
        assert_eq!(report["causes"][0]["scope"], "agent");
        assert!(!ran.out.contains("fm2_wrong") && !ran.err.contains("fm2_wrong"));
        assert!(served.lab.counters().api_requests <= 20);
    }
}

#[test]
fn a_zone_listing_that_is_refused_is_a_warning() {
    let served = serve(LabOptions::with_platform(), &[]);
    let ran = run_with(&served, VERIFY, &[("CLOUDFLARE_API_TOKEN", "wrong")]);
    let report = document(&ran);
    assert_eq!(
        (ran.code, causes(&report)),
        (Some(0), vec!["platform-api-unauthorized"]),
        "{}",
        ran.out
    );
    assert_eq!(report["causes"][0]["outcome"], "warn");
    assert_eq!(report["summary"]["healthy"], 12);
    let ran = run_with(&served, &["verify"], &[("CLOUDFLARE_API_TOKEN", "wrong")]);
    assert!(ran.out.contains("platform-api-unauthorized"), "{}", ran.out);
}

#[test]
fn half_a_region_missing_leaves_its_tenants_unknown_and_the_others_judged() {
    let served = serve(LabOptions::with_platform(), &["platform-api-unavailable=region:lhr"]);
    let ran = run(&served, VERIFY);
    let report = document(&ran);
    assert_eq!(ran.code, Some(3), "{}", ran.out);
    let rows = report["tenants"].as_array().expect("tenants");
    let unknown = rows.iter().filter(|row| row["status"] == "unknown").collect::<Vec<_>>();
    assert!(!unknown.is_empty() && unknown.len() < rows.len(), "{}", ran.out);
    for row in &unknown {
        let app = check(row, "app");
        assert_eq!(
            (&app["outcome"], &app["reason"]),
            (&json!("unknown"), &json!("platform/partial"))
        );
        assert_eq!(check(row, "site")["outcome"], "pass");
    }
    assert_eq!(report["summary"]["healthy"], rows.len() - unknown.len());
    // Whoever is known to fail outweighs whoever is not known.
    let hit = unknown[0]["tenant"].as_str().expect("an id");
    served.stage(&["platform-api-unavailable=region:lhr", &format!("site-redirect@{hit}")]);
    let ran = run(&served, VERIFY);
    assert_eq!(
        (ran.code, &tenant(&document(&ran), hit)["cause"]),
        (Some(1), &json!("site-redirect"))
    );
}

/// The silence of an API is waited for and ends.
#[test]
fn an_api_that_never_answers_ends_in_bounded_time_and_hides_no_failing_site() {
    let faults: [(&[&str], i32); 2] = [
        (&["platform-api-unavailable=timeout"], 3),
        (&["platform-api-unavailable=timeout", "site-redirect@q7f9"], 1),
    ];
    std::thread::scope(|scope| {
        for (faults, code) in faults {
            scope.spawn(move || {
                let served = serve(LabOptions::with_platform(), faults);
                let begun = Moment::now();
                let ran = run(&served, VERIFY);
                let took = begun.elapsed();
                let report = document(&ran);
                let calls = served.lab.counters().api_requests;
                println!("{faults:?}: {calls} calls in {took:?}");
                assert_eq!(ran.code, Some(code), "{}", ran.out);
                assert!(
                    calls <= 20 && took < Duration::from_secs(90),
                    "{calls} calls in {took:?}"
                );
                // The whole time counts, that of the API too.
                let told = |key: &str| report[key].as_str().and_then(|at| at.parse::<jiff::Timestamp>().ok());
                let (began, ended) = (
                    told("started_at").expect("a time"),
                    told("finished_at").expect("a time"),
                );
                let short = took.as_secs().saturating_sub(5);
                assert!(
                    ended.as_second() - began.as_second() >= short as i64,
                    "{began} to {ended}, in {took:?}"
                );
                assert!(
                    causes(&report).contains(&"platform-api-unavailable"),
                    "{:?}",
                    causes(&report)
                );
                let app = check(tenant(&report, "a3b1"), "app");
                assert_eq!(
                    (&app["outcome"], &app["reason"]),
                    (&json!("unknown"), &json!("platform/timeout"))
                );
                assert_eq!(
                    tenant(&report, "q7f9")["status"],
                    if code == 1 { "failing" } else { "unknown" }
                );
                assert_eq!(served.lab.writes(), Vec::<String>::new());
            });
        }
    });
}

#[test]
fn a_certificate_at_another_tenants_app_concerns_its_holder_and_its_victim() {
    let served = serve(
        LabOptions::with_platform(),
        &["certificate-conflict@q7f9=other:sp-a3b1"],
    );
    let ran = run(&served, VERIFY);
    let report = document(&ran);
    assert_eq!(
        (ran.code, causes(&report)),
        (Some(1), vec!["certificate-conflict"]),
        "{}",
        ran.out
    );
    let cause = &report["causes"][0];
    assert_eq!(cause["tenants"], json!(["a3b1", "q7f9"]), "{cause}");
    let evidence = cause["evidence"].to_string();
    assert!(
        evidence.contains("sp-a3b1 holds a certificate for q7f9.tenants.test"),
        "{evidence}"
    );
    assert!(
        cause["remedy"]
            .to_string()
            .contains("fly certs remove q7f9.tenants.test -a sp-a3b1 -y"),
        "{cause}"
    );
    for id in ["a3b1", "q7f9"] {
        let conflicts = check(tenant(&report, id), "conflicts");
        assert_eq!(
            (&conflicts["outcome"], &conflicts["reason"]),
            (&json!("fail"), &json!("platform/conflict")),
            "{id}"
        );
        assert_eq!(tenant(&report, id)["cause"], "certificate-conflict", "{id}");
    }
    // The holder's own site works all the while.
    assert_eq!(check(tenant(&report, "a3b1"), "site")["outcome"], "pass");
    assert_eq!(
        check(tenant(&report, "q7f9"), "certificate")["reason"],
        "tls/unexpected-eof"
    );
    assert_eq!(report["summary"]["healthy"], 10);
}

/// Where not all addresses of the edge are known, any other may be one of them: what leads there is neither right nor wrong.
#[test]
fn what_is_not_told_of_the_edge_is_held_against_nobody() {
    let served = serve(LabOptions::with_platform(), &[]);
    let text = std::fs::read_to_string(&served.config).expect("the configuration");
    let (given, rest) = text
        .lines()
        .partition::<Vec<_>, _>(|line| line.starts_with("addresses = "));
    assert_eq!(given.len(), 1, "{text}");
    std::fs::write(&served.config, rest.join("\n")).expect("it can be written");
    for (how, status) in [("addresses-total", "healthy"), ("addresses-garbled", "unknown")] {
        // An own record without a family that the wildcard has differs from it, whatever its address is.
        served.stage(&[&format!("lists-lie={how}"), "dns-override@q7f9"]);
        let ran = run(&served, VERIFY);
        assert_eq!(
            (ran.code, causes(&document(&ran))),
            (Some(1), vec!["dns-override"]),
            "{}",
            ran.out
        );
        for beside in [None, Some("dns-override@q7f9=both")] {
            let lie = format!("lists-lie={how}");
            let staged = std::iter::once(lie.as_str()).chain(beside);
            served.stage(&staged.collect::<Vec<_>>());
            let ran = run(&served, VERIFY);
            let report = document(&ran);
            let exit = if beside.is_none() && status == "healthy" { 0 } else { 3 };
            assert_eq!(
                (ran.code, causes(&report)),
                (Some(exit), vec![]),
                "{how} {beside:?}: {}",
                ran.out
            );
            for id in served.lab.tenants() {
                let concerned = beside.is_some() && id == "q7f9";
                let expected = if concerned { "unknown" } else { status };
                assert_eq!(
                    tenant(&report, id)["status"],
                    expected,
                    "{how} {beside:?} {id}: {}",
                    ran.out
                );
            }
        }
    }
}

#[test]
fn without_a_token_the_flags_say_what_to_set() {
    let empty = tempfile::tempdir().expect("a folder");
    let mut command = super::command(empty.path());
    command.env_remove("FLY_API_TOKEN");
    command.args(["verify", "--domain", "example.com", "--edge-app", "management-api"]);
    let ran = Ran::from(command.output().expect("the binary runs"));
    assert_eq!(ran.code, Some(2));
    assert!(ran.err.contains("FLY_API_TOKEN is unset or empty"), "{}", ran.err);
    assert!(
        ran.err.contains("fly tokens create readonly") && ran.err.contains("--edge ADDRESS"),
        "{}",
        ran.err
    );
}

#[test]
fn a_domain_on_the_command_line_stands_for_one_in_the_file() {
    let served = serve(LabOptions::with_platform(), &[]);
    let text = std::fs::read_to_string(&served.config).expect("the configuration");
    let without = text
        .lines()
        .filter(|line| !line.starts_with("domain"))
        .collect::<Vec<_>>()
        .join("\n");
    std::fs::write(&served.config, without).expect("it can be written");
    assert_eq!(run_with(&served, &["verify"], &[]).code, Some(2));
    assert_eq!(
        run_with(&served, &["verify", "--domain", "tenants.test"], &[]).code,
        Some(0)
    );
}

#[test]
fn an_inventory_that_is_not_whole_is_no_pass_whatever_the_scope() {
    let options = LabOptions {
        platform_inventory: true,
        ..LabOptions::with_platform()
    };
    let served = serve(options, &["platform-api-unavailable=500"]);
    let ran = run_with(&served, &["verify", "--scope", "tenant"], &[]);
    assert_eq!(ran.code, Some(3), "{}", ran.out);
    assert!(ran.out.contains("did not answer in full"), "{}", ran.out);
}

#[test]
fn the_report_advises_what_a_repair_would_do() {
    let faults = ["certificate-conflict@q7f9=other:sp-foreign", "app-stopped@a3b1=failed"];
    let served = serve(LabOptions::with_platform(), &faults);
    let report = document(&run(&served, &["verify", "q7f9", "a3b1", "--json"]));
    let remedy = |cause: &str| {
        let mut causes = report["causes"].as_array().into_iter().flatten();
        let entry = causes.find(|entry| entry["cause"] == cause);
        entry.unwrap_or_else(|| panic!("no {cause}: {report}"))["remedy"][0].clone()
    };
    // Who looks after an app that is no tenant's decides.
    let conflict = remedy("certificate-conflict");
    assert_eq!(
        (&conflict["action"], &conflict["automatic"]),
        (&json!("remove-certificate"), &json!(false)),
        "{conflict}"
    );
    // What failed does not run: there is nothing to stop first.
    assert_eq!(remedy("app-crashed")["action"], "start-machine");
    let plan = document(&run(&served, &["remediate", "q7f9", "a3b1", "--format", "json"]));
    for (tenant, action) in [("q7f9", "remove-certificate"), ("a3b1", "start-machine")] {
        let mut plans = plan["plans"].as_array().into_iter().flatten();
        let planned = plans.find(|plan| plan["tenant"] == tenant);
        let planned = planned.unwrap_or_else(|| panic!("no plan for {tenant}: {plan}"));
        assert_eq!(planned["actions"][0]["action"], action);
    }
}

#[test]
fn a_pattern_has_to_fit_somebody_where_all_are_known() {
    let served = serve(LabOptions::with_tenants(3), &[]);
    let ran = run(&served, &["verify", "zz*"]);
    assert_eq!(ran.code, Some(2), "{}", ran.out);
    assert!(
        ran.err.contains("no tenant has an id or a host name that fits `zz*`"),
        "{}",
        ran.err
    );
    // Whom nobody could name it may fit all the same.
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = nobody.local_addr().expect("an address");
    drop(nobody);
    let tenants = format!("source = \"http\"\nurl = \"http://{address}/tenants\"");
    let ran = run(&with_tenants(LabOptions::default(), &tenants), &["verify", "t0*"]);
    assert_eq!(ran.code, Some(3), "{}{}", ran.out, ran.err);
}
