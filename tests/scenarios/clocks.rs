//! The clocks of those who are asked anyway: two that are off ours are a warning, and one is nothing.

use roundsman_checks::diagnosis::Status;
use roundsman_checks::finding::Outcome;
use roundsman_lab::LabOptions;

use crate::support::bench;

#[tokio::test]
async fn two_clocks_that_are_off_ours_are_a_warning_and_hide_nothing() {
    let bench = bench(LabOptions::with_platform()).await;
    for (seconds, wrong) in [(600, true), (-600, true), (240, false)] {
        bench
            .stage(&[format!("clock-wrong={seconds}"), "site-status@q7f9".to_owned()])
            .await;
        let (round, _) = bench.round_with_platform().await;
        let causes = round.diagnosis.causes.iter();
        let told = causes.map(|entry| (entry.cause.as_str(), entry.outcome, entry.tenants.len()));
        let told = told.collect::<Vec<_>>();
        let site = ("app-unhealthy", Outcome::Fail, 1);
        let clock = ("clock-wrong", Outcome::Warn, 0);
        match wrong {
            true => assert_eq!(told, [clock, site], "{seconds}"),
            false => assert_eq!(told, [site], "{seconds}"),
        }
        let well = round
            .diagnosis
            .tenants
            .iter()
            .filter(|tenant| tenant.status == Status::Healthy);
        assert_eq!(well.count(), 11, "{seconds}");
    }
}

#[tokio::test]
async fn one_clock_that_is_off_ours_is_nothing() {
    let bench = bench(LabOptions::default()).await;
    bench.stage(&["clock-wrong=600".to_owned()]).await;
    assert_eq!(bench.round().await.diagnosis.causes, []);
}
