//! Apps of several kinds of machines, asleep and not, seen by a whole round: what is said of them, and that nobody is
//! woken who may not be.

use roundsman_checks::diagnosis::Status;
use roundsman_checks::finding::{Check, Outcome};
use roundsman_lab::LabOptions;

use super::{alone_and_beside, with};
use crate::support::{bench, causes};

/// An app's machines, the cause that they are told as (or none), how the page's check ends.
pub(super) const APPS: &[(&str, Option<&str>, Outcome)] = &[
    ("web/started+worker/failed", None, Outcome::Pass),
    ("web/stopped/requested+worker/started", None, Outcome::Skipped),
    ("web/stopped/unset+cron/stopped", None, Outcome::Skipped),
    ("web/stopped/exit0+standby/stopped", None, Outcome::Skipped),
    ("web/suspended+cron/started", None, Outcome::Skipped),
    // Asleep after a crash is asleep all the same.
    ("web/stopped/exit137", Some("app-crashed"), Outcome::Skipped),
    (
        "web/stopped/unset/oom+worker/started",
        Some("app-crashed"),
        Outcome::Skipped,
    ),
    (
        "web/stopped/off/requested+worker/started",
        Some("app-stopped"),
        Outcome::Fail,
    ),
    ("web/created/old", Some("app-stopped"), Outcome::Fail),
    ("web/starting", Some("app-starting"), Outcome::Fail),
    ("web/starting/old", Some("app-stopped"), Outcome::Fail),
    ("web/started/host-down", Some("app-host-down"), Outcome::Fail),
    ("web/stopped/off/host-down", Some("app-host-down"), Outcome::Fail),
];

#[tokio::test]
async fn each_kind_of_app_is_told_as_it_is_and_nobody_is_woken() {
    let bench = bench(LabOptions::with_platform()).await;
    for ((machines, cause, page), other) in alone_and_beside(APPS) {
        let fault = format!("app-machines@q7f9={machines}");
        bench.stage(&with(Some(&fault), other.map(|other| other.fault))).await;
        let (outcome, _) = bench.round_with_platform().await;
        let expected = with(*cause, other.map(|other| other.cause));
        assert_eq!(causes(&outcome), expected.into_iter().collect(), "{machines} {other:?}");
        for tenant in &outcome.diagnosis.tenants {
            let ours = tenant.tenant.as_str() == "q7f9";
            let spoilt = other.is_some_and(|other| other.tenant == tenant.tenant.as_str());
            let expected = match cause {
                Some(_) if ours => Status::Failing,
                _ if spoilt => Status::Failing,
                _ => Status::Healthy,
            };
            assert_eq!(tenant.status, expected, "{machines}: {}", tenant.tenant);
            if ours {
                assert_eq!(tenant.findings.of(Check::Site).outcome, *page, "{machines}");
            }
        }
        assert_eq!(bench.lab.counters().woken, 0, "{machines}");
    }
    assert_eq!(bench.lab.writes(), Vec::<String>::new());
}
