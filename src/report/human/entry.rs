//! One cause: its row, what it means, what proves it, what to do.

use roundsman_checks::diagnosis::Form;
use roundsman_checks::finding::Outcome;

use super::super::grouped_causes::{Merged, Standing};
use super::{LABEL, MOST_FACTS, MOST_FIXES, MOST_TENANTS, label, most};
use crate::text::{Detail, Paint, Style, counted};

/// Columns that must be left for names beside the cause; else they stand below it.
const ROOM: usize = 24;

/// Columns of the longest name of a cause that is shown.
pub(super) fn columns(entries: &[&Merged<'_>]) -> usize {
    let names = entries.iter().map(|entry| entry.cause().as_str().len());
    names.max().unwrap_or_default()
}

/// The whole entry; `names` columns hold the name of each cause.
pub(super) fn told(entry: &Merged<'_>, names: usize, style: Style) -> String {
    let mut text = row(entry, names, style);
    let indent = label("");
    text.push(style.paragraph(&indent, &entry.meaning()));
    let facts = entry.facts(most(MOST_FACTS, style));
    let bullet = format!("{indent}- ");
    text.extend(facts.shown.iter().map(|fact| style.paragraph(&bullet, fact)));
    if facts.left_out > 0 {
        text.push(format!("{indent}and {} (--all)", counted(facts.left_out, "more fact")));
    }
    let fixes = entry.fixes(most(MOST_FIXES, style));
    text.extend(fixes.shown.iter().map(|line| {
        let begin = label(line.form.as_str());
        match line.form {
            // A command is to be copied: it is whole on its line, whatever the width.
            Form::Run => begin + &style.shown(&line.text),
            _ => style.paragraph(&begin, line.behind_label()),
        }
    }));
    if fixes.left_out > 0 {
        text.push(format!("{indent}and {} (--all)", counted(fixes.left_out, "more fix")));
    }
    text.push(label("more") + &entry.explain());
    if style.detail == Detail::Everything {
        text.push(label("docs") + entry.docs());
    }
    match entry.standing() {
        Standing::New => text.join("\n"),
        // What decides nothing is dim, line by line: a pager shows each by itself.
        Standing::Known | Standing::Ignored => {
            let lines = text.iter().flat_map(|part| part.lines());
            let lines = lines.map(|line| style.painted(line, Paint::Faint));
            lines.collect::<Vec<_>>().join("\n")
        }
    }
}

/// Label, name and whom it concerns: on one line, or whom below where too little room is left.
fn row(entry: &Merged<'_>, names: usize, style: Style) -> Vec<String> {
    let (word, colour) = word(entry);
    let whom = entry.whom(most(MOST_TENANTS, style));
    let marks = entry.marks();
    let whom = match marks.is_empty() {
        true => whom,
        false => format!("{whom} ({})", marks.join(", ")),
    };
    let begin = format!("{}{:<names$}  ", label(word), entry.cause().as_str());
    let longest = whom
        .split(' ')
        .map(|name| name.chars().count())
        .max()
        .unwrap_or_default();
    let fits = style
        .width
        .is_none_or(|width| LABEL + names + 2 + longest.max(ROOM) <= width);
    let mut rows = match fits {
        true => vec![style.paragraph(&begin, &whom)],
        false => vec![begin.trim_end().to_owned(), style.paragraph(&label(""), &whom)],
    };
    if let (Some(first), Standing::New) = (rows.first_mut(), entry.standing()) {
        *first = first.replacen(word, &style.painted(word, colour), 1);
    }
    rows
}

fn word(entry: &Merged<'_>) -> (&'static str, Paint) {
    match (entry.standing(), entry.outcome()) {
        (Standing::Known, _) => ("KNOWN", Paint::Faint),
        (Standing::Ignored, _) => ("IGNORED", Paint::Faint),
        (_, Outcome::Fail) => ("FAIL", Paint::Bad),
        (_, Outcome::Warn) => ("WARN", Paint::Doubtful),
        _ => ("UNKNOWN", Paint::Blind),
    }
}
