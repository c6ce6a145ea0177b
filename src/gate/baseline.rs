//! An earlier report, and what is worse than in it. Reads the report's own JSON; judges nothing anew.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use roundsman_checks::diagnosis::{Cause, CauseEntry, Diagnosis, Scope, Status, TenantVerdict};
use roundsman_checks::finding::{Finding, FleetCheck, Outcome};
use roundsman_checks::target::{Hostname, TenantId};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::demand::{Causes, Demand, Guilty};
use crate::config::{ReadError, read_text};
use crate::report::SCHEMA;

/// The longest report that is read, in bytes: a hundred thousand tenants.
const MAX_REPORT: u64 = 512 << 20;
/// How far ahead of ours the clock of an earlier run may have been.
const SKEW: Duration = Duration::from_secs(300);

/// What an earlier report said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Baseline {
    /// When it was finished.
    pub finished_at: Timestamp,
    tenants: BTreeMap<String, Known>,
    /// The fleet checks that failed or warned, and the cause that each names.
    fleet: BTreeMap<String, (Outcome, Option<String>)>,
    /// The causes about the fleet that failed or warned.
    fleet_causes: BTreeMap<String, Outcome>,
}

/// What it said of one tenant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Known {
    status: Status,
    causes: BTreeMap<String, Outcome>,
    checks: BTreeMap<String, (Outcome, Option<String>)>,
}

/// Why a file is no baseline; exit code 2.
#[derive(Debug, Error)]
pub enum BaselineError {
    /// It can't be read.
    #[error("--baseline: {0}")]
    Unreadable(#[from] ReadError),
    /// It is something else.
    #[error(
        "--baseline: {path} is no report of roundsman ({why}): write one with `roundsman verify --output json={path}`"
    )]
    Foreign {
        /// The file.
        path: String,
        /// What gives it away.
        why: String,
    },
    /// It does not say how everything was.
    #[error("--baseline: the round of {0} was ended before everything was looked at: verify again")]
    Interrupted(String),
    /// It is about others.
    #[error("--baseline: {path} is about {found}, and this run is about {expected}")]
    Domain {
        /// The file.
        path: String,
        /// Its domain.
        found: String,
        /// This run's domain.
        expected: Hostname,
    },
    /// It is too old to say what was wrong before.
    #[error(
        "--baseline: {path} was finished at {finished}, {age} ago, and may be {limit} old: verify again with \
         `--output json={path}`, or allow more with --baseline-max-age"
    )]
    Old {
        /// The file.
        path: String,
        /// When it was finished.
        finished: Timestamp,
        /// How long that is ago.
        age: String,
        /// How long it may be.
        limit: String,
    },
    /// It is of a time to come.
    #[error("--baseline: {path} was finished at {finished}, which is still to come: one of the clocks is wrong")]
    Future {
        /// The file.
        path: String,
        /// When it was finished.
        finished: Timestamp,
    },
}

/// The part of a report that is compared.
#[derive(Deserialize)]
struct File {
    schema: String,
    domain: String,
    finished_at: Timestamp,
    #[serde(default)]
    interrupted: bool,
    fleet: Vec<CheckLine>,
    causes: Vec<CauseLine>,
    tenants: Vec<TenantLine>,
}

#[derive(Deserialize)]
struct CheckLine {
    check: String,
    outcome: Outcome,
    reason: Option<String>,
    #[serde(default)]
    message: String,
}

#[derive(Deserialize)]
struct CauseLine {
    cause: String,
    scope: Scope,
    outcome: Option<Outcome>,
    tenants: Vec<String>,
}

