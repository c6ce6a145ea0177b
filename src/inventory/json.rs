//! An inventory as JSON: an array, or an object with `tenants` or `data`; also the platform's own `tenants.json`.
//!
//! Those files hold database URLs and more. Only the five fields of a tenant are ever taken, and no error repeats a value.

use std::collections::BTreeMap;

use serde_json::Value;
use serde_json::value::RawValue;

use super::entry::{Entry, Place};
use super::error::InventoryError;
use crate::config::Fields;

/// The tenants that run on a developer's own machine in the platform's `tenants.json`: they have no edge.
const LOCAL: &str = "local";
/// The largest text that a person may have written, in bytes.
const WRITTEN: usize = 1 << 20;

/// The largest value that is read as a whole, in bytes: a tenant, or what stands beside the list.
const MAX_VALUE: usize = 1 << 20;

/// A document whose entries are read one by one: as a whole it would take many times its bytes.
pub(super) struct Document<'a> {
    items: Vec<&'a RawValue>,
    /// What stands beside the list.
    beside: BTreeMap<String, &'a RawValue>,
}

impl Document<'_> {
    /// The value at a pointer, beside the list.
    pub(super) fn pointer(&self, pointer: &str) -> Option<Value> {
        let (first, rest) = pointer.strip_prefix('/')?.split_once('/').map_or_else(
            || (pointer.trim_start_matches('/'), String::new()),
            |(first, rest)| (first, format!("/{rest}")),
        );
        let key = first.replace("~1", "/").replace("~0", "~");
        let text = self.beside.get(&key)?.get();
        if text.len() > MAX_VALUE {
            // Too much to be looked into: it is no text, which is what a pointer leads to.
            return Some(Value::Object(serde_json::Map::new()));
        }
        let value = serde_json::from_str::<Value>(text).ok()?;
        value.pointer(&rest).cloned()
    }
}

/// Reads all entries of a file.
pub(super) fn read(text: &str, file: &str, fields: &Fields) -> Result<Vec<Entry>, InventoryError> {
    let document = parse(text.as_bytes(), file)?;
    let place = |number| Place::Entry(file.to_owned(), number);
    entries(&document, fields, place).map(|(_, entry)| entry).collect()
}

/// Reads a document: its list, and what stands beside.
pub(super) fn parse<'a>(text: &'a [u8], file: &str) -> Result<Document<'a>, InventoryError> {
    // A byte order mark may stand before JSON, and is passed over (RFC 8259, section 8.1).
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let wrong = |error: serde_json::Error| InventoryError::NotJson {
        file: file.to_owned(),
        line: error.line(),
        column: error.column(),
        why: why(&error),
    };
    let shape = |found| InventoryError::Shape {
        file: file.to_owned(),
        found,
    };
    let list = |raw: &'a RawValue| match raw.get().starts_with('[') {
        true => serde_json::from_str::<Vec<&RawValue>>(raw.get()).map_err(wrong),
        false => Err(shape(kind_of(raw))),
    };
    // What a person wrote is read once more for the better sentence.
    let better = |error| match text.len() <= WRITTEN {
        true => serde_json::from_slice::<Value>(text).err().unwrap_or(error),
        false => error,
    };
    let whole = serde_json::from_slice::<&RawValue>(text).map_err(|error| wrong(better(error)))?;
    if !whole.get().starts_with('{') {
        return Ok(Document {
            items: list(whole)?,
            beside: BTreeMap::new(),
        });
    }
    let mut beside = serde_json::from_str::<BTreeMap<String, &RawValue>>(whole.get()).map_err(wrong)?;
    let found = ["tenants", "data"].into_iter().find_map(|key| beside.remove(key));
    Ok(Document {
        items: found.map_or_else(|| Err(shape("an object")), list)?,
        beside,
    })
}

