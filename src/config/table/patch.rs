//! Some keys of a table: what is said replaces the former value as a whole, tables and arrays too.

use std::fmt;
use std::ops::Range;

use super::key::Set;
use super::{Key, Table};
use crate::config::reader::Section;

/// Some keys of the table `T`, with their values.
pub struct Patch<T> {
    said: Vec<Said<T>>,
}

struct Said<T> {
    key: &'static str,
    span: Option<Range<usize>>,
    set: Set<T>,
}

impl<T: 'static> Patch<T> {
    /// Reads the keys that are there; `now` is what holds without them.
    pub(super) fn read(section: &Section<'_>, keys: &[Key<T>], now: &T) -> Self {
        let said = keys.iter().filter_map(|key| {
            Some(Said {
                set: key.read(section, now)?,
                span: section.value(key.name).map(toml::Spanned::span),
                key: key.name,
            })
        });
        Self { said: said.collect() }
    }

    /// Writes what is said over `table`.
    pub fn apply(&self, table: &mut T) {
        for said in &self.said {
            (said.set)(table);
        }
    }

    /// Where the value of a key stands in the file; `None` where the key is not said.
    pub(crate) fn span(&self, key: &str) -> Option<Range<usize>> {
        self.said.iter().find(|said| said.key == key)?.span.clone()
    }
}

/// Reads a table over what it holds by default, checks it, and refuses unknown keys.
pub(crate) fn read<T: Table>(section: Section<'_>, table: &mut T) {
    read_with(&T::keys(), section, table);
}

/// The same with the keys at hand, for many tables of one kind.
pub(crate) fn read_with<T: Table>(keys: &[Key<T>], section: Section<'_>, table: &mut T) {
    Patch::read(&section, keys, table).apply(table);
    keys.iter().for_each(|key| key.note_missing(&section));
    T::check(&section, table);
    section.finish();
}

impl<T> Default for Patch<T> {
    fn default() -> Self {
        Self { said: Vec::new() }
    }
}

impl<T> Clone for Patch<T> {
    fn clone(&self) -> Self {
        Self {
            said: self.said.clone(),
        }
    }
}

impl<T> Clone for Said<T> {
    fn clone(&self) -> Self {
        Self {
            key: self.key,
            span: self.span.clone(),
            set: Set::clone(&self.set),
        }
    }
}

/// The keys alone: a value may be a secret.
impl<T> fmt::Debug for Patch<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.said.iter().map(|said| said.key)).finish()
    }
}
