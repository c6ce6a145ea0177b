//! Parts of a request and its answer: headers, JSON pointers, the places where an answer carries something.

use std::collections::BTreeMap;

use roundsman_checks::expectation::{Identity, Place};
use serde_json::{Value as Json, json};

use super::general::{integer, list, map, text};
use super::names::any;
use super::value::{ValueForm, quoted};
use crate::config::reader::{self, wrong};

/// Headers that belong to the connection: a second value would break the request.
const OWN_HEADERS: [&str; 5] = ["host", "connection", "content-length", "transfer-encoding", "upgrade"];

/// HTTP statuses, at least one.
pub(crate) fn statuses() -> ValueForm<Vec<u16>> {
    let form = list(integer(100..=599)).schema_with("minItems", json!(1));
    form.refine(|value, statuses| {
        if statuses.is_empty() {
            wrong(value, "name at least one status, such as [200]")
        } else {
            Ok(statuses)
        }
    })
}

/// A JSON pointer (RFC 6901).
pub(crate) fn pointer() -> ValueForm<String> {
    text(read_pointer)
        .schema(json!({ "type": "string", "pattern": "^(/([^~]|~[01])*)?$" }))
        .shown()
}

/// JSON pointers, and the value that must be there.
pub(crate) fn json_values() -> ValueForm<BTreeMap<String, Json>> {
    map(read_pointer, ValueForm::new(reader::json, json!(true)))
}

/// Response headers, and the value that each must have.
pub(crate) fn expected_headers() -> ValueForm<BTreeMap<String, String>> {
    map(read_header_name, text(read_header_value))
}

/// Where an answer carries its version; `None` is `off`.
pub(crate) fn version() -> ValueForm<Option<Place>> {
    text(read_version).schema(one_of(&["off"])).written(|place| {
        Some(quoted(
            &place.as_ref().map_or_else(|| "off".into(), ToString::to_string),
        ))
    })
}

/// How `route` proves which app answered.
pub(crate) fn identity() -> ValueForm<Identity> {
    text(read_identity)
        .schema(one_of(&["auto", "off"]))
        .written(|identity| {
            Some(match identity {
                Identity::Auto => quoted("auto"),
                Identity::Off => quoted("off"),
                Identity::Place(place) => quoted(&place.to_string()),
            })
        })
}

/// Labels of a tenant, with their values.
pub(crate) fn labels() -> ValueForm<BTreeMap<String, String>> {
    map(super::names::read_filled, any())
}

/// The schema of [`read_place`] and some words.
fn one_of(words: &[&str]) -> Json {
    json!({ "type": "string", "pattern": format!("^({}|header:.+|json:(/.*)?)$", words.join("|")) })
}

fn read_version(text: &str) -> Result<Option<Place>, String> {
    if text == "off" {
        return Ok(None);
    }
    read_place(text)
        .map(Some)
        .map_err(|error| error.replacen("expected", "expected \"off\",", 1))
}

fn read_identity(text: &str) -> Result<Identity, String> {
    match text {
        "auto" => Ok(Identity::Auto),
        "off" => Ok(Identity::Off),
        _ => read_place(text)
            .map(Identity::Place)
            .map_err(|error| error.replacen("expected", "expected \"auto\", \"off\",", 1)),
    }
}

/// `header:NAME` or `json:/pointer`.
fn read_place(text: &str) -> Result<Place, String> {
    if let Some(name) = text.strip_prefix("header:") {
        return read_header_name(name).map(Place::Header);
    }
    match text.strip_prefix("json:") {
        Some(at) => read_pointer(at).map(Place::Json),
        None => Err("expected \"header:NAME\" or \"json:/pointer\"".into()),
    }
}

fn read_pointer(text: &str) -> Result<String, String> {
    let escapes_are_right = text.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
    if (text.is_empty() || text.starts_with('/')) && escapes_are_right {
        return Ok(text.to_owned());
    }
    Err("expected a JSON pointer such as \"/status\" or \"/data/0/name\" (`~0` stands for `~`, `~1` for `/`)".into())
}

/// The name of a header (RFC 9110, section 5.1), in lower case.
fn read_header_name(text: &str) -> Result<String, String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    if !text.is_empty() && text.chars().all(fits) {
        return Ok(text.to_ascii_lowercase());
    }
    Err("expected the name of a header: letters, digits and `-`".into())
}

/// The name of a header that a probe may add.
pub(super) fn read_request_header_name(text: &str) -> Result<String, String> {
    let name = read_header_name(text)?;
    if OWN_HEADERS.contains(&name.as_str()) {
        Err(format!("`{name}` is set by the probe itself"))
    } else {
        Ok(name)
    }
}

/// The value of a header: visible text, spaces and tabs within it.
pub(super) fn read_header_value(text: &str) -> Result<String, String> {
    if text.chars().any(|c| c.is_control() && c != '\t') {
        return Err("the value of a header holds no line break or other control character".into());
    }
    Ok(text.to_owned())
}
