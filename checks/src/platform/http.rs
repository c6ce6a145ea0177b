//! One HTTP API: few calls, bounded answers, typed failures. After a refusal, or when it is down, it is asked nothing
//! more until somebody opens it again.

mod calls;
#[cfg(feature = "write")]
mod change;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hyper_util::client::proxy::matcher::Matcher;
use jiff::Timestamp;
use reqwest::header::{AUTHORIZATION, DATE, HeaderMap, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Method, StatusCode, Url};
use serde::Deserialize;
use serde_json::Value;
use thiserror::Error;

use super::bulk::{Allowance, aside};
use super::token::Token;
use crate::clock::{Moment, now};
use crate::evidence::{Fault, Reason, SourceClock};
use crate::loopback::is_on_loopback;
use crate::reading;

pub use calls::{Call, Calls, Ended};
#[cfg(feature = "write")]
pub use change::NotDone;

/// How often one call is made at most.
const ATTEMPTS: u32 = 3;
/// How long each attempt may take, in seconds: a lost answer is soon asked for again, a slow one gets its time at the
/// end, and an API that never answers holds a round up for half a minute.
const TIMEOUTS: [u64; ATTEMPTS as usize] = [6, 10, 14];
/// The longest `Retry-After` that is waited for within a round.
const PATIENCE: Duration = Duration::from_secs(5);
/// The longest answer that is read, in bytes.
const MAX_ANSWER: usize = 16 * 1024 * 1024;
/// How much is read of an answer that refuses: the API's sentence is in it, or nowhere.
const MAX_REFUSAL: usize = 64 * 1024;

/// An address as it may be shown: what may be a password in it is not.
fn shown(base: &str) -> String {
    match base.rsplit_once('@') {
        Some((_, rest)) => format!("***@{rest}"),
        None => base.to_owned(),
    }
}

/// Why there is no client; the user's to fix.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ApiError {
    /// The address is none.
    #[error("`{0}` is no URL of an API: expected https://HOST")]
    Url(String),
    /// A token would go over the network in clear.
    #[error("`{0}` is not https: a token is sent in clear to loopback only")]
    Clear(String),
    /// It holds a name or a password of its own.
    #[error("`{0}` holds a user or a password, and the token is what is sent: leave out all before the `@`")]
    UserInfo(String),
    /// The HTTP library can't be set up.
    #[error("no HTTP client: {0}")]
    Client(#[source] reqwest::Error),
}

/// One API.
#[derive(Debug)]
pub struct Api {
    name: &'static str,
    base: Url,
    token: Token,
    client: reqwest::Client,
    /// The proxies that the environment names, as the client takes them.
    proxies: Arc<Matcher>,
    calls: Calls,
    most: usize,
    refuses_token: fn(u16, &[u8]) -> bool,
    closed: Mutex<Option<Fault>>,
    clock: Mutex<Option<SourceClock>>,
}

impl Api {
    /// A client for the API at `base`. Proxies are taken from the environment (`HTTPS_PROXY`, `NO_PROXY`).
    ///
    /// # Errors
    /// [`ApiError`] where the address can't be used.
    pub fn new(name: &'static str, base: &str, token: Token, user_agent: &str, calls: Calls) -> Result<Self, ApiError> {
        let url = Url::parse(base.trim_end_matches('/')).map_err(|_| ApiError::Url(shown(base)))?;
        if url.host_str().is_none() {
            return Err(ApiError::Url(shown(base)));
        }
        let loopback = is_on_loopback(base);
        match url.scheme() {
            "https" => {}
            "http" if loopback => {}
            "http" => return Err(ApiError::Clear(shown(base))),
            _ => return Err(ApiError::Url(shown(base))),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(ApiError::UserInfo(shown(base)));
        }
        // Another part of the process may have installed the same provider already; then this changes nothing.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        // What another host says is not the API's word, and a token in clear stays on this machine.
        let client = reqwest::Client::builder()
            .http1_only()
            .user_agent(user_agent)
            .redirect(Policy::none());
        let client = if url.scheme() == "http" {
            client.no_proxy()
        } else {
            client
        };
        let client = client.build().map_err(ApiError::Client)?;
        Ok(Self {
            name,
            base: url,
            proxies: Arc::new(Matcher::from_env()),
            token,
            client,
            calls,
            most: MAX_ANSWER,
            refuses_token: |_, _| false,
            closed: Mutex::new(None),
            clock: Mutex::new(None),
        })
    }

