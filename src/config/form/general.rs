//! The general forms: text, numbers, durations, one of a few words, lists and tables of free keys.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value as Json, json};

use super::value::{ValueForm, quoted};
use crate::config::reader;
use crate::config::units::{DURATION_PATTERN, SIZE_PATTERN, write_duration, write_size};

/// A text that `parse` understands; its error is what the user sees.
pub(crate) fn text<V: 'static, E: Display + 'static>(parse: impl Fn(&str) -> Result<V, E> + 'static) -> ValueForm<V> {
    ValueForm::new(reader::parsed(parse), json!({ "type": "string" }))
}

/// `true` or `false`.
pub(crate) fn boolean() -> ValueForm<bool> {
    ValueForm::new(reader::boolean, json!({ "type": "boolean" })).written(|flag| Some(flag.to_string()))
}

/// A whole number within `range`.
pub(crate) fn integer<V: TryFrom<i64> + ToString + 'static>(range: RangeInclusive<i64>) -> ValueForm<V> {
    let schema = json!({ "type": "integer", "minimum": range.start(), "maximum": range.end() });
    ValueForm::new(reader::integer(range), schema).written(|number: &V| Some(number.to_string()))
}

/// A number above 0.
pub(crate) fn positive() -> ValueForm<f64> {
    ValueForm::new(
        reader::positive,
        json!({ "type": "number", "minimum": reader::SMALLEST, "maximum": reader::LARGEST }),
    )
    .written(|number| Some(number.to_string()))
}

/// A number from 0 to 1.
pub(crate) fn fraction() -> ValueForm<f64> {
    ValueForm::new(
        reader::fraction,
        json!({ "type": "number", "minimum": 0, "maximum": 1 }),
    )
    .written(|number| Some(number.to_string()))
}

/// A duration above zero.
pub(crate) fn duration() -> ValueForm<Duration> {
    duration_read_by(reader::duration)
}

/// How often something is done: once a second at most.
pub(crate) fn interval() -> ValueForm<Duration> {
    duration_read_by(reader::interval)
}

/// A duration, where none at all makes sense too.
pub(crate) fn duration_or_zero() -> ValueForm<Duration> {
    duration_read_by(reader::duration_or_zero)
}

fn duration_read_by(read: fn(&reader::Value<'_>) -> reader::Read<Duration>) -> ValueForm<Duration> {
    let schema = json!({ "type": "string", "pattern": DURATION_PATTERN, "minLength": 2 });
    ValueForm::new(read, schema).written(|duration| Some(quoted(&write_duration(*duration))))
}

/// A number of bytes within `range`.
pub(crate) fn size(range: RangeInclusive<u64>) -> ValueForm<u64> {
    let schema = json!({ "anyOf": [
        { "type": "string", "pattern": SIZE_PATTERN },
        { "type": "integer", "minimum": range.start(), "maximum": range.end() },
    ] });
    ValueForm::new(reader::size(range), schema).written(|size| Some(quoted(&write_size(*size))))
}

/// One of these values of an enumeration, by their names for serde.
pub(crate) fn choice<V: JsonSchema + Serialize + Clone + 'static>(values: &[V]) -> ValueForm<V> {
    let schema = words_of(values);
    let choices: Vec<(String, V)> = values
        .iter()
        .filter_map(|value| Some((word(value)?, value.clone())))
        .collect();
    ValueForm::new(move |value| reader::choice(&choices)(value), schema).written(|value| Some(quoted(&word(value)?)))
}

/// The schema of these values of an enumeration; the comments of the variants are their meanings.
pub(crate) fn words_of<V: JsonSchema + Serialize>(values: &[V]) -> Json {
    let enumeration = schemars::schema_for!(V).to_value();
    let meaning = |word: &String| {
        let mut described = enumeration["oneOf"].as_array().into_iter().flatten();
        let found = described.find(|branch| branch["const"] == word.as_str());
        found.cloned().unwrap_or_else(|| json!({ "const": word }))
    };
    let words: Vec<Json> = values
        .iter()
        .filter_map(|value| word(value))
        .map(|word| meaning(&word))
        .collect();
    json!({ "oneOf": words })
}

fn word(value: &impl Serialize) -> Option<String> {
    serde_json::to_value(value).ok()?.as_str().map(str::to_owned)
}

/// `"auto"` (which is `None`), or what `form` reads.
pub(crate) fn or_auto<V: 'static>(form: ValueForm<V>) -> ValueForm<Option<V>> {
    let ValueForm {
        read, write, schema, ..
    } = form;
    ValueForm::relative(
        move |value, directory| reader::or_auto(|value| read(value, directory))(value),
        json!({ "anyOf": [{ "const": "auto" }, schema] }),
    )
    .written(move |value| value.as_ref().map_or_else(|| Some(quoted("auto")), &write))
}

/// One of a few words, or what `form` reads where no text stands; schema and writing are the caller's to say.
pub(crate) fn or_else<V: Clone + 'static>(words: &[(&str, V)], form: ValueForm<V>) -> ValueForm<V> {
    let words: Vec<(String, V)> = words
        .iter()
        .map(|(word, value)| ((*word).to_owned(), value.clone()))
        .collect();
    let read = form.read;
    ValueForm::relative(
        move |value, directory| match value.get_ref().as_str() {
            Some(_) => reader::choice(&words)(value),
            None => read(value, directory),
        },
        form.schema,
    )
}

/// What `form` reads, where there is no default.
pub(crate) fn optional<V: 'static>(form: ValueForm<V>) -> ValueForm<Option<V>> {
    let secret = form.secret;
    let ValueForm {
        read, write, schema, ..
    } = form;
    let mut optional = ValueForm::relative(move |value, directory| read(value, directory).map(Some), schema)
        .written(move |value| value.as_ref().and_then(&write));
    optional.secret = secret;
    optional
}

/// An array; all wrong elements are reported.
pub(crate) fn list<V: 'static>(form: ValueForm<V>) -> ValueForm<Vec<V>> {
    let secret = form.secret;
    let ValueForm {
        read, write, schema, ..
    } = form;
    let mut list = ValueForm::relative(
        move |value, directory| reader::each(|item| read(item, directory))(value),
        json!({ "type": "array", "items": schema }),
    )
    .written(move |items: &Vec<V>| {
        let items = items.iter().map(&write).collect::<Option<Vec<_>>>()?;
        Some(format!("[{}]", items.join(", ")))
    });
    list.secret = secret;
    list
}

/// A table of free keys, of which `key` and `form` accept or refuse each.
pub(crate) fn map<K: Ord + 'static, V: 'static>(
    key: impl Fn(&str) -> Result<K, String> + 'static,
    form: ValueForm<V>,
) -> ValueForm<BTreeMap<K, V>> {
    let secret = form.secret;
    let ValueForm { read, schema, .. } = form;
    let mut map = ValueForm::relative(
        move |value, directory| reader::pairs(&key, |value| read(value, directory))(value),
        json!({ "type": "object", "additionalProperties": schema }),
    )
    .written(|entries: &BTreeMap<K, V>| entries.is_empty().then(|| "{}".to_owned()));
    map.secret = secret;
    map
}
