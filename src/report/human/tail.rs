//! The end of the report, which stays on the screen: the causes in numbers, fleet and tenants, what was not verified, what
//! it took.

use std::collections::BTreeMap;

use roundsman_checks::diagnosis::{Cause, FleetDetail};
use roundsman_checks::evidence::Reason;
use roundsman_checks::finding::{Check, Outcome};
use roundsman_checks::reading::Lifetime;

use super::super::grouped_causes::{Merged, Standing};
use super::super::json::{FleetLine, Report, TenantLine};
use super::super::standing::{Shortfall, counts, nobody, notes, shortfalls};
use super::label;
use crate::text::{Detail, Paint, Style, wrap};

/// A space at which no line is broken.
const BESIDE: char = '\u{a0}';

/// How many of the slowest tenants are named.
const MOST_SLOW: usize = 5;

pub(super) fn told(report: &Report<'_>, causes: &[&Merged<'_>], style: Style) -> String {
    let row = |name: &str, text: &str| style.paragraph(&label(name), text);
    let mut lines = Vec::new();
    let named = numbers(causes);
    if !named.is_empty() {
        // No line ends between a name and its number.
        let named = wrap(&label("causes"), &named.join(", "), style.width);
        lines.push(named.replace(BESIDE, " "));
    }
    lines.push(row("fleet", &fleet(&report.fleet)));
    lines.push(match nobody(report) {
        Some(why) => row("tenants", &format!("none: {why}")),
        None => label("tenants") + &painted_counts(report, style).join(", "),
    });
    if style.detail == Detail::Everything {
        lines.extend(slowest(&report.tenants).map(|slow| row("slowest", &slow)));
    }
    lines.extend(shortfalls(report).iter().filter_map(|shortfall| match shortfall {
        Shortfall::Interrupted(_) => Some(row("ended", &shortfall.sentence())),
        Shortfall::GatePolicy(demand) => Some(row("not met", &demand.to_string())),
        Shortfall::Nobody(_) => None,
    }));
    lines.extend(notes(report).iter().map(|note| row(note.label, &note.text)));
    let tail = format!(
        "{} · {} · exit {}",
        checks(&report.tenants),
        seconds(report.seconds()),
        report.exit
    );
    lines.push(row("checks", &tail));
    lines.join("\n")
}

/// Each cause with the number of tenants that it concerns, in the order of the entries.
fn numbers(causes: &[&Merged<'_>]) -> Vec<String> {
    let mut numbers = Vec::<((Cause, Standing), usize)>::new();
    for entry in causes {
        let (key, count) = ((entry.cause(), entry.standing()), entry.tenants().len());
        match numbers.iter_mut().find(|(known, _)| *known == key) {
            Some((_, sum)) => *sum += count,
            None => numbers.push((key, count)),
        }
    }
    let told = numbers.into_iter().map(|((cause, standing), count)| {
        let mark = match standing {
            Standing::New => "",
            Standing::Known => "\u{a0}(known)",
            Standing::Ignored => "\u{a0}(ignored)",
        };
        match count {
            0 => format!("{cause}{mark}"),
            count => format!("{cause}{BESIDE}{count}{mark}"),
        }
    });
    told.collect()
}

fn painted_counts(report: &Report<'_>, style: Style) -> Vec<String> {
    let named = counts(report).map(|(count, name)| {
        let colour = match name {
            "healthy" => Paint::Good,
            "degraded" => Paint::Doubtful,
            "failing" => Paint::Bad,
            _ => Paint::Blind,
        };
        style.painted(&format!("{count} {name}"), colour)
    });
    named.collect()
}

/// The tenants whose page took longest.
fn slowest(tenants: &[TenantLine<'_>]) -> Option<String> {
    let page = |line: &TenantLine<'_>| {
        let mut checks = line.checks();
        checks.find(|check| check.check == Check::Site.as_str())?.duration_ms
    };
    let mut took = tenants
        .iter()
        .filter_map(|line| Some((page(line)?, line.id())))
        .collect::<Vec<_>>();
    took.sort_by(|(one, _), (other, _)| other.total_cmp(one));
    let named = took.iter().take(MOST_SLOW);
    let named = named.map(|(ms, id)| format!("{id} {ms:.0} ms")).collect::<Vec<_>>();
    (!named.is_empty()).then(|| named.join(", "))
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
            format!("wildcard DNS ({})", finding.message)
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
    let mut outcomes = BTreeMap::<Outcome, usize>::new();
    // Why a check ran at nobody, where it is the same at everybody.
    let mut absent = BTreeMap::<&str, Option<Reason>>::new();
    for check in tenants.iter().flat_map(TenantLine::checks) {
        *outcomes.entry(check.finding.outcome).or_default() += 1;
        let not = |reason: &Reason| matches!(reason, Reason::NotConfigured | Reason::NotSelected);
        let reason = check.finding.reason.filter(not);
        let known = absent.entry(check.check).or_insert(reason);
        *known = known.filter(|known| Some(*known) == reason);
    }
    let order = [
        Outcome::Pass,
        Outcome::Warn,
        Outcome::Fail,
        Outcome::Unknown,
        Outcome::Skipped,
    ];
    let named = order
        .into_iter()
        .filter_map(|outcome| Some(format!("{} {outcome}", outcomes.get(&outcome)?)))
        .collect::<Vec<_>>();
    let absent = |reason: Reason| {
        let names = absent.iter().filter(|(_, why)| **why == Some(reason));
        names.map(|(name, _)| *name).collect::<Vec<_>>()
    };
    let (unconfigured, unselected) = (absent(Reason::NotConfigured), absent(Reason::NotSelected));
    let ran = Check::COUNT - unconfigured.len() - unselected.len();
    let platform =
        ["app", "conflicts"].iter().all(|name| unconfigured.contains(name)) && unconfigured.len() < Check::COUNT;
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