    /// The same with a limit of its own on the length of an answer, in bytes.
    #[must_use]
    pub fn at_most(mut self, bytes: usize) -> Self {
        self.most = bytes.min(MAX_ANSWER);
        self
    }

    /// The same for an API that refuses a token in words of its own: told status and body of an answer that is no
    /// success, `refuses_token` says whether it is one. 401 always is.
    #[must_use]
    pub(super) fn refusing_by(mut self, refuses_token: fn(u16, &[u8]) -> bool) -> Self {
        self.refuses_token = refuses_token;
        self
    }

    /// Begins a round: what closed the API in an earlier one is forgotten, and it is asked again.
    pub fn begin_round(&self) {
        *self.closed.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Why it is asked nothing more in this round, where that is so.
    pub(super) fn closed(&self) -> Option<Fault> {
        self.closed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What clock it keeps, by its last answer that told it.
    pub(super) fn clock(&self) -> Option<SourceClock> {
        self.clock.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note_clock(&self, headers: &HeaderMap) {
        let date = headers.get(DATE).and_then(|date| date.to_str().ok());
        let clock = date.and_then(reading::http_date).map(|theirs| SourceClock {
            source: self.name.to_owned(),
            theirs,
            ours: now(),
        });
        if clock.is_some() {
            *self.clock.lock().unwrap_or_else(PoisonError::into_inner) = clock;
        }
    }

    fn close(&self, fault: &Fault) {
        *self.closed.lock().unwrap_or_else(PoisonError::into_inner) = Some(fault.clone());
    }

    /// Asks for JSON, with a body by POST, else by GET. Repeated where that may help: nothing is changed by it.
    pub(super) async fn ask(&self, operation: &str, path: &Path<'_>, body: Option<&Value>) -> Result<Answer, Fault> {
        self.ask_within(None, operation, path, body).await
    }

    /// The same as a part of a bulk read, which has so many calls and no more.
    pub(super) async fn ask_within(
        &self,
        allowance: Option<&Allowance>,
        operation: &str,
        path: &Path<'_>,
        body: Option<&Value>,
    ) -> Result<Answer, Fault> {
        let url = self.url(path)?;
        let mut last = Fault::new(Reason::PlatformUnavailable, "not asked");
        for (attempt, seconds) in (1..).zip(TIMEOUTS) {
            let timeout = Duration::from_secs(seconds);
            if let Some(fault) = self.closed() {
                return Err(fault);
            }
            allowance.map_or(Ok(()), Allowance::call)?;
            self.calls.count(self.name, operation);
            let wait = match self.attempt(operation, &url, body, timeout).await {
                Ok(answer) => return Ok(answer),
                Err(Failure::Final(fault)) => return Err(fault),
                Err(Failure::Closed(fault)) => {
                    self.close(&fault);
                    return Err(fault);
                }
                Err(Failure::Again(fault, wait)) => {
                    last = fault;
                    wait
                }
            };
            if attempt < ATTEMPTS {
                let jitter = Duration::from_millis(fastrand::u64(100..=400)) * attempt;
                tokio::time::sleep(wait.unwrap_or(jitter)).await;
            }
        }
        // Down for one call is down for all: the others would only wait as long.
        self.close(&last);
        Err(last)
    }

    /// Where a path is below the base, everything in it escaped.
    fn url(&self, path: &Path<'_>) -> Result<Url, Fault> {
        let mut url = self.base.clone();
        // The library leaves out what would lead upwards.
        let upwards = path.segments.iter().any(|segment| matches!(*segment, "" | "." | ".."));
        match url.path_segments_mut() {
            Ok(mut segments) if !upwards => segments.pop_if_empty().extend(path.segments),
            _ => {
                let detail = format!("{}: `{}` is no path", self.name, path.segments.join("/"));
                return Err(Fault::new(Reason::PlatformMalformed, detail));
            }
        };
        if !path.query.is_empty() {
            url.query_pairs_mut().extend_pairs(path.query);
        }
        Ok(url)
    }

    async fn attempt(
        &self,
        operation: &str,
        url: &Url,
        body: Option<&Value>,
        timeout: Duration,
    ) -> Result<Answer, Failure> {
        let method = if body.is_some() { Method::POST } else { Method::GET };
        let request = self.client.request(method, url.clone()).timeout(timeout);
        let mut request = request.header(AUTHORIZATION, &self.token.header);
        if let Some(body) = body {
            request = request
                .header("content-type", "application/json")
                .body(body.to_string());
        }
        let began = Moment::now();
        let sent = request.send().await;
        let status = sent.as_ref().ok().map(|response| response.status().as_u16());
        self.calls.ended_with(self.name, operation, status, began.elapsed());
        let response = sent.map_err(|error| Failure::Again(self.unsent(&error), None))?;
        let (status, headers) = (response.status(), response.headers().clone());
        self.note_clock(&headers);
        if !status.is_success() {
            let (bytes, _) = self.read(response, MAX_REFUSAL).await?;
            return Err(self.refused(status, &headers, &bytes));
        }
        match self.read(response, self.most).await? {
            (bytes, true) => Ok(Answer { api: self.name, bytes }),
            (_, false) => {
                let detail = format!("{} answers more than {} bytes", self.name, self.most);
                Err(Failure::Final(Fault::new(Reason::PlatformMalformed, detail)))
            }
        }
    }

    /// Reads a body to its end (`true`), or as much as fits in `most` bytes (`false`).
    async fn read(&self, mut response: reqwest::Response, most: usize) -> Result<(Vec<u8>, bool), Failure> {
        let mut bytes = Vec::new();
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) if bytes.len() + chunk.len() <= most => bytes.extend_from_slice(&chunk),
                Ok(Some(_)) => return Ok((self.token.masked(bytes), false)),
                Ok(None) => return Ok((self.token.masked(bytes), true)),
                Err(error) => return Err(Failure::Again(self.unsent(&error), None)),
            }
        }
    }

