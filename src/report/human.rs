//! The report as a person reads it at 3 a.m.: a head line, each cause with its proof and its fix, then what is well.

use roundsman_checks::diagnosis::{Confidence, FleetDetail};
use roundsman_checks::evidence::Reason;
use roundsman_checks::finding::{Check, Outcome};
use roundsman_checks::reading::Lifetime;

use super::grouped_causes::{Fix, Merged, Unexplained, merged};
use super::json::{FleetLine, Report, TenantLine};
use super::standing::{
    Shortfall, compared, counts, edge, nobody, shortfalls, some_of, tenants, unknown_alone, unverified,
};
use crate::text::{Detail, Paint, Style, clean, paint, wrap};

/// How many tenants, facts and fixes of one cause are shown.
const MOST_TENANTS: usize = 4;
const MOST_FACTS: usize = 3;
const MOST_FIXES: usize = 3;
/// How many tenants of a kind are shown that changed since the baseline.
const MOST_CHANGES: usize = 10;
const INDENT: &str = "     ";

/// Renders the report, with a line break at its end.
#[must_use]
pub fn render(report: &Report<'_>, style: Style) -> String {
    let causes = merged(report, Unexplained::Apart);
    if style.detail == Detail::Failures {
        let failing = causes
            .iter()
            .filter(|entry| entry.outcome() == Outcome::Fail && !entry.is_ignored());
        let blocks = failing
            .map(|entry| cause(entry, report, style) + "\n")
            .collect::<Vec<_>>();
        return blocks.join("\n");
    }
    let mut blocks = vec![head(report, style)];
    blocks.extend(causes.iter().map(|entry| cause(entry, report, style)));
    if style.detail == Detail::Everything {
        blocks.extend(report.tenants.iter().map(|line| tenant(line, style)));
    }
    blocks.extend(unknown(report, style));
    blocks.extend(compared(report, MOST_CHANGES).map(|(head, lines)| {
        let head = wrap("baseline ", &head, style.width);
        let lines = lines.iter().map(|line| wrap(INDENT, &clean(line), style.width));
        std::iter::once(head).chain(lines).collect::<Vec<_>>().join("\n")
    }));
    blocks.push(summary(report, style));
    blocks.join("\n\n") + "\n"
}

/// One tenant with each of its checks.
fn tenant(line: &TenantLine<'_>, style: Style) -> String {
    let cause = line.cause().map(|cause| format!(" ({cause})")).unwrap_or_default();
    let mut text = vec![format!("{} {}{cause}", clean(line.id()), line.status())];
    for check in line.checks() {
        let finding = &check.finding;
        let took = check.duration_ms.map(|ms| format!(" · {ms} ms")).unwrap_or_default();
        let begin = format!("  {:<12} {:<8} ", check.check, finding.outcome.as_str());
        let said = format!("{}{took}", finding.message);
        text.push(wrap(&begin, &clean(&said), style.width));
    }
    text.join("\n")
}

fn head(report: &Report<'_>, style: Style) -> String {
    let head = format!("{} · {} · read-only", tenants(report.summary.tenants), edge(report));
    wrap("", &head, style.width)
}

fn cause(entry: &Merged<'_>, report: &Report<'_>, style: Style) -> String {
    let (label, colour) = label(entry.outcome());
    let confidence = match entry.confidence() {
        Confidence::Likely => "likely",
        Confidence::Confirmed => "confirmed",
    };
    let row = format!("{:<22} {}", entry.cause().as_str(), entry.whom(MOST_TENANTS));
    let known = entry.mark(report);
    let quiet = entry
        .quiet()
        .map(|severity| format!(", {severity}"))
        .unwrap_or_default();
    let row = format!("{row:<61} {confidence}{quiet}{known}");
    let mut text = vec![format!("{} {row}", paint(label, colour, style.colour))];
    let facts = entry.facts();
    let shown = facts.iter().take(MOST_FACTS);
    text.extend(shown.map(|fact| wrap(INDENT, &clean(fact), style.width)));
    if facts.len() > MOST_FACTS {
        text.push(format!("{INDENT}and {} more", facts.len() - MOST_FACTS));
    }
    let fixes = entry.fixes();
    let shown = fixes.iter().take(MOST_FIXES);
    let width = |fix: &Fix| style.width.filter(|_| !fix.is_typed);
    text.extend(shown.map(|fix| wrap(" fix ", &clean(&fix.text), width(fix))));
    if fixes.len() > MOST_FIXES {
        text.push(format!("{INDENT}and {} more like it", fixes.len() - MOST_FIXES));
    }
    text.join("\n")
}

fn label(outcome: Outcome) -> (&'static str, Paint) {
    match outcome {
        Outcome::Fail => ("FAIL", Paint::Bad),
        Outcome::Warn => ("WARN", Paint::Doubtful),
        Outcome::Unknown => ("UNKN", Paint::Blind),
        Outcome::Pass | Outcome::Skipped => ("    ", Paint::Faint),
    }
}

