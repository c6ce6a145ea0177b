//! Handshakes that are cut, as a client meets them.

use std::io::ErrorKind;

use rustls::{AlertDescription, Error};
use tokio::io::AsyncReadExt;

use crate::client::{get, handshake, lab, tls_error};

#[tokio::test]
async fn each_cut_looks_different_to_the_client() {
    let lab = lab(&["tls-eof@q7f9", "tls-reset@a3b1", "tls-alert@c04e", "tls-plain@d9a2"]).await;
    let failed = async |id: &str| handshake(&lab, &format!("{id}.tenants.test")).await.unwrap_err();
    assert_eq!(failed("q7f9").await.kind(), ErrorKind::UnexpectedEof);
    assert_eq!(failed("a3b1").await.kind(), ErrorKind::ConnectionReset);
    let alert = failed("c04e").await;
    let expected = Error::AlertReceived(AlertDescription::UnrecognisedName);
    assert_eq!(tls_error(&alert), Some(&expected));
    assert!(matches!(
        tls_error(&failed("d9a2").await),
        Some(Error::InvalidMessage(_))
    ));
    // An answer proves that the edge, too, has seen the handshake to its end.
    assert_eq!(get(&lab, "e51f.tenants.test", "/").await.0.status, 200);
    assert_eq!(lab.counters().handshakes, 1);
}

#[tokio::test]
async fn a_silent_edge_keeps_the_client_waiting() {
    let lab = lab(&["tls-timeout@q7f9", "slow-drip@a3b1=tls"]).await;
    for host in ["q7f9.tenants.test", "a3b1.tenants.test"] {
        tokio::select! {
            _ = handshake(&lab, host) => panic!("{host} was answered"),
            other = async {
                let before = lab.counters().connections.values().sum::<u64>();
                while lab.counters().connections.values().sum::<u64>() == before {
                    tokio::task::yield_now().await;
                }
                handshake(&lab, "c04e.tenants.test").await
            } => assert!(other.is_ok()),
        }
    }
}

#[tokio::test]
async fn names_that_no_certificate_covers_are_cut() {
    let lab = lab(&[]).await;
    for host in ["a.q7f9.tenants.test", "tenants.test", "example.com"] {
        let error = handshake(&lab, host).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnexpectedEof, "{host}");
    }
}

#[tokio::test]
async fn every_name_is_cut_when_the_edge_fails() {
    let lab = lab(&["edge-tls-failing=reset:127.0.0.1"]).await;
    let error = handshake(&lab, "fresh.tenants.test").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    let config = crate::client::verifying(&lab);
    let sixth = "::1".parse().unwrap();
    assert!(
        crate::client::connect(&lab, sixth, "fresh.tenants.test", config)
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn a_throttled_edge_cuts_what_is_over_the_burst() {
    let lab = lab(&["edge-throttled=0/3"]).await;
    for _ in 0..3 {
        assert!(handshake(&lab, "q7f9.tenants.test").await.is_ok());
    }
    let error = handshake(&lab, "q7f9.tenants.test").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
}

#[tokio::test]
async fn what_is_no_tls_gets_an_alert() {
    let lab = lab(&[]).await;
    let address = (lab.edge_addresses()[0], lab.edge_port());
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    tokio::io::AsyncWriteExt::write_all(&mut stream, b"GET / HTTP/1.1\r\n\r\n")
        .await
        .unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    assert_eq!(answer.first(), Some(&0x15));
}