    fn unsent(&self, error: &reqwest::Error) -> Fault {
        let reason = if error.is_timeout() {
            Reason::PlatformTimeout
        } else {
            Reason::PlatformUnavailable
        };
        let mut detail = error.to_string();
        let mut source = std::error::Error::source(error);
        while let Some(inner) = source {
            detail = inner.to_string();
            source = inner.source();
        }
        // What stands between is to blame more often than the API.
        let proxy = self
            .proxy()
            .map(|proxy| format!(", through the proxy {proxy} that the environment names"));
        Fault::new(reason, format!("{}: {detail}{}", self.name, proxy.unwrap_or_default()))
    }

    /// The proxy that stands between, without what may be a secret.
    fn proxy(&self) -> Option<String> {
        if self.base.scheme() == "http" {
            return None;
        }
        let proxy = self.proxies.intercept(&self.base.as_str().parse().ok()?)?;
        let (scheme, host) = (proxy.uri().scheme_str()?, proxy.uri().host()?);
        let port = proxy.uri().port_u16().map(|port| format!(":{port}"));
        Some(format!("{scheme}://{host}{}", port.unwrap_or_default()))
    }

    fn refused(&self, status: StatusCode, headers: &HeaderMap, bytes: &[u8]) -> Failure {
        let said = said(bytes).map(|said| format!(": {said}")).unwrap_or_default();
        let fault = |reason| Fault::new(reason, format!("{} answers {}{said}", self.name, status.as_u16()));
        match status.as_u16() {
            401 => Failure::Closed(fault(Reason::PlatformUnauthorized)),
            403 => Failure::Final(fault(Reason::PlatformForbidden)),
            404 => Failure::Final(fault(Reason::PlatformNotFound)),
            429 => match retry_after(headers, now()) {
                Some(wait) if wait > PATIENCE => Failure::Closed(fault(Reason::PlatformRateLimited)),
                wait => Failure::Again(fault(Reason::PlatformRateLimited), wait),
            },
            408 | 500.. => match retry_after(headers, now()) {
                Some(wait) if wait > PATIENCE => Failure::Closed(fault(Reason::PlatformUnavailable)),
                wait => Failure::Again(fault(Reason::PlatformUnavailable), wait),
            },
            // It leads there whatever is asked.
            300..=399 => Failure::Closed(Fault::new(
                Reason::PlatformMalformed,
                format!(
                    "{} answers {} and leads elsewhere: set its address",
                    self.name,
                    status.as_u16()
                ),
            )),
            status if (self.refuses_token)(status, bytes) => Failure::Closed(fault(Reason::PlatformUnauthorized)),
            _ => Failure::Final(fault(Reason::PlatformMalformed)),
        }
    }
}

