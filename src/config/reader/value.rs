//! The general forms of values: text, numbers, durations, lists. A reader returns the value, or each part of it that is
//! wrong with what was expected there.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::ops::{Range, RangeInclusive};
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::config::nearest::nearest;
use crate::config::units::{DURATION_FORM, SIZE_FORM, parse_duration, parse_size};

/// A value and where it stands.
pub(crate) type Value<'a> = Spanned<DeValue<'a>>;

/// One wrong part of a value.
#[derive(Debug)]
pub(crate) struct Wrong {
    /// The bytes that are wrong.
    pub span: Range<usize>,
    /// What was expected, and what stands there.
    pub label: String,
}

/// A value read, or all that is wrong with it.
pub(crate) type Read<T> = Result<T, Vec<Wrong>>;

/// `expected FORM, found …`.
pub(crate) fn expected<T>(value: &Value<'_>, form: &str) -> Read<T> {
    match found(value.get_ref()) {
        Some(found) => wrong(value, format!("expected {form}, found {found}")),
        None => wrong(value, format!("expected {form}")),
    }
}

/// A mistake in the words of the caller.
pub(crate) fn wrong<T>(value: &Value<'_>, label: impl Into<String>) -> Read<T> {
    Err(vec![Wrong {
        span: value.span(),
        label: label.into(),
    }])
}

/// A text.
pub(crate) fn text<'a>(value: &'a Value<'a>) -> Read<&'a str> {
    value
        .get_ref()
        .as_str()
        .map_or_else(|| expected(value, "a text in quotes"), Ok)
}

/// A text that `parse` understands; its error is what the user sees.
pub(crate) fn parsed<T, E: Display>(parse: impl Fn(&str) -> Result<T, E>) -> impl Fn(&Value<'_>) -> Read<T> {
    move |value| parse(text(value)?).or_else(|error| wrong(value, error.to_string()))
}

/// `true` or `false`.
pub(crate) fn boolean(value: &Value<'_>) -> Read<bool> {
    value
        .get_ref()
        .as_bool()
        .map_or_else(|| expected(value, "`true` or `false`"), Ok)
}

/// A whole number within `range`.
pub(crate) fn integer<T: TryFrom<i64>>(range: RangeInclusive<i64>) -> impl Fn(&Value<'_>) -> Read<T> {
    move |value| {
        let read = whole(value.get_ref()).filter(|number| range.contains(number));
        read.and_then(|number| T::try_from(number).ok()).map_or_else(
            || {
                expected(
                    value,
                    &format!("a whole number from {} to {}", range.start(), range.end()),
                )
            },
            Ok,
        )
    }
}

/// What a rate may be, a second.
pub(crate) const SMALLEST: f64 = 0.001;
pub(crate) const LARGEST: f64 = 1_000_000.0;

/// A number above 0, within reason.
pub(crate) fn positive(value: &Value<'_>) -> Read<f64> {
    number(value.get_ref())
        .filter(|number| (SMALLEST..=LARGEST).contains(number))
        .map_or_else(|| expected(value, "a number from 0.001 to 1000000"), Ok)
}

/// A number from 0 to 1.
pub(crate) fn fraction(value: &Value<'_>) -> Read<f64> {
    number(value.get_ref())
        .filter(|number| (0.0..=1.0).contains(number))
        .map_or_else(|| expected(value, "a fraction from 0 to 1"), Ok)
}

/// A duration above zero.
pub(crate) fn duration(value: &Value<'_>) -> Read<Duration> {
    let duration = duration_or_zero(value)?;
    if duration.is_zero() {
        wrong(value, "must be more than zero")
    } else {
        Ok(duration)
    }
}

/// How often something is done: once a second at most.
pub(crate) fn interval(value: &Value<'_>) -> Read<Duration> {
    let duration = duration_or_zero(value)?;
    if duration < Duration::from_secs(1) {
        wrong(value, "must be at least 1s")
    } else {
        Ok(duration)
    }
}

/// A duration, where none at all makes sense too.
pub(crate) fn duration_or_zero(value: &Value<'_>) -> Read<Duration> {
    value
        .get_ref()
        .as_str()
        .and_then(parse_duration)
        .map_or_else(|| expected(value, DURATION_FORM), Ok)
}

/// A number of bytes within `range`.
pub(crate) fn size(range: RangeInclusive<u64>) -> impl Fn(&Value<'_>) -> Read<u64> {
    move |value| {
        let written = value.get_ref().as_str().and_then(parse_size);
        let Some(size) = written.or_else(|| whole(value.get_ref()).and_then(|number| u64::try_from(number).ok()))
        else {
            return expected(value, SIZE_FORM);
        };
        if range.contains(&size) {
            return Ok(size);
        }
        wrong(
            value,
            format!("must be from {} to {} bytes", range.start(), range.end()),
        )
    }
}

/// One of a few words.
pub(crate) fn choice<T: Clone>(choices: &[(impl AsRef<str>, T)]) -> impl Fn(&Value<'_>) -> Read<T> {
    move |value| {
        let word = value.get_ref().as_str();
        match choices.iter().find(|(name, _)| Some(name.as_ref()) == word) {
            Some((_, choice)) => Ok(choice.clone()),
            None => match nearest(
                word.unwrap_or_default(),
                choices.iter().map(|(name, _)| name.as_ref()),
                1,
            )
            .first()
            {
                Some(near) => wrong(value, format!("did you mean \"{near}\"?")),
                None => expected(value, &one_of(choices)),
            },
        }
    }
}

