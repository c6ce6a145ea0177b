//! An earlier report, and what is worse than in it. Reads the report's own JSON; judges nothing anew.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use roundsman_checks::diagnosis::{Diagnosis, Scope, Status, TenantVerdict};
use roundsman_checks::finding::{FleetCheck, Outcome};
use roundsman_checks::target::Hostname;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::demand::{Causes, Guilty};
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
    /// The fleet checks that failed or warned.
    fleet: BTreeMap<String, Outcome>,
    /// The causes about the fleet that failed or warned.
    fleet_causes: BTreeMap<String, Outcome>,
}

/// What it said of one tenant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Known {
    status: Status,
    causes: BTreeMap<String, Outcome>,
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
    fleet: Vec<FleetLine>,
    causes: Vec<CauseLine>,
    tenants: Vec<TenantLine>,
}

#[derive(Deserialize)]
struct FleetLine {
    check: String,
    outcome: Outcome,
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
    /// What failed and does not any more.
    pub better: Vec<Change>,
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
    /// The causes that break it, of what is better those that broke it.
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
        let mut tenants = file
            .tenants
            .into_iter()
            .map(|line| {
                let known = Known {
                    status: line.status,
                    causes: BTreeMap::new(),
                };
                (line.tenant, known)
            })
            .collect::<BTreeMap<_, _>>();
        let wrong = |outcome: Outcome| matches!(outcome, Outcome::Fail | Outcome::Warn);
        let mut fleet_causes = BTreeMap::new();
        let add = |causes: &mut BTreeMap<String, Outcome>, cause: &str, outcome: Outcome| {
            let known = causes.entry(cause.to_owned()).or_insert(outcome);
            *known = outcome.max(*known);
        };
        for line in &file.causes {
            let outcome = line.outcome.unwrap_or(Outcome::Fail);
            if !wrong(outcome) {
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
        let fleet = file.fleet.into_iter().filter(|line| wrong(line.outcome));
        Self {
            finished_at: file.finished_at,
            tenants,
            fleet: fleet.map(|line| (line.check, line.outcome)).collect(),
            fleet_causes,
        }
    }

    /// Whether a tenant that fails is worse than it was: it did not fail, or not for one of these causes.
    pub(super) fn is_worse(&self, tenant: &TenantVerdict, causes: &Causes) -> bool {
        let Some(known) = self.tenants.get(tenant.tenant.as_str()) else {
            return true;
        };
        let was_wrong = known.status == Status::Failing || known.status == tenant.status;
        !was_wrong || any_worse(causes, &known.causes)
    }

    /// Whether a fleet check that fails is worse than it was.
    pub(super) fn is_worse_fleet(&self, check: FleetCheck, outcome: Outcome, causes: &Causes) -> bool {
        let was = self.fleet.get(check.as_str());
        let was_wrong = was.is_some_and(|was| *was == Outcome::Fail || *was == outcome);
        !was_wrong || any_worse(causes, &self.fleet_causes)
    }

    /// What is worse, as it was, and better.
    #[must_use]
    pub fn compare(&self, diagnosis: &Diagnosis, warnings_fail: bool, tenants_only: bool) -> Compared {
        let guilty = Guilty::of(diagnosis, warnings_fail);
        let mut compared = Compared {
            finished_at: self.finished_at,
            ..Compared::default()
        };
        for tenant in &diagnosis.tenants {
            self.compare_tenant(tenant, &guilty, warnings_fail, &mut compared);
        }
        for (check, finding) in diagnosis.fleet.iter().filter(|_| !tenants_only) {
            let outcome = finding.outcome;
            let was = self.fleet.get(check.as_str()).copied();
            let change = |causes: Vec<String>| Change {
                tenant: None,
                check: Some(check.as_str()),
                was: was.unwrap_or(Outcome::Pass).to_string(),
                is: outcome.to_string(),
                causes,
            };
            let named = || guilty.fleet.keys().map(ToString::to_string).collect();
            if outcome == Outcome::Fail || (warnings_fail && outcome == Outcome::Warn) {
                match self.is_worse_fleet(*check, outcome, &guilty.fleet) {
                    true => compared.worse.push(change(named())),
                    false => compared.unchanged.push(change(named())),
                }
            } else if was == Some(Outcome::Fail) && matches!(outcome, Outcome::Pass | Outcome::Warn) {
                compared
                    .better
                    .push(change(self.fleet_causes.keys().cloned().collect()));
            }
        }
        compared
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
        let fails = tenant.status == Status::Failing || (warnings && tenant.status == Status::Degraded);
        let named = || causes.keys().map(ToString::to_string).collect();
        if fails && self.is_worse(tenant, &causes) {
            compared.worse.push(change(named()));
        } else if fails {
            compared.unchanged.push(change(named()));
        } else if let Some(known) = known.filter(|known| known.status == Status::Failing)
            && tenant.status != Status::Unknown
        {
            compared.better.push(change(known.causes.keys().cloned().collect()));
        }
    }
}

/// Whether a cause is new, or was a warning only.
fn any_worse(now: &Causes, then: &BTreeMap<String, Outcome>) -> bool {
    now.iter()
        .any(|(cause, outcome)| then.get(cause.as_str()).is_none_or(|was| was < outcome))
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
        "tenants":[{"tenant":"a","status":"failing"},{"tenant":"b","status":"healthy"}]}"#;

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
