//! A tenant whose host name has two labels below the domain: DNS gives the wildcard's addresses for it, and the wildcard
//! certificate does not cover it.

use roundsman_checks::finding::{Check, Outcome};
use roundsman_lab::LabOptions;

use super::alone::{judge, row};
use crate::support::{Scenario, bench_with};

fn scenario() -> Scenario {
    Scenario {
        fault: "certificate-missing@q7f9".to_owned(),
        cause: "certificate-missing".to_owned(),
        scope: "tenant".to_owned(),
        confidence: "confirmed".to_owned(),
        outcome: "fail".to_owned(),
        tenants: vec!["q7f9".to_owned()],
        remedy: "fly certs add q7f9.eu.tenants.test -a management-api-prod".to_owned(),
        exit: 1,
        check: Some("certificate".to_owned()),
        reason: Some("tls/unexpected-eof".to_owned()),
        slow: false,
    }
}

#[tokio::test]
async fn a_name_that_no_certificate_of_the_edge_covers_is_certificate_missing() {
    for platform_inventory in [false, true] {
        let options = LabOptions {
            platform_inventory,
            ..LabOptions::with_platform()
        };
        let scenario = scenario();
        let bench = bench_with(options, &[&scenario.fault]).await;
        let (outcome, _) = bench.round_with_platform().await;
        println!("{}", row(&scenario, &outcome));
        assert_eq!(judge(&bench, &scenario, &outcome), Vec::<String>::new());
        let evidence = &outcome.diagnosis.causes[0].evidence;
        assert!(
            evidence
                .iter()
                .map(ToString::to_string)
                .any(|line| line.contains("*.tenants.test") && line.contains("none covers q7f9.eu.tenants.test")),
            "{evidence:?}"
        );
        let tenants = &outcome.diagnosis.tenants;
        let hit = tenants
            .iter()
            .find(|tenant| tenant.tenant.as_str() == "q7f9")
            .expect("q7f9");
        let dns = hit.findings.of(Check::Dns);
        assert_eq!(dns.outcome, Outcome::Pass, "{dns:?}");
        assert_eq!((bench.lab.writes().len(), bench.lab.counters().woken), (0, 0));
    }
}

#[tokio::test]
async fn without_the_platforms_word_nobody_claims_that_a_certificate_is_missing() {
    let bench = bench_with(LabOptions::with_platform(), &["certificate-missing@q7f9"]).await;
    let causes = bench.round().await.diagnosis.causes;
    assert_eq!(causes.len(), 1, "{causes:#?}");
    assert_eq!(causes[0].cause.as_str(), "unexplained", "{causes:#?}");
}
