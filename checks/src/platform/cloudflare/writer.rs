//! The calls that change a zone, each made once with a token that may write; and what they need to read right before.

use reqwest::Method;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use super::{Listed, RecordNode, Zone};
use crate::evidence::{Fault, Reason, ZoneRecord};
use crate::platform::bulk::{Allowance, Bulk};
use crate::platform::http::{Answer, ApiError, Calls, NotDone, Path};
use crate::platform::writer::Changed;
use crate::target::Hostname;

/// What a question about single records may take: calls, and bytes.
const CALLS: usize = 6;
const ROOM: usize = 4 * 1024 * 1024;
/// Most records of one name that are read.
const MOST_AT_A_NAME: usize = 100;

/// The code of an answer that says that there is no such record.
const NO_RECORD: i64 = 81_044;
/// The codes of answers that say that a record is there already.
const THERE_ALREADY: [i64; 2] = [81_057, 81_058];

/// A record as the provider has it, with all that it takes to make it again.
#[derive(Clone, Debug, PartialEq)]
pub struct SavedRecord {
    /// What it is.
    pub record: ZoneRecord,
    /// All that the provider says of it.
    pub whole: Value,
}

/// Whoever may change a zone.
#[derive(Debug)]
pub struct ZoneWriter {
    zone: Zone,
    /// The zone's id, once it is known: it never changes.
    id: OnceCell<String>,
}

impl ZoneWriter {
    /// A writer for the zone `name`, or for the one that `domain` lies in where none is named.
    ///
    /// # Errors
    /// [`ApiError`] where the address can't be used.
    pub fn new(
        base: &str,
        name: Option<&str>,
        domain: &Hostname,
        token: &str,
        user_agent: &str,
        calls: Calls,
    ) -> Result<Self, ApiError> {
        let zone = Zone::new(base, name, domain, token, user_agent, calls)?;
        Ok(Self {
            zone,
            id: OnceCell::new(),
        })
    }

    /// Begins a run: an API that was asked nothing more in the last one is asked again.
    pub fn begin(&self) {
        self.zone.begin_round();
    }

    /// The zone's id.
    ///
    /// # Errors
    /// The fault of the call, or that the token sees no such zone.
    pub async fn id(&self) -> Result<String, Fault> {
        let id = self.id.get_or_try_init(|| self.zone.zone_id()).await?;
        Ok(id.clone())
    }

