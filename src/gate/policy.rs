//! The exit code: what was asked for against what was found.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use roundsman_checks::diagnosis::{
    Cause, CauseEntry, Confidence, Diagnosis, FleetFinding, Scope, Severity, Status, TenantVerdict,
};
use roundsman_checks::evidence::Reason;
use roundsman_checks::finding::{Check, Outcome};
use roundsman_checks::target::TenantId;
use serde::{Deserialize, Serialize};

use super::baseline::Baseline;
use super::unmet::Unmet;
use crate::exit_code::ExitCode;

/// What decides besides plain failures.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct GatePolicy {
    /// Checks that must have been judged at every tenant: skipped or unknown there is inconclusive.
    pub require: Vec<Check>,
    /// Whether fleet findings are reported without deciding.
    pub tenants_only: bool,
    /// Whether warnings fail.
    pub warnings_fail: bool,
    /// Whether the round, or waiting for a better one, was ended by somebody.
    pub interrupted: bool,
    /// What chose so that nobody was left, as in `none of 12 tenants has the label plan=pro`.
    pub nobody: Option<String>,
    /// Whether all tenants were asked for.
    pub everyone: bool,
    /// Whether tenants were named, one by one.
    pub named: bool,
    /// Whether all tenants were asked for, and not all may be known.
    pub incomplete: bool,
    /// What the run was told to expect of releases: it must have been judged.
    pub expected: Vec<Expected>,
    /// What was wrong before and is no reason to fail.
    pub baseline: Option<Arc<Baseline>>,
    /// How urgent causes are, where that is not their default.
    pub severity: BTreeMap<Cause, Severity>,
    /// Causes that are accepted: they decide nothing.
    pub ignored: BTreeSet<Cause>,
    /// How often all was well in a row, where that was too seldom when the time was up.
    pub too_seldom: Option<(u32, u32)>,
}

/// A release that was expected by an option of the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Expected {
    /// `--expect-image`.
    Image,
    /// `--expect-version`.
    Version,
}

impl Expected {
    /// The check that judges it.
    #[must_use]
    pub fn check(self) -> Check {
        match self {
            Self::Image => Check::App,
            Self::Version => Check::Site,
        }
    }

    /// The option.
    #[must_use]
    pub fn option(self) -> &'static str {
        match self {
            Self::Image => "--expect-image",
            Self::Version => "--expect-version",
        }
    }
}

/// The causes that fail, by the tenants that they break.
pub(super) struct FailingCauses<'d> {
    by_tenant: BTreeMap<&'d TenantId, Causes>,
}

/// Causes, and whether each fails or warns.
pub(super) type Causes = BTreeMap<Cause, Outcome>;

impl<'d> FailingCauses<'d> {
    pub(super) fn of(diagnosis: &'d Diagnosis, warnings_fail: bool) -> Self {
        let mut guilty = Self {
            by_tenant: BTreeMap::new(),
        };
        let add = |causes: &mut Causes, cause, outcome: Outcome| {
            let known = causes.entry(cause).or_insert(outcome);
            *known = outcome.max(*known);
        };
        let fails = |outcome| outcome == Outcome::Fail || (warnings_fail && outcome == Outcome::Warn);
        for entry in diagnosis.causes.iter().filter(|entry| fails(entry.outcome)) {
            for tenant in &entry.tenants {
                add(guilty.by_tenant.entry(tenant).or_default(), entry.cause, entry.outcome);
            }
        }
        guilty
    }

    pub(super) fn of_tenant(&self, tenant: &TenantId) -> Causes {
        self.by_tenant.get(tenant).cloned().unwrap_or_default()
    }
}

impl GatePolicy {
    /// Whether the finding of a required check is missing.
    fn lacks(&self, tenant: &TenantVerdict, check: Check) -> bool {
        matches!(tenant.findings.of(check).outcome, Outcome::Skipped | Outcome::Unknown)
            && self.require.contains(&check)
    }

    /// Whether an expected release was not judged. Of a tenant that is not to run none is expected, unless it was named.
    fn leaves_open(&self, tenant: &TenantVerdict, expected: Expected) -> bool {
        let finding = tenant.findings.of(expected.check());
        let exempt = finding.reason == Some(Reason::Inactive) && !self.named;
        matches!(finding.outcome, Outcome::Skipped | Outcome::Unknown) && !exempt
    }

