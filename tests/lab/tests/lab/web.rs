//! What the edge and the apps answer.

use http_body_util::BodyExt;

use crate::client::{careless, get, handshake, lab, send};

fn header<'a>(parts: &'a http::response::Parts, name: &str) -> Option<&'a str> {
    parts.headers.get(name).map(|value| value.to_str().unwrap())
}

#[tokio::test]
async fn a_healthy_tenant_answers() {
    let lab = lab(&[]).await;
    let (parts, body) = get(&lab, "q7f9.tenants.test", "/").await;
    assert_eq!((parts.status.as_u16(), parts.version), (200, http::Version::HTTP_2));
    assert_eq!(body, r#"{"status":"healthy"}"#);
    assert_eq!(header(&parts, "content-type"), Some("application/json"));
    assert_eq!(header(&parts, "x-sp-app"), Some("sp-q7f9"));
    assert_eq!(header(&parts, "x-lab"), Some("ok"));
    assert!(header(&parts, "x-served-by").is_some() && header(&parts, "date").is_some());
    let (_, body) = get(&lab, "q7f9.tenants.test", "/.well-known/oauth-authorization-server").await;
    assert_eq!(body, r#"{"issuer":"https://q7f9.tenants.test"}"#);
    assert_eq!(lab.counters().requests["q7f9"], 2);
}

#[tokio::test]
async fn a_head_has_the_same_headers_and_no_body() {
    let lab = lab(&["site-protocol@a3b1"]).await;
    for host in ["q7f9.tenants.test", "a3b1.tenants.test"] {
        let tls = handshake(&lab, host).await.unwrap();
        let response = send(tls, "HEAD", host, "/").await.unwrap();
        assert_eq!(response.headers()["content-length"], "20");
        assert!(response.into_body().collect().await.unwrap().to_bytes().is_empty());
    }
}

#[tokio::test]
async fn a_name_without_a_tenant_is_the_edges_own() {
    let lab = lab(&["tenant-unknown-to-edge@q7f9"]).await;
    for host in ["fresh.tenants.test", "q7f9.tenants.test"] {
        let (parts, body) = get(&lab, host, "/").await;
        assert_eq!(parts.status, 404);
        assert_eq!(body, format!("no such tenant: {host}"));
        assert_eq!(header(&parts, "server"), Some("Fly/lab"));
        assert_eq!(header(&parts, "via"), Some("2 fly.io"));
        assert!(header(&parts, "x-sp-app").is_none() && header(&parts, "x-lab").is_none());
    }
}

#[tokio::test]
async fn sites_fail_each_in_its_own_way() {
    let lab = lab(&[
        "site-status@q7f9",
        "site-status@a3b1=404",
        "site-redirect@c04e",
        "site-body@d9a2",
        "site-header@e51f",
        "app-starting@f8c3",
        "site-slow@b6d0=1",
        "site-protocol@7e2a",
    ])
    .await;
    let ask = async |id: &str| get(&lab, &format!("{id}.tenants.test"), "/").await;
    assert_eq!(ask("q7f9").await.0.status, 500);
    assert_eq!(ask("a3b1").await.0.status, 404);
    let (redirect, _) = ask("c04e").await;
    assert_eq!(redirect.status, 302);
    assert_eq!(header(&redirect, "location"), Some("https://login.example.com/"));
    assert_eq!(ask("d9a2").await.1, r#"{"status":"odd"}"#);
    assert!(header(&ask("e51f").await.0, "x-lab").is_none());
    let (starting, body) = ask("f8c3").await;
    assert_eq!(
        (starting.status.as_u16(), &body[..]),
        (503, &br#"{"error":"service starting"}"#[..])
    );
    assert_eq!(ask("b6d0").await.0.status, 200);
    assert_eq!(ask("7e2a").await.0.version, http::Version::HTTP_11);
    assert_eq!(header(&ask("7e2a").await.0, "x-sp-app"), Some("sp-7e2a"));
}

#[tokio::test]
async fn a_wrong_route_shows_in_header_and_issuer() {
    let lab = lab(&["route-wrong-tenant@q7f9=e51f"]).await;
    let (parts, body) = get(&lab, "q7f9.tenants.test", "/.well-known/oauth-authorization-server").await;
    assert_eq!(header(&parts, "x-sp-app"), Some("sp-e51f"));
    assert_eq!(body, r#"{"issuer":"https://e51f.tenants.test"}"#);
}

#[tokio::test]
async fn identity_can_be_left_to_the_issuer() {
    let options = roundsman_lab::LabOptions {
        identity_header: false,
        ..Default::default()
    };
    let lab = roundsman_lab::Lab::start(options).await.unwrap();
    assert!(header(&get(&lab, "q7f9.tenants.test", "/").await.0, "x-sp-app").is_none());
}

#[tokio::test]
async fn a_closed_site_gives_no_answer() {
    let lab = lab(&["site-closed@q7f9", "site-closed@a3b1", "site-protocol@a3b1"]).await;
    for host in ["q7f9.tenants.test", "a3b1.tenants.test"] {
        let tls = handshake(&lab, host).await.unwrap();
        assert!(send(tls, "GET", host, "/").await.is_err());
    }
}

#[tokio::test]
async fn oversized_answers_start_and_do_not_end() {
    let lab = lab(&[
        "endless-body@q7f9",
        "gzip-bomb@a3b1",
        "huge-head@c04e",
        "slow-drip@d9a2",
    ])
    .await;
    let open = async |id: &str| {
        let host = format!("{id}.tenants.test");
        let tls = careless(&lab, &host).await.unwrap();
        send(tls, "GET", &host, "/").await
    };
    let mut endless = open("q7f9").await.unwrap().into_body();
    let mut count = 0;
    while count < 4 * 1024 * 1024 {
        count += endless.frame().await.unwrap().unwrap().into_data().unwrap().len();
    }
    let bomb = open("a3b1").await.unwrap();
    assert_eq!(bomb.headers()["content-encoding"], "gzip");
    let packed = bomb.into_body().collect().await.unwrap().to_bytes();
    assert!(packed.len() < 128 * 1024);
    assert!(open("c04e").await.is_err());
    assert_eq!(open("d9a2").await.unwrap().status(), 200);
}
