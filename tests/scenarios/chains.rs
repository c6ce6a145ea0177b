//! Chains whose trouble is not the leaf's dates, its name or its root: which certificate is to blame is said, why, and what
//! fixes it.

use roundsman_checks::diagnosis::{CauseEntry, Status};
use roundsman_checks::platform::fly::Flyctl;
use roundsman_lab::LabOptions;

use super::{alone_and_beside, with};
use crate::support::{bench, causes};

/// A fault, its cause, how the tenant is, what the evidence names, what the remedy says.
pub(super) const CHAINS: &[(&str, &str, Status, &str, &str)] = &[
    (
        "certificate-expired@q7f9=intermediate",
        "certificate-expired",
        Status::Failing,
        "the intermediate E6 (certificate 2) expired on",
        "serve the leaf with the authority's current intermediates",
    ),
    (
        "certificate-expiring@q7f9=intermediate",
        "certificate-expiring",
        Status::Degraded,
        "the intermediate E6 ends on",
        "serve the leaf with the authority's current intermediates",
    ),
    (
        "certificate-untrusted@q7f9=client",
        "certificate-untrusted",
        Status::Failing,
        "the leaf is not for TLS servers",
        "issue a certificate for TLS servers",
    ),
    (
        "certificate-untrusted@q7f9=critical",
        "certificate-untrusted",
        Status::Failing,
        "the leaf has a critical extension that nobody knows (1.3.6.1.4.1.32473.1)",
        "issue a new certificate",
    ),
    (
        "certificate-untrusted@q7f9=authority",
        "certificate-untrusted",
        Status::Failing,
        "the leaf is an authority's and serves as a server's",
        "issue a server's own certificate",
    ),
    (
        "certificate-untrusted@q7f9=constrained",
        "certificate-untrusted",
        Status::Failing,
        "the intermediate E6 (certificate 2) may not issue for q7f9.tenants.test",
        "an authority that may issue for q7f9.tenants.test",
    ),
];

#[tokio::test]
async fn the_certificate_that_is_to_blame_is_named_and_mended() {
    let bench = bench(LabOptions::default()).await;
    for ((fault, cause, status, evidence, remedy), other) in alone_and_beside(CHAINS) {
        bench.stage(&with(Some(fault), other.map(|other| other.fault))).await;
        let outcome = bench.round().await;
        let expected = with(Some(cause), other.map(|other| other.cause));
        assert_eq!(causes(&outcome), expected.into_iter().collect(), "{fault} {other:?}");
        let is_it = |entry: &&CauseEntry| entry.cause.as_str() == *cause;
        let entry = outcome.diagnosis.causes.iter().find(is_it).expect("it is told");
        let first = entry.evidence[0].to_string();
        assert!(first.contains(evidence), "{fault}: {first}");
        let command = entry.remedy[0].action.command(&Flyctl);
        assert!(command.contains(remedy), "{fault}: {command}");
        for tenant in &outcome.diagnosis.tenants {
            let expected = match tenant.tenant.as_str() {
                "q7f9" => *status,
                id if other.is_some_and(|other| other.tenant == id) => Status::Failing,
                _ => Status::Healthy,
            };
            assert_eq!(tenant.status, expected, "{fault} {other:?}: {}", tenant.tenant);
        }
    }
}

#[tokio::test]
async fn an_intermediate_of_the_wildcard_is_the_fleets() {
    let bench = bench(LabOptions::default()).await;
    for (fault, cause, status) in [
        (
            "wildcard-certificate-expired=intermediate",
            "wildcard-certificate-expired",
            Status::Failing,
        ),
        (
            "wildcard-certificate-expiring=intermediate",
            "wildcard-certificate-expiring",
            Status::Degraded,
        ),
    ] {
        bench.stage(&[fault.to_owned()]).await;
        let outcome = bench.round().await;
        assert_eq!(causes(&outcome), [cause.to_owned()].into(), "{fault}");
        let entry = &outcome.diagnosis.causes[0];
        let told = entry
            .evidence
            .iter()
            .any(|fact| fact.to_string().contains("the intermediate E6"));
        assert!(told, "{fault}: {:?}", entry.evidence);
        let command = entry.remedy[0].action.command(&Flyctl);
        assert!(command.contains("current intermediates"), "{fault}: {command}");
        assert!(
            outcome.diagnosis.tenants.iter().all(|tenant| tenant.status == status),
            "{fault}"
        );
    }
}
