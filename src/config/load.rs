//! From a path or a text to a [`Config`]. Owns the order of reading, knows no key.

use std::collections::HashSet;
use std::path::Path;

use roundsman_checks::target::Hostname;
use toml::Spanned;
use toml::de::DeTable;

use super::error::{ConfigError, Invalid, Mistake};
use super::flags::Flags;
use super::locate::at_key;
use super::mask::{mask, mask_unread};
use super::model::{self, Config};
use super::reader::{Mistakes, Section};
use super::section::{ListedTenant, listed};
use super::source::{ReadError, read_text};

/// The file that is read where none is named.
pub const DEFAULT_FILE: &str = "roundsman.toml";

/// The largest configuration, in bytes; long inventories have a file of their own.
pub(super) const MAX_CONFIG: u64 = 16 << 20;

impl Config {
    /// The configuration that a command works with: the file named, else `roundsman.toml` where there is one, else the
    /// flags alone; flags override a file. It is complete: it names at least one edge address.
    ///
    /// # Errors
    /// [`ConfigError`] where a file is unreadable or wrong, or file and flags together do not say enough.
    pub fn find(path: Option<&Path>, flags: &Flags) -> Result<Self, ConfigError> {
        let path = path.or_else(|| Some(Path::new(DEFAULT_FILE)).filter(|path| path.exists()));
        match path {
            Some(path) => {
                let config = Self::load_for(path, flags.domain.as_ref())?;
                config.with_flags(flags).map_err(|error| match error.placed(path) {
                    Some(invalid) => invalid.into(),
                    None => error.into(),
                })
            }
            None => Ok(Self::from_flags(flags)?),
        }
    }

    /// Reads a file. The result may still lack what flags can give, an edge address.
    ///
    /// # Errors
    /// [`ConfigError::Unreadable`], or [`ConfigError::Invalid`] with all mistakes of the file.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        Self::load_for(path, None)
    }

    /// Reads a file that need not name a domain where one is given besides.
    fn load_for(path: &Path, domain: Option<&Hostname>) -> Result<Self, ConfigError> {
        Ok(Self::parse_for(&read_text(path, MAX_CONFIG)?, path, domain)?)
    }

    /// Reads a text as the content of `path`: relative paths in it start at the directory of `path`.
    ///
    /// # Errors
    /// [`Invalid`] with all mistakes of the text.
    pub fn parse(text: &str, path: &Path) -> Result<Self, Invalid> {
        Self::parse_for(text, path, None)
    }

    fn parse_for(text: &str, path: &Path, domain: Option<&Hostname>) -> Result<Self, Invalid> {
        let mut config = read(text, path, |top| model::config(top, domain))?;
        config.path = Some(path.to_owned());
        Ok(config)
    }

    /// Looks whether the files that the configuration names can be read; secrets are left for when they are needed.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`] for the first that cannot; [`ConfigError::Unreadable`] where a flag names it.
    pub fn check_files(&self) -> Result<(), ConfigError> {
        let Some(file) = self.edge.ca_file.as_deref() else {
            return Ok(());
        };
        // Whoever reads it takes nothing but a regular file; to open a pipe waits for who writes into it.
        let strange = std::fs::metadata(file).is_ok_and(|found| !found.is_file() && !found.is_dir());
        let read = match strange {
            true => Err(ReadError::Broken {
                name: file.display().to_string(),
                why: "it is no regular file".to_owned(),
            }),
            false => read_text(file, MAX_CONFIG).map(drop),
        };
        read.map_err(|error| self.placed(&["edge", "ca_file"], &error))
    }

    /// That a file can't be read, at the key that names it.
    pub(crate) fn placed(&self, way: &[&str], error: &ReadError) -> ConfigError {
        let path = self.path.as_deref();
        let located = path.and_then(|path| at_key(path, way, &error.what(), error.fix()));
        located.map_or_else(|| error.clone().into(), ConfigError::from)
    }
}

/// Reads a file of `[[tenants]]`, whose content is `text`.
pub(crate) fn read_tenants_toml(text: &str, path: &Path) -> Result<Vec<ListedTenant>, Invalid> {
    read(text, path, |top| {
        if top.key_span("tenants").is_none() && !top.is_empty() {
            top.note_missing(
                "`tenants` is missing",
                "write a table [[tenants]] with an `id` for each tenant",
            );
        }
        let tenants = listed(&top, "tenants");
        top.finish();
        Some(tenants)
    })
}

fn read<T>(text: &str, path: &Path, read: impl FnOnce(Section<'_>) -> Option<T>) -> Result<T, Invalid> {
    let name = path.display().to_string();
    let (document, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        return Err(Invalid::new(&name, &mask_unread(text), syntax_mistakes(text, &errors)));
    }
    let notes = Mistakes::new(text, path.parent().unwrap_or(Path::new("")));
    let value = open(&document, &notes, read);
    let (mistakes, secrets) = notes.into_parts();
    match value {
        Some(value) if mistakes.is_empty() => Ok(value),
        _ => Err(Invalid::new(&name, &mask(text, &secrets), mistakes)),
    }
}

fn open<'a, T>(
    document: &'a Spanned<DeTable<'a>>,
    notes: &'a Mistakes,
    read: impl FnOnce(Section<'a>) -> Option<T>,
) -> Option<T> {
    read(Section::new(document.get_ref(), document.span(), String::new(), notes))
}

/// One slip of syntax often upsets the parser more than once, so each line is reported once.
fn syntax_mistakes(text: &str, errors: &[toml::de::Error]) -> Vec<Mistake> {
    let breaks = text.match_indices('\n').map(|(at, _)| at).collect::<Vec<_>>();
    let mut lines = HashSet::new();
    let mut mistakes = Vec::new();
    for error in errors {
        let span = error.span().unwrap_or(0..0);
        let line = breaks.partition_point(|at| *at < span.start);
        if lines.insert(line) {
            let title = "this is not valid TOML".to_owned();
            mistakes.push(Mistake {
                span: Some(span),
                title,
                label: explain(error.message()),
                related: None,
            });
        }
    }
    mistakes
}

/// An address or a version without quotes looks like a number to the parser, which then says nothing of quotes.
fn explain(message: &str) -> String {
    let looks_like_a_number = ["invalid float", "invalid integer", "invalid date"]
        .iter()
        .any(|m| message.contains(m));
    if looks_like_a_number {
        format!("{message} (a text stands in quotes)")
    } else {
        message.to_owned()
    }
}
