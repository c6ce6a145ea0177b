//! Carrying out: what is done is done once, proved by the checks, and never more than is allowed.

use std::process::Stdio;

use roundsman_lab::HoldAt;
use serde_json::json;

use super::{configure, plan_of, planned, ready, remediate, remediate_with, repairable, results, wait_until, writes};
use crate::cli::platform::document;

const FAULTS: [&str; 6] = [
    "certificate-conflict@a001",
    "dns-override@a002=both",
    "dns-proxied@a003",
    "dns-blocked@a004=fly-ownership",
    "app-stopped@a005",
    "app-crashed@a006",
];

fn tenants() -> Vec<String> {
    (1..=8).map(|number| format!("a{number:03}")).collect()
}

fn lab(faults: &[&str]) -> crate::cli::Served {
    let tenants = tenants();
    let served = repairable(&tenants.iter().map(String::as_str).collect::<Vec<_>>(), faults);
    configure(&served, "[remediation]\nmax_per_10m = 20\nmax_per_day = 20\n");
    served
}

#[test]
fn each_cause_is_mended_and_proved_and_nothing_more_happens_the_second_time() {
    let served = lab(&FAULTS);
    let document = planned(&served, &["--apply", "--yes"]);
    assert_eq!(document["exit"], 0, "{document:#}");
    for (tenant, expected) in [
        ("a001", "remove-certificate:done"),
        ("a002", "delete-dns-record:done delete-dns-record:done"),
        ("a004", "delete-dns-record:done"),
        ("a005", "start-machine:done"),
        ("a006", "restart-machine:done"),
    ] {
        assert_eq!(results(&document, tenant).join(" "), expected, "{document:#}");
    }
    let plans = document["plans"].as_array().expect("plans");
    assert_eq!(plans.len(), FAULTS.len());
    for plan in plans {
        assert_eq!(plan["verified"], true, "{plan:#}");
    }
    let before = writes(&served);
    let again = planned(&served, &["--apply", "--yes"]);
    assert_eq!(
        (again["exit"].as_u64(), again["plans"].as_array().map(Vec::len)),
        (Some(0), Some(0)),
        "{again:#}"
    );
    assert_eq!(writes(&served), before, "nothing more happens");
}

#[test]
fn only_what_is_allowed_is_done() {
    let served = lab(&FAULTS);
    configure(&served, "[remediation]\nallow = [\"remove-certificate\"]\n");
    let document = planned(&served, &["--apply"]);
    assert_eq!(results(&document, "a001"), ["remove-certificate:done"]);
    assert_eq!(results(&document, "a005"), ["start-machine:refused:not-allowed"]);
    assert_eq!(writes(&served).len(), 1, "{:?}", writes(&served));
    assert_eq!(document["exit"], 1);
}

#[test]
fn named_tenants_alone_are_repaired() {
    let served = lab(&FAULTS);
    let document = planned(&served, &["--apply", "--yes", "a005"]);
    assert_eq!(results(&document, "a005"), ["start-machine:done"]);
    assert_eq!(
        (document["exit"].as_u64(), writes(&served).len()),
        (Some(0), 1),
        "{document:#}"
    );
    let ran = remediate(&served, &["a05"]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.err.contains("a005"), "{}", ran.err);
}

#[test]
fn without_a_token_that_may_write_there_are_plans_only() {
    let served = lab(&FAULTS[..1]);
    let plan = document(&remediate_with(&served, &["--format", "json"], None));
    assert_eq!(results(&plan, "a001"), ["remove-certificate:planned"]);
    let tried = remediate_with(&served, &["--apply", "--yes", "--format", "json"], None);
    assert_eq!(
        results(&document(&tried), "a001"),
        ["remove-certificate:refused:no-write-token"]
    );
    assert!(tried.out.contains("fly_token"), "{}", tried.out);
    assert_eq!((tried.code, writes(&served).len()), (Some(1), 0));
}

