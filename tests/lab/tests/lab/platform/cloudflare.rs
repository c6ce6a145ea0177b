//! The DNS provider: the zone as the name servers have it, and deletions that they follow.

use hickory_proto::rr::RecordType::A;
use serde_json::{Value, json};

use super::{call, cloudflare, lab};
use crate::client::addresses;

async fn records(lab: &roundsman_lab::Lab, query: &str) -> (String, Vec<Value>) {
    let zones = cloudflare(lab, "GET", "/zones?name=tenants.test").await.json();
    let zone = zones["result"][0]["id"].as_str().unwrap().to_owned();
    let body = cloudflare(lab, "GET", &format!("/zones/{zone}/dns_records?{query}"))
        .await
        .json();
    assert_eq!(body["success"], json!(true));
    (zone, body["result"].as_array().unwrap().clone())
}

#[tokio::test]
async fn lists_what_the_name_servers_have() {
    let lab = lab(&["dns-override@q7f9=cname", "dns-blocked@a3b1=txt"]).await;
    let (zone, all) = records(&lab, "").await;
    let has = |name: &str, kind: &str, content: &str| {
        let is = |record: &&Value| record["name"] == name && record["type"] == kind && record["content"] == content;
        assert!(
            all.iter().any(|record| is(&record)),
            "{name} {kind} {content}: {all:#?}"
        );
    };
    has("*.tenants.test", "A", "127.0.0.1");
    has("*.tenants.test", "AAAA", "::1");
    has("_acme-challenge.tenants.test", "CNAME", "tenants.test.lab.flydns.test");
    has("q7f9.tenants.test", "CNAME", "other-host.example");
    assert!(all.iter().all(|record| record["type"] != "SOA"));
    let (_, one) = records(&lab, "name.exact=A3B1.tenants.test&type=TXT").await;
    assert_eq!(one.len(), 1);
    let path = format!("/zones/{zone}/dns_records?per_page=2&page=2");
    let page = cloudflare(&lab, "GET", &path).await.json();
    assert_eq!(page["result_info"]["count"], json!(2));
    assert_eq!(page["result_info"]["total_count"], json!(all.len()));
    let none = cloudflare(&lab, "GET", "/zones?name=other.test").await.json();
    assert_eq!(none["result"], json!([]));
}

#[tokio::test]
async fn a_deleted_record_is_gone_until_its_fault_is_staged_again() {
    let lab = lab(&["dns-override@q7f9"]).await;
    let server = lab.dns_servers()[0];
    let (zone, own) = records(&lab, "name=q7f9.tenants.test").await;
    let path = format!("/zones/{zone}/dns_records/{}", own[0]["id"].as_str().unwrap());
    assert_eq!(
        cloudflare(&lab, "DELETE", &path).await.json()["result"]["id"],
        own[0]["id"]
    );
    assert_eq!(addresses(server, "q7f9.tenants.test.", A).await, ["127.0.0.1"]);
    let again = cloudflare(&lab, "DELETE", &path).await;
    assert_eq!(
        (again.status, again.json()["errors"][0]["code"].clone()),
        (404, json!(81044))
    );
    assert_eq!(lab.counters().writes, 2);
    lab.stage("site-status@a3b1".parse().unwrap()).await.unwrap();
    assert_eq!(addresses(server, "q7f9.tenants.test.", A).await, ["127.0.0.1"]);
    lab.clear_all().await.unwrap();
    lab.stage("dns-override@q7f9".parse().unwrap()).await.unwrap();
    assert_eq!(addresses(server, "q7f9.tenants.test.", A).await, ["203.0.113.9"]);
}

#[tokio::test]
async fn what_goes_through_the_proxy_says_so_here_only() {
    let lab = lab(&["dns-proxied@q7f9", "wildcard-proxied"]).await;
    assert_eq!(
        addresses(lab.dns_servers()[0], "q7f9.tenants.test.", A).await,
        ["203.0.113.80"]
    );
    for name in ["q7f9.tenants.test", "%2A.tenants.test"] {
        let (zone, own) = records(&lab, &format!("name={name}&type=A")).await;
        assert_eq!((own.len(), own[0]["content"].clone()), (1, json!("127.0.0.1")));
        assert_eq!(own[0]["proxied"], json!(true));
        let path = format!("/zones/{zone}/dns_records/{}", own[0]["id"].as_str().unwrap());
        assert_eq!(cloudflare(&lab, "DELETE", &path).await.status, 200);
    }
    assert_eq!(addresses(lab.dns_servers()[0], "q7f9.tenants.test.", A).await.len(), 0);
}

#[tokio::test]
async fn refuses_with_codes_rather_than_statuses() {
    let lab = lab(&[]).await;
    let bogus = call(&lab, "GET", "/client/v4/zones?name=tenants.test", "Bearer x", "").await;
    assert_eq!(
        (bogus.status, bogus.json()["errors"][0]["code"].clone()),
        (400, json!(10000))
    );
    let path = "/client/v4/zones/any/dns_records";
    let bogus = call(&lab, "GET", path, "Bearer x", "").await;
    assert_eq!(
        (bogus.status, bogus.json()["errors"][0]["code"].clone()),
        (400, json!(9106))
    );
    lab.stage("cloudflare-refused".parse().unwrap()).await.unwrap();
    assert_eq!(cloudflare(&lab, "GET", "/zones").await.status, 400);
    lab.stage("cloudflare-unavailable".parse().unwrap()).await.unwrap();
    assert_eq!(cloudflare(&lab, "GET", "/zones").await.status, 503);
}
