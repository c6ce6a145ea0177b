//! The JSON report, `roundsman.report/1`: what scripts read. Its fields are a contract; more may be added.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use roundsman_alerts::text::docs;
use roundsman_checks::diagnosis::{
    Cause, CauseEntry, CommandLine, Confidence, Diagnosis, Fact, FleetDetail, Instruction, Object, RecordRef, Remedy,
    Scope, Severity, Status, TenantVerdict,
};
use roundsman_checks::evidence::Reason;
use roundsman_checks::finding::{Finding, Outcome};
use roundsman_checks::platform::command_line;
use roundsman_checks::target::{Hostname, Tenant, TenantId};
use roundsman_checks::world::World;
use serde::{Serialize, Serializer};

use crate::agent;
use crate::exit_code::ExitCode;
use crate::gate::{Compared, GatePolicy, Unmet, release_seen, unmet};
use crate::schema;

/// One round, reported.
#[derive(Clone, Debug, Serialize)]
pub struct Report<'r> {
    pub(super) schema: &'static str,
    /// The domain that was verified.
    pub domain: &'r str,
    pub(super) roundsman: &'static str,
    /// When the round began.
    pub started_at: Timestamp,
    pub(super) finished_at: Timestamp,
    /// From where.
    pub vantage: &'r str,
    /// The edge's addresses.
    pub edge: Vec<String>,
    /// The exit code.
    pub exit: u8,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    /// Whether it ended before everything was looked at.
    pub interrupted: bool,
    /// What decided the exit code besides failures: demands that were not met, each a sentence.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub demands: Vec<Unmet>,
    /// Whether what is found about the fleet does not decide.
    #[serde(skip)]
    pub tenants_only: bool,
    /// Where the release was seen that was expected, for a person.
    #[serde(skip)]
    pub(super) release: Option<String>,
    /// What is worse than before, and what is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub baseline: Option<Compared>,
    /// How many tenants are how.
    pub summary: Summary,
    /// The fleet checks.
    pub fleet: Vec<FleetLine<'r>>,
    /// The causes, an entry per guilty object.
    pub causes: Vec<CauseLine<'r>>,
    /// Every tenant.
    pub tenants: Vec<TenantLine<'r>>,
}

/// How many tenants are how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// All that were asked for.
    pub tenants: usize,
    /// Nothing is wrong.
    pub healthy: usize,
    /// Works, with a warning.
    pub degraded: usize,
    /// Broken.
    pub failing: usize,
    /// Not known.
    pub unknown: usize,
    /// Whose page was not asked for because they sleep, however they are.
    pub asleep: usize,
}

/// One finding.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct FindingLine<'r> {
    /// How it ended.
    pub outcome: Outcome,
    /// Why, typed.
    pub reason: Option<Reason>,
    /// Why, for a person.
    pub message: &'r str,
    pub(super) expected: Option<&'r str>,
    pub(super) observed: Option<&'r str>,
}

/// One fleet check.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct FleetLine<'r> {
    /// The check.
    pub check: &'static str,
    /// What it found.
    #[serde(flatten)]
    pub finding: FindingLine<'r>,
    /// The cause that decided it, where one did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
    /// What a short form tells besides.
    #[serde(skip)]
    pub(super) detail: Option<FleetDetail>,
}

/// One check of one tenant.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct CheckLine<'r> {
    /// The check.
    pub check: &'static str,
    /// What it found.
    #[serde(flatten)]
    pub finding: FindingLine<'r>,
    /// The cause that explains it, where it is not well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
    /// How long the probe behind it took, in milliseconds.
    pub duration_ms: Option<f64>,
}

/// One cause.
#[derive(Clone, Debug, Serialize)]
pub struct CauseLine<'r> {
    /// Its name.
    pub cause: Cause,
    /// Whom it concerns.
    pub scope: Scope,
    /// The guilty object, as text: the same as long as the cause lasts.
    #[serde(serialize_with = "as_text")]
    pub object: &'r Object,
    /// Whether it fails, warns or hides.
    pub outcome: Outcome,
    /// The tenants that it explains.
    pub tenants: &'r BTreeSet<TenantId>,
    /// What is wrong, in a few words.
    pub title: &'static str,
    /// What it means for users.
    pub explanation: &'static str,
    /// The command that tells more of it.
    pub explain: String,
    /// Where it is documented: a URL, or a path within the project where it has no address.
    pub docs: String,
    /// How sure it is.
    pub confidence: Confidence,
    /// How urgent it is.
    pub severity: Severity,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) transient: bool,
    /// The facts that prove it.
    #[serde(serialize_with = "as_texts")]
    pub evidence: &'r [Fact],
    /// What to do.
    pub remedy: Vec<RemedyLine<'r>>,
    /// Whether it is accepted for this run: it decides nothing.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub ignored: bool,
    /// Whether it is a warning that the baseline does not know.
    #[serde(skip)]
    pub(super) is_new_warning: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn as_text<S: Serializer>(object: &&Object, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(object)
}