/// Every entry of a document by itself, with its length in bytes; `place` says where the entry of a number is, from 1.
pub(super) fn entries<'d>(
    document: &'d Document<'_>,
    fields: &'d Fields,
    place: impl Fn(usize) -> Place + 'd,
) -> impl Iterator<Item = (usize, Result<Entry, InventoryError>)> + 'd {
    let items = document.items.iter().enumerate();
    items.filter_map(move |(index, raw)| {
        let place = || place(index + 1);
        let length = raw.get().len();
        if length > MAX_VALUE {
            let error = InventoryError::Field {
                place: place(),
                field: "tenant".to_owned(),
                expected: "an object of at most 1 MiB",
                found: "a larger one",
            };
            return Some((length, Err(error)));
        }
        let item = serde_json::from_str::<Value>(raw.get()).ok()?;
        let local = item.get("tenant_type").and_then(Value::as_str) == Some(LOCAL);
        (!local).then(|| (length, entry(&item, place(), fields)))
    })
}

/// What a value is, by its first character.
fn kind_of(raw: &RawValue) -> &'static str {
    match raw.get().as_bytes().first() {
        Some(b'n') | None => "nothing",
        Some(b't' | b'f') => "a boolean",
        Some(b'"') => "a text",
        Some(b'[') => "an array",
        Some(b'{') => "an object",
        Some(_) => "a number",
    }
}

fn entry(item: &Value, place: Place, fields: &Fields) -> Result<Entry, InventoryError> {
    if let Value::String(id) = item {
        return Ok(Entry::new(id.as_str(), place));
    }
    if !item.is_object() {
        return Err(wrong(&place, "tenant", "a text or an object with an `id`", item));
    }
    let id = pick(item, fields.id.as_deref(), &["id"]);
    let mut entry = match id {
        (name, Some(value)) => Entry::new(text(value, &name, &place)?, place),
        (name, None) => return Err(wrong(&place, &name, "a text", &Value::Null)),
    };
    entry.app = optional(
        item,
        fields.app.as_deref(),
        &["app", "app_id", "fly_app_name"],
        &entry.place,
    )?;
    entry.hostname = optional(item, fields.hostname.as_deref(), &["hostname"], &entry.place)?;
    entry.status = optional(
        item,
        fields.status.as_deref(),
        &["status", "subscription_status"],
        &entry.place,
    )?;
    if let (name, Some(value)) = pick(item, fields.labels.as_deref(), &["labels"]) {
        entry.labels = labels(value, &name, &entry.place)?;
    }
    Ok(entry)
}

/// The value at the pointer, else under the first of the usual names that is there; with the name for messages.
fn pick<'a>(item: &'a Value, pointer: Option<&str>, names: &[&str]) -> (String, Option<&'a Value>) {
    let present = |value: &&Value| !value.is_null();
    if let Some(pointer) = pointer {
        return (pointer.to_owned(), item.pointer(pointer).filter(present));
    }
    let found = names
        .iter()
        .find_map(|name| Some((*name, item.get(name).filter(present)?)));
    let (name, value) = found.map_or((names[0], None), |(name, value)| (name, Some(value)));
    (name.to_owned(), value)
}

fn optional(
    item: &Value,
    pointer: Option<&str>,
    names: &[&str],
    place: &Place,
) -> Result<Option<String>, InventoryError> {
    let (name, value) = pick(item, pointer, names);
    // Platforms write an app or a host name that is not there yet as an empty text.
    Ok(value
        .map(|value| text(value, &name, place))
        .transpose()?
        .filter(|text| !text.is_empty()))
}

fn text(value: &Value, field: &str, place: &Place) -> Result<String, InventoryError> {
    value
        .as_str()
        .map(str::to_owned)
        .ok_or_else(|| wrong(place, field, "a text", value))
}

fn labels(value: &Value, field: &str, place: &Place) -> Result<BTreeMap<String, String>, InventoryError> {
    let object = value
        .as_object()
        .ok_or_else(|| wrong(place, field, "an object of texts", value))?;
    let mut labels = BTreeMap::new();
    for (key, value) in object {
        let text = match value {
            Value::Null => continue,
            Value::String(text) => text.clone(),
            Value::Bool(_) | Value::Number(_) => value.to_string(),
            Value::Array(_) | Value::Object(_) => {
                return Err(wrong(place, &format!("{field}.{key}"), "a text", value));
            }
        };
        labels.insert(key.clone(), text);
    }
    Ok(labels)
}

