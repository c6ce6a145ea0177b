//! Where tenants come from: the source `http` against a small endpoint, and `roundsman tenants`.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use roundsman_lab::LabOptions;
use serde_json::{Value, json};

use super::platform::{document, run, with_tenants};
use super::{Served, serve};

type Seen = Arc<Mutex<Vec<(String, Option<String>)>>>;

/// An endpoint on loopback that answers each request as it is told to.
struct Endpoint {
    url: String,
    seen: Seen,
}

impl Endpoint {
    /// `answer` gets the path with its query and gives status, a `Location` and the body.
    fn start(answer: impl Fn(&str) -> (u16, Option<String>, String) + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}/tenants", listener.local_addr().expect("an address"));
        let seen = Seen::default();
        let heard = Arc::clone(&seen);
        let origin = url.trim_end_matches("/tenants").to_owned();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { return };
                let mut request = Vec::new();
                let mut bytes = [0; 4096];
                while !request.windows(4).any(|end| end == b"\r\n\r\n") {
                    match stream.read(&mut bytes) {
                        Ok(0) | Err(_) => break,
                        Ok(count) => request.extend_from_slice(&bytes[..count]),
                    }
                }
                let request = String::from_utf8_lossy(&request).into_owned();
                let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
                let header = request.lines().find_map(|line| {
                    let (name, value) = line.split_once(": ")?;
                    name.eq_ignore_ascii_case("authorization").then(|| value.to_owned())
                });
                heard.lock().expect("a lock").push((path.clone(), header));
                let (status, location, body) = answer(&path);
                let location = location.map(|at| format!("location: {at}\r\n")).unwrap_or_default();
                let body = body.replace("ORIGIN", &origin);
                let length = body.len();
                let head =
                    format!("HTTP/1.1 {status} x\r\n{location}content-length: {length}\r\nconnection: close\r\n\r\n");
                let _ = stream.write_all(format!("{head}{body}").as_bytes());
            }
        });
        Self { url, seen }
    }

    fn always(status: u16, body: &Value) -> Self {
        let body = body.to_string();
        Self::start(move |_| (status, None, body.clone()))
    }

    fn paths(&self) -> Vec<String> {
        let seen = self.seen.lock().expect("a lock");
        seen.iter().map(|(path, _)| path.clone()).collect()
    }
}

fn from(endpoint: &Endpoint, more: &str) -> Served {
    let tenants = format!("source = \"http\"\nurl = \"{}\"\n{more}", endpoint.url);
    with_tenants(LabOptions::default(), &tenants)
}

fn ids(report: &Value) -> Vec<&str> {
    let tenants = report["tenants"].as_array().into_iter().flatten();
    tenants.filter_map(|tenant| tenant["tenant"].as_str()).collect()
}

#[test]
fn pages_are_found_by_url_path_and_cursor() {
    for next in ["ORIGIN/tenants?cursor=two", "/tenants?cursor=two", "two"] {
        let endpoint = Endpoint::start(move |path| {
            let body = match path.contains("cursor=two") {
                true => json!({ "data": [{ "id": "a3b1" }], "next": null }),
                false => json!({ "tenants": [{ "id": "q7f9" }], "next": next }),
            };
            (200, None, body.to_string())
        });
        let served = from(&endpoint, "next = \"/next\"\ntoken = { env = \"TENANTS_TOKEN\" }");
        let ran = run(&served, &["tenants", "--format", "json"]);
        assert_eq!(
            (ran.code, ids(&document(&ran))),
            (Some(0), vec!["a3b1", "q7f9"]),
            "{next}"
        );
        assert_eq!(endpoint.paths(), ["/tenants", "/tenants?cursor=two"]);
        let seen = endpoint.seen.lock().expect("a lock").clone();
        assert!(
            seen.iter().all(|(_, token)| token.as_deref() == Some("Bearer s3cret")),
            "{seen:?}"
        );
    }
}

#[test]
fn a_page_at_another_origin_is_never_asked_for() {
    let other = Endpoint::always(200, &json!(["a3b1"]));
    for next in [other.url.clone(), other.url.replace("http:", "")] {
        let endpoint = Endpoint::always(200, &json!({ "data": ["q7f9"], "next": next }));
        let ran = run(&from(&endpoint, "next = \"/next\""), &["tenants", "--format", "json"]);
        assert_eq!((ran.code, ids(&document(&ran))), (Some(3), vec!["q7f9"]));
    }
    assert!(other.paths().is_empty());
}

#[test]
fn a_loop_of_pages_ends() {
    let endpoint = Endpoint::always(200, &json!({ "data": ["q7f9"], "next": "again" }));
    let ran = run(&from(&endpoint, "next = \"/next\""), &["tenants"]);
    assert_eq!((ran.code, endpoint.paths().len()), (Some(3), 2));
    assert!(ran.out.contains("read already"), "{}", ran.out);
}

#[test]
fn a_redirect_to_another_origin_is_not_followed() {
    let other = Endpoint::always(200, &json!(["a3b1"]));
    let there = other.url.clone();
    let endpoint = Endpoint::start(move |_| (302, Some(there.clone()), String::new()));
    let served = from(&endpoint, "token = { env = \"TENANTS_TOKEN\" }");
    let ran = run(&served, &["tenants"]);
    assert_eq!((ran.code, other.paths().len()), (Some(3), 0));
}