    /// Whether what explains a check of a tenant is accepted.
    fn ignores(&self, tenant: &TenantVerdict, check: Check) -> bool {
        let mut explained = tenant
            .explained
            .iter()
            .filter(|(explained, _)| *explained == check)
            .peekable();
        explained.peek().is_some() && explained.all(|(_, cause)| self.ignored.contains(cause))
    }

    /// Whether a fleet check decides nothing because its cause is accepted.
    fn ignores_fleet(&self, told: &FleetFinding) -> bool {
        told.cause.is_some_and(|cause| self.ignored.contains(&cause))
    }

    fn of_tenant(&self, tenant: &TenantVerdict, guilty: &FailingCauses<'_>) -> ExitCode {
        let fails = match tenant.status {
            Status::Failing => true,
            Status::Degraded => self.warnings_fail,
            Status::Healthy | Status::Unknown => false,
        };
        let causes = || {
            let mut causes = guilty.of_tenant(&tenant.tenant);
            causes.retain(|cause, _| !self.ignored.contains(cause));
            causes
        };
        let known = |baseline: &Arc<Baseline>| !baseline.is_worse(tenant, &causes());
        let accepted = !self.ignored.is_empty() && causes().is_empty() && !guilty.of_tenant(&tenant.tenant).is_empty();
        if fails && !accepted && !self.baseline.as_ref().is_some_and(known) {
            return ExitCode::Failing;
        }
        let missing = self.require.iter().any(|check| self.lacks(tenant, *check))
            || self.expected.iter().any(|expected| self.leaves_open(tenant, *expected));
        // A failure that was known before hides nothing that could not be looked at now.
        let unknowns = || {
            tenant
                .findings
                .iter()
                .filter(|(_, finding)| finding.outcome == Outcome::Unknown)
        };
        let unknown = unknowns().any(|(check, _)| !self.ignores(tenant, check));
        let unseen = tenant.status == Status::Unknown && (unknown || unknowns().next().is_none());
        if unseen || unknown || missing {
            ExitCode::Inconclusive
        } else {
            ExitCode::Verified
        }
    }
}

/// The tenants that keep the round from being verified.
#[must_use]
pub fn open(diagnosis: &Diagnosis, demand: &GatePolicy) -> BTreeSet<TenantId> {
    let guilty = FailingCauses::of(diagnosis, demand.warnings_fail);
    let open = diagnosis
        .tenants
        .iter()
        .filter(|tenant| demand.of_tenant(tenant, &guilty) != ExitCode::Verified);
    open.map(|tenant| tenant.tenant.clone()).collect()
}

/// Whether something breaks them, or the fleet, beyond doubt, that no waiting fixes.
#[must_use]
pub fn is_lasting(diagnosis: &Diagnosis, open: &BTreeSet<TenantId>, demand: &GatePolicy) -> bool {
    let about = |entry: &CauseEntry| {
        let fleet = entry.scope == Scope::Fleet && !demand.tenants_only;
        fleet || entry.tenants.iter().any(|tenant| open.contains(tenant))
    };
    let news = |entry: &CauseEntry| {
        let baseline = demand.baseline.as_ref();
        baseline.is_none_or(|baseline| baseline.is_news(entry, open))
    };
    diagnosis.causes.iter().any(|entry| {
        let beyond_doubt = entry.outcome == Outcome::Fail && entry.confidence == Confidence::Confirmed;
        let accepted = demand.ignored.contains(&entry.cause);
        entry.cause.is_lasting() && beyond_doubt && !accepted && about(entry) && news(entry)
    })
}

