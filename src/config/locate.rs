//! Where in a file stands what shows only once it was read: it is looked for again, so that the mistake is shown like all
//! others. Where it is not found (any more), the sentence alone has to do.

use std::ops::Range;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::{Invalid, Mistake};
use super::load::MAX_CONFIG;
use super::mask::mask_unread;
use super::source::read_text;

/// A mistake at a key of a TOML file, found by its way from the top: tables, then the key.
pub(crate) fn at_key(path: &Path, way: &[&str], title: &str, label: &str) -> Option<Invalid> {
    let text = read_text(path, MAX_CONFIG).ok()?;
    let (document, _) = DeTable::parse_recoverable(&text);
    let span = span_of(document.get_ref(), way)?;
    Some(invalid(path, &text, span, None, title, label))
}

/// A mistake at a word of a line, from 1: the last time that it stands there; the whole line where it does not. `related` is
/// another line with the same word, where it stands first.
pub(crate) fn at_line(
    (path, line): (&Path, usize),
    word: &str,
    related: Option<(usize, &str)>,
    title: &str,
    label: &str,
) -> Option<Invalid> {
    let text = read_text(path, MAX_CONFIG).ok()?;
    let span = words(&text, line, word).pop()?;
    let first = |(line, label): (usize, &str)| Some((words(&text, line, word).into_iter().next()?, label.to_owned()));
    let related = related.and_then(first).filter(|(first, _)| *first != span);
    Some(invalid(path, &text, span, related, title, label))
}

fn invalid(
    path: &Path,
    text: &str,
    span: Range<usize>,
    related: Option<(Range<usize>, String)>,
    title: &str,
    label: &str,
) -> Invalid {
    let mistake = Mistake {
        span: Some(span),
        title: title.to_owned(),
        label: label.to_owned(),
        related,
    };
    Invalid::new(&path.display().to_string(), &mask_unread(text), vec![mistake])
}

/// The value at the end of a way; where that is a table, its name.
fn span_of(table: &DeTable<'_>, way: &[&str]) -> Option<Range<usize>> {
    let (first, rest) = way.split_first()?;
    let (key, value) = table.iter().find(|(key, _)| key.get_ref() == first)?;
    match (rest, value.get_ref()) {
        ([], DeValue::Table(_)) => Some(Spanned::span(key)),
        ([], _) => Some(value.span()),
        (rest, DeValue::Table(inner)) => span_of(inner, rest),
        _ => None,
    }
}

/// Where a word stands in a line, by itself or in quotes, whatever its case; else the line without the spaces around it.
fn words(text: &str, line: usize, word: &str) -> Vec<Range<usize>> {
    let Some(start) = start_of(text, line) else {
        return Vec::new();
    };
    let all = text[start..].lines().next().unwrap_or_default();
    let (lower, word) = (all.to_ascii_lowercase(), word.to_ascii_lowercase());
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let alone = |at: &usize| {
        let before = lower[..*at].chars().next_back();
        let after = lower[at + word.len()..].chars().next();
        !before.is_some_and(is_part) && !after.is_some_and(is_part)
    };
    let found = lower.match_indices(&word).map(|(at, _)| at).filter(alone);
    let mut found = match word.is_empty() {
        true => Vec::new(),
        false => found.map(|at| start + at..start + at + word.len()).collect::<Vec<_>>(),
    };
    if found.is_empty() {
        let indent = all.len() - all.trim_start().len();
        found.push(start + indent..start + all.trim_end().len().max(indent));
    }
    found
}

/// Where a line begins.
fn start_of(text: &str, line: usize) -> Option<usize> {
    match line {
        0 => None,
        1 => Some(0),
        line => text.match_indices('\n').nth(line - 2).map(|(at, _)| at + 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_found_by_itself_and_whatever_its_case() {
        let text = "x\nlist = [\"a\", \"ab\", 'A', \"a.b\"]\n";
        let found = words(text, 2, "a")
            .into_iter()
            .map(|span| &text[span])
            .collect::<Vec<_>>();
        assert_eq!(found, ["a", "A"]);
        // What is not there is the whole line, and a line that is not there nothing.
        assert_eq!(&text[words(text, 1, "q")[0].clone()], "x");
        assert!(words(text, 9, "a").is_empty() && words(text, 0, "a").is_empty());
    }
}
