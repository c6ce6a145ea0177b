//! A table and its keys as plain data, for whoever writes about them: the schema and the example.

use serde_json::Value as Json;

use super::Table;

/// A table, described.
#[derive(Debug)]
pub(crate) struct TableDescription {
    /// Its name in the schema.
    pub name: &'static str,
    /// What it is about.
    pub about: &'static str,
    /// Its keys, in order.
    pub keys: Vec<Described>,
}

/// A key, described.
#[derive(Debug)]
pub(crate) struct Described {
    /// Its name.
    pub name: &'static str,
    /// What it means.
    pub comment: String,
    /// Whether it must be there.
    pub needed: bool,
    /// A value for the example in place of the default.
    pub sample: Option<Sample>,
    /// Its default as TOML; `None` where there is none to write.
    pub default: Option<String>,
    /// What its value is.
    pub shape: Shape,
}

/// A value for the example.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    /// The value as TOML.
    pub toml: &'static str,
    /// Whether the example really sets it.
    pub live: bool,
}

/// What the value of a key is.
#[derive(Debug)]
pub(crate) enum Shape {
    /// A value, with its JSON Schema.
    Value(Json),
    /// A table.
    Table(TableDescription),
    /// A table that means something by being there.
    OptionalTable(TableDescription),
    /// An array of tables, or of values with another schema.
    Tables { of: TableDescription, or: Option<Json> },
}

/// Describes a table whose defaults are those of `table`.
pub(crate) fn describe<T: Table>(table: &T) -> TableDescription {
    TableDescription {
        name: T::NAME,
        about: T::ABOUT.trim(),
        keys: T::keys().iter().map(|key| key.describe(table)).collect(),
    }
}
