//! The Machines API: authorization, lists and their pages, errors, limits, calls with side effects.

use std::time::Duration;

use serde_json::json;

use super::{call, lab, rest, soon};

#[tokio::test]
async fn tokens_are_looked_at() {
    let lab = lab(&[]).await;
    let refused = call(&lab, "GET", "/v1/apps?org_slug=lab", "Bearer x", "").await;
    assert_eq!(refused.status, 401);
    assert_eq!(
        refused.json(),
        json!({ "error": "Authenticate: token validation error" })
    );
    assert!(refused.headers.contains_key("fly-request-id"));
    let token = call(&lab, "GET", "/v1/tokens/current", "FlyV1 fm2_lab", "").await;
    assert_eq!(token.json()["tokens"][0]["org_slug"], "lab");
}

#[tokio::test]
async fn apps_are_listed_and_told_apart() {
    let lab = lab(&["app-missing@a3b1"]).await;
    let apps = rest(&lab, "GET", "/v1/apps?org_slug=lab").await.json();
    assert_eq!(apps["total_apps"], json!(15));
    assert_eq!(apps["apps"][0]["organization"]["slug"], "lab");
    assert_eq!(rest(&lab, "GET", "/v1/apps").await.status, 400);
    assert_eq!(rest(&lab, "GET", "/v1/apps/sp-q7f9").await.json()["status"], "deployed");
    let missing = rest(&lab, "GET", "/v1/apps/sp-a3b1").await;
    assert_eq!(
        (missing.status, missing.json()["error"].clone()),
        (404, json!("app not found"))
    );
    assert_eq!(rest(&lab, "GET", "/v1/apps/someone-elses-app").await.status, 403);
    let ips = rest(&lab, "GET", "/v1/apps/management-api-prod/ip_assignments").await;
    assert_eq!(ips.json()["ips"][0]["ip"], "127.0.0.1");
}

#[tokio::test]
async fn what_changed_at_machines_is_told_and_what_is_gone_only_where_that_is_asked() {
    let lab = lab(&[]).await;
    let all = rest(&lab, "GET", "/v1/orgs/lab/machines?summary=true").await.json();
    let since = all["machines"][0]["updated_at"].as_str().unwrap();
    let changed = async |more: &str| {
        let path = format!("/v1/orgs/lab/machines?summary=false&updated_after={since}{more}");
        let page = rest(&lab, "GET", &path).await;
        let page = page.json();
        let machines = page["machines"].as_array().unwrap().iter();
        let told = machines.map(|machine| (machine["app_name"].clone(), machine["state"].clone()));
        told.collect::<Vec<_>>()
    };
    assert!(changed("").await.is_empty());
    lab.stage("app-stopped@a3b1".parse().unwrap()).await.unwrap();
    lab.stage("app-missing@c04e".parse().unwrap()).await.unwrap();
    let stopped = (json!("sp-a3b1"), json!("stopped"));
    let gone = (json!("sp-c04e"), json!("destroyed"));
    assert_eq!(changed("").await, std::slice::from_ref(&stopped));
    assert_eq!(changed("&include_deleted=true").await, [stopped, gone]);
    lab.clear_all().await.unwrap();
    // What is back was made anew, and what runs again has changed as well.
    let started = |app: &str| (json!(app), json!("started"));
    assert_eq!(
        changed("&include_deleted=true").await,
        [started("sp-a3b1"), started("sp-c04e")]
    );
}

