//! Waiting, told as a story: a line whenever what is waited for changes. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use roundsman_checks::check::other_releases;
use roundsman_checks::diagnosis::{Cause, CauseEntry, Diagnosis, Scope, Status};
use roundsman_checks::finding::{Check, Outcome};
use roundsman_checks::target::TenantId;
use roundsman_checks::world::World;

use crate::exit_code::ExitCode;
use crate::report::clean;

/// Most causes that one line names.
const MOST_CAUSES: usize = 3;
/// Most columns of the fact that shows a cause.
const MOST_OF_A_FACT: usize = 100;
/// Most tenants that one cause names.
const MOST_TENANTS: usize = 3;

/// Remembers what was said last.
#[derive(Debug, Default)]
pub struct Story {
    last: Option<String>,
}

impl Story {
    /// The line for what is waited for, where that is news. `open` are the tenants that keep the gate from passing.
    pub fn waiting(
        &mut self,
        at: Duration,
        (world, diagnosis): (&World, &Diagnosis),
        open: &BTreeSet<TenantId>,
        fleet: bool,
    ) -> Option<String> {
        let what = waited_for(world, diagnosis, open, fleet);
        if self.last.as_ref() == Some(&what) {
            return None;
        }
        let line = line(at, "waiting", &what);
        self.last = Some(what);
        Some(line)
    }

    /// What is waited for.
    #[must_use]
    pub fn last(&self) -> &str {
        self.last.as_deref().unwrap_or("all is well, and it has to stay so")
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

    /// The last line.
    #[must_use]
    pub fn end(
        at: Duration,
        code: ExitCode,
        world: &World,
        diagnosis: &Diagnosis,
        open: &BTreeSet<TenantId>,
    ) -> String {
        let word = match code {
            ExitCode::Verified => return line(at, "VERIFIED", &verified(world, diagnosis)),
            ExitCode::Failing => "FAILING",
            ExitCode::Inconclusive | ExitCode::Usage => "INCONCLUSIVE",
        };
        line(at, word, &waited_for(world, diagnosis, open, true))
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

/// What keeps the gate from passing, the causes that concern most in front.
fn waited_for(world: &World, diagnosis: &Diagnosis, open: &BTreeSet<TenantId>, fleet: bool) -> String {
    let concerns = |entry: &&CauseEntry| {
        let wrong = matches!(entry.outcome, Outcome::Fail | Outcome::Unknown | Outcome::Warn);
        let about_open = entry.tenants.iter().any(|tenant| open.contains(tenant));
        let about_all = entry.scope != Scope::Tenant && fleet && entry.outcome != Outcome::Warn;
        wrong && (about_open || about_all)
    };
    let mut by_cause = BTreeMap::<Cause, Vec<&CauseEntry>>::new();
    for entry in diagnosis.causes.iter().filter(concerns) {
        by_cause.entry(entry.cause).or_default().push(entry);
    }
    let one_tenant = diagnosis.tenants.len() == 1;
    let mut parts = by_cause
        .iter()
        .map(|(cause, entries)| (named(*cause, entries, open, one_tenant), entries.len()))
        .collect::<Vec<_>>();
    parts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let mut parts = parts.into_iter().map(|(text, _)| text).collect::<Vec<_>>();
    let hidden = parts.len().saturating_sub(MOST_CAUSES);
    parts.truncate(MOST_CAUSES);
    if hidden > 0 {
        parts.push(format!("and {hidden} more causes"));
    }
    if parts.is_empty() {
        without_cause(diagnosis, open)
    } else {
        // Each look takes a control name of its own, which is no news.
        parts.join("; ").replace(world.zone.control.as_str(), "a fresh name")
    }
}

/// A cause, what shows it where it is one thing at one tenant, and whom it concerns where there are several.
fn named(cause: Cause, entries: &[&CauseEntry], open: &BTreeSet<TenantId>, one_tenant: bool) -> String {
    let shown = match entries {
        // That a certificate is being issued says all there is to say.
        [one] if cause != Cause::CertificateIssuing => one.evidence.first(),
        _ => None,
    };
    let shown = shown.map(|fact| format!(": {}", console::truncate_str(&clean(fact), MOST_OF_A_FACT, "…")));
    let shown = shown.unwrap_or_default();
    let whom = entries
        .iter()
        .flat_map(|entry| &entry.tenants)
        .filter(|id| open.contains(*id));
    let whom = whom.collect::<BTreeSet<_>>();
    if one_tenant || whom.is_empty() {
        return format!("{cause}{shown}");
    }
    format!("{cause}{shown} ({})", list(whom.iter().map(|id| id.as_str())))
}

/// Tenants that are open for no cause: something could not be looked at, or nobody is there.
fn without_cause(diagnosis: &Diagnosis, open: &BTreeSet<TenantId>) -> String {
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
    let mut text = format!("{whom}: {} of 6 checks", ran.count());
    for part in [
        release(world),
        (degraded > 0).then(|| format!("{degraded} with a warning")),
        (failing > 0).then(|| format!("{failing} failing as before")),
    ] {
        text.extend(part.map(|part| format!(", {part}")));
    }
    text
}

/// As in `v43 on 2 of 2 machines`.
fn release(world: &World) -> Option<String> {
    let image = world
        .tenants
        .first()
        .and_then(|tenant| tenant.expectation.image.as_ref());
    let version = world
        .tenants
        .first()
        .and_then(|tenant| tenant.expectation.site.version.as_ref());
    let (Some(image), Some(platform)) = (image, world.platform.known()) else {
        return version.map(|version| format!("answers with {}", version.value));
    };
    let apps = world
        .tenants
        .iter()
        .filter_map(|tenant| platform.apps.get(&tenant.tenant.app));
    let (mut all, mut right) = (0, 0);
    for app in apps {
        let others = other_releases(image, app).len();
        let machines = app.machines.iter().filter(|machine| !machine.is_gone()).count();
        all += machines;
        right += machines.saturating_sub(others);
    }
    Some(format!("{} on {right} of {all} machines", image.short()))
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
