//! The zone's listing at Cloudflare: every record in a few pages (API v4).

#[cfg(feature = "write")]
mod writer;

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::bulk::{Allowance, Bulk, weight};
use super::http::{Answer, Api, ApiError, Calls, Path};
use super::paging::{More, Trail};
use super::token::Token;
use crate::evidence::{ApiAnswer, Fault, Reason, SourceClock, ZoneRecord};
use crate::target::Hostname;

#[cfg(feature = "write")]
pub use writer::{SavedRecord, ZoneWriter, again};

/// Records on one page.
const PAGE: &str = "5000";
const MOST_OF_A_PAGE: usize = 5000;
/// Most pages that are read: a zone of a million records.
const MOST_PAGES: usize = 200;

/// Room for what is kept of them, in bytes: some 300,000 records.
const ROOM: usize = 128 * 1024 * 1024;

/// Client of one zone.
#[derive(Debug)]
pub struct Zone {
    api: Api,
    name: String,
    /// Whether a name above it may be the zone's.
    climbs: bool,
    /// Its id, once it was asked for.
    seen: OnceLock<String>,
}

impl Zone {
    /// A client for the zone `name` at the API at `base`, or for the zone that `domain` lies in where none is named; the
    /// token may read it.
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
        let api = Api::new("cloudflare", base, Token::bearer(token), user_agent, calls)?;
        Ok(Self {
            api: api.refusing_by(refuses_token),
            name: name.unwrap_or(domain.as_str()).to_owned(),
            climbs: name.is_none(),
            seen: OnceLock::new(),
        })
    }

    /// The zone's id, where the listing was read.
    #[must_use]
    pub fn known_id(&self) -> Option<String> {
        self.seen.get().cloned()
    }

    /// What clock the API keeps, by its latest answer.
    #[must_use]
    pub fn clock(&self) -> Option<SourceClock> {
        self.api.clock()
    }

    /// Begins a round, as [`Api::begin_round`].
    pub fn begin_round(&self) {
        self.api.begin_round();
    }

    /// Lists the zone.
    pub async fn listing(&self) -> ApiAnswer<Vec<ZoneRecord>> {
        match self.list().await {
            Ok(records) => ApiAnswer::Known(records),
            Err(fault) => ApiAnswer::Unknown(fault),
        }
    }

    /// The zone's name and how many records the token sees in it, where that is told: the listing's own calls, for one
    /// record.
    ///
    /// # Errors
    /// Why the zone is not found, or its records can't be read.
    pub async fn readable(&self) -> Result<(String, Option<u64>), Fault> {
        let allowance = Allowance::with_room(ROOM);
        let bulk = Bulk::new(&self.api, &allowance);
        let (name, id) = self.id(bulk).await?;
        let path = Path {
            segments: &["zones", &id, "dns_records"],
            query: &[("per_page", "1"), ("page", "1")],
        };
        let answer = bulk.ask("dns_records", &path, None).await?;
        let total = answer
            .read::<Listed<&RawValue>>()?
            .result_info
            .unwrap_or_default()
            .total_count;
        Ok((name, total))
    }

    /// Lists the zone, page by page: all of it, or why not.
    async fn list(&self) -> Result<Vec<ZoneRecord>, Fault> {
        let allowance = Allowance::with_room(ROOM);
        let bulk = Bulk::new(&self.api, &allowance);
        let (_, id) = self.id(bulk).await?;
        let _ = self.seen.set(id.clone());
        let mut trail = Trail::new("records", MOST_PAGES);
        let (mut records, mut total, mut page) = (BTreeMap::new(), None, 1_u64);
        loop {
            let number = page.to_string();
            let path = Path {
                segments: &["zones", &id, "dns_records"],
                query: &[("per_page", PAGE), ("page", &number)],
            };
            let answer = bulk.ask("dns_records", &path, None).await?;
            let listed = answer.made(Records::read).await?;
            let before = records.len();
            allowance.keep(listed.records.len(), MOST_OF_A_PAGE, listed.weight)?;
            records.extend(listed.records);
            let info = listed.info;
            total = info.total_count.or(total);
            let last = info.total_pages.map(|pages| page >= pages);
            // A page that brings nothing new is one that was read already, whatever its number.
            if last == Some(false) && records.len() == before {
                return Err(trail.stands_still());
            }
            page += 1;
            match trail.next(&More {
                promised: last.map(|last| !last),
                cursor: Some(page.to_string()),
            })? {
                Some(_) => {}
                None => break,
            }
        }
        trail.ends(records.len(), total)?;
        Ok(records.into_values().collect())
    }

    /// Name and id of the zone: that of this name, or of the nearest name above it that the token sees.
    async fn id(&self, bulk: Bulk<'_>) -> Result<(String, String), Fault> {
        let (mut zone, mut idle) = (self.name.as_str(), None);
        loop {
            let path = Path {
                segments: &["zones"],
                query: &[("name", zone)],
            };
            let found = bulk.ask("zones", &path, None).await?;
            let found = found.made(|answer| answer.read::<Listed<ZoneNode>>()).await?;
            match in_force(found.result, zone) {
                Ok(Some(id)) => return Ok((zone.to_owned(), id)),
                Ok(None) => {}
                Err(fault) => idle = idle.or(Some(fault)),
            }
            match zone.split_once('.') {
                Some((_, above)) if self.climbs && above.contains('.') => zone = above,
                _ => break,
            }
        }
        let hint = if self.climbs {
            ", nor one above it: set `[cloudflare] zone`"
        } else {
            ""
        };
        let detail = format!("cloudflare: the token sees no zone {}{hint}", self.name);
        Err(idle.unwrap_or_else(|| Fault::new(Reason::PlatformNotFound, detail)))
    }
}

