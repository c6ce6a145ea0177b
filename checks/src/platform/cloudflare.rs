//! The zone's listing at Cloudflare: every record in a few pages (API v4).

use reqwest::Method;
use serde_json::Value;

use super::http::{Api, ApiError, Calls, Token};
use crate::evidence::{ApiAnswer, Fault, Reason, ZoneRecord};

/// Records on one page.
const PAGE: usize = 5000;
/// Most pages that are read: a zone of a million records.
const MOST_PAGES: usize = 200;

/// Client of one zone.
#[derive(Debug)]
pub struct Zone {
    api: Api,
    name: String,
}

impl Zone {
    /// A client for the zone `name` at the API at `base`; the token may read it.
    ///
    /// # Errors
    /// [`ApiError`] where the address can't be used.
    pub fn new(base: &str, name: String, token: &str, user_agent: &str, calls: Calls) -> Result<Self, ApiError> {
        let api = Api::new("cloudflare", base, Token::bearer(token), user_agent, calls)?;
        Ok(Self {
            api: api.refusing_by(refuses_token),
            name,
        })
    }

    /// Begins a round, as [`Api::begin_round`].
    pub fn begin_round(&self) {
        self.api.begin_round();
    }

    /// Lists the zone.
    pub async fn listing(&self) -> ApiAnswer<Vec<ZoneRecord>> {
        match list(&self.api, &self.name).await {
            Ok(records) => ApiAnswer::Known(records),
            Err(fault) => ApiAnswer::Unknown(fault),
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

async fn list(api: &Api, zone: &str) -> Result<Vec<ZoneRecord>, Fault> {
    let zones = api
        .ask("zones", Method::GET, &format!("/zones?name={zone}"), None)
        .await?;
    let id = zones.pointer("/result/0/id").and_then(Value::as_str);
    let missing = || {
        Fault::new(
            Reason::PlatformNotFound,
            format!("cloudflare: the token sees no zone {zone}"),
        )
    };
    let id = id.ok_or_else(missing)?;
    let mut records = Vec::new();
    for page in 1..=MOST_PAGES {
        let path = format!("/zones/{id}/dns_records?per_page={PAGE}&page={page}");
        let answer = api.ask("dns_records", Method::GET, &path, None).await?;
        let malformed = || Fault::new(Reason::PlatformMalformed, "cloudflare: the listing has no `result`");
        let result = answer.get("result").and_then(Value::as_array).ok_or_else(malformed)?;
        records.extend(result.iter().filter_map(record));
        let pages = answer
            .pointer("/result_info/total_pages")
            .and_then(Value::as_u64)
            .unwrap_or(1);
        if result.is_empty() || page as u64 >= pages {
            break;
        }
    }
    Ok(records)
}

fn record(value: &Value) -> Option<ZoneRecord> {
    let text = |key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
    let tags = value.get("tags").and_then(Value::as_array).into_iter().flatten();
    Some(ZoneRecord {
        id: text("id")?,
        name: text("name")?.trim_end_matches('.').to_ascii_lowercase(),
        kind: text("type")?,
        content: text("content").unwrap_or_default(),
        proxied: value.get("proxied").and_then(Value::as_bool).unwrap_or(false),
        comment: text("comment"),
        tags: tags.filter_map(|tag| tag.as_str().map(str::to_owned)).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

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
