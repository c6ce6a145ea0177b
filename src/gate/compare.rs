//! What is worse than in a baseline, what is as it was, and what is better. Pure; knows nothing of files.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::OnceLock;

use jiff::Timestamp;
use roundsman_checks::diagnosis::{Cause, CauseEntry, Diagnosis, FleetFinding, Scope, Status, TenantVerdict};
use roundsman_checks::finding::Outcome;
use roundsman_checks::target::TenantId;
use serde::Serialize;

use super::baseline::{Baseline, Known};
use super::policy::{Causes, FailingCauses, GatePolicy};

/// What changed since the baseline, for the report.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Compared {
    /// When the baseline was finished.
    pub finished_at: Timestamp,
    /// What fails and did not, or fails for another cause: what the exit code is about.
    pub worse: Vec<Change>,
    /// What fails as it did.
    pub unchanged: Vec<Change>,
    /// What failed and passes now.
    pub better: Vec<Change>,
    /// Tenants that are not there any more, where all were asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub gone: Vec<String>,
    #[serde(skip)]
    index: OnceLock<Index>,
}

/// Changes by whom they concern: reports ask once for each tenant, check and cause.
#[derive(Clone, Debug, Default, PartialEq)]
struct Index {
    unchanged: HashSet<(Option<String>, Option<&'static str>)>,
    /// What is worse: positions, by tenant; of a fleet check by none.
    worse: HashMap<Option<String>, Vec<usize>>,
}

impl Compared {
    /// Whether a tenant, or a fleet check, fails as it did.
    #[must_use]
    pub fn is_unchanged(&self, tenant: Option<&str>, check: Option<&'static str>) -> bool {
        let key = (tenant.map(str::to_owned), check);
        self.index().unchanged.contains(&key)
    }

    /// What is worse about a tenant; without one, about the fleet checks.
    pub fn worse_about(&self, tenant: Option<&str>) -> impl Iterator<Item = &Change> {
        let positions = self.index().worse.get(&tenant.map(str::to_owned));
        positions.into_iter().flatten().map(|at| &self.worse[*at])
    }

    fn index(&self) -> &Index {
        self.index.get_or_init(|| {
            let unchanged = self.unchanged.iter();
            let mut index = Index {
                unchanged: unchanged.map(|change| (change.tenant.clone(), change.check)).collect(),
                worse: HashMap::new(),
            };
            for (at, change) in self.worse.iter().enumerate() {
                index.worse.entry(change.tenant.clone()).or_default().push(at);
            }
            index
        })
    }
}

/// One tenant, or one fleet check, then and now.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Change {
    /// The tenant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// The fleet check.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub check: Option<&'static str>,
    /// How it was: a status, an outcome, or `new`.
    pub was: String,
    /// How it is.
    pub is: String,
    /// The causes that break it: of what is worse the new ones, of what is better those that broke it.
    pub causes: Vec<String>,
}

impl Baseline {
    /// What is worse about a tenant that fails: the causes that it did not have, or had as a warning. Where a check
    /// fails now that did not fail, for whatever cause, all of them. `None`: it fails as it did.
    fn worse(&self, tenant: &TenantVerdict, causes: &Causes) -> Option<BTreeSet<Cause>> {
        let all = || causes.keys().copied().collect::<BTreeSet<_>>();
        let Some(known) = self.tenants.get(tenant.tenant.as_str()) else {
            return Some(all());
        };
        let was_wrong = known.status == Status::Failing || known.status == tenant.status;
        let worse = causes
            .iter()
            .filter(|(cause, outcome)| known.is_worse(**cause, **outcome));
        let worse = worse.map(|(cause, _)| *cause).collect::<BTreeSet<_>>();
        match (was_wrong, worse.is_empty()) {
            (_, false) => Some(worse),
            (false, true) => Some(all()),
            (true, true) => known.fails_further(tenant, causes).then(all),
        }
    }

    /// Whether a tenant that fails is worse than it was.
    pub(super) fn is_worse(&self, tenant: &TenantVerdict, causes: &Causes) -> bool {
        self.worse(tenant, causes).is_some()
    }

    /// Whether a fleet check that fails is worse than it was: it passed, only warned, or names another cause now.
    pub(super) fn is_worse_fleet(&self, told: &FleetFinding) -> bool {
        let Some((was, cause)) = self.fleet.get(told.check.as_str()) else {
            return true;
        };
        let other = told
            .cause
            .zip(cause.as_deref())
            .is_some_and(|(now, was)| now.as_str() != was);
        *was < told.finding.outcome || other
    }

    /// Whether an entry is more than what was known: about the fleet, or about one of these tenants.
    pub(super) fn is_news(&self, entry: &CauseEntry, tenants: &BTreeSet<TenantId>) -> bool {
        if entry.scope == Scope::Fleet && entry.tenants.is_empty() {
            let was = self.fleet_causes.get(entry.cause.as_str());
            return was.is_none_or(|was| *was < entry.outcome);
        }
        let mut about = entry.tenants.iter().filter(|tenant| tenants.contains(*tenant));
        about.any(|tenant| {
            let known = self.tenants.get(tenant.as_str());
            known.is_none_or(|known| known.is_worse(entry.cause, entry.outcome))
        })
    }

