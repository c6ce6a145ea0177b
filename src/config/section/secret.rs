//! Values that may be secrets: `{ env = "NAME" }`, `{ file = "PATH" }`.

use std::collections::BTreeMap;

use super::form;
use crate::config::reader::{Read, Section, Value, expected, pairs, table, text, wrong};
use crate::config::secret::{HeaderText, Secret};

const FORM: &str = "{ env = \"NAME\" } or { file = \"PATH\" }: a secret is never written into this file";

/// The secret of `key`. A secret written in clear is refused, and not shown.
pub(super) fn secret(section: &Section<'_>, key: &'static str) -> Option<Secret> {
    section.conceal(key);
    section.get(key, read)
}

/// Request headers, each a text or a secret; neither is ever shown.
pub(super) fn headers(section: &Section<'_>, key: &'static str) -> Option<BTreeMap<String, HeaderText>> {
    section.conceal(key);
    section.get(key, pairs(form::request_header_name, header))
}

fn read(value: &Value<'_>) -> Read<Secret> {
    let Some(keys) = value.get_ref().as_table() else {
        return expected(value, FORM);
    };
    let mut entries = keys.iter();
    let (Some((key, inner)), None) = (entries.next(), entries.next()) else {
        return expected(value, FORM);
    };
    let place = text(inner)?;
    match key.get_ref().as_ref() {
        "env" if place.is_empty() || place.contains(['=', '\0', ' ']) => {
            wrong(inner, "expected the name of a variable")
        }
        "file" if place.is_empty() => wrong(inner, "expected a path"),
        "env" => Ok(Secret::Env(place.to_owned())),
        "file" => Ok(Secret::File(place.into())),
        _ => expected(value, FORM),
    }
}

fn header(value: &Value<'_>) -> Read<HeaderText> {
    if table(value).is_ok() {
        return read(value).map(HeaderText::Secret);
    }
    match value.get_ref().as_str() {
        None => expected(value, "a text in quotes, { env = \"NAME\" } or { file = \"PATH\" }"),
        Some(text) => form::header_value(text)
            .map(HeaderText::plain)
            .or_else(|label| wrong(value, label)),
    }
}