fn wrong(place: &Place, field: &str, expected: &'static str, found: &Value) -> InventoryError {
    InventoryError::Field {
        place: place.clone(),
        field: field.to_owned(),
        expected,
        found: kind(found),
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// The parser's sentence without the place at its end, which stands before it already.
fn why(error: &serde_json::Error) -> String {
    let sentence = error.to_string();
    sentence
        .rsplit_once(" at line ")
        .map_or(sentence.clone(), |(why, _)| why.to_owned())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail")]
    use super::*;

    fn ids(text: &str) -> Vec<String> {
        read(text, "t.json", &Fields::default())
            .unwrap()
            .into_iter()
            .map(|entry| entry.id)
            .collect()
    }

    #[test]
    fn a_value_that_is_far_too_large_is_looked_at_from_outside() {
        let long = format!("[{}0]", "0,".repeat(MAX_VALUE));
        let error = read(&format!(r#"[{{"id":"a","x":{long}}}]"#), "t", &Fields::default()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "t, entry 1: `tenant` must be an object of at most 1 MiB, found a larger one"
        );
        let text = format!(r#"{{"data":[],"next":{long}}}"#);
        let next = parse(text.as_bytes(), "t").unwrap().pointer("/next");
        assert!(next.is_some_and(|next| !next.is_string()));
    }

    #[test]
    fn reads_every_documented_shape() {
        assert_eq!(ids(r#"["a", {"id": "b"}]"#), ["a", "b"]);
        assert_eq!(ids(r#"{"tenants": [{"id": "a"}]}"#), ["a"]);
        assert_eq!(ids(r#"{"data": ["a"], "next": null}"#), ["a"]);
    }

    #[test]
    fn takes_app_and_status_under_any_of_their_names() {
        let text = r#"[{"id":"a","app_id":"sp-x","subscription_status":"paused","hostname":null,"labels":{"n":1}}]"#;
        let entry = read(text, "t", &Fields::default()).unwrap().remove(0);
        assert_eq!(
            (entry.app.as_deref(), entry.status.as_deref()),
            (Some("sp-x"), Some("paused"))
        );
        assert_eq!((entry.hostname, entry.labels["n"].as_str()), (None, "1"));
    }

    #[test]
    fn pointers_stand_in_the_place_of_the_usual_names() {
        let fields = Fields {
            id: Some("/slug".into()),
            status: Some("/a/b".into()),
            ..Fields::default()
        };
        let entry = read(r#"[{"id":7,"slug":"x","a":{"b":"off"}}]"#, "t", &fields)
            .unwrap()
            .remove(0);
        assert_eq!((entry.id.as_str(), entry.status.as_deref()), ("x", Some("off")));
    }

    #[test]
    fn the_platforms_own_file_gives_cloud_tenants_and_no_database_url() {
        let text = r#"{"tenants":[{"id":"a","name":"A","app_id":"sp-a","hostname":"a.example.com","region":"iad",
            "database_url":"postgres://u:hunter2@db","tenant_type":"cloud","external_db_access":false},
            {"id":"dev","name":"D","tenant_type":"local","docker_project":"d"}],"synced_at":"2026-01-01T00:00:00Z"}"#;
        let entries = read(text, "t", &Fields::default()).unwrap();
        assert_eq!(entries.len(), 1);
        assert!(!format!("{entries:?}").contains("hunter2"));
    }

    #[test]
    fn errors_name_the_entry_and_never_the_value() {
        let error = read(r#"["a", {"id": 42, "x": "hunter2"}]"#, "t.json", &Fields::default()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "t.json, entry 2: `id` must be a text, found a number"
        );
        let error = read(r#"[{"name": "x"}]"#, "t.json", &Fields::default()).unwrap_err();
        assert_eq!(error.to_string(), "t.json, entry 1: `id` must be a text, found nothing");
        let error = read("[\"a\",\n]", "t.json", &Fields::default()).unwrap_err();
        assert_eq!(error.to_string(), "t.json:2:1: this is not valid JSON: trailing comma");
        let error = read("{\"a\":1}", "t.json", &Fields::default()).unwrap_err();
        assert!(error.to_string().ends_with("found an object"));
    }
}
