//! What an expectation looks for in a body: searched while the body is whole, and again where what was kept is all of it.

use std::collections::BTreeMap;

use crate::evidence::Matches;
use crate::expectation::{Identity, Place, SiteExpectation};

/// Looks for what is expected. `whole` is false where reading stopped early.
#[must_use]
pub fn matches(text: &str, whole: bool, expected: &SiteExpectation) -> Matches {
    let contains = (!expected.body_contains.is_empty()).then(|| text.contains(&expected.body_contains));
    let identity = match &expected.identity {
        Identity::Place(Place::Json(pointer)) => Some(pointer),
        _ => None,
    };
    let version = match expected.version.as_ref().map(|version| &version.place) {
        Some(Place::Json(pointer)) => Some(pointer),
        _ => None,
    };
    let pointers = expected.json.keys().chain(identity).chain(version);
    if expected.json.is_empty() && identity.is_none() && version.is_none() {
        return Matches {
            contains,
            json: BTreeMap::new(),
            not_json: None,
        };
    }
    match json(text) {
        Ok(value) => {
            let json = pointers
                .map(|pointer| (pointer.clone(), value.pointer(pointer).cloned()))
                .collect();
            Matches {
                contains,
                json,
                not_json: None,
            }
        }
        Err(error) => {
            let why = if whole {
                format!("not JSON ({error})")
            } else {
                "cut off".to_owned()
            };
            Matches {
                contains,
                json: pointers.map(|pointer| (pointer.clone(), None)).collect(),
                not_json: Some(why),
            }
        }
    }
}

/// Reads a text as JSON. A byte order mark before it is no part of it: a parser may ignore one (RFC 8259, section 8.1).
///
/// # Errors
/// What the parser says of a text that is no JSON.
pub fn json(text: &str) -> serde_json::Result<serde_json::Value> {
    serde_json::from_str(text.strip_prefix('\u{feff}').unwrap_or(text))
}