fn as_texts<S: Serializer>(facts: &&[Fact], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(facts.iter().map(ToString::to_string))
}

/// One remedy: its kind, what it is done to, and what a person types or clicks.
#[derive(Clone, Debug, Serialize)]
pub struct RemedyLine<'r> {
    action: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    app: Option<&'r str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hostname: Option<&'r str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    machine: Option<&'r str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    records: &'r [RecordRef],
    /// What a person types or clicks.
    pub command: String,
    automatic: bool,
    /// The same line by line: what is typed, done, looked at or waited for.
    pub instructions: Vec<Instruction>,
}

impl<'r> RemedyLine<'r> {
    /// With the words of a platform's own tool.
    #[must_use]
    pub fn of(remedy: &'r Remedy, tool: &dyn CommandLine) -> Self {
        let action = &remedy.action;
        Self {
            action: action.as_str(),
            app: action.app(),
            hostname: action.hostname(),
            machine: action.machine(),
            records: action.records(),
            command: action.command(tool),
            automatic: remedy.automatic,
            instructions: action.instructions(tool),
        }
    }
}

/// One tenant. Its lines are made when they are asked for: a fleet's would be the largest part of a report.
#[derive(Clone, Copy, Debug)]
pub struct TenantLine<'r> {
    pub(super) tenant: &'r Tenant,
    pub(super) verdict: &'r TenantVerdict,
}

impl<'r> TenantLine<'r> {
    /// Its id.
    #[must_use]
    pub fn id(&self) -> &'r str {
        self.tenant.id.as_str()
    }

    /// How it is.
    #[must_use]
    pub fn status(&self) -> Status {
        self.verdict.status
    }

    /// The first cause that breaks it.
    #[must_use]
    pub fn cause(&self) -> Option<Cause> {
        self.verdict.cause
    }

    /// All six checks.
    pub fn checks(&self) -> impl Iterator<Item = CheckLine<'r>> + use<'r> {
        let verdict = self.verdict;
        verdict.findings.iter().map(|(check, found)| CheckLine {
            check: check.as_str(),
            finding: finding(found),
            cause: verdict
                .explained
                .iter()
                .find(|(explained, _)| {
                    *explained == check && !matches!(found.outcome, Outcome::Pass | Outcome::Skipped)
                })
                .map(|(_, cause)| *cause),
            duration_ms: found.duration_ms.map(|ms| (ms * 100.0).round() / 100.0),
        })
    }
}

impl Serialize for TenantLine<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Line<'r> {
            tenant: &'r TenantId,
            hostname: &'r Hostname,
            app: &'r str,
            status: Status,
            cause: Option<Cause>,
            checks: Vec<CheckLine<'r>>,
        }
        let line = Line {
            tenant: &self.tenant.id,
            hostname: &self.tenant.hostname,
            app: &self.tenant.app,
            status: self.status(),
            cause: self.cause(),
            checks: self.checks().collect(),
        };
        line.serialize(serializer)
    }
}

impl<'r> Report<'r> {
    /// Reports what a round left, to end with `exit`.
    #[must_use]
    pub fn new(outcome: &'r agent::Round, demand: &GatePolicy, exit: ExitCode) -> Self {
        let (world, diagnosis) = (&outcome.world, &outcome.diagnosis);
        let tenants = world
            .tenants
            .iter()
            .zip(&diagnosis.tenants)
            .map(|(world, verdict)| TenantLine {
                tenant: &world.tenant,
                verdict,
            });
        let fleet = diagnosis.fleet.iter().map(|told| FleetLine {
            check: told.check.as_str(),
            finding: finding(&told.finding),
            cause: told.cause,
            detail: told.detail,
        });
        Self {
            schema: schema::REPORT,
            domain: world.domain.as_str(),
            roundsman: env!("CARGO_PKG_VERSION"),
            started_at: outcome.started,
            finished_at: outcome.finished,
            vantage: &world.vantage.name,
            edge: world.edge.addresses.iter().map(ToString::to_string).collect(),
            exit: exit.code(),
            interrupted: demand.interrupted,
            demands: unmet(diagnosis, demand),
            tenants_only: demand.tenants_only,
            release: release_seen(world, diagnosis),
            baseline: demand
                .baseline
                .as_ref()
                .map(|baseline| baseline.compare(diagnosis, demand)),
            summary: summary(&diagnosis.tenants),
            fleet: fleet.collect(),
            causes: causes(diagnosis, demand, tool(world)),
            tenants: tenants.collect(),
        }
    }

