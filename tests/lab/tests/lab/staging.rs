//! Staging and clearing, in the process and from another.

use hickory_proto::rr::RecordType::A;
use roundsman_lab::{Fault, Lab, LabError, LabOptions, Scope, control};
use tokio::net::TcpListener;

use crate::client::{addresses, get, lab};

#[tokio::test]
async fn faults_take_effect_and_go_at_once() {
    let lab = lab(&[]).await;
    let server = lab.dns_servers()[0];
    let fault = "dns-override@q7f9".parse().unwrap();
    for _ in 0..3 {
        assert_eq!(addresses(server, "q7f9.tenants.test.", A).await, ["127.0.0.1"]);
        lab.stage("dns-override@q7f9".parse().unwrap()).await.unwrap();
        lab.stage("site-status@q7f9=503".parse().unwrap()).await.unwrap();
        assert_eq!(addresses(server, "q7f9.tenants.test.", A).await, ["203.0.113.9"]);
        assert_eq!(get(&lab, "q7f9.tenants.test", "/").await.0.status, 503);
        lab.clear(&fault).await.unwrap();
        assert_eq!(addresses(server, "q7f9.tenants.test.", A).await, ["127.0.0.1"]);
        lab.clear_all().await.unwrap();
        assert_eq!(get(&lab, "q7f9.tenants.test", "/").await.0.status, 200);
    }
}

#[tokio::test]
async fn what_cannot_be_staged_is_refused() {
    let lab = lab(&[]).await;
    let stage = async |text: &str| lab.stage(text.parse().unwrap()).await.unwrap_err();
    assert!(matches!(stage("tls-eof@nobody").await, LabError::UnknownTenant(_)));
    assert!(matches!(
        stage("route-wrong-tenant@q7f9=nobody").await,
        LabError::UnknownTenant(_)
    ));
    assert!(matches!(
        stage("edge-unreachable=127.0.0.9").await,
        LabError::UnknownAddress(_)
    ));
    for platform in ["certificate-conflict@q7f9", "edge-missing", "app-starting@q7f9=machine"] {
        assert!(matches!(stage(platform).await, LabError::NoPlatform(_)));
    }
    let fault = "tls-eof@q7f9".parse().unwrap();
    assert!(matches!(lab.clear(&fault).await, Err(LabError::NotStaged(_))));
}

#[tokio::test]
async fn every_fault_of_the_catalog_can_be_staged_together() {
    let options = LabOptions {
        platform: true,
        ..LabOptions::with_tenants(Fault::catalog().len())
    };
    let lab = Lab::start(options).await.unwrap();
    let faults = Fault::catalog()
        .iter()
        .zip(lab.tenants())
        .map(|(entry, tenant)| match entry.scope {
            Scope::Tenant => format!("{}@{tenant}", entry.name).parse().unwrap(),
            _ => entry.name.parse().unwrap(),
        });
    lab.stage_all(faults).await.unwrap();
    assert_eq!(lab.staged().len(), Fault::catalog().len());
    lab.clear_all().await.unwrap();
    assert_eq!(get(&lab, "t0001.tenants.test", "/").await.0.status, 200);
}

#[tokio::test]
async fn another_process_stages_over_the_control_port() {
    let lab = lab(&[]).await;
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::select! {
        ended = control::serve(&lab, &listener) => panic!("{ended:?}"),
        () = async {
            let staged = control::ask(address, "add tls-eof@q7f9").await.unwrap();
            assert_eq!(staged, lab.staged());
            assert_eq!(staged.len(), 1);
            let refused = control::ask(address, "add tls-eof@nobody").await.unwrap_err();
            assert!(refused.to_string().contains("nobody"));
            assert!(control::ask(address, "remove tls-eof@q7f9").await.unwrap().is_empty());
        } => {}
    }
}

#[tokio::test]
async fn the_configuration_tells_where_everything_is() {
    let lab = lab(&[]).await;
    let dir = tempfile::tempdir().unwrap();
    let path = lab.write_config(dir.path()).unwrap();
    let text = std::fs::read_to_string(path).unwrap();
    assert!(text.contains("domain = \"tenants.test\""));
    assert!(text.contains(&format!("port = {}", lab.edge_port())));
    assert!(text.contains(&lab.resolver().to_string()));
    let roots = std::fs::read_to_string(dir.path().join("roots.pem")).unwrap();
    assert_eq!(roots, lab.root_pem());
}
