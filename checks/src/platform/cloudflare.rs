//! The zone's listing at Cloudflare: every record in a few pages (API v4).

use reqwest::Method;
use serde_json::Value;

use super::http::Api;
use crate::evidence::{Asked, Fault, Reason, ZoneRecord};

/// Records on one page.
const PAGE: usize = 5000;
/// Most pages that are read: a zone of a million records.
const MOST_PAGES: usize = 200;

/// Lists the zone.
pub async fn listing(api: &Api, zone: &str) -> Asked<Vec<ZoneRecord>> {
    match list(api, zone).await {
        Ok(records) => Asked::Known(records),
        Err(fault) => Asked::Unknown(fault),
    }
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
