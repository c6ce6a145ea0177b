//! Addresses of the edge that open and close.

use std::io::ErrorKind;
use std::time::Duration;

use tokio::net::TcpStream;

use crate::client::{connect, handshake, lab, verifying};

#[tokio::test]
async fn one_address_refuses_and_opens_again() {
    let lab = lab(&[]).await;
    let _open = handshake(&lab, "q7f9.tenants.test").await.unwrap();
    lab.stage("edge-unreachable=127.0.0.1".parse().unwrap()).await.unwrap();
    let error = handshake(&lab, "q7f9.tenants.test").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    let sixth = "::1".parse().unwrap();
    assert!(connect(&lab, sixth, "q7f9.tenants.test", verifying(&lab)).await.is_ok());
    lab.clear_all().await.unwrap();
    assert!(handshake(&lab, "q7f9.tenants.test").await.is_ok());
}

#[tokio::test]
async fn all_addresses_refuse() {
    for fault in ["edge-unreachable", "vantage-offline"] {
        let lab = lab(&[fault]).await;
        for address in lab.edge_addresses() {
            let error = TcpStream::connect((*address, lab.edge_port())).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
        }
    }
}

#[tokio::test]
async fn an_address_accepts_and_resets() {
    let lab = lab(&["edge-unreachable=reset:127.0.0.1"]).await;
    let error = handshake(&lab, "q7f9.tenants.test").await.unwrap_err();
    let reset = [ErrorKind::ConnectionReset, ErrorKind::BrokenPipe];
    assert!(reset.contains(&error.kind()), "{error}");
}

#[tokio::test]
async fn an_address_lets_connections_wait() {
    let lab = lab(&["edge-unreachable=timeout:127.0.0.1"]).await;
    let connecting = TcpStream::connect((lab.edge_addresses()[0], lab.edge_port()));
    assert!(
        tokio::time::timeout(Duration::from_millis(300), connecting)
            .await
            .is_err()
    );
    lab.clear_all().await.unwrap();
    assert!(handshake(&lab, "q7f9.tenants.test").await.is_ok());
}

#[tokio::test]
async fn a_lab_that_is_dropped_is_gone() {
    let lab = lab(&[]).await;
    let address = (lab.edge_addresses()[0], lab.edge_port());
    let mut tls = handshake(&lab, "q7f9.tenants.test").await.unwrap();
    drop(lab);
    // The connection ends, and with it the wait.
    let mut rest = Vec::new();
    let _ended = tokio::io::AsyncReadExt::read_to_end(&mut tls, &mut rest).await;
    while TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
}
