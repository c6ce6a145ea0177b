//! `openssl s_server` that takes only clients with a certificate: the alert by which it says so is never lost.

use super::nginx::{WILDCARD, visit};
use super::pki::{Authority, NOW};
use super::server::OpenSsl;

#[tokio::test]
async fn a_certificate_that_is_required_is_asked_for_each_time() {
    for (version, expected) in [
        ("-tls1_3", "tls/alert-certificate-required"),
        ("-tls1_2", "tls/alert-handshake-failure"),
    ] {
        let authority = Authority::new("Trusted");
        let server = OpenSsl::start(&[version, "-Verify", "1"], &authority.chain(WILDCARD, NOW)).await;
        for _ in 0..30 {
            let (visit, _) = visit(&authority.anchors(), server.v4()).await;
            let reason = visit.channel_end().reason().map(|reason| reason.to_string());
            assert_eq!(reason.as_deref(), Some(expected), "{version}: {visit:?}");
        }
    }
}
