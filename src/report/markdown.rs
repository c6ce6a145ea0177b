//! The report as Markdown, for a comment on a merge request and for a job's summary: verdict, causes, proof, fixes.
//! What targets said stands in code fences only, and no text is longer than it may be.

use roundsman_checks::diagnosis::{Confidence, Status};
use roundsman_checks::finding::Outcome;

use super::grouped_causes::{Merged, by_importance};
use super::json::Report;
use super::standing::{compared, edge, headline, shortfalls, some_of, unknown_alone, unverified};
use crate::text::{clean, shorten};

/// What a comment may hold: GitHub takes 65,536 characters.
pub const COMMENT_LIMIT: usize = 65_000;

/// How many tenants, facts and fixes of one cause are shown at once; the rest of the facts and fixes is folded.
const MOST_TENANTS: usize = 4;
const MOST_FACTS: usize = 3;
const MOST_FIXES: usize = 5;
/// How many are kept below the fold, and how long one may be.
const MOST_FOLDED: usize = 100;
const LONGEST_LINE: usize = 1000;
/// What is kept free for the sentence that says what was cut.
const RESERVE: usize = 300;

/// Text that grows to a limit in bytes, which are never fewer than characters; pieces are taken whole or not at all.
struct Page {
    text: String,
    limit: usize,
}

impl Page {
    /// Whether the piece found room.
    fn add(&mut self, piece: &str) -> bool {
        let fits = self.text.len() + piece.len() + RESERVE <= self.limit;
        if fits {
            self.text.push_str(piece);
        }
        fits
    }

    /// Adds pieces until one does not fit; returns how many were left out.
    fn add_all(&mut self, pieces: impl IntoIterator<Item = String>) -> usize {
        let mut pieces = pieces.into_iter();
        let full = pieces.by_ref().any(|piece| !self.add(&piece));
        usize::from(full) + pieces.count()
    }
}

/// Renders the report in at most `limit` bytes.
#[must_use]
pub fn render(report: &Report<'_>, limit: usize) -> String {
    let mut page = Page {
        text: String::new(),
        limit,
    };
    page.add(&head(report));
    let causes = by_importance(report);
    let mut cut = Vec::new();
    if !causes.is_empty() {
        page.add("| | cause | whom | confidence |\n|---|---|---|---|\n");
        cut.push((page.add_all(causes.iter().map(|entry| row(entry, report))), "rows"));
        page.add("\n");
    }
    // Where all of it finds no room, what can be seen without unfolding may.
    let untold = causes
        .iter()
        .filter(|entry| !page.add(&details(entry, MOST_FOLDED)) && !page.add(&details(entry, 0)));
    cut.push((untold.count(), "causes"));
    let unknown = unknown_alone(report);
    let unknown = unknown.iter().map(|(reason, names)| {
        let names = plain(&some_of(names, MOST_TENANTS));
        format!("### unknown: {names}\n\n{}\n", fence("text", &[reason]))
    });
    cut.push((page.add_all(unknown), "reasons"));
    cut.push((unwell(report, &mut page), "tenants"));
    let cut = cut.iter().filter(|(count, _)| *count > 0);
    let cut = cut.map(|(count, what)| format!("{count} {what}")).collect::<Vec<_>>();
    if !cut.is_empty() {
        page.text.push_str(&format!(
            "\n**Cut:** {} did not fit here; `--output json=FILE` has everything.\n",
            cut.join(", ")
        ));
    }
    page.text
}

fn head(report: &Report<'_>) -> String {
    let mark = match report.exit {
        0 => "✅",
        1 => "❌",
        _ => "❔",
    };
    let mut text = format!(
        "## {mark} {}\n\n{} · {} · exit {}\n\n",
        headline(report),
        code(report.domain),
        plain(&edge(report)),
        report.exit
    );
    if let Some((head, lines)) = compared(report, MOST_FOLDED) {
        text.push_str(&format!("{head}\n\n"));
        if !lines.is_empty() {
            let lines = lines.iter().map(String::as_str).collect::<Vec<_>>();
            text.push_str(&format!("{}\n", fence("text", &lines)));
        }
    }
    for shortfall in shortfalls(report) {
        text.push_str(&format!("> {}\n\n", plain(&shortfall.sentence())));
    }
    for note in unverified(report) {
        text.push_str(&format!("> not verified: {}\n\n", plain(&note)));
    }
    text
}

