//! A table as a commented example, from its description: every key with its default, or with a value that shows it. Also as a
//! file in which some keys are set and all else is a comment.

use std::collections::BTreeMap;

use super::describe::Sample;
use super::{Described, Shape, TableDescription};

/// Where comments begin.
const COLUMN: usize = 38;
/// Where lines end.
const WIDTH: usize = 120;

/// The example of a whole file. What is left out begins with `#` and no space.
pub(crate) fn table_example(file: &TableDescription) -> String {
    let mut lines = Vec::new();
    block(&mut lines, file, "", false);
    lines.join("\n") + "\n"
}

/// A file that sets just these keys, each by its dotted path and as TOML; all else is there to be switched on.
pub(crate) fn table_with(file: &TableDescription, set: &BTreeMap<String, String>) -> String {
    let mut lines = Vec::new();
    some_set(&mut lines, file, "", set);
    lines.join("\n") + "\n"
}

fn some_set(lines: &mut Vec<String>, table: &TableDescription, path: &str, set: &BTreeMap<String, String>) {
    let below = |name: &str| match path {
        "" => name.to_owned(),
        path => format!("{path}.{name}"),
    };
    let (within, tables): (Vec<_>, Vec<_>) = table.keys.iter().partition(|key| stands_in_a_line(key, path));
    for key in within {
        match set.get(&below(key.name)) {
            Some(value) => entry(lines, &format!("{} = {value}", key.name), &key.comment, false),
            None => entry(lines, &format!("{} = {}", key.name, shown(key).0), &comment(key), true),
        }
    }
    for key in tables {
        let path = below(key.name);
        let header = match &key.shape {
            Shape::Tables { .. } => format!("[[{path}]]"),
            _ => format!("[{path}]"),
        };
        let within = format!("{path}.");
        let stands = set.keys().any(|key| key.starts_with(&within));
        lines.push(String::new());
        entry(lines, &header, &key.comment, !stands);
        match &key.shape {
            Shape::Value(_) => free_keys(lines, shown(key).0, true),
            Shape::Table(of) | Shape::OptionalTable(of) | Shape::Tables { of, .. } => some_set(lines, of, &path, set),
        }
    }
}

fn block(lines: &mut Vec<String>, table: &TableDescription, path: &str, left_out: bool) {
    let (within, below): (Vec<_>, Vec<_>) = table.keys.iter().partition(|key| stands_in_a_line(key, path));
    for key in within {
        let (value, live) = shown(key);
        let setting = format!("{} = {value}", key.name);
        entry(lines, &setting, &comment(key), left_out || !live);
    }
    for key in below {
        let path = if path.is_empty() {
            key.name.to_owned()
        } else {
            format!("{path}.{}", key.name)
        };
        lines.push(String::new());
        match &key.shape {
            Shape::Value(_) => {
                entry(lines, &format!("[{path}]"), &comment(key), left_out);
                free_keys(lines, shown(key).0, false);
            }
            Shape::Table(table) => {
                entry(lines, &format!("[{path}]"), &key.comment, left_out);
                block(lines, table, &path, left_out);
            }
            Shape::OptionalTable(table) => {
                entry(lines, &format!("[{path}]"), &key.comment, true);
                block(lines, table, &path, true);
            }
            Shape::Tables { of, .. } => {
                entry(lines, &format!("[[{path}]]"), &key.comment, true);
                block(lines, of, &path, true);
            }
        }
    }
}

/// A table that is shown by a value of its own needs no header, unless it stands at the top of the file.
fn stands_in_a_line(key: &Described, path: &str) -> bool {
    match &key.shape {
        Shape::Value(_) => !path.is_empty() || !shown(key).0.starts_with('{'),
        _ => key.sample.is_some(),
    }
}

/// The value that is shown, and whether the example really sets it.
fn shown(key: &Described) -> (&str, bool) {
    match (&key.sample, &key.default) {
        (Some(Sample { toml, live }), _) => (toml, *live),
        (None, Some(default)) => (default, true),
        (None, None) => ("", false),
    }
}

/// The comment of a key, with what must be known of the value beside it.
fn comment(key: &Described) -> String {
    let says_it = key.needed || key.comment.contains("default");
    let more = match &key.sample {
        Some(_) if says_it => "",
        Some(Sample { live: true, .. }) => " The value is an example, not the default.",
        Some(_) => " No default.",
        None => "",
    };
    format!("{}{more}", key.comment)
}

fn free_keys(lines: &mut Vec<String>, table: &str, left_out: bool) {
    let table = format!("x = {table}").parse::<toml::Table>().unwrap_or_default();
    for (key, value) in table.get("x").and_then(toml::Value::as_table).into_iter().flatten() {
        lines.push(format!("{}{key} = {value}", if left_out { "#" } else { "" }));
    }
}

fn entry(lines: &mut Vec<String>, setting: &str, comment: &str, left_out: bool) {
    let mut line = format!("{}{setting}", if left_out { "#" } else { "" });
    let beside = line.chars().count().max(COLUMN - 2) + 2;
    if beside > COLUMN && beside + comment.chars().count() + 2 > WIDTH {
        lines.push(std::mem::take(&mut line));
    }
    let column = if line.is_empty() { COLUMN } else { beside };
    for words in wrapped(comment, WIDTH - column - 2) {
        let pad = column - line.chars().count();
        lines.push(format!("{line}{:pad$}# {words}", ""));
        line.clear();
    }
}

/// The text in lines of at most `width` characters, broken at spaces.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let last = lines.len() - 1;
        let line = &mut lines[last];
        if line.is_empty() {
            line.push_str(word);
        } else if line.chars().count() + 1 + word.chars().count() <= width {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}