/// Path of a call below an API's base: segments and pairs of its query, whatever stands in them.
pub(super) struct Path<'p> {
    pub segments: &'p [&'p str],
    pub query: &'p [(&'p str, &'p str)],
}

impl<'p> Path<'p> {
    /// A path without a query.
    pub(super) fn of(segments: &'p [&'p str]) -> Self {
        Self { segments, query: &[] }
    }
}

/// Answer of an API: a text that should be JSON. It is read into what is wanted of it, never into a tree.
#[derive(Debug)]
pub(super) struct Answer {
    api: &'static str,
    bytes: Vec<u8>,
}

impl Answer {
    /// Makes something of it by `read`, where nothing waits for that: a long one aside of everything else.
    ///
    /// # Errors
    /// What `read` says.
    pub(super) async fn made<T, F>(self, read: F) -> Result<T, Fault>
    where
        T: Send + 'static,
        F: FnOnce(&Self) -> Result<T, Fault> + Send + 'static,
    {
        let bytes = self.bytes.len();
        aside(bytes, move || read(&self)).await
    }

    /// Reads it.
    ///
    /// # Errors
    /// `platform/malformed` where it is no JSON, or other JSON than was asked for.
    pub(super) fn read<'a, T: Deserialize<'a>>(&'a self) -> Result<T, Fault> {
        // Some servers begin with a byte order mark (RFC 8259, section 8.1: a parser may ignore it).
        let text = self.bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&self.bytes);
        serde_json::from_slice(text).map_err(|error| {
            let what = if error.is_data() {
                "answers something else"
            } else {
                "answers no JSON"
            };
            Fault::new(Reason::PlatformMalformed, format!("{} {what}: {error}", self.api))
        })
    }
}

enum Failure {
    /// Asking again changes nothing.
    Final(Fault),
    /// The API is asked nothing more in this round.
    Closed(Fault),
    /// It may pass, after the wait that it asked for.
    Again(Fault, Option<Duration>),
}

/// How long the headers of an answer ask to wait from `now` on; nothing where they ask for no wait.
#[must_use]
pub fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?;
    Some(reading::retry_after(text, now))
}

/// What the API says in its own words, at most a line.
fn said(bytes: &[u8]) -> Option<String> {
    let body = serde_json::from_slice::<Value>(bytes).ok()?;
    let places = ["/message", "/error", "/errors/0/message"];
    let text = places
        .iter()
        .find_map(|place| body.pointer(place)?.as_str().map(str::to_owned))?;
    Some(text.chars().filter(|c| !c.is_control()).take(120).collect())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail")]
    use super::*;

    #[test]
    fn a_path_begins_with_one_slash_whatever_the_base() {
        for (base, expected) in [
            ("https://api.fly.io", "https://api.fly.io"),
            ("https://api.fly.io/", "https://api.fly.io"),
            (
                "https://api.example.com/client/v4//",
                "https://api.example.com/client/v4",
            ),
        ] {
            let api = Api::new("x", base, Token::bearer("t"), "test", Calls::default()).unwrap();
            let url = api.url(&Path::of(&["v1", "apps"])).unwrap();
            assert_eq!(url.as_str(), format!("{expected}/v1/apps"));
        }
    }

    #[test]
    fn whatever_stands_in_a_path_stays_in_its_place() {
        let api = Api::new("x", "https://api.test/v1", Token::bearer("t"), "test", Calls::default()).unwrap();
        let path = Path {
            segments: &["apps", "a/../b?c#d%", "machines"],
            query: &[("cursor", "x&y=z +")],
        };
        assert_eq!(
            api.url(&path).unwrap().as_str(),
            "https://api.test/v1/apps/a%2F..%2Fb%3Fc%23d%25/machines?cursor=x%26y%3Dz+%2B"
        );
        for segment in ["..", ".", ""] {
            assert!(api.url(&Path::of(&["apps", segment, "machines"])).is_err(), "{segment}");
        }
    }

    #[test]
    fn a_token_goes_in_clear_to_loopback_only() {
        let api = |base| Api::new("x", base, Token::bearer("t"), "test", Calls::default());
        assert!(
            api("http://127.0.0.1:1").is_ok() && api("http://[::1]:1").is_ok() && api("https://api.fly.io").is_ok()
        );
        assert!(matches!(api("http://api.fly.io"), Err(ApiError::Clear(_))));
        assert!(matches!(api("ftp://x"), Err(ApiError::Url(_))));
    }
}
