//! The API over HTTP: it tells and does what the command line does, in the same forms.

use std::path::Path;

use roundsman_lab::LabOptions;
use serde_json::{Value, json};

use super::api_calls::{Call, Document, get, post};
use super::{Daemon, ask, eventually, json as cli, listens, served, served_with};
use crate::cli::{command, platform_with_prompt_logs};
use crate::remediation::{planned, remediate, results, writes};

/// What is told of tenants, but for what differs from one moment to the next.
fn lasting(mut status: Value) -> Value {
    let all = match &mut status {
        Value::Array(all) => all.iter_mut().collect(),
        one => vec![one],
    };
    for tenant in all {
        for passing in ["examined_at", "next", "last_good", "uptime"] {
            if let Some(tenant) = tenant.as_object_mut() {
                assert!(tenant.remove(passing).is_some(), "{passing}: {tenant:?}");
            }
        }
    }
    status
}

#[test]
fn incidents_and_silences_are_told_and_changed_as_on_the_command_line() {
    let served = served(&["site-status@q7f9"]);
    let mut daemon = Daemon::start(&served);
    let address = listens(&mut daemon);
    let document = Document::of(&address, None);
    let opened = daemon.hears(&["incident", "site-status", "opened"]);
    let id = opened.split(' ').nth(2).expect("an id").to_owned();
    let told = |path: &str| {
        let answered = document.call(&address, &get(path));
        assert_eq!(answered.status, 200, "{path}: {}", answered.text);
        answered.json()
    };
    let done = |path: &str, body: &Value, status: u16| {
        let answered = document.call(&address, &post(path, body));
        assert_eq!(answered.status, status, "{path}: {}", answered.text);
        answered.json()
    };
    assert_eq!(told("/api/v1/incidents")[0]["id"], id.as_str());
    assert_eq!(told("/api/v1/incidents"), cli(&served, &["incidents"]));
    assert_eq!(
        told("/api/v1/incidents?all=true"),
        cli(&served, &["incidents", "--all"])
    );
    let path = format!("/api/v1/incidents/{id}");
    done(&format!("{path}/ack"), &json!({ "comment": "Ann looks" }), 204);
    daemon.hears(&[&id, "acknowledged: Ann looks"]);
    let shown = eventually("the acknowledgement is told", || {
        let shown = told(&path);
        (shown["acknowledged"] == true && shown["timeline"].to_string().contains("Ann looks")).then_some(shown)
    });
    assert_eq!(shown["comment"], "Ann looks");
    assert_eq!(shown, cli(&served, &["incidents", "show", &id]));
    // A silence, from its preview to its end.
    let matchers = json!({ "matchers": ["tenant=q*"] });
    let preview = done("/api/v1/silences/preview", &matchers, 200);
    assert_eq!(preview["tenants"], json!(["q7f9"]));
    assert_eq!(preview, cli(&served, &["silences", "preview", "tenant=q*"]));
    let silence = json!({ "matchers": ["tenant=q*"], "for": "2h", "comment": "a deploy" });
    let added = done("/api/v1/silences", &silence, 201)["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    let listed = eventually("it is listed", || {
        let listed = told("/api/v1/silences");
        (listed[0]["id"] == added.as_str()).then_some(listed)
    });
    assert_eq!(
        (&listed[0]["comment"], &listed[0]["matchers"]),
        (&json!("a deploy"), &json!(["tenant=q*"]))
    );
    assert_eq!(listed, cli(&served, &["silences", "list"]));
    done(&format!("/api/v1/silences/{added}/expire"), &json!({}), 204);
    eventually("it is over", || (told("/api/v1/silences") == json!([])).then_some(()));
    let until = json!({ "matchers": ["cause=site-*"], "until": "2099-01-01T00:00:00Z" });
    done("/api/v1/silences", &until, 201);
    // Tenants, and what waits to be told.
    let all = eventually("everybody was looked at", || {
        let all = told("/api/v1/status");
        let known = all.as_array().expect("tenants").iter();
        known.clone().all(|tenant| tenant["status"] != "unknown").then_some(all)
    });
    assert_eq!(lasting(all), lasting(cli(&served, &["status"])));
    let one = told("/api/v1/status/q7f9");
    assert_eq!(
        (&one["status"], &one["cause"]),
        (&json!("failing"), &json!("site-status"))
    );
    assert_eq!(told("/api/v1/outbox"), cli(&served, &["alerts", "outbox"]));
    assert_eq!(done("/api/v1/outbox/retry", &json!({}), 200), json!({ "retried": 0 }));
    assert_eq!(daemon.stop(), Some(0));
}

