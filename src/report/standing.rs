//! What a round comes to besides its causes: the verdict in a line, who is how, and what keeps it from being a plain
//! yes. Sentences that the forms share; knows no form.

use std::collections::BTreeMap;

use roundsman_checks::diagnosis::{FleetDetail, Scope, Status};
use roundsman_checks::evidence::Reason;
use roundsman_checks::finding::Outcome;

use super::json::{CheckLine, FleetLine, Report, TenantLine};
use crate::gate::{Change, Unmet};
use crate::text::{clean, counted};

/// Why the exit code is worse than the findings alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Shortfall<'r> {
    /// It was ended early, and so many tenants are not known.
    Interrupted(usize),
    /// A demand that was not met, as in `--require app: …`.
    GatePolicy(&'r Unmet),
    /// There is no tenant, and why.
    Nobody(&'static str),
}

impl Shortfall<'_> {
    /// What it is about, in a word or two.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Interrupted(_) => "interrupted".into(),
            Self::GatePolicy(demand) => demand.name(),
            Self::Nobody(_) => "inventory".into(),
        }
    }

    /// The whole sentence.
    pub(super) fn sentence(&self) -> String {
        match self {
            Self::Interrupted(0) => "interrupted: what is said rests on the last look".into(),
            Self::Interrupted(count) => format!("interrupted: {} could not be verified", counted(*count, "tenant")),
            Self::GatePolicy(demand) => demand.to_string(),
            Self::Nobody(why) => format!("no tenant was verified: {why}"),
        }
    }

    /// Whether it makes the round fail; else it makes it inconclusive.
    pub(super) fn fails(&self) -> bool {
        matches!(self, Self::GatePolicy(demand) if demand.fails())
    }
}

/// Sleeping tenants that are named.
const MOST_SLEEPERS: usize = 4;

/// What a reader wants to know though nothing is wrong with it.
pub(super) struct Note {
    /// What it is about, in a word or two.
    pub(super) label: &'static str,
    pub(super) text: String,
    /// Whether it is something that was not verified.
    is_gap: bool,
}

impl Note {
    /// What kind of note it is, for forms in which the label alone says too little.
    pub(super) fn title(&self) -> &'static str {
        if self.is_gap { "not verified" } else { self.label }
    }

    /// What stands below the title.
    pub(super) fn body(&self) -> String {
        match self.is_gap {
            true => format!("{}: {}", self.label, self.text),
            false => self.text.clone(),
        }
    }

    /// Title and all in one line.
    pub(super) fn sentence(&self) -> String {
        format!("{}: {}", self.title(), self.body())
    }
}

/// Where the expected release was seen, and what was not verified though nothing is wrong with it: no reason to fail, and
/// no reason to be silent.
pub(super) fn notes(report: &Report<'_>) -> Vec<Note> {
    let asleep = |line: &CheckLine<'_>| line.finding.reason == Some(Reason::Asleep);
    let sleepers = report
        .tenants
        .iter()
        .filter(|tenant| tenant.checks().any(|check| asleep(&check)));
    let sleepers = sleepers.map(TenantLine::id).collect::<Vec<_>>();
    let release = report.release.iter().map(|seen| Note {
        label: "release",
        text: seen.clone(),
        is_gap: false,
    });
    let mut notes = release.collect::<Vec<_>>();
    if !sleepers.is_empty() {
        let whose = match sleepers.len() {
            1 => "its page was",
            _ => "their pages were",
        };
        let (count, who) = (sleepers.len(), some(&sleepers, MOST_SLEEPERS));
        notes.push(Note {
            label: "asleep",
            text: format!("{count}: {who}; {whose} not asked for (--wake always asks)"),
            is_gap: true,
        });
    }
    let proxied = |line: &FleetLine<'_>| line.detail == Some(FleetDetail::ThroughProxy);
    if report.fleet.iter().any(proxied) {
        notes.push(Note {
            label: "not seen",
            text: "the wildcard goes through the CDN's proxy: that path was not verified".to_owned(),
            is_gap: true,
        });
    }
    notes
}

/// What the exit code rests on besides failures.
pub(super) fn shortfalls<'r>(report: &'r Report<'r>) -> Vec<Shortfall<'r>> {
    let mut all = Vec::new();
    if report.interrupted {
        all.push(Shortfall::Interrupted(report.summary.unknown));
    }
    all.extend(report.demands.iter().map(Shortfall::GatePolicy));
    all.extend(nobody(report).map(Shortfall::Nobody));
    all
}

