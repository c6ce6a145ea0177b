//! Entries of one cause, told as one: what the forms for people have in common. Knows no form.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

use roundsman_checks::diagnosis::{Cause, Confidence, Form, Scope, Severity};
use roundsman_checks::finding::Outcome;
use roundsman_checks::target::TenantId;

use super::json::{CauseLine, Report};
use super::standing::{some_of, tenants};

/// How failures that nothing explains are told: they have nothing in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unexplained {
    /// One by one, each with its own evidence.
    Apart,
    /// As one, like any cause.
    Together,
}

/// What to do, for a person.
pub(super) struct Fix {
    pub(super) text: String,
    /// Whether it is typed as it stands: then it must not be broken into lines.
    pub(super) is_typed: bool,
}

/// All entries of one cause, scope and outcome.
pub(super) struct Merged<'r> {
    first: &'r CauseLine<'r>,
    others: Vec<&'r CauseLine<'r>>,
}

/// Merges what is alike, in the report's order.
pub(super) fn merged<'r>(report: &'r Report<'r>, unexplained: Unexplained) -> Vec<Merged<'r>> {
    let mut places = HashMap::new();
    let mut all = Vec::<Merged<'_>>::new();
    for (index, line) in report.causes.iter().enumerate() {
        let apart = unexplained == Unexplained::Apart && line.cause == Cause::Unexplained;
        let key = (line.cause, line.scope, line.outcome, apart.then_some(index));
        let place = *places.entry(key).or_insert(all.len());
        match all.get_mut(place) {
            Some(entry) => entry.others.push(line),
            None => all.push(Merged {
                first: line,
                others: Vec::new(),
            }),
        }
    }
    all
}

/// Merges what is alike, the most important first: for readers that show the first few only.
pub(super) fn by_importance<'r>(report: &'r Report<'r>) -> Vec<Merged<'r>> {
    let mut all = merged(report, Unexplained::Together);
    // What passes by itself comes after what stays; what concerns most is in front.
    all.sort_by_cached_key(|entry| {
        let transient = entry.cause().is_transient();
        (
            Reverse(entry.outcome()),
            entry.scope(),
            transient,
            Reverse(entry.tenants().len()),
        )
    });
    all
}

impl<'r> Merged<'r> {
    pub(super) fn cause(&self) -> Cause {
        self.first.cause
    }

    pub(super) fn outcome(&self) -> Outcome {
        self.first.outcome
    }

    pub(super) fn scope(&self) -> Scope {
        self.first.scope
    }

    /// As sure as its least certain entry.
    pub(super) fn confidence(&self) -> Confidence {
        let all = self.lines().map(|line| line.confidence);
        all.max().unwrap_or(self.first.confidence)
    }

    /// How urgent the most urgent of it is, where that is less than a warning.
    pub(super) fn quiet(&self) -> Option<Severity> {
        let severity = self.lines().map(|line| line.severity).max()?;
        (severity < Severity::Warning).then_some(severity)
    }

    /// The tenants that it explains.
    pub(super) fn tenants(&self) -> Vec<&'r str> {
        let all = self.lines().flat_map(|line| line.tenants);
        let mut names = all.map(TenantId::as_str).collect::<Vec<_>>();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Whom it concerns, in a few words; of tenants the first `most` by name.
    pub(super) fn whom(&self, most: usize) -> String {
        let names = self.tenants();
        match (self.scope(), names.len()) {
            (Scope::Agent, 0) => "this agent".into(),
            (Scope::Fleet, 0) => "the fleet".into(),
            (Scope::Fleet | Scope::Agent, count) => tenants(count),
            (Scope::Tenant, _) => some_of(&names, most),
        }
    }

    /// Of one entry all facts, of several one of each: the guilty record where one was seen, else the first.
    pub(super) fn facts(&self) -> Vec<String> {
        if self.others.is_empty() {
            self.first.evidence.iter().map(ToString::to_string).collect()
        } else {
            let told = self.lines().filter_map(|line| {
                let record = line.evidence.iter().find(|fact| fact.shows_record());
                record.or(line.evidence.first())
            });
            told.map(ToString::to_string).collect()
        }
    }

    /// What to type or click, each once.
    pub(super) fn fixes(&self) -> Vec<Fix> {
        let all = self.lines().flat_map(|line| &line.remedy);
        let mut seen = HashSet::new();
        let fixes = all.map(|remedy| Fix {
            text: remedy.command.clone(),
            is_typed: remedy.form == Form::Run,
        });
        fixes.filter(|fix| seen.insert(fix.text.clone())).collect()
    }

    /// What is wrong, and what it means for users.
    pub(super) fn meaning(&self) -> (&'static str, &'static str) {
        (self.first.title, self.first.explanation)
    }

    /// Whether all of it is accepted for this run.
    pub(super) fn is_ignored(&self) -> bool {
        self.lines().all(|line| line.ignored)
    }

    /// What is said beside it where it decides nothing.
    pub(super) fn mark(&self, report: &Report<'_>) -> &'static str {
        match (self.is_ignored(), self.is_known(report)) {
            (true, _) => ", ignored",
            (false, true) => ", as before",
            (false, false) => "",
        }
    }

    /// Whether all of it was so in the baseline already.
    pub(super) fn is_known(&self, report: &Report<'_>) -> bool {
        self.lines().all(|line| report.is_known(line))
    }

    fn lines(&self) -> impl Iterator<Item = &'r CauseLine<'r>> {
        std::iter::once(self.first).chain(self.others.iter().copied())
    }
}
