//! Waiting, told as a story: a line whenever what is waited for changes. Pure.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use roundsman_checks::diagnosis::{Cause, CauseEntry, Diagnosis, Fact, Scope, Status};
use roundsman_checks::finding::{Check, Outcome};
use roundsman_checks::target::TenantId;
use roundsman_checks::world::World;

use super::release::release_seen;
use super::unmet::Unmet;
use crate::exit_code::ExitCode;
use crate::text::clean;

/// Most causes that one line names.
const MOST_CAUSES: usize = 3;
/// Most columns of the fact that shows a cause.
const MOST_OF_A_FACT: usize = 100;
/// Most tenants that one cause names.
const MOST_TENANTS: usize = 3;

/// Remembers what was said last.
#[derive(Debug, Default)]
pub struct WaitLog {
    last: Option<Told>,
}

/// What is waited for.
#[derive(Clone, Debug)]
struct Told {
    text: String,
    news: News,
}

/// What of it is news when it changes.
#[derive(Clone, Debug)]
enum News {
    /// What was missing, where no cause is known.
    Missing(String),
    /// The causes, whom they concern and what shows them.
    Causes(Vec<(Cause, Vec<TenantId>, Vec<Fact>)>),
}

impl News {
    /// Whether the other says the same, but for what differs from look to look.
    fn is_old(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Missing(one), Self::Missing(other)) => one == other,
            (Self::Causes(one), Self::Causes(other)) => {
                one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
            }
            _ => false,
        }
    }
}

fn same(one: &(Cause, Vec<TenantId>, Vec<Fact>), other: &(Cause, Vec<TenantId>, Vec<Fact>)) -> bool {
    let facts = one.2.iter().zip(&other.2);
    (one.0, &one.1, one.2.len()) == (other.0, &other.1, other.2.len())
        && facts.into_iter().all(|(a, b)| a.is_old_news(b))
}

impl WaitLog {
    /// The columns before what a line says: the time and a word.
    pub const INDENT: usize = 15;

    /// The line for what is waited for, where that is news. `open` are the tenants that keep the gate from passing;
    /// `fleet`: whether what is found about the fleet keeps it too.
    pub fn waiting(
        &mut self,
        at: Duration,
        diagnosis: &Diagnosis,
        open: &BTreeSet<TenantId>,
        fleet: bool,
    ) -> Option<String> {
        let told = waited_for(diagnosis, open, fleet, &[]);
        if self.last.as_ref().is_some_and(|last| last.news.is_old(&told.news)) {
            return None;
        }
        let line = line(at, "waiting", &told.text);
        self.last = Some(told);
        Some(line)
    }

    /// What is waited for.
    #[must_use]
    pub fn last(&self) -> &str {
        let told = self.last.as_ref().map(|told| told.text.as_str());
        told.unwrap_or("all to be well once more")
    }

    /// The line for a look at everything that passed, where several are needed.
    pub fn passed(&mut self, at: Duration, passed: u32, of: u32) -> Option<String> {
        self.last = None;
        (passed < of).then(|| line(at, "passed", &format!("{passed} of {of}")))
    }

    /// A line beside what is waited for.
    #[must_use]
    pub fn note(at: Duration, text: &str) -> String {
        line(at, "note", text)
    }

    /// The last line. `shortfalls` say why it is no pass where no cause does, `why` why waiting has ended.
    #[must_use]
    pub fn end(
        at: Duration,
        code: ExitCode,
        seen: (&World, &Diagnosis),
        open: &BTreeSet<TenantId>,
        fleet: bool,
        shortfalls: &[Unmet],
        why: &str,
    ) -> String {
        let word = match code {
            ExitCode::Verified => return line(at, "VERIFIED", &verified(seen.0, seen.1)),
            ExitCode::Failing => "FAILING",
            ExitCode::Inconclusive | ExitCode::Usage => "INCONCLUSIVE",
        };
        let text = waited_for(seen.1, open, fleet, shortfalls).text;
        line(at, word, &format!("{text} ({why})"))
    }
}

fn line(at: Duration, word: &str, text: &str) -> String {
    format!("{} {word:<8} {text}", clock(at))
}

/// Minutes and seconds, as in `01:12`; hours are minutes.
#[must_use]
pub fn clock(at: Duration) -> String {
    format!("{:02}:{:02}", at.as_secs() / 60, at.as_secs() % 60)
}

/// What keeps the gate from passing: the widest scope first, then the causes that concern most.
fn waited_for(diagnosis: &Diagnosis, open: &BTreeSet<TenantId>, fleet: bool, shortfalls: &[Unmet]) -> Told {
    let concerns = |entry: &&CauseEntry| {
        let wrong = matches!(entry.outcome, Outcome::Fail | Outcome::Unknown | Outcome::Warn);
        let about_open = entry.tenants.iter().any(|tenant| open.contains(tenant));
        let about_all = entry.scope != Scope::Tenant && fleet && entry.outcome != Outcome::Warn;
        wrong && (about_open || about_all)
    };
    let mut by_cause = BTreeMap::<(Scope, Cause), Vec<&CauseEntry>>::new();
    for entry in diagnosis.causes.iter().filter(concerns) {
        by_cause.entry((entry.scope, entry.cause)).or_default().push(entry);
    }
    let one_tenant = diagnosis.tenants.len() == 1;
    let parts = by_cause.iter().map(|((scope, cause), entries)| {
        let part = named(*cause, entries, open, one_tenant);
        ((*scope, Reverse(part.concerned)), part)
    });
    let mut parts = parts.collect::<Vec<_>>();
    parts.sort_by_key(|(rank, _)| *rank);
    if parts.is_empty() {
        let text = without_cause(diagnosis, open, shortfalls);
        return Told {
            news: News::Missing(text.clone()),
            text,
        };
    }
    let shown = parts.iter().take(MOST_CAUSES).map(|(_, part)| part.text.clone());
    let hidden = match parts.len().saturating_sub(MOST_CAUSES) {
        0 => None,
        1 => Some("and 1 more cause".to_owned()),
        more => Some(format!("and {more} more causes")),
    };
    Told {
        text: shown.chain(hidden).collect::<Vec<_>>().join("; "),
        news: News::Causes(parts.into_iter().map(|(_, part)| part.news).collect()),
    }
}