/// `"auto"` (which is `None`), or what `read` reads.
pub(crate) fn or_auto<T>(read: impl Fn(&Value<'_>) -> Read<T>) -> impl Fn(&Value<'_>) -> Read<Option<T>> {
    move |value| {
        if value.get_ref().as_str() == Some("auto") {
            return Ok(None);
        }
        read(value).map(Some).map_err(|mut wrongs| {
            for wrong in &mut wrongs {
                wrong.label = wrong.label.replacen("expected ", "expected \"auto\" or ", 1);
            }
            wrongs
        })
    }
}

/// The elements of an array.
pub(crate) fn array<'a>(value: &'a Value<'a>) -> Read<&'a [Value<'a>]> {
    match value.get_ref() {
        DeValue::Array(array) => Ok(array),
        _ => expected(value, "an array in square brackets"),
    }
}

/// An array whose elements `read` reads; all wrong elements are reported.
pub(crate) fn each<T>(read: impl Fn(&Value<'_>) -> Read<T>) -> impl Fn(&Value<'_>) -> Read<Vec<T>> {
    move |value| gather(array(value)?.iter().map(&read))
}

/// A table.
pub(crate) fn table<'a>(value: &'a Value<'a>) -> Read<&'a DeTable<'a>> {
    value
        .get_ref()
        .as_table()
        .map_or_else(|| expected(value, "a table such as { key = \"value\" }"), Ok)
}

/// A table of free keys, of which `key` and `read` accept or refuse each.
pub(crate) fn pairs<K: Ord, T>(
    key: impl Fn(&str) -> Result<K, String>,
    read: impl Fn(&Value<'_>) -> Read<T>,
) -> impl Fn(&Value<'_>) -> Read<BTreeMap<K, T>> {
    move |value| {
        let entries = table(value)?.iter().map(|(name, value)| {
            let name = key(name.get_ref()).map_err(|label| {
                vec![Wrong {
                    span: name.span(),
                    label,
                }]
            })?;
            Ok((name, read(value)?))
        });
        gather(entries)
    }
}

/// Any value that JSON has too.
pub(crate) fn json(value: &Value<'_>) -> Read<serde_json::Value> {
    Ok(match value.get_ref() {
        DeValue::String(text) => serde_json::Value::from(text.as_ref()),
        DeValue::Boolean(flag) => (*flag).into(),
        DeValue::Array(array) => serde_json::Value::Array(gather(array.iter().map(json))?),
        DeValue::Table(table) => {
            let entries = table
                .iter()
                .map(|(key, value)| Ok((key.get_ref().to_string(), json(value)?)));
            serde_json::Value::Object(gather(entries)?)
        }
        DeValue::Integer(_) | DeValue::Float(_) => return json_number(value),
        DeValue::Datetime(_) => return wrong(value, "JSON has no dates: write it as a text in quotes"),
    })
}

fn json_number(value: &Value<'_>) -> Read<serde_json::Value> {
    let exact = whole(value.get_ref()).map(serde_json::Value::from);
    let read = exact.or_else(|| serde_json::Number::from_f64(number(value.get_ref())?).map(serde_json::Value::Number));
    read.map_or_else(|| wrong(value, "JSON has no such number"), Ok)
}

/// All values, or all that is wrong in any of them.
fn gather<T, C: FromIterator<T>>(reads: impl Iterator<Item = Read<T>>) -> Read<C> {
    let mut wrongs = Vec::new();
    let read = reads
        .filter_map(|read| read.map_err(|mut found| wrongs.append(&mut found)).ok())
        .collect();
    if wrongs.is_empty() { Ok(read) } else { Err(wrongs) }
}

fn one_of<T>(choices: &[(impl AsRef<str>, T)]) -> String {
    let words: Vec<String> = choices
        .iter()
        .map(|(name, _)| format!("\"{}\"", name.as_ref()))
        .collect();
    match words.as_slice() {
        [one] => one.clone(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
        [] => String::new(),
    }
}

fn whole(value: &DeValue<'_>) -> Option<i64> {
    let integer = value.as_integer()?;
    i64::from_str_radix(integer.as_str(), integer.radix()).ok()
}

fn number(value: &DeValue<'_>) -> Option<f64> {
    match value {
        DeValue::Float(float) => float.as_str().parse().ok(),
        DeValue::Integer(integer) => integer.as_str().parse().ok(),
        _ => None,
    }
}

/// What stands there, in words. A text is underlined anyway and may be a secret in the wrong place: never repeated.
fn found(value: &DeValue<'_>) -> Option<String> {
    Some(match value {
        DeValue::String(_) => return None,
        DeValue::Integer(number) => format!("the number {}", number.as_str()),
        DeValue::Float(number) => format!("the number {}", number.as_str()),
        DeValue::Boolean(flag) => format!("`{flag}`"),
        DeValue::Datetime(_) => "a date".into(),
        DeValue::Array(_) => "an array".into(),
        DeValue::Table(_) => "a table".into(),
    })
}