/// Tenants that are unknown without a cause: what was missing, and who they are.
fn unknown(report: &Report<'_>, style: Style) -> Option<String> {
    let groups = unknown_alone(report);
    let lines = groups.iter().flat_map(|(reason, names)| {
        let label = paint("UNKN", Paint::Blind, style.colour);
        let row = format!("{label} {}", some_of(names, MOST_TENANTS));
        [row, wrap(INDENT, &clean(reason), style.width)]
    });
    let lines = lines.collect::<Vec<_>>();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

fn summary(report: &Report<'_>, style: Style) -> String {
    let mut lines = vec![wrap("fleet    ", &fleet(&report.fleet), style.width)];
    let named = counts(report).map(|(count, name)| {
        let colour = match name {
            "healthy" => Paint::Good,
            "degraded" => Paint::Doubtful,
            "failing" => Paint::Bad,
            _ => Paint::Blind,
        };
        paint(&format!("{count} {name}"), colour, style.colour)
    });
    lines.push(match nobody(report) {
        Some(why) => wrap("tenants  ", &format!("none: {why}"), style.width),
        None => format!("tenants  {}", named.collect::<Vec<_>>().join(", ")),
    });
    lines.extend(shortfalls(report).iter().filter_map(|shortfall| match shortfall {
        Shortfall::Interrupted => Some("ended    before everything was looked at".to_owned()),
        Shortfall::GatePolicy(demand) => Some(wrap("demand   ", &demand.to_string(), style.width)),
        Shortfall::Nobody(_) => None,
    }));
    let notes = unverified(report);
    lines.extend(notes.iter().map(|note| wrap("not seen ", &clean(note), style.width)));
    let tail = format!(
        "{} · {} · exit {}",
        checks(&report.tenants),
        seconds(report.seconds()),
        report.exit
    );
    lines.push(wrap("checks   ", &tail, style.width));
    lines.join("\n")
}

fn seconds(seconds: f64) -> String {
    if seconds < 100.0 {
        format!("{seconds:.1} s")
    } else {
        let whole = seconds.round();
        format!("{} min {} s", (whole / 60.0).floor(), whole % 60.0)
    }
}

fn fleet(lines: &[FleetLine<'_>]) -> String {
    let of = |outcome: Outcome| {
        lines
            .iter()
            .filter(move |line| line.finding.outcome == outcome)
            .map(short)
            .collect::<Vec<_>>()
    };
    let parts = [
        ("failing", Outcome::Fail),
        ("warning", Outcome::Warn),
        ("unknown", Outcome::Unknown),
        ("ok", Outcome::Pass),
    ];
    let parts = parts
        .into_iter()
        .map(|(word, outcome)| (word, of(outcome)))
        .filter(|(_, names)| !names.is_empty());
    let parts = parts
        .map(|(word, names)| format!("{word}: {}", names.join(", ")))
        .collect::<Vec<_>>();
    if parts.is_empty() {
        "not looked at".into()
    } else {
        parts.join("; ")
    }
}

fn short(line: &FleetLine<'_>) -> String {
    let finding = &line.finding;
    match (line.check, line.detail) {
        ("wildcard-dns", _) if finding.outcome == Outcome::Unknown => {
            format!("wildcard DNS ({})", clean(finding.message))
        }
        ("wildcard-dns", _) => "wildcard DNS".into(),
        ("dnssec", _) => "DNSSEC".into(),
        ("wildcard-certificate", Some(FleetDetail::Lifetime(Lifetime::Left { fraction, .. }))) => {
            format!("certificate ({:.0} % left)", fraction * 100.0)
        }
        ("wildcard-certificate", _) => "certificate".into(),
        ("edge", Some(FleetDetail::Families { v4, v6, lacking })) if finding.outcome == Outcome::Pass => {
            let families = [(v4, "v4"), (v6, "v6")].into_iter().filter(|(seen, _)| *seen);
            let families = families.map(|(_, name)| name).collect::<Vec<_>>().join("+");
            let lacking = if lacking { ", one family not looked at" } else { "" };
            format!("edge {families}{lacking}")
        }
        ("vantage", Some(FleetDetail::ResolverDiffers { resolver, others })) => {
            let more = if others > 0 {
                format!(" and {others} more")
            } else {
                String::new()
            };
            format!("vantage (resolver-differs: {resolver}{more})")
        }
        (other, _) => other.to_owned(),
    }
}

fn checks(tenants: &[TenantLine<'_>]) -> String {
    let all = || tenants.iter().flat_map(TenantLine::checks);
    let count = |outcome| all().filter(|check| check.finding.outcome == outcome).count();
    let named = [
        Outcome::Pass,
        Outcome::Warn,
        Outcome::Fail,
        Outcome::Unknown,
        Outcome::Skipped,
    ];
    let named = named
        .into_iter()
        .map(|outcome| (count(outcome), outcome))
        .filter(|(count, _)| *count > 0);
    let named = named
        .map(|(count, outcome)| format!("{count} {outcome}"))
        .collect::<Vec<_>>();
    let absent = |reason: Reason| {
        let mut names = all()
            .filter(|check| check.finding.reason == Some(reason))
            .map(|check| check.check)
            .collect::<Vec<_>>();
        names.sort_unstable();
        names.dedup();
        names.retain(|name| {
            all()
                .filter(|check| check.check == *name)
                .all(|check| check.finding.reason == Some(reason))
        });
        names
    };
    let (unconfigured, unselected) = (absent(Reason::NotConfigured), absent(Reason::NotSelected));
    let ran = 6 - unconfigured.len() - unselected.len();
    let platform = ["app", "conflicts"].iter().all(|name| unconfigured.contains(name)) && unconfigured.len() < 6;
    let mut why = Vec::new();
    if platform {
        why.push("no platform configured".to_owned());
    }
    if !unselected.is_empty() {
        why.push(format!("left out: {}", unselected.join(", ")));
    }
    let why = if why.is_empty() {
        String::new()
    } else {
        format!(": {}", why.join("; "))
    };
    let ran = if tenants.is_empty() {
        String::new()
    } else {
        format!(" ({ran} of {} checks ran{why})", Check::COUNT)
    };
    let named = if named.is_empty() {
        "none".to_owned()
    } else {
        named.join(", ")
    };
    format!("{named}{ran}")
}