/// One cause, told.
struct Part {
    text: String,
    news: (Cause, Vec<TenantId>, Vec<Fact>),
    concerned: usize,
}

/// A cause, what shows it where it is one thing, and whom it concerns where there are several.
fn named(cause: Cause, entries: &[&CauseEntry], open: &BTreeSet<TenantId>, one_tenant: bool) -> Part {
    let first = |entry: &CauseEntry| entry.evidence.first().cloned().into_iter().collect::<Vec<_>>();
    let facts = match entries {
        // Each machine that does not run the release is worth a name.
        [one] if cause == Cause::ReleaseMismatch => {
            let machines = one.evidence.iter().filter(|fact| fact.is_of_a_machine());
            let machines = machines.cloned().collect::<Vec<_>>();
            if machines.is_empty() { first(one) } else { machines }
        }
        // That a certificate is being issued says all there is to say.
        [one] if cause != Cause::CertificateIssuing => first(one),
        _ => Vec::new(),
    };
    let whom = entries.iter().flat_map(|entry| &entry.tenants);
    let whom = whom.filter(|id| open.contains(*id)).collect::<BTreeSet<_>>();
    let names = match one_tenant || whom.is_empty() {
        true => String::new(),
        false => format!(" ({})", list(whom.iter().map(|id| id.as_str()))),
    };
    // Each look takes a control name of its own, which is no news.
    let told = facts
        .iter()
        .map(|fact| clean(&fact.clone().with_any_control().to_string()));
    let told = told.collect::<Vec<_>>().join(", ");
    let told = match told.as_str() {
        "" => String::new(),
        fact => format!(": {}", console::truncate_str(fact, MOST_OF_A_FACT, "…")),
    };
    Part {
        text: format!("{cause}{names}{told}"),
        concerned: whom.len(),
        news: (cause, whom.into_iter().cloned().collect(), facts),
    }
}

/// Tenants that are open for no cause: something could not be looked at, or nobody is there.
fn without_cause(diagnosis: &Diagnosis, open: &BTreeSet<TenantId>, shortfalls: &[Unmet]) -> String {
    if open.is_empty() && !shortfalls.is_empty() {
        return shortfalls
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join("; ");
    }
    if diagnosis.tenants.is_empty() {
        return "no tenant is there yet".into();
    }
    let first = diagnosis
        .tenants
        .iter()
        .filter(|tenant| open.contains(&tenant.tenant))
        .find_map(|tenant| {
            let (check, finding) = tenant
                .findings
                .iter()
                .find(|(_, finding)| matches!(finding.outcome, Outcome::Unknown | Outcome::Skipped))?;
            Some(format!("{check} {}: {}", finding.outcome, clean(&finding.message)))
        });
    let whom = || list(open.iter().map(TenantId::as_str));
    match first {
        Some(first) if diagnosis.tenants.len() == 1 => first,
        Some(first) => format!("{first} ({})", whom()),
        None => "the fleet's checks".into(),
    }
}

fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names = names.collect::<Vec<_>>();
    let shown = names.iter().take(MOST_TENANTS).copied().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(MOST_TENANTS) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// Who was verified, by how many checks, and which release they run.
fn verified(world: &World, diagnosis: &Diagnosis) -> String {
    let whom = match diagnosis.tenants.as_slice() {
        [one] => one.tenant.to_string(),
        many => format!("{} tenants", many.len()),
    };
    let ran = Check::ALL.into_iter().filter(|check| {
        let mut outcomes = diagnosis
            .tenants
            .iter()
            .map(|tenant| tenant.findings.of(*check).outcome);
        outcomes.any(|outcome| outcome != Outcome::Skipped)
    });
    let degraded = diagnosis
        .tenants
        .iter()
        .filter(|tenant| tenant.status == Status::Degraded)
        .count();
    let failing = diagnosis
        .tenants
        .iter()
        .filter(|tenant| tenant.status == Status::Failing)
        .count();
    let mut text = format!("{whom}: {} of {} checks", ran.count(), Check::COUNT);
    for part in [
        release_seen(world, diagnosis),
        (degraded > 0).then(|| format!("{degraded} with a warning")),
        (failing > 0).then(|| format!("{failing} failing as before")),
    ] {
        text.extend(part.map(|part| format!(", {part}")));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_counts_minutes_on() {
        assert_eq!(clock(Duration::from_secs(41)), "00:41");
        assert_eq!(clock(Duration::from_secs(3 * 3600 + 62)), "181:02");
    }
}
