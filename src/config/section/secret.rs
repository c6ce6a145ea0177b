//! The secret of a table that does not declare itself yet.

use crate::config::form::{self, Form as _};
use crate::config::reader::Section;
use crate::config::secret::Secret;

/// The secret of `key`. A secret written in clear is refused, and not shown.
pub(super) fn secret(section: &Section<'_>, key: &'static str) -> Option<Secret> {
    form::optional(form::secret()).read(section, key, &None).flatten()
}
