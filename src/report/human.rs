//! The report as a person reads it at 3 a.m.: a head line, each cause with its proof and its fix, then what is well.

use std::collections::BTreeMap;

use roundsman_checks::diagnosis::{Cause, Confidence, Scope, Status};
use roundsman_checks::evidence::Reason;
use roundsman_checks::finding::Outcome;

use super::json::{CauseLine, FleetLine, Report, TenantLine};
use super::text::{Paint, clean, paint, wrap};

/// How a report is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style {
    /// Whether there are colours.
    pub colour: bool,
    /// Columns to keep within; `None` never breaks a line, as in a pipe.
    pub width: Option<usize>,
}

/// How many tenants, facts and fixes of one cause are shown.
const MOST_TENANTS: usize = 4;
const MOST_FACTS: usize = 3;
const MOST_FIXES: usize = 3;
const INDENT: &str = "     ";

/// Renders the report, with a line break at its end.
#[must_use]
pub fn render(report: &Report, style: Style) -> String {
    let mut blocks = vec![head(report, style)];
    let mut merged = BTreeMap::<(usize, Cause), Vec<&CauseLine>>::new();
    for (index, line) in report.causes.iter().enumerate() {
        let first = report
            .causes
            .iter()
            .position(|other| alike(other, line))
            .unwrap_or(index);
        merged.entry((first, line.cause)).or_default().push(line);
    }
    blocks.extend(merged.values().map(|lines| cause(lines, style)));
    blocks.extend(unknown(report, style));
    blocks.push(summary(report, style));
    blocks.join("\n\n") + "\n"
}

fn alike(a: &CauseLine, b: &CauseLine) -> bool {
    // Failures that nothing explains have nothing in common.
    if a.cause == Cause::Unexplained {
        return std::ptr::eq(a, b);
    }
    (a.cause, a.scope, a.outcome) == (b.cause, b.scope, b.outcome)
}

fn head(report: &Report, style: Style) -> String {
    let edge = match report.edge.as_slice() {
        [] => "no edge address".to_owned(),
        some if some.len() <= 4 => format!("edge {}", some.join(", ")),
        many => format!("edge {} and {} more", many[..3].join(", "), many.len() - 3),
    };
    let head = format!("{} · {edge} · read-only", tenants(report.summary.tenants));
    wrap("", &head, style.width)
}

fn tenants(count: usize) -> String {
    if count == 1 {
        "1 tenant".into()
    } else {
        format!("{count} tenants")
    }
}

fn cause(lines: &[&CauseLine], style: Style) -> String {
    let Some(first) = lines.first() else {
        return String::new();
    };
    let (label, colour) = label(first.outcome);
    let confidence = match lines.iter().map(|line| line.confidence).max() {
        Some(Confidence::Likely) => "likely",
        _ => "confirmed",
    };
    let row = format!("{:<22} {}", first.cause.as_str(), whom(lines));
    let row = format!("{row:<61} {confidence}");
    let mut text = vec![format!("{} {row}", paint(label, colour, style.colour))];
    let facts = facts(lines);
    let hidden = facts.len().saturating_sub(MOST_FACTS);
    text.extend(
        facts
            .iter()
            .take(MOST_FACTS)
            .map(|fact| wrap(INDENT, &clean(fact), style.width)),
    );
    if hidden > 0 {
        text.push(format!("{INDENT}and {hidden} more"));
    }
    let mut fixes = lines
        .iter()
        .flat_map(|line| &line.remedy)
        .map(|remedy| remedy.command.as_str())
        .collect::<Vec<_>>();
    let mut seen = std::collections::HashSet::new();
    fixes.retain(|fix| seen.insert(*fix));
    let hidden = fixes.len().saturating_sub(MOST_FIXES);
    text.extend(
        fixes
            .iter()
            .take(MOST_FIXES)
            .map(|fix| wrap(" fix ", &clean(fix), style.width)),
    );
    if hidden > 0 {
        text.push(format!("{INDENT}and {hidden} more like it"));
    }
    text.join("\n")
}

/// Of one entry all facts, of several the first of each.
fn facts<'l>(lines: &[&'l CauseLine]) -> Vec<&'l str> {
    match lines {
        [one] => one.evidence.iter().map(String::as_str).collect(),
        many => many
            .iter()
            .filter_map(|line| line.evidence.first())
            .map(String::as_str)
            .collect(),
    }
}

fn label(outcome: Outcome) -> (&'static str, Paint) {
    match outcome {
        Outcome::Fail => ("FAIL", Paint::Bad),
        Outcome::Warn => ("WARN", Paint::Doubtful),
        Outcome::Unknown => ("UNKN", Paint::Blind),
        Outcome::Pass | Outcome::Skipped => ("    ", Paint::Faint),
    }
}

