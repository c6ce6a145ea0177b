//! Repairs while `watch` runs: by itself where that is wanted and allowed, told to whoever is told, and never beside a
//! person who repairs.

use std::process::Command;

use roundsman_lab::LabOptions;
use serde_json::Value;

use super::hook::{Hook, Taken};
use super::{Daemon, configure, eventually, get, json, listens, served_with};
use crate::cli::{Served, command, platform_with_prompt_logs};
use crate::remediation::{planned, remediate, results, writes};

const FAULT: &str = "certificate-conflict@q7f9";

/// A few tenants of a platform, a channel that is told at once, and these lines of `[remediation]`.
fn served(hook: &Hook, remediation: &str) -> Served {
    let options = LabOptions {
        tenants: ["q7f9", "a3b1", "c04e", "d9a2"].map(str::to_owned).into(),
        ..platform_with_prompt_logs()
    };
    let served = served_with(options, &[]);
    configure(
        &served,
        &format!(
            "[remediation]\n{remediation}\n[alerts]\ngroup_wait = \"0s\"\n[[alerts.channels]]\nname = \"hook\"\nkind = \"webhook\"\nurl = \"http://{}/hook\"\n",
            hook.address
        ),
    );
    served
}

fn start(served: &Served) -> Daemon {
    let mut command = command(served.dir.path());
    Daemon::start_with(served, with_tokens(served, &mut command))
}

fn with_tokens<'c>(served: &Served, command: &'c mut Command) -> &'c mut Command {
    let (fly, cloudflare) = (served.lab.fly_token(), served.lab.cloudflare_token());
    command
        .env("FLY_API_TOKEN", fly)
        .env("CLOUDFLARE_API_TOKEN", cloudflare)
        .env("FLY_WRITE_TOKEN", fly)
        .env("CLOUDFLARE_WRITE_TOKEN", cloudflare)
}

/// Waits for a message with this reason.
fn heard(hook: &Hook, reason: &str) -> Value {
    eventually(reason, || {
        let all = hook.taken().into_iter().map(|Taken { message, .. }| message);
        all.into_iter().find(|message| message["reason"] == reason)
    })
}

fn lines(message: &Value) -> String {
    let all = message["repair"].as_array().into_iter().flatten();
    all.filter_map(Value::as_str).collect::<Vec<_>>().join("\n")
}

#[test]
fn what_is_allowed_is_repaired_by_itself_and_everybody_hears_of_it() {
    let hook = Hook::start();
    let served = served(
        &hook,
        "mode = \"auto\"\nallow = [\"remove-certificate\", \"delete-dns-record\"]",
    );
    let mut daemon = start(&served);
    let address = listens(&mut daemon);
    eventually("readiness", || (get(&address, "/readyz").0 == 200).then_some(()));
    served.stage(&[FAULT, "dns-override@a3b1=a"]);
    let repaired = daemon.hears(&[
        "certificate-conflict",
        "repaired by itself: remove-certificate sp-q7f9/",
    ]);
    assert!(repaired.contains("incident"), "{repaired}");
    // What is taken back how is in the message of what can be.
    let message = eventually("the record's repair", || {
        let mut all = hook.taken().into_iter().map(|taken| taken.message);
        // Soon over, it may be told with the end.
        let comes = |message: &Value| {
            ["repaired", "resolved"]
                .iter()
                .any(|reason| message["reason"] == **reason)
        };
        all.find(|message| comes(message) && lines(message).contains("delete-dns-record"))
    });
    assert!(
        lines(&message).contains("how to take it back: roundsman remediate undo r-"),
        "{message:#}"
    );
    daemon.hears(&["incident", "certificate-conflict", "resolved"]);
    let ledger = daemon.said.iter().any(|line| line.contains("the ledger ends with row"));
    assert!(ledger, "{:?}", daemon.said);
    let counted = eventually("the numbers", || {
        let page = get(&address, "/metrics").1;
        page.contains("roundsman_remediations_total{action=\"remove-certificate\",result=\"done\"} 1")
            .then_some(page)
    });
    assert!(!counted.contains("result=\"failed\""), "{counted}");
    let shown = json(&served, &["incidents", "show", "inc-1"]).to_string()
        + &json(&served, &["incidents", "show", "inc-2"]).to_string();
    assert!(shown.contains("repair"), "{shown}");
    let done = writes(&served);
    assert_eq!(done.len(), 2, "{done:?}");
    assert_eq!(remediate(&served, &["ledger"]).code, Some(0));
    assert_eq!(daemon.stop(), Some(0));
}

#[test]
fn what_would_be_done_is_in_the_first_message_and_is_not_done() {
    let hook = Hook::start();
    let served = served(&hook, "mode = \"plan\"\nallow = [\"remove-certificate\"]");
    let text = std::fs::read_to_string(&served.config).expect("the configuration");
    std::fs::write(
        &served.config,
        text.replace("group_wait = \"0s\"", "group_wait = \"5s\""),
    )
    .expect("written");
    let mut daemon = start(&served);
    daemon.hears(&["listening"]);
    served.stage(&[FAULT]);
    let first = heard(&hook, "first");
    assert!(
        lines(&first).contains("what would be done: remove-certificate"),
        "{first:#}"
    );
    assert!(lines(&first).contains("roundsman remediate q7f9 --apply"), "{first:#}");
    assert_eq!(writes(&served), Vec::<String>::new());
    // A person does it through the daemon, which writes the ledger.
    let document = planned(&served, &["--apply", "--yes"]);
    assert_eq!(results(&document, "q7f9"), ["remove-certificate:done"], "{document:#}");
    assert_eq!(document["plans"][0]["verified"], true, "{document:#}");
    daemon.hears(&["incident", "certificate-conflict", "resolved"]);
    assert_eq!(remediate(&served, &["ledger"]).code, Some(0));
    assert_eq!(daemon.stop(), Some(0));
}

#[test]
fn what_is_held_back_is_told_once_in_its_thread() {
    let hook = Hook::start();
    let served = served(
        &hook,
        "mode = \"auto\"\nallow = [\"remove-certificate\"]\nmax_per_hour = 0",
    );
    let mut daemon = start(&served);
    daemon.hears(&["listening"]);
    served.stage(&[FAULT]);
    daemon.hears(&["certificate-conflict", "not repaired by itself (budget)"]);
    let told = eventually("a message that says so", || {
        let all = hook.taken().into_iter().map(|taken| taken.message);
        all.into_iter()
            .find(|message| lines(message).contains("not repaired by itself (budget)"))
    });
    assert!(told["thread"].is_string(), "{told:#}");
    assert_eq!(writes(&served), Vec::<String>::new());
    assert_eq!(daemon.stop(), Some(0));
}
