//! The report in a GitHub Actions log: the human form, then annotations, one per cause. What targets said is never read
//! as a workflow command.

use roundsman_checks::finding::Outcome;

use super::grouped_causes::{Merged, Standing, by_importance};
use super::human::render as human;
use super::json::Report;
use super::standing::{headline, listed, notes, shortfalls, unknown_alone};
use crate::text::{Style, clean, counted, shorten};

/// GitHub shows this many annotations of one level in a step.
const MOST_SHOWN: usize = 10;
/// How many tenants, facts and fixes of one cause are told, and how long one of them may be.
const MOST_TENANTS: usize = 4;
const MOST_FACTS: usize = 5;
const MOST_FIXES: usize = 5;
const LONGEST_LINE: usize = 400;
/// The longest title that GitHub takes.
const LONGEST_TITLE: usize = 255;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Level {
    Error,
    Warning,
    Notice,
}

struct Annotation {
    level: Level,
    title: String,
    message: String,
}

/// Renders the report; how much the human form tells is said by `telling`. Nothing between `::stop-commands::token` and `::token::` is a command, whatever stands there:
/// `token` must be one that no target can guess.
#[must_use]
pub fn render(report: &Report<'_>, telling: Style, token: &str) -> String {
    let story = human(report, telling);
    let mut text = format!("::stop-commands::{token}\n{story}::{token}::\n");
    for annotation in annotations(report) {
        text.push_str(&annotation.command());
        text.push('\n');
    }
    text
}

impl Annotation {
    fn new(level: Level, title: &str, message: &str) -> Self {
        Self {
            level,
            title: shorten(&clean(title), LONGEST_TITLE),
            message: message.to_owned(),
        }
    }

    fn command(&self) -> String {
        let level = match self.level {
            Level::Error => "error",
            Level::Warning => "warning",
            Level::Notice => "notice",
        };
        format!("::{level} title={}::{}", property(&self.title), data(&self.message))
    }
}

/// Errors, then warnings, each the most important first; where nothing is to be said, the verdict as a notice.
fn annotations(report: &Report<'_>) -> Vec<Annotation> {
    let mut all = by_importance(report)
        .iter()
        .map(|entry| of_cause(entry, report))
        .collect::<Vec<_>>();
    let deciding = level(Outcome::Unknown, report);
    all.extend(
        shortfalls(report)
            .iter()
            .map(|shortfall| Annotation::new(deciding, &shortfall.name(), &clean(&shortfall.sentence()))),
    );
    all.extend(unknown_alone(report).iter().map(|(reason, names)| {
        let title = format!("unknown: {}", listed(names, MOST_TENANTS));
        Annotation::new(deciding, &title, &shorten(&clean(reason), LONGEST_LINE))
    }));
    let (errors, warnings) = all
        .into_iter()
        .partition::<Vec<_>, _>(|annotation| annotation.level == Level::Error);
    let mut shown = at_most(errors);
    // Warnings do not explain an exit code of 1 or 3.
    if shown.is_empty() {
        let level = if report.exit == 0 { Level::Notice } else { Level::Error };
        shown.push(Annotation::new(level, "roundsman", &headline(report)));
    }
    shown.extend(at_most(warnings));
    let notes = notes(report).into_iter();
    shown.extend(notes.map(|note| Annotation::new(Level::Notice, note.title(), &clean(&note.body()))));
    shown
}

fn of_cause(entry: &Merged<'_>, report: &Report<'_>) -> Annotation {
    let line = |text: &str| shorten(&clean(text), LONGEST_LINE);
    let mut lines = vec![line(&entry.meaning())];
    let facts = entry.facts(MOST_FACTS);
    lines.extend(facts.shown.iter().map(|fact| format!("- {}", line(fact))));
    if facts.left_out > 0 {
        lines.push(format!("and {}", counted(facts.left_out, "more fact")));
    }
    let fixes = entry.fixes(MOST_FIXES);
    lines.extend(
        fixes
            .shown
            .iter()
            .map(|fix| format!("{}: {}", fix.form.as_str(), line(fix.behind_label()))),
    );
    if fixes.left_out > 0 {
        lines.push(format!("and {}", counted(fixes.left_out, "more fix")));
    }
    lines.push(format!("more: {}", entry.explain()));
    lines.push(format!("docs: {}", entry.docs()));
    let title = format!("{}: {}", entry.cause(), entry.whom(MOST_TENANTS));
    let about_fleet = report.tenants_only && entry.tenants().is_empty();
    let level = if entry.quiet().is_some() {
        Level::Notice
    } else if entry.standing() != Standing::New || about_fleet {
        Level::Warning
    } else {
        level(entry.outcome(), report)
    };
    Annotation::new(level, &title, &lines.join("\n"))
}