#[test]
fn a_token_that_may_only_read_is_tried_once() {
    let served = lab(&[
        "certificate-conflict@a001",
        "app-stopped@a005",
        "dns-override@a002=a",
        "dns-proxied@a003",
    ]);
    let tokens = served.lab.read_tokens();
    let ran = remediate_with(&served, &["--apply", "--yes", "--format", "json"], Some(tokens));
    let tried = writes(&served);
    // One call for each API: what one refuses says nothing of the other.
    assert_eq!(tried.len(), 2, "{tried:?}");
    assert_eq!(ran.code, Some(1));
    let document = document(&ran);
    let all = ["a001", "a002", "a003", "a005"].map(|tenant| results(&document, tenant).join(" "));
    let failed = all.iter().filter(|results| results.contains(":failed:")).count();
    let held = all
        .iter()
        .filter(|results| results.contains(":refused:no-write-token"))
        .count();
    assert_eq!((failed, held), (2, 2), "{all:?}");
}

#[test]
fn the_kill_switch_stops_everything_but_taking_back() {
    let served = lab(&FAULTS[..2]);
    assert_eq!(remediate(&served, &["stop"]).code, Some(0));
    assert_eq!(remediate(&served, &["stop"]).code, Some(0), "idempotent");
    let document = planned(&served, &["--apply", "--yes"]);
    assert_eq!(results(&document, "a001"), ["remove-certificate:refused:kill-switch"]);
    assert_eq!(writes(&served).len(), 0);
    assert!(
        document["stopped"].as_str().is_some_and(|why| why.contains("resume")),
        "{document:#}"
    );
    assert_eq!(remediate(&served, &["resume"]).code, Some(0));
    assert_eq!(remediate(&served, &["resume"]).code, Some(0), "idempotent");
    let document = planned(&served, &["--apply", "--yes"]);
    assert_eq!(results(&document, "a001"), ["remove-certificate:done"]);
}

#[test]
fn a_repair_that_does_not_help_is_said_to_have_failed_and_two_stop_everything() {
    // The edge goes on to cut the names, whatever certificates there are.
    let faults = [
        "certificate-conflict@a001",
        "tls-eof@a001",
        "certificate-conflict@a002",
        "tls-eof@a002",
        "app-stopped@a005",
    ];
    let served = lab(&faults);
    configure(&served, "[remediation]\nverify_for = \"2s\"\n");
    let text = std::fs::read_to_string(&served.config).expect("the configuration");
    std::fs::write(&served.config, text.replace("verify_for = \"20s\"\n", "")).expect("written");
    let document = planned(&served, &["--apply", "--yes", "--batch", "1"]);
    for tenant in ["a001", "a002"] {
        let plan = super::plan_of(&document, tenant);
        assert_eq!(plan["verified"], false, "{plan:#}");
        assert!(
            plan["verification"].as_str().is_some_and(|why| why.contains(tenant)),
            "{plan:#}"
        );
    }
    assert_eq!(document["exit"], 1);
    // Whoever came after them, or comes within the hour, is held.
    let held = planned(&served, &["--apply", "--yes"]);
    let why = held["stopped"].as_str().unwrap_or_default();
    assert!(why.contains("two repairs in a row did not help"), "{held:#}");
}

#[test]
fn three_that_do_not_help_in_one_batch_stop_everything_too() {
    let ids = ["a001", "a002", "a003"];
    let faults = ids.map(|id| [format!("certificate-conflict@{id}"), format!("tls-eof@{id}")]);
    let faults = faults.as_flattened().iter().map(String::as_str).collect::<Vec<_>>();
    let served = lab(&faults);
    configure(&served, "[remediation]\nverify_for = \"2s\"\n");
    let text = std::fs::read_to_string(&served.config).expect("the configuration");
    std::fs::write(&served.config, text.replace("verify_for = \"20s\"\n", "")).expect("written");
    let document = planned(&served, &["--apply", "--yes", "--batch", "3"]);
    for tenant in ids {
        assert_eq!(super::plan_of(&document, tenant)["verified"], false, "{document:#}");
    }
    let held = planned(&served, &["--apply", "--yes"]);
    let why = held["stopped"].as_str().unwrap_or_default();
    assert!(why.contains("two repairs in a row did not help"), "{held:#}");
}

#[test]
fn a_certificate_that_nothing_covers_is_asked_for_and_waited_for() {
    let served = repairable(&["q7f9", "a3b1"], &["certificate-missing@q7f9"]);
    let document = planned(&served, &["--apply", "--yes"]);
    assert_eq!(
        results(&document, "q7f9"),
        ["add-certificate:done", "wait:done"],
        "{document:#}"
    );
    let plan = super::plan_of(&document, "q7f9");
    assert_eq!(
        (plan["verified"].as_bool(), document["exit"].as_u64()),
        (Some(true), Some(0)),
        "{document:#}"
    );
    // It is taken back where it was asked for.
    let id = plan["id"].as_str().expect("an id");
    assert_eq!(remediate(&served, &["undo", id, "--yes"]).code, Some(0));
    let calls = writes(&served);
    assert_eq!(calls.len(), 2, "{calls:?}");
    assert!(
        calls[1].starts_with("DELETE /v1/apps/management-api-prod/certificates/q7f9."),
        "{calls:?}"
    );
}