fn row(entry: &Merged<'_>, report: &Report<'_>) -> String {
    let known = entry.mark(report);
    let quiet = entry
        .quiet()
        .map(|severity| format!(", {severity}"))
        .unwrap_or_default();
    format!(
        "| {} | {} | {} | {}{quiet}{known} |\n",
        word(entry.outcome()),
        code(entry.cause().as_str()),
        plain(&entry.whom(MOST_TENANTS)),
        confidence(entry)
    )
}

fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Fail => "**fail**",
        Outcome::Warn => "warn",
        Outcome::Unknown => "unknown",
        Outcome::Pass | Outcome::Skipped => "",
    }
}

fn confidence(entry: &Merged<'_>) -> &'static str {
    match entry.confidence() {
        Confidence::Likely => "likely",
        Confidence::Confirmed => "confirmed",
    }
}

fn details(entry: &Merged<'_>, folded_most: usize) -> String {
    let (title, explanation) = entry.meaning();
    let mut text = format!(
        "### {}: {}\n\n{} {}\n\n",
        code(entry.cause().as_str()),
        plain(&entry.whom(MOST_TENANTS)),
        sentence(title),
        plain(explanation)
    );
    let names = entry.tenants();
    if names.len() > MOST_TENANTS && folded_most > 0 {
        let listed = format!("{}\n", plain(&some_of(&names, folded_most)));
        text.push_str(&folded(&format!("{} tenants", names.len()), &listed));
    }
    text.push_str(&listed("text", "facts", &entry.facts(), (MOST_FACTS, folded_most)));
    let fixes = entry.fixes();
    if !fixes.is_empty() {
        text.push_str("Fix:\n\n");
        let commands = fixes.iter().all(|fix| fix.is_typed);
        let fixes = fixes.into_iter().map(|fix| fix.text).collect::<Vec<_>>();
        let language = if commands { "sh" } else { "text" };
        text.push_str(&listed(language, "fixes", &fixes, (MOST_FIXES, folded_most)));
    }
    text
}

/// The first few in a fence, the rest in one below a fold.
fn listed(language: &str, what: &str, lines: &[String], (most, folded_most): (usize, usize)) -> String {
    let (shown, rest) = lines.split_at(most.min(lines.len()));
    let mut text = if shown.is_empty() {
        String::new()
    } else {
        fence(language, shown) + "\n"
    };
    if !rest.is_empty() {
        let kept = &rest[..folded_most.min(rest.len())];
        let title = format!("{} more {what}", rest.len());
        text.push_str(&match kept.len() {
            0 => format!("… and {title}\n\n"),
            count if count < rest.len() => {
                folded(&format!("{title}, the first {count} of them"), &fence(language, kept))
            }
            _ => folded(&title, &fence(language, kept)),
        });
    }
    text
}

/// The tenants that are not healthy, below a fold; returns how many found no room.
fn unwell(report: &Report<'_>, page: &mut Page) -> usize {
    let unwell = report
        .tenants
        .iter()
        .filter(|tenant| tenant.status() != Status::Healthy);
    let unwell = unwell.collect::<Vec<_>>();
    let (open, close) = (
        format!(
            "<details><summary>{} not healthy</summary>\n\n| tenant | status | cause |\n|---|---|---|\n",
            super::standing::tenants(unwell.len())
        ),
        "\n</details>\n",
    );
    if unwell.is_empty() {
        return 0;
    }
    page.limit = page.limit.saturating_sub(close.len());
    if !page.add(&open) {
        return unwell.len();
    }
    let cut = page.add_all(unwell.iter().map(|tenant| {
        let cause = tenant.cause().map(|cause| code(cause.as_str())).unwrap_or_default();
        let status = match tenant.status() {
            Status::Healthy => "healthy",
            Status::Degraded => "degraded",
            Status::Failing => "failing",
            Status::Unknown => "unknown",
        };
        format!("| {} | {status} | {cause} |\n", plain(tenant.id()))
    }));
    page.text.push_str(close);
    cut
}

fn folded(title: &str, body: &str) -> String {
    format!("<details><summary>{title}</summary>\n\n{body}\n</details>\n\n")
}

/// A fence longer than any run of backticks in the lines: nothing in them ends it, and nothing in it is markup, HTML or
/// a mention.
fn fence(language: &str, lines: &[impl AsRef<str>]) -> String {
    let lines = lines.iter().map(|line| shorten(&clean(line.as_ref()), LONGEST_LINE));
    let body = lines.collect::<Vec<_>>().join("\n");
    let marks = "`".repeat(longest_run(&body).max(2) + 1);
    format!("{marks}{language}\n{body}\n{marks}\n")
}

fn longest_run(text: &str) -> usize {
    let runs = text.split(|c| c != '`').map(str::len);
    runs.max().unwrap_or(0)
}

/// A name of ours or a domain as code: holds no backtick.
fn code(text: &str) -> String {
    format!("`{}`", clean(text).replace('`', "'").replace('|', "\\|"))
}

/// Text outside of code: markup, HTML, references, mentions and bare addresses are taken for what they are. No escape
/// stops a mention or a link that GitHub makes by itself; a character without width after the sign does.
fn plain(text: &str) -> String {
    let text = shorten(&clean(text), LONGEST_LINE);
    let mut escaped = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        let before = &text[..at];
        match c {
            ':' if text[at..].starts_with("://") => escaped.push_str(":\u{200b}"),
            '.' if ends_with_www(before) => escaped.push_str("\u{200b}."),
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '@' | '#' => escaped.extend([c, '\u{200b}']),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '!' => escaped.extend(['\\', c]),
            _ => escaped.push(c),
        }
    }
    escaped
}

