//! One table of a file: hands out its keys, remembers which were asked for, and calls the rest unknown.

use std::cell::RefCell;
use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

use super::value::{Read, Value, Wrong, expected};
use crate::config::error::Mistake;
use crate::config::nearest::nearest;

/// What went wrong so far in one text, and what of it must not be shown.
#[derive(Debug)]
pub(crate) struct Mistakes {
    line_ends: Vec<usize>,
    directory: PathBuf,
    found: RefCell<Vec<Mistake>>,
    secrets: RefCell<Vec<Range<usize>>>,
}

impl Mistakes {
    /// No mistakes yet in `text`; relative paths in it start at `directory`.
    pub(crate) fn new(text: &str, directory: &Path) -> Self {
        let line_ends = text.match_indices('\n').map(|(at, _)| at).collect();
        Self {
            line_ends,
            directory: directory.to_owned(),
            found: RefCell::default(),
            secrets: RefCell::default(),
        }
    }

    /// Notes a mistake.
    pub(crate) fn push(&self, mistake: Mistake) {
        self.found.borrow_mut().push(mistake);
    }

    /// All mistakes, and the spans that hold secrets.
    pub(crate) fn into_parts(self) -> (Vec<Mistake>, Vec<Range<usize>>) {
        (self.found.into_inner(), self.secrets.into_inner())
    }
}

/// One table, open for reading. Every key that is asked for becomes a known one.
pub(crate) struct Section<'a> {
    table: &'a DeTable<'a>,
    span: Range<usize>,
    name: String,
    known: RefCell<Vec<&'static str>>,
    concealed: RefCell<Vec<&'static str>>,
    mistakes: &'a Mistakes,
}

impl<'a> Section<'a> {
    /// Opens a table; `name` as messages say it (`[edge]`), empty for the top of the file.
    pub(crate) fn new(table: &'a DeTable<'a>, span: Range<usize>, name: String, mistakes: &'a Mistakes) -> Self {
        Self {
            table,
            span,
            name,
            known: RefCell::default(),
            concealed: RefCell::default(),
            mistakes,
        }
    }

    /// The value of `key`, read. `None` where it is absent, or wrong and noted.
    pub(crate) fn get<T>(&self, key: &'static str, read: impl FnOnce(&'a Value<'a>) -> Read<T>) -> Option<T> {
        let value = self.value(key)?;
        match read(value) {
            Ok(read) => Some(read),
            Err(wrongs) => {
                for wrong in wrongs {
                    self.note_wrong(key, wrong);
                }
                None
            }
        }
    }

    /// The table `key`, open for reading.
    pub(crate) fn section(&self, key: &'static str) -> Option<Section<'a>> {
        let name = if self.name.is_empty() {
            format!("[{key}]")
        } else {
            format!("`{key}` of {}", self.name)
        };
        self.get(key, |value| match value.get_ref() {
            DeValue::Table(table) => Ok(Section::new(table, value.span(), name, self.mistakes)),
            _ => expected(value, &format!("a table {name}")),
        })
    }

    /// The tables of an array `[[key]]`, each open for reading.
    pub(crate) fn sections(&self, key: &'static str) -> Vec<Section<'a>> {
        let path = self.name.trim_matches(['[', ']']);
        let name = if path.is_empty() {
            format!("[[{key}]]")
        } else {
            format!("[[{path}.{key}]]")
        };
        let form = format!("an array of tables, each headed {name}");
        let found = self.get(key, |value| match value.get_ref() {
            DeValue::Array(array) => array
                .iter()
                .map(|item| match item.get_ref() {
                    DeValue::Table(table) => Ok(Section::new(table, item.span(), name.clone(), self.mistakes)),
                    _ => expected(item, &form),
                })
                .collect(),
            _ => expected(value, &form),
        });
        found.unwrap_or_default()
    }

    /// The raw value of `key`, which becomes known.
    pub(crate) fn value(&self, key: &'static str) -> Option<&'a Value<'a>> {
        self.accept(key);
        self.table.get(key)
    }

    /// Makes `key` a known one.
    pub(crate) fn accept(&self, key: &'static str) {
        let mut known = self.known.borrow_mut();
        if !known.contains(&key) {
            known.push(key);
        }
    }

    /// Opens a table that lies within this one.
    pub(crate) fn inner(&self, table: &'a DeTable<'a>, span: Range<usize>, name: String) -> Section<'a> {
        Section::new(table, span, name, self.mistakes)
    }

    /// The folder where relative paths start.
    pub(crate) fn directory(&self) -> &'a Path {
        &self.mistakes.directory
    }