fn whom(lines: &[&CauseLine]) -> String {
    let mut names = lines
        .iter()
        .flat_map(|line| &line.tenants)
        .map(String::as_str)
        .collect::<Vec<_>>();
    names.sort_unstable();
    names.dedup();
    let scope = lines.first().map(|line| line.scope);
    match (scope, names.len()) {
        (Some(Scope::Agent), 0) => "this agent".into(),
        (Some(Scope::Fleet), 0) => "the fleet".into(),
        (Some(Scope::Fleet | Scope::Agent), count) => tenants(count),
        (_, count) => {
            let shown = names.iter().take(MOST_TENANTS).copied().collect::<Vec<_>>().join(", ");
            if count > MOST_TENANTS {
                format!("{shown} and {} more", count - MOST_TENANTS)
            } else {
                shown
            }
        }
    }
}

/// Tenants that are unknown without a cause: what was missing, and who they are.
fn unknown(report: &Report, style: Style) -> Option<String> {
    let mut reasons = BTreeMap::<String, Vec<&str>>::new();
    for tenant in report
        .tenants
        .iter()
        .filter(|tenant| tenant.status == Status::Unknown && tenant.cause.is_none())
    {
        let missing = tenant
            .checks
            .iter()
            .find(|check| check.finding.outcome == Outcome::Unknown);
        let text = missing.map_or_else(
            || "all checks were skipped".to_owned(),
            |check| format!("{}: {}", check.check, check.finding.message),
        );
        reasons.entry(text).or_default().push(&tenant.tenant);
    }
    let lines = reasons.iter().flat_map(|(reason, names)| {
        let shown = names.iter().take(MOST_TENANTS).copied().collect::<Vec<_>>().join(", ");
        let more = if names.len() > MOST_TENANTS {
            format!(" and {} more", names.len() - MOST_TENANTS)
        } else {
            String::new()
        };
        let row = format!("{} {shown}{more}", paint("UNKN", Paint::Blind, style.colour));
        [row, wrap(INDENT, &clean(reason), style.width)]
    });
    let lines = lines.collect::<Vec<_>>();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

fn summary(report: &Report, style: Style) -> String {
    let mut lines = vec![wrap("fleet    ", &fleet(&report.fleet), style.width)];
    let counts = report.summary;
    let named = [
        (counts.healthy, "healthy", Paint::Good),
        (counts.degraded, "degraded", Paint::Doubtful),
        (counts.failing, "failing", Paint::Bad),
        (counts.unknown, "unknown", Paint::Blind),
    ];
    let named = named.into_iter().filter(|(count, _, _)| *count > 0);
    let named = named.map(|(count, name, colour)| paint(&format!("{count} {name}"), colour, style.colour));
    let named = named.collect::<Vec<_>>().join(", ");
    let empty =
        "none: the inventory is empty, so nothing was verified (`tenants` in the configuration, `--tenants`, names)";
    let blind = report
        .causes
        .iter()
        .any(|cause| cause.scope == Scope::Agent && cause.outcome == Outcome::Unknown);
    let chosen = "none was left by what was chosen";
    let empty = if report.demands.iter().any(|demand| demand.starts_with("--label")) {
        chosen
    } else {
        empty
    };
    let empty = if blind {
        "none: nobody could be asked who they are, so nothing was verified"
    } else {
        empty
    };
    lines.push(if counts.tenants == 0 {
        wrap("tenants  ", empty, style.width)
    } else {
        format!("tenants  {named}")
    });
    if report.interrupted {
        lines.push("ended    before everything was looked at".to_owned());
    }
    lines.extend(
        report
            .demands
            .iter()
            .map(|demand| wrap("demand   ", demand, style.width)),
    );
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

fn fleet(lines: &[FleetLine]) -> String {
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

fn short(line: &FleetLine) -> String {
    let finding = &line.finding;
    let detail = |keep: fn(&str) -> bool| {
        finding
            .message
            .split([',', ';'])
            .map(str::trim)
            .find(|part| keep(part))
            .map(str::to_owned)
    };
    match (line.check, finding.outcome) {
        ("wildcard-dns", Outcome::Unknown) => format!("wildcard DNS ({})", clean(&finding.message)),
        ("wildcard-dns", _) => "wildcard DNS".into(),
        ("dnssec", _) => "DNSSEC".into(),
        ("wildcard-certificate", Outcome::Pass) => {
            detail(|part| part.ends_with("% left")).map_or("certificate".into(), |left| format!("certificate ({left})"))
        }
        ("wildcard-certificate", _) => "certificate".into(),
        ("edge", Outcome::Pass) => {
            let families = detail(|part| part.starts_with("IPv")).unwrap_or_default();
            let families = families.replace("IPv", "v").replace(" and ", "+");
            let lacking = detail(|part| part.contains("not looked at"))
                .map(|_| ", one family not looked at")
                .unwrap_or_default();
            format!("edge {families}{lacking}")
        }
        (other, _) => other.to_owned(),
    }
}

fn checks(tenants: &[TenantLine]) -> String {
    let all = || tenants.iter().flat_map(|tenant| &tenant.checks);
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
        format!(" ({ran} of 6 checks ran{why})")
    };
    let named = if named.is_empty() {
        "none".to_owned()
    } else {
        named.join(", ")
    };
    format!("{named}{ran}")
}
