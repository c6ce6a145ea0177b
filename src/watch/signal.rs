//! From what is said of a tenant to signals: what holds, what does not, and what nobody can tell. Pure.

use std::collections::BTreeMap;
use std::sync::Arc;

use roundsman_alerts::{Account, Key, Members, Severity as Urgency, Signal, Verdict};
use roundsman_checks::diagnosis::{
    Blame, Cause, CauseEntry, Class, Explanation, FleetFinding, Object, Overlay, Remedy, Scope, Severity, Shown,
    TenantFacts,
};
use roundsman_checks::evidence::Cloud;
use roundsman_checks::finding::{Check, Outcome};
use roundsman_checks::platform::command_line;
use roundsman_checks::target::{Tenant, TenantId};

use super::Settings;

/// The key of a cause and its guilty object.
pub(super) fn key(cause: Cause, scope: Scope, object: &Object) -> Key {
    Key::new(cause.as_str(), word(scope), &object.to_string())
}

fn word(scope: Scope) -> &'static str {
    match scope {
        Scope::Agent => "agent",
        Scope::Fleet => "fleet",
        Scope::Tenant => "tenant",
    }
}

/// How urgent a cause is: by the configuration, by a label of the tenant, else by how many tenants share it. `None`:
/// nobody wants to hear of it.
pub(super) fn urgency(
    settings: &Settings,
    cause: Cause,
    outcome: Outcome,
    sharing: usize,
    tenant: Option<&Tenant>,
) -> Option<Urgency> {
    let labelled = tenant.and_then(|tenant| tenant.labels.get("severity"));
    let severity = match (settings.severity.get(&cause), labelled.map(String::as_str)) {
        (Some(severity), _) => *severity,
        (None, Some("critical")) if outcome == Outcome::Fail => Severity::Critical,
        (None, _) => cause.severity(outcome, sharing),
    };
    match severity {
        Severity::Off => None,
        Severity::Info => Some(Urgency::Info),
        Severity::Warning => Some(Urgency::Warning),
        Severity::Critical => Some(Urgency::Critical),
    }
}

/// What is to be told of an explanation of a tenant's own.
pub(super) fn account(explanation: &Explanation, severity: Urgency, tenant: &Tenant) -> Account {
    Account {
        severity,
        transient: explanation.cause.row().class == Class::Transient,
        at_once: false,
        evidence: explanation.evidence().iter().map(ToString::to_string).collect(),
        remedy: commands(explanation.remedy()),
        changed: None,
        labels: tenant.labels.clone().into_iter().collect::<BTreeMap<_, _>>(),
    }
}

/// What is to be told of something shared.
pub(super) fn shared_account(entry: &CauseEntry, severity: Urgency) -> Account {
    Account {
        severity,
        transient: entry.cause.row().class == Class::Transient,
        evidence: entry.evidence.iter().map(ToString::to_string).collect(),
        remedy: commands(&entry.remedy),
        ..Account::default()
    }
}

/// What to do, a line each: sentences, and commands that can be pasted.
fn commands(remedy: &[Remedy]) -> Vec<String> {
    let tool = command_line(Cloud::default());
    let lines = remedy.iter().flat_map(|remedy| remedy.action.instructions(tool));
    lines.map(|line| line.text).collect()
}

/// A signal of a tenant about itself.
pub(super) fn of_tenant(key: Key, tenant: &TenantId, verdict: Verdict, account: Account) -> Signal {
    Signal {
        key,
        witness: tenant.as_str().into(),
        verdict,
        members: Members::Witness,
        account,
    }
}

/// A signal of the look at the fleet.
pub(super) fn of_fleet(key: Key, verdict: Verdict, members: Members, account: Account) -> Signal {
    Signal {
        key,
        witness: Arc::from("fleet"),
        verdict,
        members,
        account,
    }
}

/// What is to be said of a cause of a tenant's own that is not told any more: it is over only where one of the checks that
/// could show it was judged, and nothing shared stands before it.
pub(super) fn absent_at_tenant(
    cause: Cause,
    facts: &TenantFacts,
    overlay: &Overlay,
    blames: &[(Check, Blame<'_>)],
) -> Verdict {
    let judged = |check: Check| match overlay.outcome(facts, check) {
        Outcome::Pass | Outcome::Warn => true,
        Outcome::Fail => !blames
            .iter()
            .any(|(blamed, blame)| *blamed == check && matches!(blame, Blame::Shared(..))),
        Outcome::Unknown | Outcome::Skipped => false,
    };
    let by_check = |shown: &Shown| matches!(shown, Shown::By(check) if judged(*check));
    match cause.row().shown_by.iter().any(by_check) {
        true => Verdict::Clear,
        false => Verdict::Unknown,
    }
}

/// The same of a cause that is shared: by the checks of the fleet, or by those of the tenants.
pub(super) fn absent_in_fleet(cause: Cause, findings: &[FleetFinding], judged: impl Fn(Check) -> bool) -> Verdict {
    let told = |outcome: Outcome| matches!(outcome, Outcome::Pass | Outcome::Warn | Outcome::Fail);
    let seen = |shown: &Shown| match shown {
        Shown::ByFleet(check) => findings
            .iter()
            .any(|finding| finding.check == *check && told(finding.finding.outcome)),
        Shown::By(check) => judged(*check),
    };
    match cause.row().shown_by.iter().any(seen) {
        true => Verdict::Clear,
        false => Verdict::Unknown,
    }
}