#[derive(Deserialize)]
struct TenantLine {
    tenant: String,
    status: Status,
    checks: Vec<CheckLine>,
}

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
    /// Reads a report and makes sure that it is about this domain and not too old.
    ///
    /// # Errors
    /// [`BaselineError`], all of them the user's to mend.
    pub fn read(path: &Path, domain: &Hostname, now: Timestamp, max_age: Duration) -> Result<Self, BaselineError> {
        let text = read_text(path, MAX_REPORT)?;
        let path = path.display().to_string();
        let file = parse(&text).map_err(|why| BaselineError::Foreign {
            path: path.clone(),
            why,
        })?;
        if file.domain != domain.as_str() {
            return Err(BaselineError::Domain {
                path,
                found: file.domain,
                expected: domain.clone(),
            });
        }
        if file.interrupted {
            return Err(BaselineError::Interrupted(path));
        }
        let age = now.duration_since(file.finished_at);
        let finished = file.finished_at;
        if Duration::try_from(-age).is_ok_and(|ahead| ahead > SKEW) {
            return Err(BaselineError::Future { path, finished });
        }
        if Duration::try_from(age).is_ok_and(|age| age > max_age) {
            return Err(BaselineError::Old {
                path,
                finished,
                age: rough(age.as_secs()),
                limit: rough(i64::try_from(max_age.as_secs()).unwrap_or(i64::MAX)),
            });
        }
        Ok(Self::of(file))
    }

    fn of(file: File) -> Self {
        let mut tenants = BTreeMap::new();
        for line in file.tenants {
            let checks = line.checks.into_iter();
            let known = Known {
                status: line.status,
                causes: BTreeMap::new(),
                checks: checks
                    .map(|check| (check.check, (check.outcome, check.reason)))
                    .collect(),
            };
            tenants.insert(line.tenant, known);
        }
        let mut fleet_causes = BTreeMap::new();
        let add = |causes: &mut BTreeMap<String, Outcome>, cause: &str, outcome: Outcome| {
            let known = causes.entry(cause.to_owned()).or_insert(outcome);
            *known = outcome.max(*known);
        };
        for line in &file.causes {
            let outcome = line.outcome.unwrap_or(Outcome::Fail);
            if !is_wrong(outcome) {
                continue;
            }
            if line.scope == Scope::Fleet {
                add(&mut fleet_causes, &line.cause, outcome);
            }
            for tenant in &line.tenants {
                if let Some(known) = tenants.get_mut(tenant) {
                    add(&mut known.causes, &line.cause, outcome);
                }
            }
        }
        let fleet = file.fleet.into_iter().filter(|line| is_wrong(line.outcome));
        let fleet = fleet.map(|line| {
            let cause = told_by(&line.message).map(|cause| cause.to_string());
            (line.check, (line.outcome, cause))
        });
        Self {
            finished_at: file.finished_at,
            tenants,
            fleet: fleet.collect(),
            fleet_causes,
        }
    }

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
    pub(super) fn is_worse_fleet(&self, check: FleetCheck, finding: &Finding) -> bool {
        let Some((was, cause)) = self.fleet.get(check.as_str()) else {
            return true;
        };
        let now = told_by(&finding.message).map(|cause| cause.to_string());
        *was < finding.outcome || (now.is_some() && cause.is_some() && now != *cause)
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

    /// What is worse, as it was, and better; and who is gone, where `demand` asks for all.
    #[must_use]
    pub fn compare(&self, diagnosis: &Diagnosis, demand: &Demand) -> Compared {
        let guilty = Guilty::of(diagnosis, demand.warnings_fail);
        let mut compared = Compared {
            finished_at: self.finished_at,
            ..Compared::default()
        };
        for tenant in &diagnosis.tenants {
            self.compare_tenant(tenant, &guilty, demand.warnings_fail, &mut compared);
        }
        for (check, finding) in diagnosis.fleet.iter().filter(|_| !demand.tenants_only) {
            self.compare_fleet(*check, finding, demand.warnings_fail, &mut compared);
        }
        if demand.everyone {
            let here = diagnosis.tenants.iter().map(|tenant| tenant.tenant.as_str());
            let here = here.collect::<BTreeSet<_>>();
            let gone = self.tenants.keys().filter(|tenant| !here.contains(tenant.as_str()));
            compared.gone = gone.cloned().collect();
        }
        compared
    }

    fn compare_fleet(&self, check: FleetCheck, finding: &Finding, warnings: bool, compared: &mut Compared) {
        let outcome = finding.outcome;
        let was = self.fleet.get(check.as_str());
        let change = |causes: Vec<String>| Change {
            tenant: None,
            check: Some(check.as_str()),
            was: was.map_or(Outcome::Pass, |(was, _)| *was).to_string(),
            is: outcome.to_string(),
            causes,
        };
        let named = || {
            told_by(&finding.message)
                .map(|cause| cause.to_string())
                .into_iter()
                .collect()
        };
        if outcome == Outcome::Fail || (warnings && outcome == Outcome::Warn) {
            match self.is_worse_fleet(check, finding) {
                true => compared.worse.push(change(named())),
                false => compared.unchanged.push(change(named())),
            }
        } else if let Some((Outcome::Fail, cause)) = was
            && matches!(outcome, Outcome::Pass | Outcome::Warn)
        {
            compared.better.push(change(cause.iter().cloned().collect()));
        }
    }

    fn compare_tenant(&self, tenant: &TenantVerdict, guilty: &Guilty<'_>, warnings: bool, compared: &mut Compared) {
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
                let mended = |known: &&Known| known.status == Status::Failing && known.is_mended(tenant);
                if let Some(known) = known.filter(mended) {
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
    fn is_mended(&self, tenant: &TenantVerdict) -> bool {
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

fn is_wrong(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Fail | Outcome::Warn)
}

/// The cause that decided a fleet check: its message begins with the name.
fn told_by(message: &str) -> Option<Cause> {
    message.split_once(": ")?.0.parse().ok()
}

fn parse(text: &str) -> Result<File, String> {
    #[derive(Deserialize)]
    struct Head {
        schema: Option<String>,
    }
    let head = serde_json::from_str::<Head>(text).map_err(|error| error.to_string())?;
    match head.schema.as_deref() {
        Some(SCHEMA) => {}
        Some(other) => return Err(format!("its schema is `{other}`, and this version reads {SCHEMA}")),
        None => return Err("it names no schema".into()),
    }
    let file = serde_json::from_str::<File>(text).map_err(|error| error.to_string())?;
    debug_assert_eq!(file.schema, SCHEMA);
    Ok(file)
}

/// A duration as a person says it: in its largest unit.
fn rough(seconds: i64) -> String {
    match seconds {
        ..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        7200..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail")]
    use super::*;

    const REPORT: &str = r#"{"schema":"roundsman.report/1","domain":"example.com","finished_at":"2026-11-20T10:00:00Z",
        "fleet":[{"check":"edge","outcome":"warn"}],
        "causes":[{"cause":"app-stopped","scope":"tenant","outcome":"fail","tenants":["a"]}],
        "tenants":[{"tenant":"a","status":"failing","checks":[]},{"tenant":"b","status":"healthy","checks":[]}]}"#;

    fn read(text: &str, now: &str) -> Result<Baseline, String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("before.json");
        std::fs::write(&path, text).unwrap();
        let domain = Hostname::parse("example.com").unwrap();
        let day = Duration::from_secs(86_400);
        let baseline = Baseline::read(&path, &domain, now.parse().unwrap(), day);
        baseline.map_err(|error| error.to_string().replace(&path.display().to_string(), "FILE"))
    }

    #[test]
    fn a_report_of_today_is_a_baseline() {
        let baseline = read(REPORT, "2026-11-20T12:00:00Z").unwrap();
        assert_eq!(
            baseline.tenants["a"].causes,
            BTreeMap::from([("app-stopped".to_owned(), Outcome::Fail)])
        );
    }

    #[test]
    fn what_is_no_baseline_says_why() {
        let refused = |text: &str, now| read(text, now).unwrap_err();
        let old = refused(REPORT, "2026-11-22T12:00:00Z");
        assert!(old.contains("2 days ago") && old.contains("24 h old"), "{old}");
        assert!(refused(REPORT, "2026-11-20T09:00:00Z").contains("still to come"));
        let other = refused(&REPORT.replace("example.com", "example.org"), "2026-11-20T12:00:00Z");
        assert!(other.contains("is about example.org"), "{other}");
        let cut = refused(&REPORT[..80], "2026-11-20T12:00:00Z");
        assert!(cut.contains("is no report of roundsman"), "{cut}");
        let newer = refused(&REPORT.replace("report/1", "report/9"), "2026-11-20T12:00:00Z");
        assert!(newer.contains("report/9"), "{newer}");
        assert!(refused("[]", "2026-11-20T12:00:00Z").contains("is no report"));
        assert!(refused("{}", "2026-11-20T12:00:00Z").contains("names no schema"));
    }
}
