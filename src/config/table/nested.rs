//! The forms of keys that are tables themselves.

use super::patch::read_with;
use super::{Patch, Shape, Table, describe, read};
use crate::config::form::Form;
use crate::config::reader::Section;

/// A table within a table.
pub(crate) fn inner_table() -> Nested {
    Nested
}

/// A table that means something by being there; `start` makes what holds where it says nothing.
pub(crate) fn optional_table<T>(start: fn() -> T) -> OptionalNested<T> {
    OptionalNested(start)
}

/// An array of tables.
pub(crate) fn tables() -> Rows {
    Rows
}

/// Some keys of a table that stands elsewhere. Whoever knows what they are put over checks the whole.
pub(crate) fn patch() -> Patched {
    Patched
}

pub(crate) struct Nested;
pub(crate) struct OptionalNested<T>(fn() -> T);
pub(crate) struct Rows;
pub(crate) struct Patched;

impl<T: Table + Clone> Form<T> for Nested {
    fn read(&self, section: &Section<'_>, key: &'static str, now: &T) -> Option<T> {
        let inner = section.section(key)?;
        let mut value = now.clone();
        read(inner, &mut value);
        Some(value)
    }

    fn shape(&self, default: &T) -> Shape {
        Shape::Table(describe(default))
    }

    fn write(&self, _: &T) -> Option<String> {
        None
    }
}

impl<T: Table + Default> Form<Option<T>> for OptionalNested<T> {
    fn read(&self, section: &Section<'_>, key: &'static str, _: &Option<T>) -> Option<Option<T>> {
        let inner = section.section(key)?;
        let mut value = (self.0)();
        read(inner, &mut value);
        Some(Some(value))
    }

    fn shape(&self, _: &Option<T>) -> Shape {
        Shape::OptionalTable(describe(&T::default()))
    }

    fn write(&self, _: &Option<T>) -> Option<String> {
        None
    }
}

impl<T: Table + Default> Form<Vec<T>> for Rows {
    fn read(&self, section: &Section<'_>, key: &'static str, _: &Vec<T>) -> Option<Vec<T>> {
        section.value(key)?;
        let keys = T::keys();
        let rows = section.sections(key).into_iter().map(|row| {
            let mut value = T::default();
            read_with(&keys, row, &mut value);
            value
        });
        Some(rows.collect())
    }

    fn shape(&self, _: &Vec<T>) -> Shape {
        Shape::Tables {
            of: describe(&T::default()),
            or: None,
        }
    }

    fn write(&self, _: &Vec<T>) -> Option<String> {
        None
    }
}

impl<T: Table + Default> Form<Patch<T>> for Patched {
    fn read(&self, section: &Section<'_>, key: &'static str, _: &Patch<T>) -> Option<Patch<T>> {
        let inner = section.section(key)?;
        let patch = Patch::read(&inner, &T::keys(), &T::default());
        inner.finish();
        Some(patch)
    }

    fn shape(&self, _: &Patch<T>) -> Shape {
        Shape::Table(describe(&T::default()))
    }

    fn write(&self, _: &Patch<T>) -> Option<String> {
        None
    }
}