    /// Whether all that breaks a check is accepted for this run.
    #[must_use]
    pub(super) fn is_accepted(causes: &[&CauseLine<'_>]) -> bool {
        !causes.is_empty() && causes.iter().all(|line| line.ignored)
    }

    /// Whether everything about an entry was so in the baseline already: it is no reason to fail.
    #[must_use]
    pub fn is_known(&self, line: &CauseLine<'_>) -> bool {
        let Some(baseline) = &self.baseline else {
            return false;
        };
        let name = line.cause.as_str();
        let of_tenants = line
            .tenants
            .iter()
            .flat_map(|tenant| baseline.worse_about(Some(tenant.as_str())));
        let of_fleet = (line.scope == Scope::Fleet).then(|| baseline.worse_about(None));
        let mut worse = of_tenants.chain(of_fleet.into_iter().flatten());
        let known = line.outcome != Outcome::Unknown && !line.is_new_warning;
        known && !worse.any(|change| change.causes.iter().any(|cause| cause == name))
    }

    /// Whether a tenant, or a fleet check, fails as it did in the baseline.
    #[must_use]
    pub fn is_as_before(&self, tenant: Option<&str>, check: Option<&'static str>) -> bool {
        let baseline = self.baseline.as_ref();
        baseline.is_some_and(|baseline| baseline.is_unchanged(tenant, check))
    }

    /// How long the round took, in seconds.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        self.finished_at.duration_since(self.started_at).as_secs_f64().max(0.0)
    }
}

fn summary(tenants: &[TenantVerdict]) -> Summary {
    let count = |status| tenants.iter().filter(|tenant| tenant.status == status).count();
    let sleeps = |tenant: &&TenantVerdict| {
        let mut findings = tenant.findings.iter();
        findings.any(|(_, finding)| finding.reason == Some(Reason::Asleep))
    };
    Summary {
        tenants: tenants.len(),
        healthy: count(Status::Healthy),
        degraded: count(Status::Degraded),
        failing: count(Status::Failing),
        unknown: count(Status::Unknown),
        asleep: tenants.iter().filter(sleeps).count(),
    }
}

fn finding(finding: &Finding) -> FindingLine<'_> {
    FindingLine {
        outcome: finding.outcome,
        reason: finding.reason,
        message: &finding.message,
        expected: finding.expected.as_deref(),
        observed: finding.observed.as_deref(),
    }
}

/// How many tenants each cause concerns.
fn concerned(diagnosis: &Diagnosis) -> BTreeMap<Cause, usize> {
    let mut concerned = BTreeMap::new();
    for entry in &diagnosis.causes {
        *concerned.entry(entry.cause).or_default() += entry.tenants.len();
    }
    concerned
}

/// The tool of the platform that the tenants are on.
fn tool(world: &World) -> &'static dyn CommandLine {
    let cloud = world.platform.known().map(|platform| platform.cloud);
    command_line(cloud.unwrap_or_default())
}

fn causes<'r>(diagnosis: &'r Diagnosis, demand: &GatePolicy, tool: &dyn CommandLine) -> Vec<CauseLine<'r>> {
    let concerned = concerned(diagnosis);
    let severity = |entry: &CauseEntry| {
        let configured = demand.severity.get(&entry.cause).copied();
        configured.unwrap_or_else(|| entry.cause.severity(entry.outcome, concerned[&entry.cause]))
    };
    let entries = diagnosis.causes.iter();
    let new = |entry| {
        demand
            .baseline
            .as_ref()
            .is_some_and(|baseline| baseline.is_new_warning(entry))
    };
    let line = |entry| CauseLine {
        is_new_warning: new(entry),
        ignored: demand.ignored.contains(&entry.cause),
        ..cause(entry, severity(entry), tool)
    };
    entries.map(line).collect()
}

/// The command that tells more of a cause.
pub(super) fn explain(cause: Cause) -> String {
    format!("roundsman explain {cause}")
}

fn cause<'r>(entry: &'r CauseEntry, severity: Severity, tool: &dyn CommandLine) -> CauseLine<'r> {
    CauseLine {
        cause: entry.cause,
        scope: entry.scope,
        object: &entry.object,
        outcome: entry.outcome,
        tenants: &entry.tenants,
        title: entry.cause.title(),
        explanation: entry.cause.meaning(),
        explain: explain(entry.cause),
        docs: docs(entry.cause.as_str()),
        confidence: entry.confidence,
        severity,
        transient: entry.cause.is_transient(),
        evidence: &entry.evidence,
        remedy: entry.remedy.iter().map(|remedy| RemedyLine::of(remedy, tool)).collect(),
        ignored: false,
        is_new_warning: false,
    }
}