fn ends_with_www(text: &str) -> bool {
    let last = text.as_bytes().last_chunk::<3>();
    last.is_some_and(|last| last.eq_ignore_ascii_case(b"www"))
}

/// A title of ours as a sentence.
fn sentence(title: &str) -> String {
    let mut chars = title.chars();
    let first = chars.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
    plain(&format!("{first}{}.", chars.as_str()))
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn tells_causes_with_proof_and_fix_and_keeps_hostile_text_in_fences() {
        insta::assert_snapshot!(render(&sample::hostile(), COMMENT_LIMIT));
    }

    #[test]
    fn text_of_targets_outside_of_code_is_only_text() {
        assert_eq!(
            plain("a|b `c` <img src=x> @team #1 *x* [l](u)"),
            "a\\|b \\`c\\` &lt;img src=x&gt; @\u{200b}team #\u{200b}1 \\*x\\* \\[l\\](u)"
        );
        assert_eq!(
            plain("(https://evil.example/l) WWW.evil.example"),
            "(https:\u{200b}//evil.example/l) WWW\u{200b}.evil.example"
        );
    }

    #[test]
    fn a_fence_is_longer_than_what_would_end_it() {
        assert_eq!(fence("text", &["a ```` b"]), "`````text\na ```` b\n`````\n");
    }

    #[test]
    fn a_huge_report_fits_and_says_what_was_cut() {
        let report = sample::huge(20_000);
        for limit in [COMMENT_LIMIT, 3_000, 700_000] {
            let text = render(&report, limit);
            assert!(text.len() <= limit, "{limit}: {}", text.len());
            assert!(text.contains("**Cut:** "), "{}", &text[text.len() - 300..]);
            assert_eq!(text.matches("<details>").count(), text.matches("</details>").count());
            assert_eq!(text.lines().filter(|line| line.starts_with("```")).count() % 2, 0);
        }
    }

    #[test]
    fn a_round_without_tenants_says_so() {
        insta::assert_snapshot!(render(&sample::empty(), COMMENT_LIMIT));
    }
}
