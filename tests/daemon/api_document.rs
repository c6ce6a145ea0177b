//! Every operation of the document: it answers, to whom it should, and in no other way.

use serde_json::{Value, json};

use super::api_calls::{Answered, Call, Document, get, post};
use super::{Daemon, json as cli, listens, served};
use crate::cli::command;

/// A call of an operation that is well formed, with names that nobody has.
fn call_of(document: &Document, verb: &str, path: &str) -> Call {
    let named = path.replace("{id}", "none").replace("{tenant}", "none");
    match verb {
        "GET" => get(&if path == "/probe" {
            format!("{named}?target=none")
        } else {
            named
        }),
        "POST" => {
            // The smallest body that its schema takes.
            let content = &document.0["paths"][path]["post"]["requestBody"]["content"];
            let schema = content["application/json"]["schema"]["$ref"].as_str().expect("a body");
            let name = schema.rsplit('/').next().expect("a name");
            let required = document.0["components"]["schemas"][name]["required"].clone();
            let mut body = json!({});
            for key in required.as_array().into_iter().flatten() {
                let key = key.as_str().expect("a key");
                assert_eq!(key, "matchers", "{path} asks for more: say what");
                body[key] = json!(["tenant=none"]);
            }
            post(&named, &body)
        }
        other => panic!("{other} {path}: what is it?"),
    }
}

fn is_told(answered: &Answered) -> bool {
    answered.status != 405 && !answered.text.contains("there are /healthz")
}

#[test]
fn every_operation_answers_as_documented_and_its_path_in_no_other_way() {
    let served = served(&[]);
    let mut daemon = Daemon::start(&served);
    let address = listens(&mut daemon);
    let document = Document::of(&address, None);
    let operations = document.operations();
    assert!(operations.len() >= 20, "{operations:?}");
    let mut ids = Vec::new();
    for (verb, path) in &operations {
        let answered = document.call(&address, &call_of(&document, verb, path));
        assert!(is_told(&answered), "{verb} {path}: {answered:?}");
        ids.push(document.0["paths"][path][verb.to_lowercase()]["operationId"].to_string());
        for other in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] {
            if operations.iter().any(|(verb, known)| verb == other && known == path) {
                continue;
            }
            let mut call = call_of(&document, verb, path);
            call.method = other;
            let refused = call.send(&address);
            // A path with a name in it may be that of another operation: `preview` is no silence.
            assert_eq!(refused.status, 405, "{other} {path}: {refused:?}");
        }
    }
    let count = ids.len();
    ids.sort();
    ids.dedup();
    assert!(
        ids.len() == count && !ids.contains(&"\"\"".to_owned()),
        "each has a name of its own: {ids:?}"
    );
    let nobody = get("/api/v1/nothing").send(&address);
    assert_eq!((nobody.status, nobody.kind.as_str()), (404, "application/problem+json"));
    assert_eq!(daemon.stop(), Some(0));
}

/// What is behind the token: everything but whether it lives.
fn guarded(document: &Document) -> Vec<(String, String)> {
    let open = |path: &str| matches!(path, "/healthz" | "/readyz");
    document
        .operations()
        .into_iter()
        .filter(|(_, path)| !open(path))
        .collect()
}

#[test]
fn every_operation_wants_the_token_where_there_is_one() {
    let served = served(&[]);
    let mut child = command(served.dir.path());
    child.env("ROUNDSMAN_WEB_TOKEN", "canary-of-the-web");
    let mut daemon = Daemon::start_with(&served, &mut child);
    let address = listens(&mut daemon);
    let document = Document::of(&address, Some("canary-of-the-web"));
    for (verb, path) in guarded(&document) {
        let call = call_of(&document, &verb, &path);
        for wrong in [
            "",
            "Bearer canary-of-the-we",
            "Bearer canary-of-the-web2",
            "Bearer ",
            "Basic eA==",
        ] {
            let refused = document.call(&address, &call.clone().with("authorization", wrong));
            assert_eq!(refused.status, 401, "{verb} {path}: {wrong}");
            assert!(!refused.text.contains("canary"), "{}", refused.text);
        }
        let right = call.with("authorization", "Bearer canary-of-the-web");
        let answered = document.call(&address, &right);
        assert_ne!(answered.status, 401, "{verb} {path}");
        // By whatever name it is reached; but no page of another site asks, even with the token.
        if path.starts_with("/api/") {
            let named = document.call(&address, &right.clone().with("host", "ops.example.com"));
            assert_ne!(named.status, 403, "{verb} {path}");
            let foreign = document.call(&address, &right.with("origin", "https://evil.example"));
            assert_eq!(foreign.status, 403, "{verb} {path}");
        }
    }
    assert_eq!(daemon.stop(), Some(0));
}

#[test]
fn without_a_token_no_page_of_another_site_reaches_the_api() {
    let served = served(&["site-status@q7f9"]);
    let mut daemon = Daemon::start(&served);
    let address = listens(&mut daemon);
    let document = Document::of(&address, None);
    daemon.hears(&["incident", "site-status", "opened"]);
    let port = address.split(':').nth(1).expect("a port");
    let tries = [
        ("origin", "https://evil.example".to_owned()),
        ("origin", "null".to_owned()),
        ("origin", format!("http://localhost:{port}")),
        ("sec-fetch-site", "cross-site".to_owned()),
        ("sec-fetch-site", "same-site".to_owned()),
        // A name that leads to this machine.
        ("host", format!("evil.example:{port}")),
        ("host", "evil.example".to_owned()),
        ("host", String::new()),
    ];
    let operations = document
        .operations()
        .into_iter()
        .filter(|(_, path)| path.starts_with("/api/"));
    for (verb, path) in operations {
        let call = call_of(&document, &verb, &path);
        for (name, value) in &tries {
            let refused = document.call(&address, &call.clone().with(name, value));
            assert_eq!(refused.status, 403, "{verb} {path}: {name}: {value}");
        }
        for own in [format!("localhost:{port}"), format!("[::1]:{port}")] {
            let from = call.clone().with("host", &own).with("origin", &format!("http://{own}"));
            let own = document.call(&address, &from.with("sec-fetch-site", "same-origin"));
            assert_ne!(own.status, 403, "{verb} {path}");
        }
    }
    // What every page may send without asking first: a form, and text that looks like JSON.
    for kind in ["text/plain", "application/x-www-form-urlencoded"] {
        let form = post("/api/v1/remediation/stop", &json!({})).with("content-type", kind);
        assert_eq!(document.call(&address, &form).status, 415);
    }
    assert!(!served.dir.path().join("roundsman.db.stop").exists());
    let stopped = Value::Bool(false);
    let told = document.call(&address, &get("/api/v1/remediation")).json();
    assert_eq!(told["stopped"], stopped);
    assert_eq!(cli(&served, &["incidents"])[0]["acknowledged"], false);
    assert_eq!(daemon.stop(), Some(0));
}

/// `docs/api.md` names every operation with the summary of the document.
#[test]
fn the_page_names_every_operation() {
    let page = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/api.md");
    let page = std::fs::read_to_string(page).expect("the page");
    let document = Document(roundsman::daemon::openapi());
    for (verb, path) in document.operations() {
        let summary = document.0["paths"][&path][verb.to_lowercase()]["summary"].as_str();
        let row = format!("| `{verb} {path}` | {}", summary.expect("a summary"));
        assert!(page.contains(&row), "docs/api.md has no row {row}");
    }
    let rows = page
        .lines()
        .filter(|line| line.starts_with("| `GET ") || line.starts_with("| `POST "));
    assert_eq!(rows.count(), document.operations().len());
}