    /// Whether a warning is more than what was known: about one of its tenants, or, where it has none, about anybody.
    #[must_use]
    pub fn is_new_warning(&self, entry: &CauseEntry) -> bool {
        let known = || self.shared_causes.contains(entry.cause.as_str());
        let news = match entry.tenants.is_empty() {
            true => !known(),
            false => self.is_news(entry, &entry.tenants),
        };
        entry.outcome == Outcome::Warn && news
    }

    /// What is worse, as it was, and better; and who is gone, where `demand` asks for all.
    #[must_use]
    pub fn compare(&self, diagnosis: &Diagnosis, demand: &GatePolicy) -> Compared {
        let guilty = FailingCauses::of(diagnosis, demand.warnings_fail);
        let mut compared = Compared {
            finished_at: self.finished_at,
            ..Compared::default()
        };
        for tenant in &diagnosis.tenants {
            self.compare_tenant(tenant, &guilty, demand.warnings_fail, &mut compared);
        }
        for told in diagnosis.fleet.iter().filter(|_| !demand.tenants_only) {
            self.compare_fleet(told, demand.warnings_fail, &mut compared);
        }
        if demand.everyone {
            let here = diagnosis.tenants.iter().map(|tenant| tenant.tenant.as_str());
            let here = here.collect::<BTreeSet<_>>();
            let gone = self.tenants.keys().filter(|tenant| !here.contains(tenant.as_str()));
            compared.gone = gone.cloned().collect();
        }
        compared
    }

    fn compare_fleet(&self, told: &FleetFinding, warnings: bool, compared: &mut Compared) {
        let (check, outcome) = (told.check, told.finding.outcome);
        let was = self.fleet.get(check.as_str());
        let change = |causes: Vec<String>| Change {
            tenant: None,
            check: Some(check.as_str()),
            was: was.map_or(Outcome::Pass, |(was, _)| *was).to_string(),
            is: outcome.to_string(),
            causes,
        };
        let named = || told.cause.map(|cause| cause.to_string()).into_iter().collect();
        if outcome == Outcome::Fail || (warnings && outcome == Outcome::Warn) {
            match self.is_worse_fleet(told) {
                true => compared.worse.push(change(named())),
                false => compared.unchanged.push(change(named())),
            }
        } else if let Some((Outcome::Fail, cause)) = was
            && matches!(outcome, Outcome::Pass | Outcome::Warn)
        {
            compared.better.push(change(cause.iter().cloned().collect()));
        }
    }

    fn compare_tenant(
        &self,
        tenant: &TenantVerdict,
        guilty: &FailingCauses<'_>,
        warnings: bool,
        compared: &mut Compared,
    ) {
        let known = self.tenants.get(tenant.tenant.as_str());
        let causes = guilty.of_tenant(&tenant.tenant);
        let change = |causes: Vec<String>| Change {
            tenant: Some(tenant.tenant.to_string()),
            check: None,
            was: known.map_or("new".to_owned(), |known| known.status.to_string()),
            is: tenant.status.to_string(),
            causes,
        };
        let named = |causes: &BTreeSet<Cause>| causes.iter().map(ToString::to_string).collect();
        let fails = tenant.status == Status::Failing || (warnings && tenant.status == Status::Degraded);
        match (fails, self.worse(tenant, &causes)) {
            (true, Some(worse)) => compared.worse.push(change(named(&worse))),
            (true, None) => compared
                .unchanged
                .push(change(named(&causes.keys().copied().collect()))),
            (false, _) => {
                let fixed = |known: &&Known| known.status == Status::Failing && known.is_fixed(tenant);
                if let Some(known) = known.filter(fixed) {
                    compared.better.push(change(known.causes.keys().cloned().collect()));
                }
            }
        }
    }
}

impl Known {
    /// Whether it did not have this cause, or as a warning only.
    fn is_worse(&self, cause: Cause, outcome: Outcome) -> bool {
        self.causes.get(cause.as_str()).is_none_or(|was| *was < outcome)
    }

    /// Whether a check fails that did not fail: what was latent breaks something now. What nothing explains has to fail
    /// for the same reason to be the same.
    fn fails_further(&self, tenant: &TenantVerdict, causes: &Causes) -> bool {
        let failing = tenant
            .findings
            .iter()
            .filter(|(_, finding)| finding.outcome == Outcome::Fail);
        let mut failing = failing.filter_map(|(check, finding)| Some((self.checks.get(check.as_str())?, finding)));
        failing.any(|((was, reason), finding)| match was {
            Outcome::Pass | Outcome::Warn | Outcome::Unknown => true,
            Outcome::Skipped => false,
            Outcome::Fail => {
                let same = finding.reason.map(|reason| reason.to_string()) == *reason;
                causes.contains_key(&Cause::Unexplained) && !same
            }
        })
    }

    /// Whether everything that failed was looked at again, and passes.
    fn is_fixed(&self, tenant: &TenantVerdict) -> bool {
        let passes = |outcome| matches!(outcome, Outcome::Pass | Outcome::Warn);
        tenant.findings.iter().all(|(check, finding)| {
            let failed = self
                .checks
                .get(check.as_str())
                .is_some_and(|(was, _)| *was == Outcome::Fail);
            !failed || passes(finding.outcome)
        })
    }
}
