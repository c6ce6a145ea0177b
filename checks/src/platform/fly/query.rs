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
        // What was asked for is not there: a smaller page changes nothing.
        Some(fault) if fault.reason == Reason::PlatformNotFound && nothing => return Err(Refused::All(fault)),
        Some(fault) if nothing => return Err(Refused::Page(fault)),
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
/// there (GraphQL, October 2021, section 7.1.2). One about what was asked for itself says that it is not there. Nothing
/// where there is none.
fn told(errors: &str) -> Option<Fault> {
    #[derive(Deserialize)]
    struct Told {
        message: Option<String>,
        #[serde(default)]
        path: Vec<Value>,
    }
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
    let reason = match first.path.len() {
        1 => Reason::PlatformNotFound,
        _ => Reason::PlatformPartial,
    };
    said(reason, first.message.as_deref().unwrap_or("an error"))
}
