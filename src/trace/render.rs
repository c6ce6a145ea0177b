//! A trace as a person reads it: a hop a paragraph, the phases as bars, the logs, then the cause and its fix.

use roundsman_checks::diagnosis::{Confidence, Form};
use roundsman_checks::finding::Outcome;

use super::render_hops as hops;
use super::render_logs as logs;
use super::{Phase, Trace};
use crate::text::{Paint, Style, paint, wrap};

/// Facts and fixes of one cause that are shown.
const MOST: usize = 6;
/// Columns of a label and the space behind it.
pub(super) const LABEL: usize = 10;
/// Columns of the bars where nothing limits the line.
const WIDE: usize = 80;

/// Renders the trace, with a line break at its end.
#[must_use]
pub fn render(trace: &Trace<'_>, style: Style) -> String {
    let page = Page { style };
    let mut blocks = vec![head(trace, page)];
    blocks.push(hops::dns(trace, page));
    blocks.push(hops::visit(trace, page));
    blocks.push(hops::beyond(trace, page));
    blocks.push(logs::told(trace, page));
    blocks.extend(waterfall(&trace.phases, page));
    blocks.extend(causes(trace, page));
    blocks.push(tail(trace, page));
    blocks.join("\n\n") + "\n"
}

fn head(trace: &Trace<'_>, page: Page) -> String {
    let first = page.line(
        "trace",
        &format!("{}, app {}: GET {}", trace.tenant, trace.app, trace.url),
    );
    let when = trace.started_at.strftime("%Y-%m-%dT%H:%M:%SZ");
    let from = page.line("", &format!("from {} at {when}", trace.vantage));
    format!("{first}\n{from}")
}

/// The phases one after another; each bar begins where the one before it ends.
fn waterfall(phases: &[Phase], page: Page) -> Option<String> {
    let whole = phases.last().map(|last| last.start_ms + last.ms)?;
    let room = page.style.width.unwrap_or(WIDE).clamp(40, 100) - LABEL - 24;
    let bars = phases.iter().enumerate().map(|(at, phase)| {
        let label = if at == 0 { "phases" } else { "" };
        let bar = bar(phase, whole, room, page.style.ascii);
        let row = format!("{label:<LABEL$}{:<11}{:>9.1} ms {bar}", phase.phase, phase.ms);
        row.trim_end().to_owned()
    });
    let mut rows = bars.collect::<Vec<_>>();
    rows.push(format!("{:<LABEL$}{:<11}{whole:>9.1} ms", "", "total"));
    Some(rows.join("\n"))
}

/// The part of `room` that a phase takes, at its place; at least a mark.
fn bar(phase: &Phase, whole: f64, room: usize, ascii: bool) -> String {
    #[expect(clippy::cast_precision_loss, reason = "a few columns")]
    let scale = room as f64 / whole.max(f64::MIN_POSITIVE);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "columns are few and not negative"
    )]
    let column = |ms: f64| ((ms * scale).round().max(0.0) as usize).min(room);
    let from = column(phase.start_ms).min(room.saturating_sub(1));
    let length = column(phase.start_ms + phase.ms).saturating_sub(from).max(1);
    let mark = if ascii { "#" } else { "█" };
    format!("{}{}", " ".repeat(from), mark.repeat(length))
}

fn causes(trace: &Trace<'_>, page: Page) -> Option<String> {
    let entries = trace.causes.iter().map(|entry| {
        let (label, colour) = match entry.outcome {
            Outcome::Fail => ("FAIL", Paint::Bad),
            Outcome::Warn => ("WARN", Paint::Doubtful),
            _ => ("UNKNOWN", Paint::Blind),
        };
        let sure = match entry.confidence {
            Confidence::Confirmed => "",
            Confidence::Likely => " (likely)",
        };
        let head = page.line("!", &format!("{}{sure}: {}", entry.cause, entry.title));
        // The label stands in the place of a mark that was as wide.
        let label = paint(&format!("{label:<LABEL$}"), colour, page.style.colour);
        let mut rows = vec![label + head.get(LABEL..).unwrap_or_default()];
        rows.push(page.line("", entry.explanation));
        let facts = entry.evidence.iter().take(MOST);
        rows.extend(facts.map(|fact| page.line("", &format!("- {fact}"))));
        let fixes = entry.remedy.iter().take(MOST).flat_map(|remedy| &remedy.instructions);
        rows.extend(fixes.map(|line| match line.form {
            Form::Run => page.command(line.form.as_str(), &line.text),
            form => page.line(form.as_str(), line.behind_label()),
        }));
        rows.push(page.line("more", &entry.explain));
        rows.join("\n")
    });
    let entries = entries.collect::<Vec<_>>();
    (!entries.is_empty()).then(|| entries.join("\n\n"))
}

