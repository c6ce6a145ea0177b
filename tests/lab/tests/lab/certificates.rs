//! Certificates, as a client that verifies them meets them.

use rustls::{CertificateError, Error};

use crate::client::{careless, handshake, lab, send, tls_error};

async fn verdict(lab: &roundsman_lab::Lab, host: &str) -> Option<CertificateError> {
    let error = handshake(lab, host).await.err()?;
    match tls_error(&error) {
        Some(Error::InvalidCertificate(error)) => Some(error.clone()),
        other => panic!("{host}: {other:?}"),
    }
}

#[tokio::test]
async fn a_healthy_chain_is_a_leaf_and_an_intermediate() {
    let lab = lab(&[]).await;
    let tls = handshake(&lab, "q7f9.tenants.test").await.unwrap();
    assert_eq!(tls.get_ref().1.peer_certificates().unwrap().len(), 2);
    assert_eq!(tls.get_ref().1.alpn_protocol(), Some(b"h2".as_slice()));
}

#[tokio::test]
async fn each_flaw_is_told_from_the_others() {
    for (scope, at) in [("", "@q7f9"), ("wildcard-", "")] {
        let faults = |flaw: &str, detail: &str| format!("{scope}certificate-{flaw}{at}{detail}");
        let check = async |flaw: &str, detail: &str| {
            let lab = lab(&[&faults(flaw, detail)]).await;
            let found = verdict(&lab, "q7f9.tenants.test").await;
            // Whoever does not verify is still answered.
            let tls = careless(&lab, "q7f9.tenants.test").await.unwrap();
            let response = send(tls, "HEAD", "q7f9.tenants.test", "/").await.unwrap();
            assert_eq!(response.status(), 200);
            assert_eq!(verdict(&lab, "a3b1.tenants.test").await.is_some(), {
                scope == "wildcard-" && found.is_some()
            });
            found
        };
        assert_eq!(check("expiring", "").await, None);
        assert!(matches!(
            check("expired", "").await,
            Some(CertificateError::ExpiredContext { .. })
        ));
        assert!(matches!(
            check("not-yet-valid", "").await,
            Some(CertificateError::NotValidYetContext { .. })
        ));
        assert!(matches!(
            check("name-mismatch", "").await,
            Some(CertificateError::NotValidForNameContext { .. })
        ));
        assert_eq!(check("untrusted", "").await, Some(CertificateError::UnknownIssuer));
        assert!(check("untrusted", "=self-signed").await.is_some());
        assert_eq!(
            check("chain-incomplete", "").await,
            Some(CertificateError::UnknownIssuer)
        );
    }
}

#[tokio::test]
async fn a_shifted_clock_shows_in_certificates_and_dates() {
    for (fault, later) in [("clock-wrong", true), ("clock-wrong=-34560000", false)] {
        let lab = lab(&[fault]).await;
        let found = verdict(&lab, "q7f9.tenants.test").await;
        match found {
            Some(CertificateError::NotValidYetContext { .. }) => assert!(later),
            Some(CertificateError::ExpiredContext { .. }) => assert!(!later),
            other => panic!("{other:?}"),
        }
        let tls = careless(&lab, "q7f9.tenants.test").await.unwrap();
        let response = send(tls, "HEAD", "q7f9.tenants.test", "/").await.unwrap();
        assert_eq!(response.headers().get_all("date").iter().count(), 1);
    }
}

#[tokio::test]
async fn a_long_chain_is_sent() {
    let lab = lab(&["long-chain@q7f9"]).await;
    assert!(careless(&lab, "q7f9.tenants.test").await.is_err());
}

#[tokio::test]
async fn an_rsa_root_verifies_too() {
    let options = roundsman_lab::LabOptions {
        root_key: roundsman_lab::RootKey::Rsa4096,
        ..Default::default()
    };
    let lab = roundsman_lab::Lab::start(options).await.unwrap();
    assert!(handshake(&lab, "q7f9.tenants.test").await.is_ok());
}
