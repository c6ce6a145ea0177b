//! The report as a person reads it at 3 a.m.: a head line, each cause with its proof and its fix, then what is well and what
//! counts once more.

mod entry;
mod tail;
#[cfg(test)]
mod tests;

use roundsman_checks::finding::Outcome;

use super::grouped_causes::{Merged, Standing, by_importance};
use super::json::{Report, TenantLine};
use super::standing::{compared, edge, listed, unknown_alone};
use crate::text::{Detail, Paint, Style, counted};

/// Columns of a label and the space behind it.
const LABEL: usize = 9;
/// How many tenants, facts and fixes of one cause are shown.
const MOST_TENANTS: usize = 4;
const MOST_FACTS: usize = 3;
const MOST_FIXES: usize = 3;
/// How many tenants of a kind are shown that changed since the baseline.
const MOST_CHANGES: usize = 10;

/// How much of a list is shown.
fn most(usual: usize, style: Style) -> usize {
    if style.all { usize::MAX } else { usual }
}

/// A label as wide as all are.
fn label(word: &str) -> String {
    format!("{word:<LABEL$}")
}

/// Renders the report, with a line break at its end.
#[must_use]
pub fn render(report: &Report<'_>, style: Style) -> String {
    let causes = by_importance(report);
    if style.detail == Detail::Failures {
        let fails = |entry: &&Merged<'_>| entry.outcome() == Outcome::Fail && entry.standing() == Standing::New;
        let failing = causes.iter().filter(fails).collect::<Vec<_>>();
        let names = entry::columns(&failing);
        let blocks = failing.iter().map(|one| entry::told(one, names, style) + "\n");
        return blocks.collect::<Vec<_>>().join("\n");
    }
    let shown = causes.iter().collect::<Vec<_>>();
    let names = entry::columns(&shown);
    let mut blocks = vec![head(report, style)];
    blocks.extend(shown.iter().map(|one| entry::told(one, names, style)));
    blocks.extend(unknown(report, style));
    if style.detail == Detail::Everything {
        blocks.extend(report.tenants.iter().map(|line| tenant(line, style)));
    }
    blocks.extend(compared(report, most(MOST_CHANGES, style)).map(|(head, lines)| {
        let head = style.paragraph(&label("baseline"), &head);
        let lines = lines.iter().map(|line| style.paragraph(&label(""), line));
        std::iter::once(head).chain(lines).collect::<Vec<_>>().join("\n")
    }));
    blocks.push(tail::told(report, &shown, style));
    blocks.join("\n\n") + "\n"
}

/// What was verified, when and from where.
fn head(report: &Report<'_>, style: Style) -> String {
    let head = format!(
        "{} · {} · {} · {} · from {}",
        report.domain,
        counted(report.summary.tenants, "tenant"),
        edge(report),
        report.started_at.strftime("%Y-%m-%d %H:%M:%S UTC"),
        report.vantage
    );
    style.paragraph("", &head)
}

/// One tenant with each of its checks.
fn tenant(line: &TenantLine<'_>, style: Style) -> String {
    let cause = line.cause().map(|cause| format!(" ({cause})")).unwrap_or_default();
    let mut text = vec![style.shown(&format!("{} {}{cause}", line.id(), line.status()))];
    for check in line.checks() {
        let finding = &check.finding;
        let took = check.duration_ms.map(|ms| format!(" · {ms} ms")).unwrap_or_default();
        let begin = format!("  {:<12} {:<8} ", check.check, finding.outcome.as_str());
        text.push(style.paragraph(&begin, &format!("{}{took}", finding.message)));
    }
    text.join("\n")
}

/// Tenants that are unknown without a cause: what was missing, and who they are.
fn unknown(report: &Report<'_>, style: Style) -> Option<String> {
    let groups = unknown_alone(report);
    let lines = groups.iter().flat_map(|(reason, names)| {
        let begin = label("UNKNOWN");
        let row = style.paragraph(&begin, &listed(names, most(MOST_TENANTS, style)));
        let row = row.replacen("UNKNOWN", &style.painted("UNKNOWN", Paint::Blind), 1);
        [row, style.paragraph(&(label("") + "- "), reason)]
    });
    let lines = lines.collect::<Vec<_>>();
    (!lines.is_empty()).then(|| lines.join("\n"))
}
