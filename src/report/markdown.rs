//! The report as Markdown, for a comment on a merge request and for a job's summary: verdict, causes, proof, fixes.
//! What targets said stands in code fences only, and no text is longer than it may be.

use roundsman_checks::diagnosis::{Form, Instruction, Status};
use roundsman_checks::finding::Outcome;

use super::grouped_causes::{Merged, Standing, by_importance};
use super::json::Report;
use super::standing::{compared, edge, headline, listed, notes, shortfalls, some, unknown_alone};
use crate::text::{clean, counted, shorten};

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
        page.add("| | cause | affected | |\n|---|---|---|---|\n");
        cut.push((page.add_all(causes.iter().map(row)), "rows"));
        page.add("\n");
    }
    // Where all of it finds no room, what can be seen without unfolding may.
    let untold = causes
        .iter()
        .filter(|entry| !page.add(&details(entry, MOST_FOLDED)) && !page.add(&details(entry, 0)));
    cut.push((untold.count(), "causes"));
    let unknown = unknown_alone(report);
    let unknown = unknown.iter().map(|(reason, names)| {
        let names = plain(&listed(names, MOST_TENANTS));
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
        "## {mark} {}\n\n{} · {} · {} · from {} · exit {}\n\n",
        headline(report),
        code(report.domain),
        plain(&edge(report)),
        report.started_at.strftime("%Y-%m-%d %H:%M:%S UTC"),
        plain(report.vantage),
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
    for note in notes(report) {
        text.push_str(&format!("> {}\n\n", plain(&note.sentence())));
    }
    text
}

fn row(entry: &Merged<'_>) -> String {
    let word = match entry.standing() {
        Standing::New => word(entry.outcome()),
        Standing::Known => "known",
        Standing::Ignored => "ignored",
    };
    format!(
        "| {word} | {} | {} | {} |\n",
        code(entry.cause().as_str()),
        plain(&entry.whom(MOST_TENANTS)),
        entry.marks().join(", ")
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

/// A link, where there is an address; a path would lead elsewhere from wherever this is read.
fn documented(docs: &str) -> String {
    match docs.starts_with("https://") {
        true => format!("[docs](<{docs}>)"),
        false => code(docs),
    }
}

fn details(entry: &Merged<'_>, folded_most: usize) -> String {
    let mut text = format!(
        "### {}: {}\n\n{} {}, {}\n\n",
        code(entry.cause().as_str()),
        plain(&entry.whom(MOST_TENANTS)),
        plain(&entry.meaning()),
        code(&entry.explain()),
        documented(entry.docs())
    );
    let names = entry.tenants();
    if names.len() > MOST_TENANTS && folded_most > 0 {
        let listed = format!("{}\n", plain(&some(&names, folded_most)));
        text.push_str(&folded(&format!("{} tenants", names.len()), &listed));
    }
    let facts = entry.facts(MOST_FACTS + folded_most);
    let (shown, more) = facts.shown.split_at(MOST_FACTS.min(facts.shown.len()));
    if !shown.is_empty() {
        text.push_str(&(fence("text", shown) + "\n"));
    }
    text.push_str(&rest("text", "more fact", more, facts.left_out));
    let fixes = entry.fixes(MOST_FIXES);
    if !fixes.shown.is_empty() {
        text.push_str("Fix:\n\n");
    }
    let (commands, sentences) = fixes
        .shown
        .iter()
        .partition::<Vec<&Instruction>, _>(|line| line.form == Form::Run);
    for (language, lines) in [("text", sentences), ("sh", commands)] {
        if !lines.is_empty() {
            let lines = lines.iter().map(|line| typed(line)).collect::<Vec<_>>();
            text.push_str(&(fence(language, &lines) + "\n"));
        }
    }
    if fixes.left_out > 0 {
        let all = entry.fixes(MOST_FIXES + folded_most);
        let more = all.shown.iter().skip(fixes.shown.len()).map(|line| typed(line));
        text.push_str(&rest("text", "more line", &more.collect::<Vec<_>>(), all.left_out));
    }
    text
}

/// A line of what to do: a command as it is, a sentence behind its label.
fn typed(line: &Instruction) -> String {
    match line.form {
        Form::Run => line.text.clone(),
        form => format!("{:<5}{}", form.as_str(), line.behind_label()),
    }
}

/// What found no room at once, in a fence below a fold; `left_out`: how many are not even there.
fn rest(language: &str, what: &str, kept: &[String], left_out: usize) -> String {
    let title = counted(kept.len() + left_out, what);
    match (kept.len(), left_out) {
        (0, 0) => String::new(),
        (0, _) => format!("… and {title}\n\n"),
        (_, 0) => folded(&title, &fence(language, kept)),
        (count, _) => folded(&format!("{title}, the first {count} of them"), &fence(language, kept)),
    }
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
            counted(unwell.len(), "tenant")
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
