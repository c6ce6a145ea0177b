//! Values at places of an answer: a header, or a JSON pointer into the body.

use crate::evidence::Answer;
use crate::expectation::Place;
use crate::matching::json;

/// A value of a JSON body: as it was found while the body was whole, else in what was kept of it.
pub(crate) fn value_at(answer: &Answer, pointer: &str) -> Option<serde_json::Value> {
    if let Some(found) = answer.body.matches.json.get(pointer) {
        return found.clone();
    }
    let body = json(&answer.body.prefix).ok()?;
    body.pointer(pointer).cloned()
}

/// The value at a place of an answer, and where it was found, for a person.
#[must_use]
pub fn value_at_place(place: &Place, answer: &Answer) -> Option<(String, String)> {
    match place {
        Place::Header(key) => Some((answer.header(key)?.to_owned(), format!("header {key}"))),
        Place::Json(pointer) => {
            let value = value_at(answer, pointer)?;
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            Some((text, format!("{pointer} of the body")))
        }
    }
}
