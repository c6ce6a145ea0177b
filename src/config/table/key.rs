//! One key of a table `T`: its name, its comment, and what reads and describes its value, whatever the value's type is.

use std::rc::Rc;
use std::sync::Arc;

use super::describe::{Described, Sample, Shape};
use crate::config::form::Form;
use crate::config::reader::Section;

/// Writes a value that was read into its table.
pub(super) type Set<T> = Arc<dyn Fn(&mut T) + Send + Sync>;

/// Reads a key of a table that so far holds what is given.
type Reader<T> = Box<dyn Fn(&Section<'_>, &T) -> Option<Set<T>>>;
/// The shape of a key, and its default as TOML.
type Describer<T> = Box<dyn Fn(&T) -> (Shape, Option<String>)>;

/// Where a table keeps the value of a key.
pub(crate) struct Place<T, V> {
    /// To look at it.
    pub get: fn(&T) -> &V,
    /// To write it.
    pub get_mut: fn(&mut T) -> &mut V,
}

/// Who says that a key which must be there is not.
#[derive(Clone, Copy)]
enum Needed {
    Noted(&'static str),
    ByCheck,
}

/// A key of the table `T`.
pub(crate) struct Key<T> {
    pub(super) name: &'static str,
    comment: String,
    sample: Option<Sample>,
    needed: Option<Needed>,
    read: Reader<T>,
    describe: Describer<T>,
}

impl<T: 'static> Key<T> {
    /// A key whose value of this form is kept at this place. The comment is that of its row, a line each.
    pub(crate) fn new<V: Clone + Send + Sync + 'static>(
        name: &'static str,
        comment: &[&str],
        Place { get, get_mut }: Place<T, V>,
        form: impl Form<V> + 'static,
    ) -> Self {
        let form = Rc::new(form);
        let describing = Rc::clone(&form);
        Self {
            name,
            comment: comment.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" "),
            sample: None,
            needed: None,
            read: Box::new(move |section, table| {
                let value = form.read(section, name, get(table))?;
                Some(Arc::new(move |table: &mut T| get_mut(table).clone_from(&value)))
            }),
            describe: Box::new(move |table| {
                let default = get(table);
                (describing.shape(default), describing.write(default))
            }),
        }
    }

    /// With a value for the example, commented out: nothing is said without it, or something that cannot be written.
    pub(crate) fn sample(mut self, toml: &'static str) -> Self {
        self.sample = Some(Sample { toml, live: false });
        self
    }

    /// With a value that the example really sets.
    pub(crate) fn live(mut self, toml: &'static str) -> Self {
        self.sample = Some(Sample { toml, live: true });
        self
    }

    /// A key that must be there; `label` says what to write.
    pub(crate) fn needed(mut self, label: &'static str) -> Self {
        self.needed = Some(Needed::Noted(label));
        self
    }

    /// A key that must be there, of which the check of the table says so in its own words.
    pub(crate) fn needed_by_check(mut self) -> Self {
        self.needed = Some(Needed::ByCheck);
        self
    }

    /// Notes that a key which must be there is not.
    pub(super) fn note_missing(&self, section: &Section<'_>) {
        if let Some(Needed::Noted(label)) = self.needed
            && section.key_span(self.name).is_none()
        {
            section.note_lacking(self.name, label);
        }
    }

    /// Reads the key. `None` where it is absent, or wrong and noted.
    pub(super) fn read(&self, section: &Section<'_>, table: &T) -> Option<Set<T>> {
        (self.read)(section, table)
    }

    /// What schema and example say of it; `table` holds the defaults.
    pub(super) fn describe(&self, table: &T) -> Described {
        let (shape, default) = (self.describe)(table);
        Described {
            name: self.name,
            comment: self.comment.clone(),
            needed: self.needed.is_some(),
            sample: self.sample,
            default,
            shape,
        }
    }
}