fn tail(trace: &Trace<'_>, page: Page) -> String {
    let checks = trace.checks.iter();
    let checks = checks.map(|check| match check.finding.outcome {
        Outcome::Skipped | Outcome::Unknown => {
            let reason = check
                .finding
                .reason
                .map(|reason| format!(" ({reason})"))
                .unwrap_or_default();
            format!("{} {}{reason}", check.check, check.finding.outcome)
        }
        outcome => format!("{} {outcome}", check.check),
    });
    let checks = page.line("checks", &checks.collect::<Vec<_>>().join(", "));
    let ended = if trace.interrupted {
        ", ended before everything was looked at"
    } else {
        ""
    };
    let verdict = page.line("verdict", &format!("{} · exit {}{ended}", trace.status, trace.exit));
    format!("{checks}\n{verdict}")
}

/// Where text goes: cleaned, in characters that can be shown, within the width.
#[derive(Clone, Copy)]
pub(super) struct Page {
    pub(super) style: Style,
}

impl Page {
    /// A paragraph with its label.
    pub(super) fn line(self, label: &str, text: &str) -> String {
        wrap(&format!("{label:<LABEL$}"), &self.fit(text), self.style.width)
    }

    /// A command with its label, whole on its line whatever the width: it is to be copied.
    fn command(self, label: &str, text: &str) -> String {
        format!("{label:<LABEL$}{}", self.style.shown(text))
    }

    /// The text as it can be shown; a word too long for the width is broken, which a pipe never is.
    fn fit(self, text: &str) -> String {
        let text = self.style.shown(text);
        let Some(room) = self.style.width.map(|width| width.saturating_sub(LABEL).max(8)) else {
            return text;
        };
        let words = text.split(' ').map(|word| {
            let letters = word.chars().collect::<Vec<_>>();
            let pieces = letters.chunks(room).map(|piece| piece.iter().collect::<String>());
            pieces.collect::<Vec<_>>().join(" ")
        });
        words.collect::<Vec<_>>().join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn phase(start_ms: f64, ms: f64) -> Phase {
        Phase {
            phase: "tls",
            start_ms,
            ms,
        }
    }

    #[test]
    fn a_bar_stands_at_its_place_within_the_room() {
        assert_eq!(bar(&phase(0.0, 5.0), 10.0, 10, true), "#####");
        assert_eq!(bar(&phase(5.0, 5.0), 10.0, 10, false), "     █████");
        for (start, ms, whole) in [(0.0, 0.0, 0.0), (10.0, 0.0, 10.0), (9.99, 0.01, 10.0), (0.0, 1e-9, 1e9)] {
            let bar = bar(&phase(start, ms), whole, 10, true);
            assert!((1..=10).contains(&bar.len()) && bar.ends_with('#'), "{bar:?}");
        }
    }

    #[test]
    fn on_a_terminal_a_long_word_is_broken_in_a_pipe_never_and_a_command_nowhere() {
        let page = |width, ascii| Page {
            style: Style {
                width,
                ascii,
                ..Style::default()
            },
        };
        let word = "x".repeat(100);
        let broken = page(Some(40), false).line("TLS", &word);
        assert!(broken.lines().all(|line| line.len() <= 40), "{broken}");
        assert_eq!(page(None, false).line("TLS", &word), format!("TLS       {word}"));
        let command = "fly certs remove q7f9.tenants.test -a sp-q7f9 -y";
        assert_eq!(
            page(Some(40), false).command("run", command),
            format!("run       {command}")
        );
        assert_eq!(
            page(None, true).line("", "a · b… é \x1b[2J"),
            "          a - b... ? ?[2J"
        );
    }
}