/// Why there is no tenant, where there is none.
pub(super) fn nobody(report: &Report<'_>) -> Option<&'static str> {
    let blind = |cause: &super::json::CauseLine<'_>| cause.scope == Scope::Agent && cause.outcome == Outcome::Unknown;
    if report.summary.tenants > 0 {
        None
    } else if report.causes.iter().any(blind) {
        Some("the inventory could not be read, so nothing was verified")
    } else if report
        .demands
        .iter()
        .any(|demand| matches!(demand, Unmet::NobodyLeft(_)))
    {
        Some("no tenant fits what was chosen")
    } else {
        Some(
            "the inventory is empty, so nothing was verified (`[tenants]` in the configuration and its `app_prefix`, `--tenants`, names)",
        )
    }
}

/// The verdict in a line, as in `failing: 7 healthy, 5 failing`.
pub(super) fn headline(report: &Report<'_>) -> String {
    let verdict = match report.exit {
        0 => "verified",
        1 => "failing",
        _ => "inconclusive",
    };
    let counts = counts(report).map(|(count, name)| format!("{count} {name}"));
    let counts = counts.collect::<Vec<_>>().join(", ");
    let counts = if counts.is_empty() {
        "no tenant".to_owned()
    } else {
        counts
    };
    format!("{verdict}: {counts}")
}

/// What changed since the baseline: a line that counts, and a line each; `most` of each kind.
pub(super) fn compared(report: &Report<'_>, most: usize) -> Option<(String, Vec<String>)> {
    let baseline = report.baseline.as_ref()?;
    let kinds = [
        ("worse", &baseline.worse),
        ("as before", &baseline.unchanged),
        ("better", &baseline.better),
    ];
    let counts = kinds.map(|(word, changes)| format!("{} {word}", changes.len()));
    let gone = match baseline.gone.len() {
        0 => String::new(),
        count => format!(", {count} gone"),
    };
    let head = format!(
        "{}{gone} against the report of {}",
        counts.join(", "),
        baseline.finished_at.strftime("%Y-%m-%dT%H:%M:%SZ")
    );
    let mut lines = Vec::new();
    for (word, changes) in kinds {
        lines.extend(changes.iter().take(most).map(|change| told(word, change)));
        if changes.len() > most {
            lines.push(format!("{word:<9} and {} more", changes.len() - most));
        }
    }
    if !baseline.gone.is_empty() {
        let names = baseline.gone.iter().map(String::as_str).collect::<Vec<_>>();
        lines.push(format!("{:<9} {}", "gone", some(&names, most)));
    }
    Some((head, lines))
}

fn told(word: &str, change: &Change) -> String {
    let whom = change.tenant.as_deref().or(change.check).unwrap_or_default();
    let causes = change.causes.join(", ");
    let how = match word {
        "worse" if change.was == change.is => format!("{}, now for {causes}", change.is),
        "worse" if change.was == "new" => format!("new and {}: {causes}", change.is),
        "worse" => format!("was {}, is {}: {causes}", change.was, change.is),
        "better" => format!("was {} ({causes}), is {}", change.was, change.is),
        _ => format!("{}: {causes}", change.is),
    };
    format!("{word:<9} {whom} {how}")
}

/// How many tenants are how; who is not there is not named.
pub(super) fn counts(report: &Report<'_>) -> impl Iterator<Item = (usize, &'static str)> {
    let counts = report.summary;
    let named = [
        (counts.healthy, "healthy"),
        (counts.degraded, "degraded"),
        (counts.failing, "failing"),
        (counts.unknown, "unknown"),
    ];
    named.into_iter().filter(|(count, _)| *count > 0)
}

/// The tenants that are unknown without a cause, by what was missing.
pub(super) fn unknown_alone<'r>(report: &Report<'r>) -> BTreeMap<String, Vec<&'r str>> {
    let mut reasons = BTreeMap::<String, Vec<&str>>::new();
    let alone = report.tenants.iter();
    for tenant in alone.filter(|tenant| tenant.status() == Status::Unknown && tenant.cause().is_none()) {
        let missing = tenant.checks().find(|check| check.finding.outcome == Outcome::Unknown);
        let text = missing.map_or_else(
            || "all checks were skipped".to_owned(),
            |check| format!("{}: {}", check.check, check.finding.message),
        );
        reasons.entry(text).or_default().push(tenant.id());
    }
    reasons
}

/// The edge's addresses; of many the first three.
pub(super) fn edge(report: &Report<'_>) -> String {
    match report.edge.as_slice() {
        [] => "no edge address".to_owned(),
        some if some.len() <= 4 => format!("edge {}", some.join(", ")),
        many => format!("edge {} and {} more", many[..3].join(", "), many.len() - 3),
    }
}

/// Of one its name; of several how many, then the first `most`.
pub(super) fn listed(names: &[&str], most: usize) -> String {
    match names.len() {
        1 => some(names, most),
        count => format!("{count}: {}", some(names, most)),
    }
}

/// The first `most` of these names, and a mark where there are more.
pub(super) fn some(names: &[&str], most: usize) -> String {
    let shown = names.iter().take(most).map(|name| clean(name)).collect::<Vec<_>>();
    let more = if names.len() > most { ", …" } else { "" };
    format!("{}{more}", shown.join(", "))
}
