//! The lines of one app's log since a token, a page a call. The API is not officially supported and optional evidence:
//! what fails comes back as a fault, and changes nothing else.

use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::evidence::{Fault, LogLine, Reason};
use crate::logs::error_code;
use crate::platform::LogPage;
use crate::platform::http::{Api, Path};

/// Lines that are taken from one answer.
const MOST_LINES: usize = 500;
/// Characters that are kept of one message.
const LONGEST: usize = 2_000;
/// The longest entry that is read, in bytes: a line with all that is told of it.
const LONGEST_ENTRY: usize = 256 * 1024;
/// The longest answer that is read, in bytes.
const MOST_BYTES: usize = 4 * 1024 * 1024;
/// How long one call may take, repetitions included.
const TIMEOUT: Duration = Duration::from_secs(8);

/// Reads logs.
#[derive(Debug)]
pub(super) struct Logs(Api);

impl Logs {
    pub(super) fn new(api: Api) -> Self {
        Self(api.at_most(MOST_BYTES))
    }

    /// Begins a round, as [`Api::begin_round`].
    pub(super) fn begin_round(&self) {
        self.0.begin_round();
    }

    /// The lines of `app` that are newer than `since`; without it the newest that there are.
    ///
    /// # Errors
    /// Why there are none to be had; after a refusal of the token, or an outage, the same at once.
    pub(super) async fn read(&self, app: &str, since: Option<&str>) -> Result<LogPage, Fault> {
        let since = since.map(|token| ("next_token", token));
        let path = Path {
            segments: &["api", "v1", "apps", app, "logs"],
            query: since.as_slice(),
        };
        let asked = self.0.ask("app-logs", &path, None);
        let late = |_| Fault::new(Reason::PlatformTimeout, format!("logs: no answer within {TIMEOUT:?}"));
        let answer = tokio::time::timeout(TIMEOUT, asked).await.map_err(late)??;
        let app = app.to_owned();
        answer.made(move |answer| page(&app, answer.read()?)).await
    }
}

#[derive(Deserialize)]
struct Lines<'a> {
    #[serde(borrow)]
    data: Option<Vec<&'a RawValue>>,
    meta: Option<Meta>,
}

#[derive(Deserialize)]
struct Meta {
    next_token: Option<String>,
}

fn page(app: &str, answer: Lines<'_>) -> Result<LogPage, Fault> {
    let Some(data) = answer.data else {
        return Err(Fault::new(Reason::PlatformMalformed, "logs: the answer has no lines"));
    };
    // Of too many the newest count: the request that is looked for was made a moment ago.
    let data = &data[data.len().saturating_sub(MOST_LINES)..];
    // A line is short, or none of ours.
    let entries = data.iter().filter(|entry| entry.get().len() <= LONGEST_ENTRY);
    let entries = entries.filter_map(|entry| serde_json::from_str::<Value>(entry.get()).ok());
    let next = answer.meta.and_then(|meta| meta.next_token);
    Ok(LogPage {
        lines: entries.filter_map(|entry| line(app, &entry)).collect(),
        next: next.filter(|token| !token.is_empty()),
    })
}

fn line(app: &str, entry: &Value) -> Option<LogLine> {
    let attributes = entry.get("attributes")?;
    let text = |pointer: &str| {
        let found = attributes.pointer(pointer)?.as_str()?;
        Some(found.chars().take(LONGEST).collect::<String>()).filter(|text| !text.is_empty())
    };
    let message = text("/message")?;
    let said = text("/meta/error/message").unwrap_or_default();
    Some(LogLine {
        at: text("/timestamp").and_then(|at| at.parse().ok()),
        app: app.to_owned(),
        instance: text("/instance").or_else(|| text("/meta/instance")),
        region: text("/region").or_else(|| text("/meta/region")),
        provider: text("/meta/event/provider"),
        request_id: text("/meta/http/request/id"),
        url: text("/meta/url/full"),
        status: attributes
            .pointer("/meta/http/response/status_code")
            .and_then(Value::as_u64)
            .and_then(|status| u16::try_from(status).ok()),
        error_code: error_code(&message).or_else(|| error_code(&said)).map(str::to_owned),
        message,
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::expect_used, reason = "a test may fail")]

    use serde_json::json;

    use super::*;

    fn read(app: &str, answer: &Value) -> Result<LogPage, Fault> {
        let text = answer.to_string();
        page(app, serde_json::from_str(&text).expect("an answer"))
    }

    #[test]
    fn a_line_is_read_with_what_it_is_about() {
        let entry = json!({ "id": "1", "type": "log", "attributes": {
            "timestamp": "2026-11-24T09:39:13.5Z", "message": "[PR03] no candidate", "level": "error",
            "instance": "3d8d", "region": "lhr",
            "meta": { "event": { "provider": "proxy" }, "url": { "full": "https://a.example.com/" },
                "http": { "request": { "id": "01A" }, "response": { "status_code": 502 } },
                "error": { "code": 3, "message": "no candidate" } } } });
        let page = read(
            "sp-a",
            &json!({ "data": [entry, null, { "attributes": {} }], "meta": { "next_token": "t" } }),
        );
        let page = page.expect("a page");
        assert_eq!((page.lines.len(), page.next.as_deref()), (1, Some("t")));
        let line = &page.lines[0];
        assert_eq!(
            (line.error_code.as_deref(), line.status, line.request_id.as_deref()),
            (Some("PR03"), Some(502), Some("01A"))
        );
        assert_eq!((line.app.as_str(), line.provider.as_deref()), ("sp-a", Some("proxy")));
    }

    #[test]
    fn an_answer_is_bounded_and_may_be_empty_or_nonsense() {
        let many = json!({ "data": vec![json!({ "attributes": { "message": "x".repeat(5_000) } }); 1_000] });
        let page = read("a", &many).expect("a page");
        assert_eq!((page.lines.len(), page.lines[0].message.len()), (MOST_LINES, LONGEST));
        let empty = read("a", &json!({ "data": [], "meta": { "next_token": "" } }));
        assert_eq!(empty, Ok(LogPage::default()));
        assert!(read("a", &json!({ "errors": [] })).is_err());
    }
}
