//! Lists of the APIs that are not what they say. Nothing that may be missing is called missing, nothing is called well by
//! what was not seen, and no list is followed in circles.

use roundsman_checks::diagnosis::Status;
use roundsman_checks::evidence::Reason;
use roundsman_checks::finding::{Check, Outcome};
use roundsman_lab::LabOptions;

use super::{alone_and_beside, with};
use crate::support::{bench, causes};

/// One lie, and what is left to say: of the tenant that it is about, of the others, and how many calls it took.
pub(super) struct Lie {
    pub(super) how: &'static str,
    app: Outcome,
    conflicts: Outcome,
    reason: Reason,
    others: Status,
    calls: u32,
}

const fn lie(how: &'static str, [app, conflicts]: [Outcome; 2], others: Status, calls: u32) -> Lie {
    Lie {
        how,
        app,
        conflicts,
        reason: Reason::PlatformPartial,
        others,
        calls,
    }
}

use Outcome::{Pass, Unknown};

/// A sweep of the apps, the machines, the zone's id and its records are four calls.
pub(super) const LIES: &[Lie] = &[
    lie("apps-cursor", [Pass, Unknown], Status::Unknown, 5),
    lie("apps-lost-cursor", [Pass, Unknown], Status::Unknown, 4),
    lie("apps-total", [Pass, Unknown], Status::Unknown, 5),
    lie("apps-passed-over", [Unknown, Unknown], Status::Unknown, 5),
    Lie {
        reason: Reason::PlatformMalformed,
        ..lie("apps-garbled", [Pass, Unknown], Status::Healthy, 4)
    },
    lie("certificates-total", [Pass, Unknown], Status::Healthy, 4),
    lie("machines-cursor", [Pass, Pass], Status::Healthy, 5),
    lie("machines-passed-over", [Unknown, Pass], Status::Healthy, 4),
    Lie {
        reason: Reason::PlatformMalformed,
        ..lie("machines-garbled", [Unknown, Pass], Status::Healthy, 4)
    },
    lie("records-total", [Pass, Pass], Status::Healthy, 4),
    lie("records-pages", [Pass, Pass], Status::Healthy, 5),
    lie("records-unpaged", [Pass, Pass], Status::Healthy, 4),
];

#[tokio::test]
async fn what_a_list_may_lack_is_unknown_and_never_missing() {
    let bench = bench(LabOptions::with_platform()).await;
    for (lie, other) in alone_and_beside(LIES) {
        let fault = format!("lists-lie={}", lie.how);
        bench.stage(&with(Some(&fault), other.map(|other| other.fault))).await;
        let (outcome, calls) = bench.round_with_platform().await;
        let mut found = causes(&outcome);
        found.remove("platform-api-unavailable");
        let expected = with(None, other.map(|other| other.cause));
        assert_eq!(found, expected.into_iter().collect(), "{} {other:?}", lie.how);
        let (ours, others) = outcome
            .diagnosis
            .tenants
            .iter()
            .partition::<Vec<_>, _>(|tenant| tenant.tenant.as_str() == "q7f9");
        for (check, expected) in [(Check::App, lie.app), (Check::Conflicts, lie.conflicts)] {
            let finding = ours[0].findings.of(check);
            assert_eq!(finding.outcome, expected, "{} {check}: {finding:?}", lie.how);
            let reason = (expected == Unknown).then_some(lie.reason);
            assert_eq!(finding.reason, reason, "{} {check}", lie.how);
        }
        for tenant in others {
            let spoilt = other.is_some_and(|other| other.tenant == tenant.tenant.as_str());
            let expected = if spoilt { Status::Failing } else { lie.others };
            assert_eq!(tenant.status, expected, "{} {other:?}: {}", lie.how, tenant.tenant);
        }
        assert_eq!(calls, lie.calls, "{}: {calls:?}", lie.how);
    }
}