#[tokio::test]
async fn machines_of_the_organization_come_in_pages() {
    let lab = lab(&["app-stopped@a3b1"]).await;
    let mut machines = Vec::new();
    let mut cursor = String::new();
    loop {
        let path = format!("/v1/orgs/lab/machines?summary=false&limit=7&cursor={cursor}");
        let page = rest(&lab, "GET", &path).await.json();
        machines.extend(page["machines"].as_array().unwrap().iter().cloned());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(machines.len(), 12 + 2 + 3);
    let stopped = machines
        .iter()
        .find(|machine| machine["app_name"] == "sp-a3b1")
        .unwrap();
    assert_eq!(stopped["state"], "stopped");
    assert_eq!(stopped["config"]["services"][0]["autostart"], json!(false));
    let summary = rest(&lab, "GET", "/v1/orgs/lab/machines?summary=true&state=stopped")
        .await
        .json();
    assert_eq!(summary["machines"].as_array().unwrap().len(), 1);
    assert_eq!(summary["machines"][0].get("config"), None);
    assert_eq!(rest(&lab, "GET", "/v1/orgs/lab/machines?limit=5000").await.status, 400);
    assert_eq!(rest(&lab, "GET", "/v1/orgs/lab/machines?cursor=%25").await.status, 400);
}

#[tokio::test]
async fn certificates_hide_behind_pages() {
    let lab = lab(&["certificate-conflict@q7f9=many"]).await;
    let list = "/v1/apps/cert-hoarder/certificates";
    let first = rest(&lab, "GET", list).await.json();
    assert_eq!(first["certificates"].as_array().unwrap().len(), 25);
    assert_eq!(first["total_count"], json!(301));
    let next = format!("{list}?limit=500&cursor={}", first["next_cursor"].as_str().unwrap());
    assert_eq!(rest(&lab, "GET", &next).await.json().get("next_cursor"), None);
    let filtered = rest(&lab, "GET", &format!("{list}?filter=tenants.test")).await.json();
    assert_eq!(filtered["certificates"][0]["hostname"], "q7f9.tenants.test");
    let wildcard = rest(
        &lab,
        "GET",
        "/v1/apps/management-api-prod/certificates/%2A.tenants.test",
    )
    .await;
    let wildcard = wildcard.json();
    assert_eq!(
        wildcard["dns_requirements"]["acme_challenge"]["target"],
        "tenants.test.lab.flydns.test"
    );
    assert_eq!(wildcard["certificates"][0]["issued"][0]["type"], "ecdsa");
    let none = rest(&lab, "GET", "/v1/apps/management-api-prod/certificates/x.tenants.test").await;
    assert_eq!(none.status, 404);
}

#[tokio::test]
async fn one_action_on_one_app_is_limited() {
    let lab = lab(&[]).await;
    let ask = async |app: &str| rest(&lab, "GET", &format!("/v1/apps/{app}/certificates")).await.status;
    for _ in 0..3 {
        assert_eq!(ask("sp-q7f9").await, 200);
    }
    assert_eq!(ask("sp-q7f9").await, 429);
    assert_eq!(ask("sp-a3b1").await, 200);
    assert_eq!(rest(&lab, "GET", "/v1/apps/sp-q7f9").await.status, 200);
}

#[tokio::test]
async fn certificates_are_added_checked_and_removed() {
    let lab = lab(&["certificate-stuck@a3b1"]).await;
    let base = "/v1/apps/management-api-prod/certificates";
    let add = async || {
        let body = r#"{"hostname":"q7f9.tenants.test"}"#;
        call(&lab, "POST", &format!("{base}/acme"), "Bearer fm2_lab", body).await
    };
    let added = add().await;
    assert_eq!(
        (added.status, added.json()["certificates"][0]["status"].clone()),
        (201, json!("pending_validation"))
    );
    let again = add().await;
    assert_eq!(again.json(), json!({ "error": "Hostname already exists on app" }));
    assert_eq!(again.status, 422);
    let checked = rest(&lab, "POST", &format!("{base}/a3b1.tenants.test/check")).await;
    assert_eq!(checked.json()["dns_records"]["a"][0], "127.0.0.1");
    for host in ["q7f9.tenants.test", "a3b1.tenants.test"] {
        let path = format!("{base}/{host}");
        soon(async || rest(&lab, "GET", &path).await.json()["status"] == "active").await;
    }
    assert_eq!(
        rest(&lab, "DELETE", &format!("{base}/q7f9.tenants.test")).await.status,
        204
    );
    assert_eq!(lab.counters().writes, 4);
    assert_eq!(lab.writes()[3], format!("DELETE {base}/q7f9.tenants.test"));
}

#[tokio::test]
async fn the_api_can_be_down_in_many_ways() {
    let lab = lab(&[]).await;
    let status = async |fault: &str| {
        lab.clear_all().await.unwrap();
        lab.stage(fault.parse().unwrap()).await.unwrap();
        rest(&lab, "GET", "/v1/orgs/lab/machines").await
    };
    assert_eq!(status("platform-api-unavailable").await.status, 503);
    assert_eq!(status("platform-api-unavailable=500").await.status, 500);
    let limited = status("platform-api-rate-limited=7").await;
    assert_eq!(
        (limited.status, &limited.headers["retry-after"]),
        (429, &"7".parse().unwrap())
    );
    assert!(
        !status("platform-api-rate-limited=no-header")
            .await
            .headers
            .contains_key("retry-after")
    );
    let partial = status("platform-api-unavailable=region:iad").await.json();
    assert_eq!(partial["error_regions"], json!(["iad"]));
    let machines = partial["machines"].as_array().unwrap();
    assert!(machines.iter().all(|machine| machine["region"] == "lhr"));
    let never = tokio::time::timeout(Duration::from_millis(200), status("platform-api-unavailable=timeout")).await;
    assert!(never.is_err());
}
