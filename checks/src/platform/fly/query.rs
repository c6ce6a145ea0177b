//! One question to GraphQL: what it answers, what it refuses, and what it leaves out.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::evidence::{Fault, Reason};
use crate::platform::http::{Answer, Api, Path};

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

/// An answer with data, perhaps beside errors.
pub(super) struct Reply {
    answer: Answer,
    partial: Option<Fault>,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    #[serde(borrow)]
    errors: Option<&'a RawValue>,
}

impl Reply {
    /// The data, and why it is not all of it.
    pub(super) fn data<'a, T: Deserialize<'a>>(&'a self) -> Result<(T, Option<Fault>), Fault> {
        let envelope = self.answer.read::<Envelope<'a>>()?;
        let data = envelope.data.map_or("null", RawValue::get);
        let data = serde_json::from_str(data).map_err(|error| {
            let detail = format!("graphql answers something else: {error}");
            Fault::new(Reason::PlatformMalformed, detail)
        })?;
        Ok((data, self.partial.clone()))
    }
}

/// Asks a document. Errors beside data are a partial answer; errors alone refuse it.
pub(super) async fn query(api: &Api, name: &str, document: &str, variables: &Value) -> Result<Reply, Refused> {
    let body = json!({ "operationName": name, "query": document, "variables": variables });
    let asked = api.ask(name, &Path::of(&["graphql"]), Some(&body)).await;
    let answer = asked.map_err(|fault| match fault.reason {
        Reason::PlatformMalformed => Refused::Page(fault),
        _ => Refused::All(fault),
    })?;
    let envelope = answer.read::<Envelope<'_>>().map_err(Refused::Page)?;
    let fault = envelope.errors.and_then(|errors| told(errors.get()));
    // Data in which everything is null says nothing.
    let data = envelope.data.map_or("null", RawValue::get);
    let data = serde_json::from_str::<BTreeMap<String, Option<IgnoredAny>>>(data).unwrap_or_default();
    let has_data = envelope.data.is_some_and(|data| data.get() != "null");
    let nothing = data.values().all(Option::is_none);
    let partial = match fault {
        Some(fault) if nothing && fault.reason == Reason::PlatformPartial => return Err(Refused::Page(fault)),
        // What was asked for is not there, or not for this token: a smaller page changes nothing.
        Some(fault) if nothing => return Err(Refused::All(fault)),
        None if !has_data => {
            let detail = "graphql: neither data nor errors";
            return Err(Refused::All(Fault::new(Reason::PlatformMalformed, detail)));
        }
        fault => fault,
    };
    Ok(Reply { answer, partial })
}

/// What the first error says that is not about a single entry of a list: that one is null where it stands, and noticed
/// there (GraphQL, October 2021, section 7.1.2). Nothing where there is none.
fn told(errors: &str) -> Option<Fault> {
    let said = |reason, message: &str| {
        let said = message.chars().take(120).collect::<String>();
        Some(Fault::new(reason, format!("graphql: {said}")))
    };
    let Ok(errors) = serde_json::from_str::<Vec<Told>>(errors) else {
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
