//! A table of the file, declared once: from its rows come the values with their defaults, the reader, the overrides, the
//! JSON Schema and the example. Knows no key.

mod describe;
mod example;
mod key;
mod nested;
mod patch;
mod rows;
mod schema;

pub(crate) use describe::{Described, Shape, TableDescription, describe};
pub(crate) use example::{table_example, table_with};
pub(crate) use key::{Key, Place};
pub(crate) use nested::{inner_table, optional_table, patch, tables};
pub use patch::Patch;
pub(crate) use patch::{read, read_with};
pub(crate) use rows::{keys, table};
pub(crate) use schema::table_schema;

use super::reader::Section;

/// A table that declares its keys.
pub(crate) trait Table: Sized + 'static {
    /// The table's name in the schema.
    const NAME: &'static str;
    /// What the table is about, in one line.
    const ABOUT: &'static str;

    /// The keys, in the order in which messages list them.
    fn keys() -> Vec<Key<Self>>;

    /// What concerns several keys, once all are read.
    fn check(section: &Section<'_>, table: &mut Self);
}

#[cfg(test)]
mod tests;