/// The demands that were not met: why the exit code is worse than the findings alone.
#[must_use]
pub(crate) fn unmet(diagnosis: &Diagnosis, demand: &GatePolicy) -> Vec<Unmet> {
    let lacking = |check: Check, lacks: &dyn Fn(&TenantVerdict) -> bool| {
        let mut missing = diagnosis.tenants.iter().filter(|tenant| lacks(tenant));
        let first = missing.next()?.findings.of(check);
        let tenants = (missing.count() + 1, diagnosis.tenants.len());
        Some(((first.outcome, first.reason), tenants))
    };
    let required = demand.require.iter().filter_map(|check| {
        let (ended, tenants) = lacking(*check, &|tenant| demand.lacks(tenant, *check))?;
        let check = *check;
        Some(Unmet::Required { check, ended, tenants })
    });
    let mut unmet = required.collect::<Vec<_>>();
    unmet.extend(demand.expected.iter().filter_map(|expected| {
        let expected = *expected;
        let (ended, tenants) = lacking(expected.check(), &|tenant| demand.leaves_open(tenant, expected))?;
        Some(Unmet::Unjudged {
            expected,
            ended,
            tenants,
        })
    }));
    let unjudged = demand.expected.iter().copied();
    let unjudged = unjudged.filter(|expected| is_unjudged(diagnosis, *expected));
    unmet.extend(unjudged.map(Unmet::NoneJudged));
    unmet.extend((demand.warnings_fail && warns_anew(diagnosis, demand)).then_some(Unmet::Warnings));
    unmet.extend(demand.nobody.clone().map(Unmet::NobodyLeft));
    unmet.extend(demand.incomplete.then_some(Unmet::Incomplete));
    let too_seldom = demand.too_seldom.map(|(passed, of)| Unmet::TooSeldom { passed, of });
    unmet.extend(too_seldom);
    unmet
}

/// Whether a release was expected and not one tenant could be judged by it.
fn is_unjudged(diagnosis: &Diagnosis, expected: Expected) -> bool {
    let judged = |tenant: &TenantVerdict| {
        let outcome = tenant.findings.of(expected.check()).outcome;
        !matches!(outcome, Outcome::Skipped | Outcome::Unknown)
    };
    !diagnosis.tenants.is_empty() && !diagnosis.tenants.iter().any(judged)
}

/// Whether there is a warning that was not there before.
fn warns_anew(diagnosis: &Diagnosis, demand: &GatePolicy) -> bool {
    let guilty = FailingCauses::of(diagnosis, true);
    let known = |tenant: &TenantVerdict| {
        let mut causes = guilty.of_tenant(&tenant.tenant);
        let all = causes.len();
        causes.retain(|cause, _| !demand.ignored.contains(cause));
        if all > 0 && causes.is_empty() {
            return true;
        }
        demand
            .baseline
            .as_ref()
            .is_some_and(|baseline| !baseline.is_worse(tenant, &causes))
    };
    let known_fleet = |told: &FleetFinding| {
        let baseline = demand.baseline.as_ref();
        demand.ignores_fleet(told) || baseline.is_some_and(|baseline| !baseline.is_worse_fleet(told))
    };
    let mut degraded = diagnosis
        .tenants
        .iter()
        .filter(|tenant| tenant.status == Status::Degraded);
    let mut fleet = diagnosis
        .fleet
        .iter()
        .filter(|told| told.finding.outcome == Outcome::Warn);
    degraded.any(|tenant| !known(tenant)) || (!demand.tenants_only && fleet.any(|told| !known_fleet(told)))
}

/// Failing beats inconclusive beats verified; an empty inventory is inconclusive.
#[must_use]
pub fn exit_code(diagnosis: &Diagnosis, demand: &GatePolicy) -> ExitCode {
    let cut_short = demand.incomplete || demand.interrupted || demand.too_seldom.is_some();
    let unjudged = demand.expected.iter().any(|expected| is_unjudged(diagnosis, *expected));
    let mut code = if cut_short || unjudged || diagnosis.tenants.is_empty() {
        ExitCode::Inconclusive
    } else {
        ExitCode::Verified
    };
    let guilty = FailingCauses::of(diagnosis, demand.warnings_fail);
    for tenant in &diagnosis.tenants {
        code = code.worst(demand.of_tenant(tenant, &guilty));
    }
    let fleet = diagnosis.fleet.iter().filter(|_| !demand.tenants_only);
    fleet.fold(code, |code, told| {
        let outcome = told.finding.outcome;
        if demand.ignores_fleet(told) {
            return code;
        }
        let fails = outcome == Outcome::Fail || (demand.warnings_fail && outcome == Outcome::Warn);
        let known = |baseline: &Arc<Baseline>| !baseline.is_worse_fleet(told);
        code.worst(match outcome {
            _ if fails && !demand.baseline.as_ref().is_some_and(known) => ExitCode::Failing,
            Outcome::Unknown => ExitCode::Inconclusive,
            _ => ExitCode::Verified,
        })
    })
}