#[test]
fn the_kill_switch_holds_the_next_call_while_others_are_made() {
    let tenants = (0..60).map(|number| format!("t{number:02}")).collect::<Vec<_>>();
    let faults = (0..30)
        .map(|number| format!("app-stopped@t{number:02}"))
        .collect::<Vec<_>>();
    let served = repairable(
        &tenants.iter().map(String::as_str).collect::<Vec<_>>(),
        &faults.iter().map(String::as_str).collect::<Vec<_>>(),
    );
    let tokens = (served.lab.fly_token(), served.lab.cloudflare_token());
    let mut child = super::ready(&served, Some(tokens))
        .args([
            "--apply",
            "--max",
            "30",
            "--confirm",
            "30",
            "--batch",
            "1",
            "--format",
            "json",
        ])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("the binary runs");
    while writes(&served).is_empty() {
        assert!(
            child.try_wait().expect("it can be asked").is_none(),
            "it ended before its first call"
        );
        std::thread::yield_now();
    }
    assert_eq!(remediate(&served, &["stop"]).code, Some(0));
    let stopped = writes(&served).len();
    let mut out = String::new();
    let mut pipe = child.stdout.take().expect("a pipe");
    std::io::Read::read_to_string(&mut pipe, &mut out).expect("a document");
    child.wait().expect("it ends");
    let made = writes(&served).len();
    // The one that was on its way, and none that began after it.
    assert!(made <= stopped + 1 && made < 30, "{stopped} then {made}");
    let held = out.matches("\"reason\": \"kill-switch\"").count();
    assert_eq!(held, 30 - made, "{out}");
}

#[test]
fn another_configuration_stops_what_goes_on_by_the_old_one() {
    let served = lab(&["app-stopped@a001", "app-stopped@a002"]);
    let hold = served.lab.hold(1, HoldAt::Answer).expect("a platform");
    let child = begin(&served);
    wait_until(|| hold.is_met());
    configure(&served, "[remediation]\nmode = \"off\"\n");
    hold.release();
    let document = document(&child.wait_with_output().expect("it ends").into());
    for tenant in ["a001", "a002"] {
        assert_eq!(
            results(&document, tenant),
            ["start-machine:refused:kill-switch"],
            "{document:#}"
        );
    }
    assert_eq!(writes(&served), [""; 0]);
}

#[test]
fn what_would_end_halfway_is_not_begun() {
    let served = lab(&["dns-override@a002=both"]);
    let hold = served.lab.hold(1, HoldAt::Call).expect("a platform");
    let child = begin(&served);
    wait_until(|| hold.is_met());
    let document = planned(&served, &[]);
    let second = &plan_of(&document, "a002")["actions"][1];
    let command = second["command"].as_str().unwrap_or_default();
    assert!(command.contains("AAAA"), "{document:#}");
    let id = second["record"].as_str().expect("an id");
    // Somebody else points the second of both records elsewhere.
    served.delete_record(id);
    let other = json!({ "name": second["hostname"], "type": "AAAA", "content": "2001:db8::77", "ttl": 60 });
    served.make_record(&other);
    let before = writes(&served).len();
    hold.release();
    let document = crate::cli::platform::document(&child.wait_with_output().expect("it ends").into());
    let ends = results(&document, "a002");
    assert_eq!(ends.len(), 2, "{document:#}");
    for end in ends {
        assert!(end.starts_with("delete-dns-record:aborted"), "{document:#}");
    }
    assert_eq!(writes(&served).len(), before, "the first one stays");
    assert_eq!(remediate(&served, &["ledger"]).code, Some(0));
}

/// A run that carries out everything, as it goes on.
fn begin(served: &crate::cli::Served) -> std::process::Child {
    let tokens = (served.lab.fly_token(), served.lab.cloudflare_token());
    let mut command = ready(served, Some(tokens));
    command.args(["--apply", "--yes", "--format", "json"]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().expect("the binary runs")
}