/// The id of the zone of this name. Several accounts may have one: what counts is the one that the zone's servers serve, and
/// one that is prepared, or was moved away, says nothing of DNS.
fn in_force(found: Vec<ZoneNode>, name: &str) -> Result<Option<String>, Fault> {
    let named = |zone: &ZoneNode| zone.name.as_ref().is_none_or(|found| found.eq_ignore_ascii_case(name));
    let is_active = |zone: &ZoneNode| zone.status.as_ref().is_none_or(|status| status == "active");
    let (active, idle) = found.into_iter().filter(named).partition::<Vec<_>, _>(is_active);
    match (active.into_iter().next(), idle.first()) {
        (Some(zone), _) => Ok(Some(zone.id)),
        (None, None) => Ok(None),
        (None, Some(zone)) => {
            let status = zone.status.as_deref().unwrap_or_default();
            let detail = format!("cloudflare: the zone {name} is {status} there: other servers serve it");
            Err(Fault::new(Reason::PlatformNotFound, detail))
        }
    }
}

/// A token that is none is refused with 400 and one of the codes 9106, 9109, 10000 and 1000: "Authentication failed" and
/// the like.
fn refuses_token(status: u16, body: &[u8]) -> bool {
    let body = serde_json::from_slice::<Value>(body).unwrap_or_default();
    let code = body.pointer("/errors/0/code").and_then(Value::as_i64);
    status == 400 && matches!(code, Some(9106 | 9109 | 10000 | 1000))
}

/// A page of records, read.
struct Records {
    records: Vec<(String, ZoneRecord)>,
    info: Info,
    weight: usize,
}

impl Records {
    fn read(answer: &Answer) -> Result<Self, Fault> {
        let listed = answer.read::<Listed<&RawValue>>()?;
        let mut page = Self {
            records: Vec::new(),
            info: listed.result_info.unwrap_or_default(),
            weight: 0,
        };
        if listed.result.len() > MOST_OF_A_PAGE {
            let detail = format!("cloudflare lists more than the {PAGE} records that it was asked for");
            return Err(Fault::new(Reason::PlatformMalformed, detail));
        }
        for node in listed.result {
            let node = serde_json::from_str::<RecordNode>(node.get()).map_err(|error| {
                let detail = format!("cloudflare answers something else: {error}");
                Fault::new(Reason::PlatformMalformed, detail)
            })?;
            let (id, record) = (node.id.clone(), ZoneRecord::from(node));
            page.weight += weight(&record) + size_of::<String>() + id.len();
            page.records.push((id, record));
        }
        Ok(page)
    }
}

#[derive(Deserialize)]
struct Listed<T> {
    result: Vec<T>,
    result_info: Option<Info>,
}

#[derive(Default, Deserialize)]
struct Info {
    total_count: Option<u64>,
    total_pages: Option<u64>,
}

#[derive(Deserialize)]
struct ZoneNode {
    id: String,
    name: Option<String>,
    status: Option<String>,
}

#[derive(Deserialize)]
struct RecordNode {
    id: String,
    name: String,
    r#type: String,
    content: Option<String>,
    proxied: Option<bool>,
    comment: Option<String>,
    tags: Option<Vec<String>>,
}

impl From<RecordNode> for ZoneRecord {
    fn from(node: RecordNode) -> Self {
        Self {
            id: node.id,
            name: node.name.trim_end_matches('.').to_ascii_lowercase(),
            kind: node.r#type,
            content: node.content.unwrap_or_default(),
            proxied: node.proxied.unwrap_or(false),
            comment: node.comment,
            tags: node.tags.unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_that_is_not_in_force_says_nothing_of_dns() {
        let zone = |id: &str, name: Option<&str>, status: Option<&str>| ZoneNode {
            id: id.to_owned(),
            name: name.map(str::to_owned),
            status: status.map(str::to_owned),
        };
        let active = || zone("a", Some("Example.test"), Some("active"));
        let moved = || zone("m", Some("example.test"), Some("moved"));
        let other = || zone("o", Some("example.org"), Some("active"));
        let id = |zones| in_force(zones, "example.test").map_err(|fault| fault.detail);
        assert_eq!(id(vec![moved(), other(), active()]), Ok(Some("a".to_owned())));
        assert_eq!(id(vec![zone("n", None, None)]), Ok(Some("n".to_owned())));
        assert_eq!(id(vec![other()]), Ok(None));
        assert!(id(vec![moved()]).is_err_and(|said| said.contains("is moved there")));
    }

    #[test]
    fn a_bogus_token_is_told_from_a_bad_question() {
        let refused = |status, body: &str| refuses_token(status, body.as_bytes());
        assert!(refused(
            400,
            r#"{"errors":[{"code":9106,"message":"Authentication failed"}]}"#
        ));
        assert!(refused(400, r#"{"errors":[{"code":10000}]}"#));
        for (status, body) in [
            (400, r#"{"errors":[{"code":1004}]}"#),
            (400, r#"{"errors":[]}"#),
            (400, "no JSON"),
            (409, r#"{"errors":[{"code":10000}]}"#),
        ] {
            assert!(!refused(status, body), "{status} {body}");
        }
    }
}