    /// Whether it has no key at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// The line of a byte offset, from 1.
    pub(crate) fn line(&self, offset: usize) -> usize {
        self.mistakes.line_ends.partition_point(|end| *end < offset) + 1
    }

    /// Where the key stands.
    pub(crate) fn key_span(&self, key: &str) -> Option<Range<usize>> {
        self.table.get_key_value(key).map(|(key, _)| key.span())
    }

    /// Where the table stands.
    pub(crate) fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// Keeps the texts under `key` from ever being shown, also where `key` is misspelled; names of variables and files
    /// may be shown.
    pub(crate) fn conceal(&self, key: &'static str) {
        self.concealed.borrow_mut().push(key);
        if let Some(value) = self.table.get(key) {
            conceal(value, &mut self.mistakes.secrets.borrow_mut());
        }
    }

    /// Notes a mistake at a place of the file.
    pub(crate) fn note(&self, span: Range<usize>, title: impl Into<String>, label: impl Into<String>) {
        self.mistakes.push(Mistake {
            span: Some(span),
            title: title.into(),
            label: label.into(),
            related: None,
        });
    }

    /// Notes that something is not there; `help` says what to write.
    pub(crate) fn note_missing(&self, title: impl Into<String>, help: impl Into<String>) {
        self.mistakes.push(Mistake {
            span: None,
            title: title.into(),
            label: help.into(),
            related: None,
        });
    }

    /// Notes that the table has no `key`; `label` says what to write.
    pub(crate) fn note_lacking(&self, key: &str, label: &str) {
        let entry = if self.name.starts_with("[[") {
            "an entry of "
        } else {
            ""
        };
        self.note(self.span(), format!("{entry}{} has no `{key}`", self.name), label);
    }

    /// Notes a mistake that concerns two places.
    pub(crate) fn note_both(&self, at: (Range<usize>, &str), related: (Range<usize>, &str), title: impl Into<String>) {
        self.mistakes.push(Mistake {
            span: Some(at.0),
            title: title.into(),
            label: at.1.into(),
            related: Some((related.0, related.1.into())),
        });
    }

    /// Ends the reading: every key that nobody asked for is a mistake.
    pub(crate) fn finish(self) {
        let known = self.known.borrow();
        for (key, value) in self.table {
            let word = key.get_ref().as_ref();
            if known.contains(&word) {
                continue;
            }
            let near = nearest(word, known.iter().copied(), 1).first().copied();
            if near.is_some_and(|near| self.concealed.borrow().contains(&near)) {
                conceal(value, &mut self.mistakes.secrets.borrow_mut());
            }
            let is_table = self.name.is_empty() && matches!(value.get_ref(), DeValue::Table(_));
            let title = if is_table {
                format!("unknown table [{word}]")
            } else {
                format!("unknown key `{word}`{}", self.place())
            };
            let label = match near {
                Some(near) if is_table => format!("did you mean [{near}]?"),
                Some(near) => format!("did you mean `{near}`?"),
                None => self.listing(&known),
            };
            self.note(key.span(), title, label);
        }
    }

    fn listing(&self, known: &[&'static str]) -> String {
        let listed: Vec<String> = known.iter().map(|key| format!("`{key}`")).collect();
        let place = if self.name.is_empty() {
            "the top of the file"
        } else {
            &self.name
        };
        format!("{place} has {}", listed.join(", "))
    }

    fn note_wrong(&self, key: &str, wrong: Wrong) {
        self.note(
            wrong.span,
            format!("wrong value for `{key}`{}", self.place()),
            wrong.label,
        );
    }

    fn place(&self) -> String {
        if self.name.is_empty() {
            String::new()
        } else {
            format!(" in {}", self.name)
        }
    }
}

fn conceal(value: &Value<'_>, spans: &mut Vec<Range<usize>>) {
    match value.get_ref() {
        DeValue::Table(table) => {
            for (key, value) in table {
                if !matches!(key.get_ref().as_ref(), "env" | "file") {
                    conceal(value, spans);
                }
            }
        }
        DeValue::Array(array) => array.iter().for_each(|value| conceal(value, spans)),
        _ => spans.push(value.span()),
    }
}
