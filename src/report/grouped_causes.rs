//! Entries of one cause, told as one, in the order that every form has: what the forms for people have in common. Knows
//! no form.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use roundsman_checks::diagnosis::{Cause, Confidence, Fact, Instruction, Scope, Severity};
use roundsman_checks::evidence::Reason;
use roundsman_checks::finding::{Check, Outcome};
use roundsman_checks::target::TenantId;

use super::json::{CauseLine, Report};
use super::standing::{listed, some};
use super::subject::Subjects;
use crate::text::{capital, counted};

/// Why an entry decides nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Standing {
    /// It decides.
    New,
    /// It was so in the baseline already.
    Known,
    /// It is accepted for this run.
    Ignored,
}

/// All entries of one cause, scope and outcome that stand alike; of what nothing explains, those of one check and reason.
pub(super) struct Merged<'r> {
    report: &'r Report<'r>,
    subjects: Rc<Subjects<'r>>,
    first: &'r CauseLine<'r>,
    others: Vec<&'r CauseLine<'r>>,
    standing: Standing,
}

/// Some of a list, and how many were left out.
pub(super) struct Shown<T> {
    pub(super) shown: Vec<T>,
    pub(super) left_out: usize,
}

/// Merges what is alike, by importance: what decides before what was known or is accepted, failures before what is
/// unknown before warnings, what all share before one tenant's, what stays before what passes by itself, what concerns
/// most in front.
pub(super) fn by_importance<'r>(report: &'r Report<'r>) -> Vec<Merged<'r>> {
    let mut all = merged(report);
    all.sort_by_cached_key(|entry| {
        (
            entry.standing,
            Reverse(entry.outcome()),
            entry.scope(),
            entry.cause().is_transient(),
            Reverse(entry.tenants().len()),
        )
    });
    all
}

fn merged<'r>(report: &'r Report<'r>) -> Vec<Merged<'r>> {
    let subjects = Rc::new(Subjects::of(report));
    let mut places = HashMap::new();
    let mut all = Vec::<Merged<'_>>::new();
    for line in &report.causes {
        let standing = standing(line, report);
        let key = (line.cause, line.scope, line.outcome, standing, unexplained(line));
        let place = *places.entry(key).or_insert(all.len());
        match all.get_mut(place) {
            Some(entry) => entry.others.push(line),
            None => all.push(Merged {
                report,
                subjects: Rc::clone(&subjects),
                first: line,
                others: Vec::new(),
                standing,
            }),
        }
    }
    all
}

fn standing(line: &CauseLine<'_>, report: &Report<'_>) -> Standing {
    match (line.ignored, report.is_known(line)) {
        (true, _) => Standing::Ignored,
        (false, true) => Standing::Known,
        (false, false) => Standing::New,
    }
}

/// What failures have in common that nothing explains.
fn unexplained(line: &CauseLine<'_>) -> Option<(Check, Option<Reason>)> {
    line.evidence.iter().find_map(|fact| match fact {
        Fact::Unexplained { check, reason, .. } => Some((*check, *reason)),
        _ => None,
    })
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

    pub(super) fn standing(&self) -> Standing {
        self.standing
    }

    /// Whether its least certain entry is only likely.
    pub(super) fn is_likely(&self) -> bool {
        self.lines().any(|line| line.confidence == Confidence::Likely)
    }

    /// How urgent the most urgent of it is, where that is less than a warning.
    pub(super) fn quiet(&self) -> Option<Severity> {
        let severity = self.lines().map(|line| line.severity).max()?;
        (severity < Severity::Warning).then_some(severity)
    }

    /// What is to be said beside it, each in a word: that it is not certain, not urgent, or only warns.
    pub(super) fn marks(&self) -> Vec<String> {
        let likely = self.is_likely().then(|| "likely".to_owned());
        let quiet = self.quiet().map(|severity| severity.to_string());
        // The label of what decides nothing does not say how bad it is.
        let warns = (self.standing != Standing::New && self.outcome() == Outcome::Warn).then(|| "warns".to_owned());
        likely.into_iter().chain(quiet).chain(warns).collect()
    }

    /// The tenants that it explains.
    pub(super) fn tenants(&self) -> Vec<&'r str> {
        let all = self.lines().flat_map(|line| line.tenants);
        let mut names = all.map(TenantId::as_str).collect::<Vec<_>>();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Whom it concerns: how many, then the first `most` by name.
    pub(super) fn whom(&self, most: usize) -> String {
        let names = self.tenants();
        let all = self.report.summary.tenants;
        match (self.scope(), names.len()) {
            (Scope::Agent, 0) => "this agent".into(),
            (Scope::Fleet, 0) => "the fleet".into(),
            (Scope::Fleet | Scope::Agent, count) if count == all && count > 1 => format!("all {all} tenants"),
            (Scope::Fleet | Scope::Agent, count) if count > 1 => {
                format!("{count} of {}: {}", counted(all, "tenant"), some(&names, most))
            }
            _ => listed(&names, most),
        }
    }

    /// What is wrong and what it means for users, in a few sentences.
    pub(super) fn meaning(&self) -> String {
        let title = capital(self.first.title);
        let told = match unexplained(self.first) {
            Some((check, Some(reason))) => format!("{title} ({check}: {reason})"),
            Some((check, None)) => format!("{title} ({check})"),
            None => title,
        };
        format!("{told}. {}", self.first.explanation)
    }

    /// What tells more of the cause.
    pub(super) fn explain(&self) -> String {
        self.first.explain.clone()
    }

    /// Where it is documented.
    pub(super) fn docs(&self) -> &str {
        &self.first.docs
    }

    /// The facts that prove it, at most so many; where there are more, of several entries the most telling one of each.
    /// Among those of several each begins with what it is about.
    pub(super) fn facts(&self, most: usize) -> Shown<String> {
        let total = self.lines().map(|line| line.evidence.len()).sum::<usize>();
        let told = |line: &CauseLine<'_>, fact: &Fact| match self.others.is_empty() {
            true => self.subjects.alone(line, fact),
            false => self.subjects.among(line, fact),
        };
        let all = self
            .lines()
            .flat_map(|line| line.evidence.iter().map(move |fact| (line, fact)));
        let telling = self.lines().filter_map(|line| {
            let at = most_telling(line.evidence);
            Some((line, line.evidence.get(at)?))
        });
        let told = |(line, fact)| told(line, fact);
        let shown = match self.others.is_empty() || total <= most {
            true => all.take(most).map(told).collect::<Vec<_>>(),
            false => telling.take(most).map(told).collect::<Vec<_>>(),
        };
        Shown {
            left_out: total - shown.len(),
            shown,
        }
    }

    /// What to do, each once: the lines of the first `most` remedies.
    pub(super) fn fixes(&self, most: usize) -> Shown<&'r Instruction> {
        let all = self.lines().flat_map(|line| &line.remedy);
        let mut seen = HashSet::new();
        let mut fixes = all
            .map(|remedy| remedy.instructions.as_slice())
            .filter(|lines| seen.insert(*lines));
        let shown = fixes.by_ref().take(most).flatten().collect::<Vec<_>>();
        Shown {
            left_out: fixes.count(),
            shown,
        }
    }

    fn lines(&self) -> impl Iterator<Item = &'r CauseLine<'r>> + use<'r, '_> {
        std::iter::once(self.first).chain(self.others.iter().copied())
    }
}

/// The place of the fact that shows the guilty object, where one does; else the first.
fn most_telling(facts: &[Fact]) -> usize {
    facts.iter().position(Fact::shows_the_guilty).unwrap_or_default()
}