#[test]
fn an_endpoint_in_trouble_is_inconclusive_and_names_are_still_verified() {
    for (status, cause) in [
        (401, "platform-api-unauthorized"),
        (500, "platform-api-unavailable"),
        (200, "platform-api-unavailable"),
    ] {
        let endpoint = Endpoint::start(move |_| (status, None, "<html>".into()));
        let served = from(&endpoint, "");
        let ran = run(&served, &["verify", "--format", "json"]);
        let report = document(&ran);
        assert_eq!((ran.code, ids(&report).len()), (Some(3), 0), "{status}");
        assert_eq!(
            (&report["causes"][0]["cause"], &report["causes"][0]["scope"]),
            (&json!(cause), &json!("agent"))
        );
        let ran = run(&served, &["verify", "--format", "json", "q7f9"]);
        let report = document(&ran);
        assert_eq!(
            (ran.code, &report["summary"]["healthy"]),
            (Some(3), &json!(1)),
            "{status}"
        );
    }
    let served = with_tenants(LabOptions::default(), "url = \"http://127.0.0.1:1/tenants\"");
    let ran = run(&served, &["verify"]);
    assert_eq!(ran.code, Some(3));
    assert!(ran.out.contains("inventory: http://127.0.0.1:1/tenants"), "{}", ran.out);
}

#[test]
fn a_tenant_of_another_domain_is_unknown_and_the_others_go_on() {
    let list = json!([{ "id": "q7f9" }, { "id": "shop", "hostname": "shop.example.org" }]);
    let ran = run(
        &from(&Endpoint::always(200, &list), ""),
        &["verify", "--format", "json"],
    );
    let report = document(&ran);
    assert_eq!(ran.code, Some(3), "{}", ran.out);
    assert_eq!(
        (&report["summary"]["healthy"], &report["summary"]["unknown"]),
        (&json!(1), &json!(1))
    );
    for check in report["tenants"][1]["checks"].as_array().expect("checks") {
        assert_eq!(
            (&check["outcome"], &check["reason"]),
            (&json!("unknown"), &json!("platform/malformed"))
        );
    }
}

#[test]
fn a_wrong_entry_is_told_and_the_others_go_on() {
    let list = json!([{ "id": "q7f9" }, { "id": 7 }, { "id": "a b" }, "Q7F9"]);
    let ran = run(
        &from(&Endpoint::always(200, &list), ""),
        &["tenants", "--format", "json"],
    );
    let listing = document(&ran);
    assert_eq!((ran.code, ids(&listing)), (Some(3), vec!["q7f9"]));
    assert_eq!(listing["faults"].as_array().map(Vec::len), Some(3));
}

#[test]
fn a_token_that_is_empty_and_an_address_in_clear_are_usage_errors() {
    let endpoint = Endpoint::always(200, &json!([]));
    let served = from(&endpoint, "token = { env = \"EMPTY_TOKEN\" }");
    let ran = run(&served, &["verify"]);
    assert_eq!((ran.code, endpoint.paths().len()), (Some(2), 0));
    assert!(ran.err.contains("EMPTY_TOKEN"), "{}", ran.err);
    let served = with_tenants(LabOptions::default(), "url = \"http://tenants.example.com/\"");
    assert_eq!(run(&served, &["tenants"]).code, Some(2));
}

#[test]
fn the_first_source_says_who_exists_and_the_platform_what_is_left_over() {
    let list =
        json!({ "tenants": [{ "id": "q7f9", "status": "active", "labels": { "plan": "pro" } }, { "id": "nobody" }] });
    let endpoint = Endpoint::always(200, &list);
    let tenants = format!(
        "source = [\"http\", \"fly\"]\nurl = \"{}\"\nexclude = [\"c04e\"]",
        endpoint.url
    );
    let served = with_tenants(LabOptions::with_platform(), &tenants);
    let ran = run(&served, &["tenants", "--format", "json"]);
    let listing = document(&ran);
    assert_eq!(
        (ran.code, ids(&listing)),
        (Some(0), vec!["nobody", "q7f9"]),
        "{}",
        ran.out
    );
    assert_eq!(listing["tenants"][0]["app_exists"], false);
    assert_eq!(listing["tenants"][1]["sources"], json!(["http", "fly"]));
    let apps = listing["without_tenant"]["apps"].as_array().expect("apps");
    assert!(
        apps.contains(&json!("sp-a3b1")) && !apps.contains(&json!("sp-q7f9")),
        "{apps:?}"
    );
    let human = run(&served, &["tenants"]);
    assert!(
        human.out.lines().all(|line| line.chars().count() <= 80),
        "{}",
        human.out
    );
    assert!(
        human.out.contains("sp-nobody (missing)") && human.out.contains("without a tenant"),
        "{}",
        human.out
    );
    let ran = run(&served, &["verify", "--format", "json", "nobody"]);
    assert_eq!(
        (ran.code, &document(&ran)["tenants"][0]["cause"]),
        (Some(1), &json!("app-missing"))
    );
}

#[test]
fn without_a_platform_only_what_is_known_is_listed() {
    let served = serve(LabOptions::default(), &[]);
    let ran = run(&served, &["tenants", "--format", "json"]);
    let listing = document(&ran);
    assert_eq!((ran.code, ids(&listing).len()), (Some(0), 12));
    assert_eq!(
        listing["without_tenant"],
        json!({ "apps": null, "certificates": null, "records": null })
    );
}