    /// A record of a zone; `None`: there is none of that id.
    ///
    /// # Errors
    /// The fault of the call.
    pub async fn record(&self, zone: &str, id: &str) -> Result<Option<SavedRecord>, Fault> {
        let path = Path {
            segments: &["zones", zone, "dns_records", id],
            query: &[],
        };
        match self.zone.api.ask("dns_record", &path, None).await {
            Ok(answer) => answer.read::<One<'_>>().and_then(|one| saved(one.result)).map(Some),
            Err(fault) if fault.reason == Reason::PlatformNotFound => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    /// Every record at just this name.
    ///
    /// # Errors
    /// The fault of the call, or that there are too many.
    pub async fn records_at(&self, zone: &str, name: &str) -> Result<Vec<ZoneRecord>, Fault> {
        let path = Path {
            segments: &["zones", zone, "dns_records"],
            query: &[("name.exact", name), ("per_page", "100")],
        };
        let answer: Answer = self.zone.api.ask("dns_records", &path, None).await?;
        let listed = answer.read::<Listed<RecordNode>>()?.result;
        if listed.len() >= MOST_AT_A_NAME {
            let detail = format!("cloudflare lists {MOST_AT_A_NAME} records of {name}, and may have more");
            return Err(Fault::new(Reason::PlatformPartial, detail));
        }
        let listed = listed.into_iter().map(ZoneRecord::from);
        Ok(listed.filter(|record| record.name.eq_ignore_ascii_case(name)).collect())
    }

    /// Deletes a record.
    ///
    /// # Errors
    /// [`NotDone`].
    pub async fn delete(&self, zone: &str, id: &str) -> Result<Changed, NotDone> {
        let path = Path {
            segments: &["zones", zone, "dns_records", id],
            query: &[],
        };
        let reply = self
            .zone
            .api
            .change("dns_record-delete", Method::DELETE, &path, None)
            .await?;
        match (reply.status, code(&reply.body)) {
            (200..=299, _) => Ok(Changed::Done(reply.body)),
            (404, _) | (_, Some(NO_RECORD)) => Ok(Changed::Already),
            _ => Err(reply.refusal()),
        }
    }

    /// Makes a record again as it was, with its content, its time to live, its proxy flag, its comment and its tags.
    ///
    /// # Errors
    /// [`NotDone`].
    pub async fn create(&self, zone: &str, whole: &Value) -> Result<Changed, NotDone> {
        let path = Path {
            segments: &["zones", zone, "dns_records"],
            query: &[],
        };
        let body = again(whole);
        let reply = self
            .zone
            .api
            .change("dns_record-create", Method::POST, &path, Some(&body))
            .await?;
        match (reply.status, code(&reply.body)) {
            (200..=299, _) => Ok(Changed::Done(reply.body)),
            (_, Some(code)) if THERE_ALREADY.contains(&code) => Ok(Changed::Already),
            _ => Err(reply.refusal()),
        }
    }
}

impl Zone {
    /// The zone's id.
    async fn zone_id(&self) -> Result<String, Fault> {
        let allowance = Allowance::of(CALLS, ROOM);
        let (_, id) = self.id(Bulk::new(&self.api, &allowance)).await?;
        Ok(id)
    }
}

/// What it takes to make a record again: of all that the provider says of it, what whoever made it had said.
#[must_use]
pub fn again(whole: &Value) -> Value {
    const SAID: [&str; 10] = [
        "name", "type", "content", "data", "ttl", "proxied", "priority", "comment", "tags", "settings",
    ];
    let said = SAID.into_iter().filter_map(|key| Some((key, whole.get(key)?)));
    let said = said.filter(|(_, value)| !value.is_null());
    let mut body = json!({});
    for (key, value) in said {
        body[key] = value.clone();
    }
    // What can't go through the proxy may not even say so.
    if whole.get("proxiable") == Some(&Value::Bool(false))
        && let Some(body) = body.as_object_mut()
    {
        body.remove("proxied");
    }
    body
}

fn code(body: &Value) -> Option<i64> {
    body.pointer("/errors/0/code").and_then(Value::as_i64)
}

fn saved(node: &RawValue) -> Result<SavedRecord, Fault> {
    let malformed = |error: serde_json::Error| {
        let detail = format!("cloudflare answers something else: {error}");
        Fault::new(Reason::PlatformMalformed, detail)
    };
    let read = serde_json::from_str::<RecordNode>(node.get()).map_err(malformed)?;
    Ok(SavedRecord {
        record: read.into(),
        whole: serde_json::from_str(node.get()).map_err(malformed)?,
    })
}

#[derive(Deserialize)]
struct One<'a> {
    #[serde(borrow)]
    result: &'a RawValue,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_made_again_as_it_was_said_and_no_more() {
        let whole = json!({
            "id": "023e", "name": "a.example.com", "type": "TXT", "content": "\"x\"", "proxiable": false,
            "proxied": false, "ttl": 120, "settings": {}, "meta": { "auto_added": false }, "comment": "by hand",
            "tags": ["team:web"], "created_on": "2026-01-01T00:00:00Z", "modified_on": "2026-01-01T00:00:00Z",
        });
        let expected = json!({
            "name": "a.example.com", "type": "TXT", "content": "\"x\"", "ttl": 120, "comment": "by hand",
            "tags": ["team:web"], "settings": {},
        });
        assert_eq!(again(&whole), expected);
        let proxied = json!({ "name": "a", "type": "A", "content": "192.0.2.1", "proxiable": true, "proxied": true, "comment": null });
        assert_eq!(
            again(&proxied),
            json!({ "name": "a", "type": "A", "content": "192.0.2.1", "proxied": true })
        );
    }
}
