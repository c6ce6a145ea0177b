//! Who is woken: a sleeping tenant is asked for its page only where somebody asked for that, and a paused one never.

use roundsman_lab::LabOptions;
use serde_json::{Value, json};

use super::platform::{check, document, run, tenant, with_tenants};
use super::{Served, serve};

fn asleep() -> Served {
    serve(LabOptions::with_platform(), &["app-asleep@c04e"])
}

fn verify(served: &Served, arguments: &[&str]) -> Value {
    let ran = run(served, &[&["verify", "--format", "json"], arguments].concat());
    assert_eq!(ran.code, Some(0), "{arguments:?}: {}{}", ran.out, ran.err);
    document(&ran)
}

/// Outcome and reason of one check.
fn said(report: &Value, id: &str, name: &str) -> (Value, Value) {
    let check = check(tenant(report, id), name);
    (
        check["outcome"].clone(),
        check.get("reason").cloned().unwrap_or_default(),
    )
}

#[test]
fn a_sleeping_tenant_that_is_named_is_woken_once_and_judged() {
    for arguments in [&["c04e"][..], &["--wake", "auto", "c04e"], &["--wake", "always"]] {
        let served = asleep();
        let report = verify(&served, arguments);
        assert_eq!(
            said(&report, "c04e", "site"),
            (json!("pass"), Value::Null),
            "{arguments:?}"
        );
        assert_eq!(
            said(&report, "c04e", "route"),
            (json!("pass"), Value::Null),
            "{arguments:?}"
        );
        let counters = served.lab.counters();
        assert_eq!((counters.woken, counters.requests["c04e"]), (1, 1), "{arguments:?}");
        assert_eq!(report["causes"], json!([]));
        assert_eq!(served.lab.writes(), Vec::<String>::new());
    }
}

#[test]
fn a_sleeping_tenant_that_nobody_asked_for_sleeps_on() {
    for arguments in [
        &[][..],
        &["--wake", "auto"],
        &["--wake", "never", "c04e"],
        &["--wake", "auto", "q7f9"],
    ] {
        let served = asleep();
        let report = verify(&served, arguments);
        if !arguments.contains(&"q7f9") {
            let asleep = (json!("skipped"), json!("asleep"));
            assert_eq!(said(&report, "c04e", "site"), asleep, "{arguments:?}");
            assert_eq!(said(&report, "c04e", "route"), asleep, "{arguments:?}");
            // Up to the handshake it is looked at like everybody else.
            assert_eq!(said(&report, "c04e", "certificate").0, "pass", "{arguments:?}");
            assert_eq!(tenant(&report, "c04e")["status"], "healthy");
        }
        let counters = served.lab.counters();
        assert_eq!((counters.woken, counters.requests["c04e"]), (0, 0), "{arguments:?}");
    }
}

#[test]
fn a_paused_tenant_is_healthy_while_its_app_is_stopped_and_never_woken() {
    let list = "source = \"list\"\nlist = [{ id = \"c04e\", status = \"paused\" }, \"q7f9\"]";
    for fault in [
        "app-stopped@c04e",
        "app-crashed@c04e",
        "app-missing@c04e",
        "app-asleep@c04e",
    ] {
        let served = with_tenants(LabOptions::with_platform(), list);
        served.stage(&[fault]);
        let report = verify(&served, &["--wake", "always", "c04e", "q7f9"]);
        let expected = [
            ("dns", "pass", None),
            ("certificate", "skipped", Some("inactive")),
            ("site", "skipped", Some("inactive")),
            ("conflicts", "pass", None),
            ("app", "skipped", Some("inactive")),
            ("route", "skipped", Some("inactive")),
        ];
        for (name, outcome, reason) in expected {
            assert_eq!(
                said(&report, "c04e", name),
                (json!(outcome), json!(reason)),
                "{fault}: {name}"
            );
        }
        assert_eq!(
            (&report["causes"], &tenant(&report, "c04e")["status"]),
            (&json!([]), &json!("healthy"))
        );
        let counters = served.lab.counters();
        assert_eq!((counters.woken, counters.requests["c04e"]), (0, 0), "{fault}");
        assert!(!counters.direct_requests.contains_key("c04e"), "{fault}");
    }
}

#[test]
fn a_paused_tenant_still_fails_where_its_name_is_taken() {
    let list = "source = \"list\"\nlist = [{ id = \"c04e\", status = \"paused\" }, \"q7f9\"]";
    for (fault, cause) in [
        ("dns-override@c04e", "dns-override"),
        ("certificate-conflict@c04e", "certificate-conflict"),
    ] {
        let served = with_tenants(LabOptions::with_platform(), list);
        served.stage(&[fault, "app-stopped@c04e"]);
        let ran = run(&served, &["verify", "--format", "json"]);
        let report = document(&ran);
        assert_eq!(ran.code, Some(1), "{fault}: {}", ran.out);
        assert_eq!(tenant(&report, "c04e")["cause"], cause, "{fault}");
        assert_eq!(report["causes"].as_array().map(Vec::len), Some(1), "{fault}");
    }
}

#[test]
fn where_nobody_can_say_who_sleeps_never_means_never() {
    for fault in [
        "platform-api-unavailable=500",
        "platform-api-unavailable=region:iad",
        "platform-api-unavailable=region:lhr",
    ] {
        let served = serve(
            LabOptions::with_platform(),
            &["app-asleep@c04e", "app-asleep@q7f9", fault],
        );
        let ran = run(&served, &["verify", "--format", "json", "--wake", "never"]);
        assert_eq!((ran.code, served.lab.counters().woken), (Some(3), 0), "{fault}");
        let requests = served.lab.counters().requests;
        let asked = ["c04e", "q7f9"].map(|id| requests.get(id).copied().unwrap_or_default());
        assert_eq!(asked, [0, 0], "{fault}");
    }
}

#[test]
fn who_sleeps_and_what_lies_behind_a_proxy_is_told_in_every_form() {
    let served = serve(LabOptions::with_platform(), &["app-asleep@c04e", "wildcard-proxied"]);
    for format in ["human", "markdown", "github"] {
        let ran = run(&served, &["verify", "--format", format]);
        assert_eq!(ran.code, Some(0), "{}", ran.out);
        let text = ran.out.replace('\\', "");
        assert!(
            text.contains("1: c04e; its page was not asked for (--wake always asks)"),
            "{format}: {text}"
        );
        assert!(
            text.contains("the CDN's proxy: that path was not verified"),
            "{format}: {text}"
        );
    }
    let junit = run(&served, &["verify", "--format", "junit"]).out;
    assert!(junit.contains("asleep: the app sleeps"), "{junit}");
    assert!(junit.contains("that path was not verified"), "{junit}");
}
