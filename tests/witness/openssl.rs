//! `openssl s_server` that takes only clients with a certificate: the alert by which it says so is never lost.

use tokio::net::TcpStream;

use super::nginx::{WILDCARD, visit};
use super::pki::{Authority, NOW, Presented};
use super::server::{Port, Server, until};

#[tokio::test]
async fn a_certificate_that_is_required_is_asked_for_each_time() {
    for (version, expected) in [
        ("-tls1_3", "tls/alert-certificate-required"),
        ("-tls1_2", "tls/alert-handshake-failure"),
    ] {
        let (port, dir) = (Port::take(), tempfile::tempdir().unwrap());
        let authority = Authority::new("Trusted");
        let Presented { chain, key } = authority.chain(WILDCARD, NOW);
        let [chain_file, key_file] = ["chain.pem", "key.pem"].map(|name| dir.path().join(name));
        std::fs::write(&chain_file, chain.concat()).unwrap();
        std::fs::write(&key_file, key).unwrap();
        let address = port.v4().to_string();
        let arguments = [
            ["s_server".as_ref(), version.as_ref()],
            ["-Verify".as_ref(), "1".as_ref()],
            ["-quiet".as_ref(), "-www".as_ref()],
            ["-accept".as_ref(), address.as_ref()],
            ["-cert".as_ref(), chain_file.as_os_str()],
            ["-cert_chain".as_ref(), chain_file.as_os_str()],
            ["-key".as_ref(), key_file.as_os_str()],
        ];
        let mut server = Server::start("openssl", "openssl", &arguments.concat(), &dir.path().join("log"));
        until("openssl listens", async || {
            server.must_run();
            TcpStream::connect(port.v4()).await.is_ok()
        })
        .await;
        for _ in 0..30 {
            let (visit, _) = visit(&authority.anchors(), port.v4()).await;
            let reason = visit.channel_end().reason().map(|reason| reason.to_string());
            assert_eq!(reason.as_deref(), Some(expected), "{version}: {visit:?}");
        }
    }
}
