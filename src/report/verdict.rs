//! The exit code: what was asked for against what was found.

use roundsman_checks::diagnosis::{Diagnosis, Status, TenantVerdict};
use roundsman_checks::finding::{Check, Outcome};

use crate::exit_code::ExitCode;

/// What decides besides plain failures.
#[derive(Clone, Debug, Default)]
pub struct Demand {
    /// Checks that must have been judged at every tenant: skipped or unknown there is inconclusive.
    pub require: Vec<Check>,
    /// Whether fleet findings are reported without deciding.
    pub tenants_only: bool,
    /// Whether warnings fail.
    pub warnings_fail: bool,
    /// Whether the round was ended before everything was looked at.
    pub interrupted: bool,
    /// What chose so that nobody was left, as in `none of 12 tenants has the label plan=pro`.
    pub nobody: Option<String>,
}

/// The demands that were not met, each a sentence: why the exit code is worse than the findings alone.
#[must_use]
pub(super) fn unmet(diagnosis: &Diagnosis, demand: &Demand) -> Vec<String> {
    let required = demand.require.iter().filter_map(|check| {
        let outcome = |tenant: &TenantVerdict| tenant.findings.of(*check).outcome;
        let missing = diagnosis
            .tenants
            .iter()
            .filter(|tenant| matches!(outcome(tenant), Outcome::Skipped | Outcome::Unknown));
        let missing = missing.collect::<Vec<_>>();
        let first = missing.first()?.findings.of(*check);
        let why = first.reason.map(|reason| format!(" ({reason})")).unwrap_or_default();
        Some(format!(
            "--require {check}: {} at {} of {} tenants{why}",
            first.outcome,
            missing.len(),
            diagnosis.tenants.len()
        ))
    });
    let mut unmet = required.collect::<Vec<_>>();
    let warned = diagnosis.tenants.iter().any(|tenant| tenant.status == Status::Degraded)
        || (!demand.tenants_only
            && diagnosis
                .fleet
                .iter()
                .any(|(_, finding)| finding.outcome == Outcome::Warn));
    if demand.warnings_fail && warned {
        unmet.push("--fail-on warn: warnings count as failures".to_owned());
    }
    unmet.extend(demand.nobody.clone());
    unmet
}

/// Failing beats inconclusive beats verified; an empty inventory is inconclusive.
#[must_use]
pub fn exit_code(diagnosis: &Diagnosis, demand: &Demand) -> ExitCode {
    let mut code = if diagnosis.tenants.is_empty() || demand.interrupted {
        ExitCode::Inconclusive
    } else {
        ExitCode::Verified
    };
    for tenant in &diagnosis.tenants {
        code = code.worst(match tenant.status {
            Status::Failing => ExitCode::Failing,
            Status::Degraded if demand.warnings_fail => ExitCode::Failing,
            Status::Unknown => ExitCode::Inconclusive,
            Status::Degraded | Status::Healthy => ExitCode::Verified,
        });
        let missing = |check: &Check| matches!(tenant.findings.of(*check).outcome, Outcome::Skipped | Outcome::Unknown);
        if demand.require.iter().any(missing) {
            code = code.worst(ExitCode::Inconclusive);
        }
    }
    let fleet = diagnosis.fleet.iter().filter(|_| !demand.tenants_only);
    fleet.fold(code, |code, (_, finding)| {
        code.worst(match finding.outcome {
            Outcome::Fail => ExitCode::Failing,
            Outcome::Warn if demand.warnings_fail => ExitCode::Failing,
            Outcome::Unknown => ExitCode::Inconclusive,
            _ => ExitCode::Verified,
        })
    })
}
