//! The exit code: what was asked for against what was found.

use roundsman_checks::diagnosis::{Diagnosis, Status};
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
