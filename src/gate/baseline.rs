//! An earlier report: read from its own JSON, and refused where it can't say how everything was.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use roundsman_checks::diagnosis::{Scope, Status};
use roundsman_checks::finding::Outcome;
use roundsman_checks::target::Hostname;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::config::{ReadError, read_text};
use crate::schema::REPORT;

/// The longest report that is read, in bytes: a hundred thousand tenants.
const MAX_REPORT: u64 = 512 << 20;
/// How far ahead of ours the clock of an earlier run may have been.
const SKEW: Duration = Duration::from_secs(300);

/// What an earlier report said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Baseline {
    /// When it was finished.
    pub finished_at: Timestamp,
    pub(super) tenants: BTreeMap<String, Known>,
    /// The fleet checks that failed or warned, and the cause that each names.
    pub(super) fleet: BTreeMap<String, (Outcome, Option<String>)>,
    /// The causes about the fleet that failed or warned.
    pub(super) fleet_causes: BTreeMap<String, Outcome>,
    /// The causes about fleet or agent that failed or warned.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) shared_causes: BTreeSet<String>,
}

/// What it said of one tenant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Known {
    pub(super) status: Status,
    pub(super) causes: BTreeMap<String, Outcome>,
    pub(super) checks: BTreeMap<String, (Outcome, Option<String>)>,
}

/// Why a file is no baseline; exit code 2.
#[derive(Debug, Error)]
pub enum BaselineError {
    /// It can't be read.
    #[error("{0}")]
    Unreadable(#[from] ReadError),
    /// It is something else.
    #[error("{path} is not a report of roundsman ({why}): write one with `roundsman verify --output json={path}`")]
    Foreign {
        /// The file.
        path: String,
        /// What gives it away.
        why: String,
    },
    /// It does not say how everything was.
    #[error("the round of {0} was ended before everything was looked at: verify again")]
    Interrupted(String),
    /// It is about others.
    #[error("{path} is about {found}, and this run is about {expected}")]
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
        "{path} was finished at {finished}, {age} ago, and may be {limit} old: verify again with \
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
    #[error("{path} was finished at {finished}, which is still to come: one of the clocks is wrong")]
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
    /// The cause that decided it; reports of fleet checks name it.
    #[serde(default)]
    cause: Option<String>,
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

impl Baseline {
    /// Reads a report and makes sure that it is about this domain and not too old.
    ///
    /// # Errors
    /// [`BaselineError`], all of them the user's to fix.
    pub fn read(path: &Path, domain: &Hostname, now: Timestamp, max_age: Duration) -> Result<Self, BaselineError> {
        let text = read_text(path, MAX_REPORT)?;
        Self::of_text(&text, path.display().to_string(), domain, now, max_age)
    }

    /// The same for the text of a file.
    pub(crate) fn of_text(
        text: &str,
        path: String,
        domain: &Hostname,
        now: Timestamp,
        max_age: Duration,
    ) -> Result<Self, BaselineError> {
        let file = report_of(text, &path, domain)?;
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

    /// The tenants that failed in a report about this domain, however old it is and however it ended.
    ///
    /// # Errors
    /// [`BaselineError`] where the file is not such a report.
    pub fn failing(path: &Path, domain: &Hostname) -> Result<BTreeSet<String>, BaselineError> {
        let text = read_text(path, MAX_REPORT)?;
        let file = report_of(&text, &path.display().to_string(), domain)?;
        let failing = file.tenants.into_iter().filter(|line| line.status == Status::Failing);
        Ok(failing.map(|line| line.tenant).collect())
    }

    /// Takes out what it said of each tenant, by id.
    pub(crate) fn take_tenants(&mut self) -> BTreeMap<String, Known> {
        std::mem::take(&mut self.tenants)
    }

    /// Puts in what it said of a tenant, and says whether it had said nothing of that one before.
    pub(crate) fn insert(&mut self, tenant: String, known: Known) -> bool {
        self.tenants.insert(tenant, known).is_none()
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
        let (mut fleet_causes, mut shared_causes) = (BTreeMap::new(), BTreeSet::new());
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
            if line.scope != Scope::Tenant {
                shared_causes.insert(line.cause.clone());
            }
            for tenant in &line.tenants {
                if let Some(known) = tenants.get_mut(tenant) {
                    add(&mut known.causes, &line.cause, outcome);
                }
            }
        }
        let fleet = file.fleet.into_iter().filter(|line| is_wrong(line.outcome));
        let fleet = fleet.map(|line| (line.check, (line.outcome, line.cause)));
        Self {
            finished_at: file.finished_at,
            tenants,
            fleet: fleet.collect(),
            fleet_causes,
            shared_causes,
        }
    }
}

fn is_wrong(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Fail | Outcome::Warn)
}

/// The report that a text is, where it is one about this domain.
fn report_of(text: &str, path: &str, domain: &Hostname) -> Result<File, BaselineError> {
    let path = path.to_owned();
    let file = match parse(text) {
        Ok(file) => file,
        Err(why) => return Err(BaselineError::Foreign { path, why }),
    };
    match file.domain == domain.as_str() {
        true => Ok(file),
        false => Err(BaselineError::Domain {
            path,
            found: file.domain,
            expected: domain.clone(),
        }),
    }
}

fn parse(text: &str) -> Result<File, String> {
    #[derive(Deserialize)]
    struct Head {
        schema: Option<String>,
    }
    let head = serde_json::from_str::<Head>(text).map_err(|error| error.to_string())?;
    match head.schema.as_deref() {
        Some(REPORT) => {}
        Some(other) => return Err(format!("its schema is `{other}`, and this version reads {REPORT}")),
        None => return Err("it has no schema".into()),
    }
    let file = serde_json::from_str::<File>(text).map_err(|error| error.to_string())?;
    debug_assert_eq!(file.schema, REPORT);
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
        assert!(cut.contains("is not a report of roundsman"), "{cut}");
        let newer = refused(&REPORT.replace("report/1", "report/9"), "2026-11-20T12:00:00Z");
        assert!(newer.contains("report/9"), "{newer}");
        assert!(refused("[]", "2026-11-20T12:00:00Z").contains("is not a report"));
        assert!(refused("{}", "2026-11-20T12:00:00Z").contains("has no schema"));
    }
}
