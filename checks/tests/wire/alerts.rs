//! Alerts that come after the handshake is over on our side: they say why, whatever else happens on the connection.

use std::sync::Arc;

use roundsman_checks::evidence::{Alert, Reason, StepStatus};
use roundsman_checks::expectation::SiteExpectation;
use rustls::crypto::aws_lc_rs;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::server::{Pki, pki, visit};

const CERTIFICATE_REQUIRED: Alert = Alert(116);

/// A server that takes only clients with a certificate. `calm`: it reads on until the client leaves; else it closes with
/// what the client sent unread, which resets the connection.
async fn choosy(pki: Pki, version: &'static SupportedProtocolVersion, calm: bool) -> std::net::SocketAddr {
    let (_, chain, key) = pki;
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(chain[0].clone()).unwrap();
    let clients = WebPkiClientVerifier::builder_with_provider(roots.into(), Arc::clone(&provider));
    let config = ServerConfig::builder_with_provider(provider).with_protocol_versions(&[version]);
    let config = config.unwrap().with_client_cert_verifier(clients.build().unwrap());
    let mut config = config.with_single_cert(chain, key).unwrap();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            let refused = acceptor.accept(tcp).into_fallible().await;
            if let (Err((_, mut tcp)), true) = (refused, calm) {
                let _ = tcp.read_to_end(&mut Vec::new()).await;
            }
        }
    });
    address
}

#[tokio::test]
async fn a_certificate_that_is_required_is_asked_for_each_time() {
    for calm in [true, false] {
        let pki = pki();
        let anchors = pki.0.clone();
        let address = choosy(pki, &rustls::version::TLS13, calm).await;
        for _ in 0..100 {
            let visit = visit(address, &anchors, &SiteExpectation::default()).await;
            let reason = visit.handshake.end.reason();
            assert_eq!(reason, Some(Reason::TlsAlert(CERTIFICATE_REQUIRED)), "{visit:?}");
            assert_eq!(visit.page.end, StepStatus::NotReached);
            assert!(visit.handshake.chain.is_some(), "the chain is kept");
        }
    }
}

#[tokio::test]
async fn with_tls_1_2_it_is_asked_for_within_the_handshake() {
    for calm in [true, false] {
        let pki = pki();
        let anchors = pki.0.clone();
        let address = choosy(pki, &rustls::version::TLS12, calm).await;
        for _ in 0..20 {
            let visit = visit(address, &anchors, &SiteExpectation::default()).await;
            let alert = matches!(visit.handshake.end.reason(), Some(Reason::TlsAlert(_)));
            assert!(alert, "{visit:?}");
        }
    }
}