#[test]
fn what_is_unknown_or_wrong_is_said_in_a_sentence_and_changes_nothing() {
    let served = served(&["site-status@q7f9"]);
    let mut daemon = Daemon::start(&served);
    let address = listens(&mut daemon);
    let document = Document::of(&address, None);
    daemon.hears(&["incident", "site-status", "opened"]);
    let refused = |call: &Call, status: u16, words: &str| {
        let answered = document.call(&address, call);
        assert_eq!(answered.status, status, "{call:?}: {}", answered.text);
        assert!(answered.detail().contains(words), "{call:?}: {}", answered.text);
        let problem = answered.json();
        assert_eq!(
            (&problem["type"], &problem["status"]),
            (&json!("about:blank"), &json!(status))
        );
    };
    refused(&get("/api/v1/incidents/inc-77"), 404, "no incident `inc-77`");
    refused(&post("/api/v1/incidents/inc-77/ack", &json!({})), 404, "inc-77");
    refused(
        &post("/api/v1/silences/sil-none/expire", &json!({})),
        404,
        "no silence `sil-none`",
    );
    refused(&get("/api/v1/status/nobody"), 404, "no tenant `nobody`");
    refused(&get("/api/v1/incidents/%ff"), 400, "UTF-8");
    refused(&get("/api/v1/incidents?all=perhaps"), 400, "all");
    refused(&get("/api/v1/incidents?al=true"), 400, "al");
    refused(&get("/probe"), 400, "target");
    let silences = "/api/v1/silences";
    for (body, words) in [
        (json!({}), "matchers"),
        (json!({ "matchers": [], "for": "2h" }), "has a matcher"),
        (json!({ "matchers": ["host=a"], "for": "2h" }), "no matcher"),
        (json!({ "matchers": ["tenant=*"] }), "lies in the future"),
        (json!({ "matchers": ["tenant=*"], "for": "0s" }), "lies in the future"),
        (
            json!({ "matchers": ["tenant=*"], "until": "2001-01-01T00:00:00Z" }),
            "lies in the future",
        ),
        (json!({ "matchers": ["tenant=*"], "until": "tomorrow" }), "the body"),
        (json!({ "matchers": ["tenant=*"], "for": "long" }), "is a duration"),
        (
            json!({ "matchers": ["tenant=*"], "for": "2h", "until": "2099-01-01T00:00:00Z" }),
            "once",
        ),
        (json!({ "matchers": ["tenant=*"], "fro": "2h" }), "fro"),
        (json!([]), "the body"),
    ] {
        refused(&post(silences, &body), 400, words);
    }
    let mut broken = post(silences, &json!({}));
    broken.body = b"{".to_vec();
    refused(&broken, 400, "the body");
    broken.body = vec![0xff; 4];
    refused(&broken, 400, "the body");
    // What is too long is not read to its end, whether its length is told or not.
    let long = post(
        silences,
        &json!({ "matchers": ["tenant=*"], "for": "2h", "comment": "x".repeat(64 * 1024) }),
    );
    refused(&long, 413, "at most 65536 bytes");
    let mut announced = post(silences, &json!({})).with("content-length", "1000000000");
    announced.body.clear();
    refused(&announced, 413, "at most 65536 bytes");
    let mut chunked = post(silences, &json!({})).with("transfer-encoding", "chunked");
    chunked.body = format!("{:x}\r\n{}\r\n0\r\n\r\n", 70_000, "x".repeat(70_000)).into_bytes();
    refused(&chunked, 413, "at most 65536 bytes");
    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
    ] {
        refused(
            &post(silences, &json!({})).with("content-type", kind),
            415,
            "Content-Type: application/json",
        );
    }
    refused(&post(silences, &json!({})).without("content-type"), 415, "Content-Type");
    assert_eq!(cli(&served, &["silences", "list"]), json!([]));
    assert_eq!(cli(&served, &["incidents"])[0]["acknowledged"], false);
    assert_eq!(daemon.stop(), Some(0));
}

