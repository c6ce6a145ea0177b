//! The forms of this program's texts: addresses, host names, header names, pointers. Each error says what to write.

use roundsman_checks::expectation::Place;
use roundsman_checks::finding::{Check, UnknownCheck};

pub(super) use crate::config::form::{
    read_any as any, read_app_prefix as app_prefix, read_cause as cause, read_filled as filled, read_path as path,
    read_url as url,
};

/// Headers that belong to the connection: a second value would break the request.
const OWN_HEADERS: [&str; 5] = ["host", "connection", "content-length", "transfer-encoding", "upgrade"];

/// The name of a check.
pub(super) fn check(text: &str) -> Result<Check, UnknownCheck> {
    text.parse()
}

/// A JSON pointer (RFC 6901).
pub(super) fn pointer(text: &str) -> Result<String, String> {
    let escapes_are_right = text.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
    if (text.is_empty() || text.starts_with('/')) && escapes_are_right {
        return Ok(text.to_owned());
    }
    Err("expected a JSON pointer such as \"/status\" or \"/data/0/name\" (`~0` stands for `~`, `~1` for `/`)".into())
}

/// `header:NAME` or `json:/pointer`.
pub(super) fn place(text: &str) -> Result<Place, String> {
    if let Some(name) = text.strip_prefix("header:") {
        return header_name(name).map(Place::Header);
    }
    match text.strip_prefix("json:") {
        Some(at) => pointer(at).map(Place::Json),
        None => Err("expected \"header:NAME\" or \"json:/pointer\"".into()),
    }
}

/// The name of a header (RFC 9110, section 5.1), in lower case.
pub(super) fn header_name(text: &str) -> Result<String, String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    if !text.is_empty() && text.chars().all(fits) {
        return Ok(text.to_ascii_lowercase());
    }
    Err("expected the name of a header: letters, digits and `-`".into())
}

/// The name of a header that a probe may add.
pub(super) fn request_header_name(text: &str) -> Result<String, String> {
    let name = header_name(text)?;
    if OWN_HEADERS.contains(&name.as_str()) {
        Err(format!("`{name}` is set by the probe itself"))
    } else {
        Ok(name)
    }
}

/// The value of a header: visible text, spaces and tabs within it.
pub(super) fn header_value(text: &str) -> Result<String, String> {
    if text.chars().any(|c| c.is_control() && c != '\t') {
        return Err("the value of a header holds no line break or other control character".into());
    }
    Ok(text.to_owned())
}
