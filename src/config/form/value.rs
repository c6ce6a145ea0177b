//! What a form is, and the form of one value.

use std::path::Path;

use serde_json::Value as Json;

use crate::config::reader::{Read, Section, Value};
use crate::config::table::Shape;

/// A form of the values of type `V` that a key may have.
pub(crate) trait Form<V> {
    /// Reads `key`; `now` is what holds without it. `None` where it is absent, or wrong and noted.
    fn read(&self, section: &Section<'_>, key: &'static str, now: &V) -> Option<V>;

    /// What schema and example say of it, where `default` holds without the key.
    fn shape(&self, default: &V) -> Shape;

    /// The value as TOML; `None` where there is nothing to write.
    fn write(&self, value: &V) -> Option<String>;
}

/// Reads a value; the path is the folder where relative paths start.
type Reader<V> = Box<dyn Fn(&Value<'_>, &Path) -> Read<V>>;
/// Writes a value as TOML.
type Writer<V> = Box<dyn Fn(&V) -> Option<String>>;

/// The form of one value; tables that have keys of their own are forms of another kind.
pub(crate) struct ValueForm<V> {
    pub(super) read: Reader<V>,
    pub(super) write: Writer<V>,
    pub(super) schema: Json,
    pub(super) secret: bool,
}

impl<V: 'static> ValueForm<V> {
    /// A form with its reader and its JSON Schema. It is never written, as long as nothing says how.
    pub(crate) fn new(read: impl Fn(&Value<'_>) -> Read<V> + 'static, schema: Json) -> Self {
        Self::relative(move |value, _| read(value), schema)
    }

    /// The same for values that hold a path: the reader is given the folder where relative paths start.
    pub(crate) fn relative(read: impl Fn(&Value<'_>, &Path) -> Read<V> + 'static, schema: Json) -> Self {
        Self {
            read: Box::new(read),
            write: Box::new(|_| None),
            schema,
            secret: false,
        }
    }

    /// With the way in which it is written as TOML.
    pub(crate) fn written(mut self, write: impl Fn(&V) -> Option<String> + 'static) -> Self {
        self.write = Box::new(write);
        self
    }

    /// Written as the text that its `Display` gives, in quotes.
    pub(crate) fn shown(self) -> Self
    where
        V: ToString,
    {
        self.written(|value| Some(quoted(&value.to_string())))
    }

    /// With another JSON Schema.
    pub(crate) fn schema(mut self, schema: Json) -> Self {
        self.schema = schema;
        self
    }

    /// With one more keyword in the JSON Schema.
    pub(crate) fn schema_with(mut self, keyword: &str, value: Json) -> Self {
        self.schema[keyword] = value;
        self
    }

    /// With a further look at what was read.
    pub(crate) fn refine(self, refine: impl Fn(&Value<'_>, V) -> Read<V> + 'static) -> Self {
        let read = self.read;
        Self {
            read: Box::new(move |value, directory| refine(value, read(value, directory)?)),
            ..self
        }
    }

    /// The same form for another type; whoever wants it written says how.
    pub(crate) fn map<W: 'static>(self, to: impl Fn(V) -> W + 'static) -> ValueForm<W> {
        let read = self.read;
        ValueForm {
            read: Box::new(move |value, directory| read(value, directory).map(&to)),
            write: Box::new(|_| None),
            schema: self.schema,
            secret: self.secret,
        }
    }
}

impl<V: 'static> Form<V> for ValueForm<V> {
    fn read(&self, section: &Section<'_>, key: &'static str, _: &V) -> Option<V> {
        if self.secret {
            section.conceal(key);
        }
        section.get(key, |value| (self.read)(value, section.directory()))
    }

    fn shape(&self, _: &V) -> Shape {
        Shape::Value(self.schema.clone())
    }

    fn write(&self, value: &V) -> Option<String> {
        (self.write)(value)
    }
}

/// A text as TOML.
pub(crate) fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}