#[test]
fn the_kill_switch_and_the_ledger_are_those_of_the_command_line() {
    let options = LabOptions {
        tenants: ["q7f9", "a3b1", "c04e", "d9a2"].map(str::to_owned).into(),
        ..platform_with_prompt_logs()
    };
    let served = served_with(options, &[]);
    let mut child = command(served.dir.path());
    child.env("FLY_API_TOKEN", served.lab.fly_token());
    child.env("CLOUDFLARE_API_TOKEN", served.lab.cloudflare_token());
    let mut daemon = Daemon::start_with(&served, &mut child);
    let address = listens(&mut daemon);
    let document = Document::of(&address, None);
    let state = || document.call(&address, &get("/api/v1/remediation")).json();
    let ledger = || document.call(&address, &get("/api/v1/remediation/ledger"));
    let turned = |way: &str| {
        let answered = document.call(&address, &post(&format!("/api/v1/remediation/{way}"), &json!({})));
        assert_eq!(answered.status, 200, "{}", answered.text);
        answered.json()
    };
    let running = json!({ "stopped": false, "why": null, "until": null });
    assert_eq!(state(), running);
    served.stage(&["certificate-conflict@q7f9"]);
    let stopped = turned("stop");
    assert_eq!(stopped["stopped"], true);
    let why = stopped["why"].as_str().expect("a sentence");
    assert!(
        why.starts_with("repairs were stopped by somebody over HTTP from 127.0.0.1 at "),
        "{why}"
    );
    assert_eq!(turned("stop")["stopped"], true, "idempotent");
    assert!(served.dir.path().join("roundsman.db.stop").is_file());
    let held = planned(&served, &["--apply", "--yes"]);
    assert_eq!(
        results(&held, "q7f9"),
        ["remove-certificate:refused:kill-switch"],
        "{held:#}"
    );
    assert_eq!(writes(&served), Vec::<String>::new());
    // Either way lets go on what the other stopped.
    assert_eq!(remediate(&served, &["resume"]).code, Some(0));
    assert_eq!(state(), running);
    assert_eq!(remediate(&served, &["stop"]).code, Some(0));
    assert!(
        state()["why"]
            .as_str()
            .is_some_and(|why| why.starts_with("repairs were stopped by "))
    );
    assert_eq!(turned("resume"), running);
    assert_eq!(turned("resume"), running, "idempotent");
    assert_eq!(ledger().json(), json!([]));
    let repaired = planned(&served, &["--apply", "--yes"]);
    assert_eq!(results(&repaired, "q7f9"), ["remove-certificate:done"], "{repaired:#}");
    let rows = ledger();
    assert_eq!(rows.status, 200, "{}", rows.text);
    assert!(
        rows.json().as_array().is_some_and(|rows| rows.len() >= 2),
        "{}",
        rows.text
    );
    assert_eq!(rows.json(), cli(&served, &["remediate", "ledger"]));
    // One that was changed is told by nobody as if it were none.
    let database = rusqlite::Connection::open(served.dir.path().join("roundsman.db")).expect("a database");
    let patience = std::time::Duration::from_secs(10);
    database.busy_timeout(patience).expect("patience");
    let changed = database.execute("UPDATE ledger SET tenant = 'x' WHERE seq = 1", []);
    assert_eq!(changed.expect("changed"), 1);
    let broken = ledger();
    assert_eq!(broken.status, 500, "{}", broken.text);
    assert!(broken.detail().contains("row 1 of the ledger"), "{}", broken.text);
    assert_eq!(ask(&served, &["remediate", "ledger"]).code, Some(1));
    // A switch that can't be turned is told as such.
    std::fs::create_dir(served.dir.path().join("roundsman.db.stop")).expect("a folder in its place");
    let cant = document.call(&address, &post("/api/v1/remediation/stop", &json!({})));
    assert_eq!(cant.status, 500, "{}", cant.text);
    assert!(cant.detail().contains("roundsman.db.stop"), "{}", cant.text);
    assert_eq!(state()["stopped"], true, "what can't be read stops");
    assert_eq!(daemon.stop(), Some(0));
}

/// The one place where a route is made is that where the document's are: nothing else is served.
#[test]
fn routes_are_made_from_what_the_document_is_made_of() {
    let daemon = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/daemon");
    let mut routes = Vec::new();
    for file in [daemon.clone(), daemon.join("web")] {
        for entry in std::fs::read_dir(file).expect("a folder").flatten() {
            let Ok(text) = std::fs::read_to_string(entry.path()) else {
                continue;
            };
            let made = [".route(", ".nest(", ".route_service(", ".nest_service("];
            routes.extend(
                text.lines()
                    .filter(|line| made.iter().any(|word| line.contains(word)))
                    .map(str::to_owned),
            );
        }
    }
    let made = routes.iter().map(|line| line.trim()).collect::<Vec<_>>();
    assert_eq!(made, ["*behind = std::mem::take(behind).route(path, serve);"]);
}
