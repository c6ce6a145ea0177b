//! Reads one inventory from a file or from standard input, in whatever format it has. The only I/O here.

use std::fmt;
use std::path::{Path, PathBuf};

use super::entry::{Entry, from_list};
use super::error::InventoryError;
use super::{json, lines};
use crate::config::{Fields, read_bounded, read_tenants_toml, read_text};

/// The largest inventory, in bytes: some hundred thousand tenants with labels.
const MAX_INVENTORY: u64 = 64 << 20;

/// Where `--tenants` points.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TenantsFrom {
    /// A file.
    File(PathBuf),
    /// Standard input, written `-`.
    Stdin,
    /// What standard input said: it can be read only once.
    DnsAnswer(String),
}

impl TenantsFrom {
    /// The same, fit to be read again and again: a stream is read here, once.
    ///
    /// # Errors
    /// [`InventoryError::Unreadable`].
    pub fn kept(self) -> Result<Self, InventoryError> {
        match self {
            Self::Stdin => Ok(Self::DnsAnswer(stdin()?)),
            other => Ok(other),
        }
    }
}

fn stdin() -> Result<String, InventoryError> {
    Ok(read_bounded(std::io::stdin().lock(), STDIN, MAX_INVENTORY)?)
}

/// What standard input is called.
const STDIN: &str = "standard input";

impl From<&str> for TenantsFrom {
    fn from(text: &str) -> Self {
        if text == "-" {
            Self::Stdin
        } else {
            Self::File(text.into())
        }
    }
}

impl fmt::Display for TenantsFrom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Stdin | Self::DnsAnswer(_) => f.write_str(STDIN),
        }
    }
}

/// What a text is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Toml,
    Json,
    Lines,
}

pub(super) fn read(from: &TenantsFrom, fields: &Fields) -> Result<Vec<Entry>, InventoryError> {
    let name = from.to_string();
    let text = match from {
        TenantsFrom::File(path) => read_text(path, MAX_INVENTORY)?,
        TenantsFrom::Stdin => stdin()?,
        TenantsFrom::DnsAnswer(text) => text.clone(),
    };
    parse(&text, Path::new(&name), fields)
}

fn parse(text: &str, path: &Path, fields: &Fields) -> Result<Vec<Entry>, InventoryError> {
    match format(text, path) {
        Format::Toml => Ok(from_list(&read_tenants_toml(text, path)?, Some(path))),
        Format::Json => json::read(text, &path.display().to_string(), fields),
        Format::Lines => Ok(lines::read(text, &path.display().to_string())),
    }
}

/// By the extension; without one that says it, by the first character, which no id begins with.
fn format(text: &str, path: &Path) -> Format {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("toml") => Format::Toml,
        Some("json") => Format::Json,
        _ if text.trim_start().starts_with("[[tenants") => Format::Toml,
        _ if text.trim_start().starts_with(['[', '{']) => Format::Json,
        _ => Format::Lines,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail")]
    use super::*;

    fn ids(text: &str, path: &str) -> Vec<String> {
        let entries = parse(text, Path::new(path), &Fields::default()).unwrap();
        entries
            .into_iter()
            .map(|entry| format!("{} @ {}", entry.id, entry.place))
            .collect()
    }

    #[test]
    fn the_extension_or_the_first_character_tells_the_format() {
        assert_eq!(
            ids("[[tenants]]\nid = \"a\"\n\n[[tenants]]\nid = \"b\"", "t.toml"),
            ["a @ t.toml:1", "b @ t.toml:4"]
        );
        assert_eq!(ids("tenants = [\n\"a\"]", "t.toml"), ["a @ t.toml:2"]);
        assert_eq!(ids("[\"a\"]", "t.json"), ["a @ t.json, entry 1"]);
        assert_eq!(ids(" [\"a\"]", "standard input"), ["a @ standard input, entry 1"]);
        assert_eq!(ids("[[tenants]]\nid='a'", "standard input"), ["a @ standard input:1"]);
        assert_eq!(ids("\na", "ids"), ["a @ ids:2"]);
        assert!(ids("", "empty.toml").is_empty());
    }

    #[test]
    fn mistakes_in_a_toml_file_are_shown_as_those_of_the_configuration() {
        let error = parse(
            "[[tenants]]\nid = \"a\"\nhost = \"b\"",
            Path::new("t.toml"),
            &Fields::default(),
        )
        .unwrap_err();
        insta::assert_snapshot!(error.render(false), @r#"
error: unknown key `host` in an entry of `tenants`
 --> t.toml:3:1
  |
3 | host = "b"
  | ^^^^ an entry of `tenants` has `id`, `app`, `hostname`, `labels`, `status`
"#);
    }
}
