//! Values that may be secrets: `{ env = "NAME" }`, `{ file = "PATH" }`. One written in clear is refused, and not shown.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value as Json, json};

use super::general::map;
use super::http::{read_header_value, read_request_header_name};
use super::value::{ValueForm, quoted};
use crate::config::reader::{Read, Value, expected, table, text, wrong};
use crate::config::secret::{HeaderText, Secret};

const FORM: &str = "{ env = \"NAME\" } or { file = \"PATH\" }: a secret is never written into this file";

/// A secret. Only where it is kept is ever written.
pub(crate) fn secret() -> ValueForm<Secret> {
    concealed(ValueForm::relative(read, schema())).written(|secret| match secret {
        Secret::Env(name) => Some(format!("{{ env = {} }}", quoted(name))),
        Secret::File(path) => Some(format!("{{ file = {} }}", quoted(path.to_str()?))),
    })
}

/// Request headers, each a text or a secret; neither is ever shown.
pub(crate) fn request_headers() -> ValueForm<BTreeMap<String, HeaderText>> {
    let value = ValueForm::relative(header, json!({ "anyOf": [{ "type": "string" }, schema()] }));
    map(read_request_header_name, concealed(value))
}

/// A text that `parse` reads, or a secret; neither is ever shown.
pub(crate) fn text_or_secret(parse: fn(&str) -> Result<String, String>) -> ValueForm<HeaderText> {
    let read = move |value: &Value<'_>, directory: &Path| match table(value) {
        Ok(_) => read(value, directory).map(HeaderText::Secret),
        Err(_) => text(value).and_then(|text| match parse(text) {
            Ok(text) => Ok(HeaderText::plain(text)),
            Err(label) => wrong(value, label),
        }),
    };
    concealed(ValueForm::relative(
        read,
        json!({ "anyOf": [{ "type": "string" }, schema()] }),
    ))
}

fn concealed<V>(mut form: ValueForm<V>) -> ValueForm<V> {
    form.secret = true;
    form
}

fn schema() -> Json {
    json!({
        "type": "object", "minProperties": 1, "maxProperties": 1, "additionalProperties": false,
        "properties": { "env": { "type": "string", "minLength": 1 }, "file": { "type": "string", "minLength": 1 } },
    })
}

fn read(value: &Value<'_>, directory: &Path) -> Read<Secret> {
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
        "file" => Ok(Secret::File(directory.join(place))),
        _ => expected(value, FORM),
    }
}

fn header(value: &Value<'_>, directory: &Path) -> Read<HeaderText> {
    if table(value).is_ok() {
        return read(value, directory).map(HeaderText::Secret);
    }
    match value.get_ref().as_str() {
        None => expected(value, "a text in quotes, { env = \"NAME\" } or { file = \"PATH\" }"),
        Some(text) => read_header_value(text)
            .map(HeaderText::plain)
            .or_else(|label| wrong(value, label)),
    }
}
