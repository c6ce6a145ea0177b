//! nginx in place of the edge, set up as people set it up: the shipped program must not blame tenants for what every name
//! gets.

use roundsman_lab::{Lab, LabOptions};

use super::nginx::{WILDCARD, visit};
use super::pki::{Authority, NOW};
use super::server::Nginx;
use super::verify::{Verified, verify_behind};

const H2: &str = "ssl http2";

/// What is said of four tenants behind an nginx with these directives.
async fn behind(directives: &str) -> Verified {
    let authority = Authority::new("Trusted");
    let nginx = Nginx::start(H2, directives, &authority.chain(WILDCARD, NOW)).await;
    let lab = Lab::start(LabOptions::with_tenants(4)).await.unwrap();
    verify_behind(&lab, nginx.v4().port(), &authority.root_pem()).await
}

fn named(verified: &Verified) -> Vec<String> {
    verified.causes().into_iter().map(|(cause, _)| cause).collect()
}

#[tokio::test]
async fn one_page_for_every_name_is_healthy() {
    let verified = behind("").await;
    assert_eq!((verified.exit, named(&verified)), (Some(0), vec![]));
    let route = &verified.report["tenants"][0]["checks"];
    let route = route
        .as_array()
        .unwrap()
        .iter()
        .find(|check| check["check"] == "route")
        .unwrap();
    assert_eq!(
        (&route["outcome"], &route["reason"]),
        (&"skipped".into(), &"not-identifiable".into())
    );
}

#[tokio::test]
async fn a_password_before_everything_is_a_wall() {
    for directives in [
        r#"auth_basic "closed"; auth_basic_user_file "/nonexistent";"#,
        "deny all;",
        "location / { return 302 https://id.example/login?next=https://$host/; }",
    ] {
        let verified = behind(directives).await;
        assert_eq!(named(&verified), ["edge-access-denied"], "{directives}");
        assert_eq!(verified.exit, Some(1), "{directives}");
    }
}

#[tokio::test]
async fn a_limit_on_requests_leaves_open_what_it_hides() {
    let verified = behind("limit_req zone=slowly; limit_req_status 429;").await;
    assert_eq!(named(&verified), ["edge-rate-limited"]);
    assert_eq!(verified.exit, Some(3));
    assert_eq!(verified.report["summary"]["failing"], 0);
}

#[tokio::test]
async fn a_page_that_is_said_to_be_packed_is_shown_by_nobody() {
    let authority = Authority::new("Trusted");
    let directives = "location / { gzip off; add_header Content-Encoding gzip; }";
    let nginx = Nginx::start(H2, directives, &authority.chain(WILDCARD, NOW)).await;
    let (visit, _) = visit(&authority.anchors(), nginx.v4()).await;
    assert_eq!(visit.page.end.reason().unwrap().to_string(), "http/malformed");
    assert!(
        format!("{:?}", visit.page.end).contains("can't be unpacked"),
        "{:?}",
        visit.page.end
    );
}
