//! One question to GraphQL: what it answers, what it refuses, and what it leaves out.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::evidence::{Fault, Reason};
use crate::platform::bulk::Bulk;
use crate::platform::http::{Answer, Path};

/// The longest list of errors that is read, in bytes.
const MOST_ERRORS: usize = 1024 * 1024;

pub(super) enum Refused {
    /// A smaller page may be answered.
    Page(Fault),
    /// Nothing more is to be had.
    All(Fault),
}

impl Refused {
    pub(super) fn into_fault(self) -> Fault {
        match self {
            Self::Page(fault) | Self::All(fault) => fault,
        }
    }
}

/// What was read of an answer with data, perhaps beside errors.
pub(super) struct Reply<T> {
    /// What was made of the data.
    pub data: Result<T, Fault>,
    /// Why it is not all of it.
    pub partial: Option<Fault>,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    #[serde(borrow)]
    errors: Option<&'a RawValue>,
}

/// Asks a document, and makes of the data what `read` does. Errors beside data are a partial answer; errors alone refuse it.
pub(super) async fn query<T: Send + 'static>(
    bulk: Bulk<'_>,
    (name, document): (&str, &str),
    variables: &Value,
    read: impl FnOnce(&str) -> serde_json::Result<T> + Send + 'static,
) -> Result<Reply<T>, Refused> {
    let body = json!({ "operationName": name, "query": document, "variables": variables });
    let asked = bulk.ask(name, &Path::of(&["graphql"]), Some(&body)).await;
    let answer = asked.map_err(|fault| match fault.reason {
        Reason::PlatformMalformed => Refused::Page(fault),
        _ => Refused::All(fault),
    })?;
    let replied = answer.made(move |answer| Ok(reply(answer, read))).await;
    replied.map_err(Refused::All)?
}

fn reply<T>(answer: &Answer, read: impl FnOnce(&str) -> serde_json::Result<T>) -> Result<Reply<T>, Refused> {
    let envelope = answer.read::<Envelope<'_>>().map_err(Refused::Page)?;
    let fault = envelope.errors.and_then(|errors| told(errors.get()));
    // Data in which everything is null says nothing.
    let text = envelope.data.map_or("null", RawValue::get);
    let data = serde_json::from_str::<BTreeMap<String, Option<IgnoredAny>>>(text).unwrap_or_default();
    let nothing = data.values().all(Option::is_none);
    let partial = match fault {
        Some(fault) if nothing && fault.reason == Reason::PlatformPartial => return Err(Refused::Page(fault)),
        // What was asked for is not there, or not for this token: a smaller page changes nothing.
        Some(fault) if nothing => return Err(Refused::All(fault)),
        None if text == "null" => {
            let detail = "graphql: neither data nor errors";
            return Err(Refused::All(Fault::new(Reason::PlatformMalformed, detail)));
        }
        fault => fault,
    };
    let data = read(text).map_err(|error| {
        let detail = format!("graphql answers something else: {error}");
        Fault::new(Reason::PlatformMalformed, detail)
    });
    Ok(Reply { data, partial })
}

/// What the first error says that is not about a single entry of a list: that one is null where it stands, and noticed
/// there (GraphQL, October 2021, section 7.1.2). Nothing where there is none.
fn told(errors: &str) -> Option<Fault> {
    let said = |reason, message: &str| {
        let said = message.chars().take(120).collect::<String>();
        Some(Fault::new(reason, format!("graphql: {said}")))
    };
    // So many errors say no more than one does.
    let readable = errors.len() <= MOST_ERRORS;
    let read = readable
        .then(|| serde_json::from_str::<Vec<Told>>(errors).ok())
        .flatten();
    let Some(errors) = read else {
        return said(Reason::PlatformPartial, "an error");
    };
    let about_all = |error: &&Told| !error.path.iter().any(Value::is_number);
    let first = errors.iter().find(about_all)?;
    said(first.reason(), first.message.as_deref().unwrap_or("an error"))
}

/// One error of an answer.
#[derive(Deserialize)]
struct Told {
    message: Option<String>,
    #[serde(default)]
    path: Vec<Value>,
    #[serde(default)]
    extensions: Extensions,
}

#[derive(Default, Deserialize)]
struct Extensions {
    code: Option<String>,
}

impl Told {
    /// By the code. An error without one says that what was asked for is not there by the words that the vendor's own
    /// command line goes by.
    fn reason(&self) -> Reason {
        let not_there = || {
            self.message
                .as_deref()
                .is_some_and(|said| said.starts_with("Could not find"))
        };
        match self.extensions.code.as_deref() {
            Some("NOT_FOUND") => Reason::PlatformNotFound,
            Some("UNAUTHENTICATED" | "UNAUTHORIZED") => Reason::PlatformUnauthorized,
            Some("FORBIDDEN") => Reason::PlatformForbidden,
            None if self.path.len() == 1 && not_there() => Reason::PlatformNotFound,
            _ => Reason::PlatformPartial,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_read_by_its_code() {
        let reason = |error: &str| told(&format!("[{error}]")).map(|fault| fault.reason);
        for (error, expected) in [
            (
                r#"{"message":"x","path":["organization"],"extensions":{"code":"NOT_FOUND"}}"#,
                Reason::PlatformNotFound,
            ),
            (
                r#"{"message":"Could not find Organization","path":["organization"]}"#,
                Reason::PlatformNotFound,
            ),
            (
                r#"{"message":"out of memory","path":["organization"]}"#,
                Reason::PlatformPartial,
            ),
            (
                r#"{"message":"Could not find out","path":["organization"],"extensions":{"code":"SERVER_ERROR"}}"#,
                Reason::PlatformPartial,
            ),
            (
                r#"{"message":"x","extensions":{"code":"UNAUTHORIZED"}}"#,
                Reason::PlatformUnauthorized,
            ),
            (
                r#"{"message":"x","extensions":{"code":"FORBIDDEN"}}"#,
                Reason::PlatformForbidden,
            ),
            (r#"{"message":"x","extensions":{"code":7}}"#, Reason::PlatformPartial),
        ] {
            assert_eq!(reason(error), Some(expected), "{error}");
        }
        let of_an_entry = r#"{"message":"x","path":["organization","apps","nodes",3]}"#;
        assert_eq!(reason(of_an_entry), None);
    }
}
