//! What the account's state does to the edge, and what the apps say directly.

use std::net::IpAddr;
use std::sync::Arc;

use hickory_proto::rr::RecordType::{A, AAAA};
use http_body_util::BodyExt;
use roundsman_lab::{Fault, Lab, LabOptions};
use rustls_pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::{call, lab, rest, soon};
use crate::client::{addresses, get, handshake, send, verifying};

const HOST: &str = "q7f9.tenants.test";

async fn connects(lab: &Lab, host: &str) -> bool {
    handshake(lab, host).await.is_ok()
}

/// The status and the body at the app itself.
async fn direct(lab: &Lab, app: &str, address: &str) -> (u16, String) {
    let host = format!("{app}.{}", lab.app_domain());
    let mut config = verifying(lab);
    config.alpn_protocols = vec![b"h2".to_vec()];
    let address: IpAddr = address.parse().unwrap();
    let stream = TcpStream::connect((address, lab.app_port().unwrap())).await.unwrap();
    let name = ServerName::try_from(host.clone()).unwrap();
    let tls = TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await
        .unwrap();
    let response = send(tls, "GET", &host, "/").await.unwrap();
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn a_conflict_ends_when_its_certificate_is_removed() {
    for (fault, holder) in [
        ("certificate-conflict@q7f9", "sp-q7f9"),
        ("certificate-conflict@q7f9=reset", "sp-q7f9"),
        ("certificate-conflict@q7f9=many", "cert-hoarder"),
        ("certificate-conflict@q7f9=other:other-app", "other-app"),
    ] {
        let lab = lab(&[fault]).await;
        assert!(!connects(&lab, HOST).await, "{fault}");
        assert!(connects(&lab, "a3b1.tenants.test").await);
        let path = format!("/v1/apps/{holder}/certificates/{HOST}");
        assert_eq!(rest(&lab, "DELETE", &path).await.status, 204);
        soon(async || connects(&lab, HOST).await).await;
    }
    assert!(connects(&lab(&["certificate-conflict@q7f9=latent"]).await, HOST).await);
}

#[tokio::test]
async fn a_certificate_at_another_tenants_app_stays_while_that_tenants_faults_change() {
    let lab = lab(&["certificate-conflict@q7f9=other:sp-a3b1"]).await;
    let slow = "site-slow@a3b1=0".parse::<Fault>().unwrap();
    lab.stage(slow.clone()).await.unwrap();
    assert!(!connects(&lab, HOST).await);
    lab.clear(&slow).await.unwrap();
    let path = "/v1/apps/sp-a3b1/certificates";
    assert_eq!(rest(&lab, "GET", path).await.json()["total_count"], 1);
    assert!(!connects(&lab, HOST).await);
    assert!(connects(&lab, "a3b1.tenants.test").await);
}

#[tokio::test]
async fn pending_certificates_cut_or_do_not() {
    for cause in ["issuing", "stuck", "awaiting-configuration", "rate-limited"] {
        let served = lab(&[&format!("certificate-{cause}@q7f9")]).await;
        assert!(connects(&served, HOST).await, "{cause}");
        let cut = lab(&[&format!("certificate-{cause}@q7f9=cut")]).await;
        assert!(!connects(&cut, HOST).await, "{cause}");
    }
}

#[tokio::test]
async fn the_wildcard_can_be_missing_or_held_by_another() {
    for (fault, works) in [
        ("wildcard-certificate-missing", false),
        ("wildcard-certificate-conflict", false),
        ("wildcard-certificate-conflict=latent", true),
        ("acme-challenge-broken", true),
    ] {
        let lab = lab(&[fault]).await;
        assert_eq!(connects(&lab, "fresh.tenants.test").await, works, "{fault}");
        lab.clear_all().await.unwrap();
        assert!(connects(&lab, "fresh.tenants.test").await);
    }
    let lab = lab(&["wildcard-certificate-missing", "explicit-ready@q7f9"]).await;
    assert!(connects(&lab, HOST).await);
}

#[tokio::test]
async fn a_name_of_two_labels_is_covered_by_nothing_until_it_is() {
    let lab = lab(&["certificate-missing@q7f9"]).await;
    let host = lab.host("q7f9");
    assert_eq!(host, "q7f9.eu.tenants.test");
    assert_eq!(
        addresses(lab.dns_servers()[0], &format!("{host}."), A).await,
        ["127.0.0.1"]
    );
    assert!(!connects(&lab, &host).await);
    let dir = tempfile::tempdir().unwrap();
    let text = std::fs::read_to_string(lab.write_config(dir.path()).unwrap()).unwrap();
    assert!(text.contains(r#"{ id = "q7f9", hostname = "q7f9.eu.tenants.test" }"#));
    let body = format!(r#"{{"hostname":"{host}"}}"#);
    let path = "/v1/apps/management-api-prod/certificates/acme";
    assert_eq!(call(&lab, "POST", path, "Bearer fm2_lab", &body).await.status, 201);
    soon(async || connects(&lab, &host).await).await;
    assert_eq!(get(&lab, &host, "/").await.0.status, 200);
}

#[tokio::test]
async fn a_sleeping_app_wakes_at_the_first_request_only() {
    let lab = lab(&["app-asleep@q7f9"]).await;
    assert!(connects(&lab, HOST).await);
    let id = rest(&lab, "GET", "/v1/apps/sp-q7f9/machines").await.json()[0]["id"].clone();
    let path = format!("/v1/apps/sp-q7f9/machines/{}", id.as_str().unwrap());
    assert_eq!(rest(&lab, "GET", &path).await.json()["state"], "stopped");
    let (parts, _) = get(&lab, HOST, "/").await;
    assert_eq!(parts.status, 200);
    assert_eq!(parts.headers["x-served-by"], id.as_str().unwrap());
    assert_eq!(rest(&lab, "GET", &path).await.json()["state"], "started");
    get(&lab, HOST, "/").await;
    assert_eq!(lab.counters().woken, 1);
}

#[tokio::test]
async fn apps_fail_at_the_edge_and_directly_or_not() {
    for (fault, edge, itself) in [
        ("app-stopped@q7f9", 502, 502),
        ("app-crashed@q7f9=oom", 502, 502),
        ("app-starting@q7f9=machine", 502, 502),
        ("app-unhealthy@q7f9", 503, 503),
        ("route-broken@q7f9", 502, 200),
        ("route-broken@q7f9=no-service", 502, 200),
        ("route-broken@q7f9=network", 502, 200),
        ("tenant-unknown-to-edge@q7f9", 404, 200),
        ("release-failing=100", 500, 500),
        ("site-status@q7f9=418", 418, 418),
    ] {
        let lab = lab(&[fault]).await;
        assert_eq!(get(&lab, HOST, "/").await.0.status, edge, "{fault}");
        assert_eq!(direct(&lab, "sp-q7f9", "127.0.0.1").await.0, itself, "{fault}");
        lab.clear_all().await.unwrap();
        assert_eq!(get(&lab, HOST, "/").await.0.status, 200, "{fault}");
        assert_eq!(lab.counters().direct_requests["q7f9"], 1);
    }
    let missing = lab(&["app-missing@q7f9"]).await;
    assert_eq!(get(&missing, HOST, "/").await.0.status, 502);
}

#[tokio::test]
async fn starting_a_stopped_machine_heals() {
    let lab = lab(&["app-stopped@q7f9"]).await;
    let id = rest(&lab, "GET", "/v1/apps/sp-q7f9/machines").await.json()[0]["id"].clone();
    let path = format!("/v1/apps/sp-q7f9/machines/{}", id.as_str().unwrap());
    let started = rest(&lab, "POST", &format!("{path}/start")).await.json();
    assert_eq!(started["previous_state"], "stopped");
    let waited = rest(&lab, "GET", &format!("{path}/wait?state=started&timeout=1")).await;
    assert_eq!(waited.status, 200);
    assert_eq!(get(&lab, HOST, "/").await.0.status, 200);
    assert_eq!(rest(&lab, "POST", &format!("{path}/stop")).await.status, 200);
    let waited = rest(&lab, "GET", &format!("{path}/wait?state=started&timeout=0")).await;
    assert_eq!(waited.status, 408);
}

#[tokio::test]
async fn part_of_the_apps_fail_by_release_or_region() {
    let count = async |fault: &str, status: u16| {
        let lab = lab(&[fault]).await;
        let mut failing = 0;
        for tenant in lab.tenants() {
            failing += usize::from(get(&lab, &lab.host(tenant), "/").await.0.status == status);
        }
        failing
    };
    assert_eq!(count("release-failing=50", 500).await, 6);
    let (lhr, iad) = (
        count("region-failing=lhr", 503).await,
        count("region-failing=iad", 503).await,
    );
    assert_eq!(lhr + iad, 12);
    assert!(lhr > 0 && iad > 0);
}

#[tokio::test]
async fn apps_have_names_of_their_own() {
    let lab = lab(&["app-missing@a3b1"]).await;
    let name = |app: &str| format!("{app}.{}.", lab.app_domain());
    assert_eq!(addresses(lab.resolver(), &name("sp-q7f9"), A).await, ["127.0.0.1"]);
    assert_eq!(addresses(lab.resolver(), &name("sp-q7f9"), AAAA).await, ["::1"]);
    assert_eq!(addresses(lab.resolver(), &name("sp-a3b1"), A).await.len(), 0);
    assert_eq!(addresses(lab.resolver(), &name("lab-postgres"), A).await.len(), 0);
    let (status, body) = direct(&lab, "sp-q7f9", "::1").await;
    assert_eq!((status, body.as_str()), (200, r#"{"status":"healthy"}"#));
}

#[tokio::test]
async fn an_edge_that_is_missing_refuses() {
    for fault in ["edge-missing", "edge-missing=addresses"] {
        let lab = lab(&[fault]).await;
        assert!(!connects(&lab, HOST).await);
        lab.clear_all().await.unwrap();
        assert!(connects(&lab, HOST).await);
    }
}

#[tokio::test]
async fn the_configuration_names_the_platform() {
    let options = LabOptions {
        platform_inventory: true,
        ..LabOptions::default()
    };
    let lab = Lab::start(options).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let text = std::fs::read_to_string(lab.write_config(dir.path()).unwrap()).unwrap();
    assert!(!text.contains("addresses ="), "{text}");
    let url = lab.api_url().unwrap();
    for line in [
        "app = \"management-api-prod\"",
        "source = \"fly\"",
        "organization = \"lab\"",
        "token = { env = \"FLY_API_TOKEN\" }",
        &format!("api_url = \"{url}\""),
        &format!("machines_url = \"{url}\""),
        "app_domain = \"lab-apps.test\"",
        &format!("app_port = {}", lab.app_port().unwrap()),
        "zone = \"tenants.test\"",
        "token = { env = \"CLOUDFLARE_API_TOKEN\" }",
        &format!("api_url = \"{url}/client/v4\""),
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
}