/// What does not decide the exit code, such as a failure that was there before, is no error.
fn level(outcome: Outcome, report: &Report<'_>) -> Level {
    let decides = matches!(outcome, Outcome::Fail | Outcome::Unknown) && report.exit != 0;
    if decides { Level::Error } else { Level::Warning }
}

/// Of too many the first, and one that names the rest.
fn at_most(mut annotations: Vec<Annotation>) -> Vec<Annotation> {
    if annotations.len() > MOST_SHOWN {
        let rest = annotations.split_off(MOST_SHOWN - 1);
        if let Some(first) = rest.first() {
            let titles = rest.iter().map(|annotation| annotation.title.as_str());
            let titles = titles.collect::<Vec<_>>().join("\n");
            let title = format!("{} more in the log", rest.len());
            let titles = shorten(&titles, MOST_SHOWN * LONGEST_LINE);
            annotations.push(Annotation::new(first.level, &title, &titles));
        }
    }
    annotations
}

/// Escapes as `escapeData` of actions/toolkit does (packages/core/src/command.ts).
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Escapes as `escapeProperty` there does.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn escapes_what_the_toolkit_escapes() {
        assert_eq!(data("100%\r\n::a,b"), "100%25%0D%0A::a,b");
        assert_eq!(property("100%\r\n::a,b"), "100%25%0D%0A%3A%3Aa%2Cb");
        // An escape that a target wrote stays what it wrote.
        assert_eq!(data("%0A"), "%250A");
    }

    #[test]
    fn a_cause_is_one_annotation_after_the_stopped_story() {
        insta::assert_snapshot!(render(&sample::hostile(), Style::default(), "TOKEN"));
    }

    #[test]
    fn commands_of_a_target_stand_only_where_none_is_read() {
        let text = render(&sample::hostile(), Style::default(), "TOKEN");
        let (before, after) = text.split_once("\n::TOKEN::\n").unwrap_or_default();
        assert!(before.starts_with("::stop-commands::TOKEN\n"));
        assert!(before.contains("::add-mask::"), "{before}");
        let starts = ["::error title=", "::warning title=", "::notice title="];
        for line in after.lines() {
            assert!(starts.iter().any(|start| line.starts_with(start)), "{line}");
        }
    }

    #[test]
    fn of_many_causes_the_tenth_annotation_names_the_rest() {
        let text = render(&sample::many_causes(), Style::default(), "TOKEN");
        let errors = text
            .lines()
            .filter(|line| line.starts_with("::error"))
            .collect::<Vec<_>>();
        assert_eq!(errors.len(), MOST_SHOWN);
        assert!(errors[0].starts_with("::error title=edge-missing%3A"), "{}", errors[0]);
        assert!(errors[9].contains(" more in the log"), "{}", errors[9]);
        assert!(errors[9].contains("::dns-delegated: 2: a, b%0Adns-"), "{}", errors[9]);
        // Failures that nothing explains are one cause too.
        assert!(
            errors[1].starts_with("::error title=unexplained%3A 30%3A u0%2C "),
            "{}",
            errors[1]
        );
        assert_eq!(text.matches("=unexplained").count(), 1);
    }

    #[test]
    fn failures_that_do_not_decide_are_warnings() {
        let mut report = sample::hostile();
        report.exit = 0;
        let text = render(&report, Style::default(), "TOKEN");
        assert!(text.contains("::notice title=roundsman::verified: "), "{text}");
        assert!(text.contains("::warning title=dns-override"), "{text}");
        assert!(!text.contains("::error"), "{text}");
    }
}
