//! The log API: who may read it, what stands in it, and when.

use std::time::Duration;

use roundsman_lab::{Lab, LabOptions};
use serde_json::{Value, json};

use super::{Answer, call};
use crate::client::get;

const EDGE: &str = "management-api-prod";
const HOST: &str = "q7f9.tenants.test";

/// A lab whose lines can be read at once.
async fn prompt(faults: &[&str]) -> Lab {
    let options = LabOptions {
        log_delay: Duration::ZERO,
        ..LabOptions::with_platform()
    };
    let lab = Lab::start(options).await.unwrap();
    for fault in faults {
        lab.stage(fault.parse().unwrap()).await.unwrap();
    }
    lab
}

async fn read(lab: &Lab, app: &str, query: &str) -> Answer {
    let path = format!("/api/v1/apps/{app}/logs?{query}");
    call(lab, "GET", &path, "FlyV1 fm2_lab", "").await
}

/// The messages in the log of an app.
async fn messages(lab: &Lab, app: &str) -> Vec<String> {
    let page = read(lab, app, "").await.json();
    let lines = page["data"].as_array().unwrap().iter();
    lines
        .map(|line| line["attributes"]["message"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn a_macaroon_is_taken_in_its_own_scheme_alone() {
    let lab = prompt(&[]).await;
    let status = async |app: &str, token: &str| {
        let path = format!("/api/v1/apps/{app}/logs");
        call(&lab, "GET", &path, token, "").await.status
    };
    assert_eq!(status(EDGE, "FlyV1 fm2_lab").await, 200);
    assert_eq!(status(EDGE, "Bearer fm2_lab").await, 401);
    assert_eq!(status(EDGE, "FlyV1 fm2_other").await, 401);
    assert_eq!(status("nobodys-app", "FlyV1 fm2_lab").await, 404);
    assert_eq!(status("someone-elses-app", "FlyV1 fm2_lab").await, 403);
    assert_eq!(lab.counters().api["logs/app-logs"], 5);
}

#[tokio::test]
async fn a_request_leaves_a_line_at_the_edge_and_one_at_its_app() {
    let lab = prompt(&[]).await;
    get(&lab, HOST, "/").await;
    let replay = "INFO Replaying request to tenant app subdomain=q7f9 fly_app=sp-q7f9";
    assert_eq!(messages(&lab, EDGE).await, [replay]);
    assert_eq!(
        messages(&lab, "sp-q7f9").await,
        ["INFO Request received path=/ method=GET"]
    );
    assert_eq!(messages(&lab, "sp-a3b1").await, Vec::<String>::new());
    let line = read(&lab, "sp-q7f9", "").await.json()["data"][0].clone();
    assert_eq!(line["type"], "log");
    let attributes = &line["attributes"];
    assert_eq!(attributes["meta"]["event"]["provider"], "app");
    assert_eq!(attributes["meta"]["instance"], attributes["instance"]);
    assert!(
        attributes["timestamp"]
            .as_str()
            .unwrap()
            .parse::<jiff::Timestamp>()
            .is_ok()
    );
}

#[tokio::test]
async fn a_token_asks_for_what_is_newer() {
    let lab = prompt(&[]).await;
    for _ in 0..103 {
        get(&lab, HOST, "/").await;
    }
    let first = read(&lab, EDGE, "").await.json();
    assert_eq!(first["data"].as_array().unwrap().len(), 100);
    let token = first["meta"]["next_token"].as_str().unwrap();
    let nothing = read(&lab, EDGE, &format!("next_token={token}")).await.json();
    assert_eq!(nothing["data"], json!([]));
    get(&lab, "a3b1.tenants.test", "/").await;
    let newer = read(&lab, EDGE, &format!("next_token={token}")).await.json();
    let data = newer["data"].as_array().unwrap();
    assert_eq!(data.len(), 1);
    let is_newer = |line: &Value| {
        line["attributes"]["message"]
            .as_str()
            .unwrap()
            .contains("subdomain=a3b1")
    };
    assert!(data.iter().all(is_newer));
    let elsewhere = read(&lab, EDGE, "region=syd").await.json();
    assert_eq!(elsewhere["data"], json!([]));
    assert_eq!(read(&lab, EDGE, "next_token=nonsense").await.status, 400);
}

#[tokio::test]
async fn lines_arrive_late() {
    let lab = prompt(&["logs-late"]).await;
    get(&lab, HOST, "/").await;
    assert_eq!(messages(&lab, EDGE).await, Vec::<String>::new());
    lab.clear_all().await.unwrap();
    get(&lab, HOST, "/").await;
    // The late line holds up the one behind it.
    assert_eq!(messages(&lab, EDGE).await, Vec::<String>::new());
}

#[tokio::test]
async fn the_proxys_refusals_carry_the_request_that_they_refuse() {
    for (fault, app, code) in [
        ("app-missing@q7f9", EDGE, "PA04"),
        ("route-wrong-app@q7f9=sp-gone", EDGE, "PA04"),
        ("route-broken@q7f9=network", EDGE, "PA05"),
        ("route-broken@q7f9=no-service", "sp-q7f9", "PR03"),
        ("app-stopped@q7f9", "sp-q7f9", "PR03"),
    ] {
        let lab = prompt(&[fault]).await;
        let (parts, _) = get(&lab, HOST, "/").await;
        assert_eq!(parts.status, 502, "{fault}");
        let page = read(&lab, app, "").await.json();
        let line = page["data"].as_array().unwrap().last().unwrap()["attributes"].clone();
        assert!(
            line["message"].as_str().unwrap().starts_with(&format!("[{code}] ")),
            "{line}"
        );
        let meta = &line["meta"];
        assert_eq!(meta["event"]["provider"], "proxy");
        assert_eq!(
            meta["http"]["request"]["id"],
            parts.headers["fly-request-id"].to_str().unwrap()
        );
        assert_eq!(meta["url"]["full"], format!("https://{HOST}/"));
    }
}

#[tokio::test]
async fn a_wrong_route_shows_in_the_edges_log_and_in_who_answers() {
    for (fault, app, status, answers) in [
        ("route-wrong-app@q7f9", "sp-a3b1", 200, Some("sp-a3b1")),
        ("route-wrong-app@q7f9=sp-e51f", "sp-e51f", 200, Some("sp-e51f")),
        ("route-wrong-app@q7f9=spare-parts", "spare-parts", 200, None),
        ("route-wrong-app@q7f9=sp-gone", "sp-gone", 502, None),
    ] {
        let lab = prompt(&[fault]).await;
        let (parts, _) = get(&lab, HOST, "/").await;
        assert_eq!(parts.status, status, "{fault}");
        let header = parts.headers.get("x-sp-app").map(|value| value.to_str().unwrap());
        assert_eq!(header, answers, "{fault}");
        let replay = format!("INFO Replaying request to tenant app subdomain=q7f9 fly_app={app}");
        assert_eq!(messages(&lab, EDGE).await[0], replay);
        assert_eq!(messages(&lab, "sp-q7f9").await, Vec::<String>::new());
    }
    // Where another app answers for a reason of its own, the edge's word is right.
    let lab = prompt(&["route-wrong-tenant@q7f9"]).await;
    get(&lab, HOST, "/").await;
    assert!(messages(&lab, EDGE).await[0].ends_with("fly_app=sp-q7f9"));
    let unknown = prompt(&["tenant-unknown-to-edge@q7f9"]).await;
    get(&unknown, HOST, "/").await;
    assert_eq!(messages(&unknown, EDGE).await, Vec::<String>::new());
}

#[tokio::test]
async fn the_log_can_be_refused_or_empty() {
    let lab = prompt(&["logs-refused"]).await;
    get(&lab, HOST, "/").await;
    assert_eq!(read(&lab, EDGE, "").await.status, 403);
    lab.clear_all().await.unwrap();
    lab.stage("logs-empty".parse().unwrap()).await.unwrap();
    assert_eq!(
        read(&lab, EDGE, "").await.json(),
        json!({ "data": [], "meta": { "next_token": "" } })
    );
}
