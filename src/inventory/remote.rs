//! The source `http`: the tenants that an endpoint lists, page after page. What it does not answer comes back as part
//! of the listing; only what the user wrote is an error.

use std::collections::HashSet;
use std::time::Duration;

use reqwest::header::HeaderMap;
use reqwest::redirect::{Attempt, Policy};
use reqwest::{StatusCode, Url};
use roundsman_checks::clock::now;
use roundsman_checks::evidence::{Fault, Reason};
use roundsman_checks::loopback::is_on_loopback;
use roundsman_checks::platform::{Token, retry_after};
use serde_json::Value;
use thiserror::Error;

use super::entry::{Entry, Place};
use super::json;
use super::read::TenantsFrom;
use crate::config::{Config, Fields, Secret, SecretError, SecretString, Source};

/// How often one page is asked for at most.
const ATTEMPTS: u32 = 3;
/// How long one attempt may take.
const TIMEOUT: Duration = Duration::from_secs(20);
/// The longest page that is read, in bytes.
const MAX_PAGE: usize = 16 << 20;
/// Most pages and most tenants that are read: nobody has more, an endpoint gone astray does.
const MOST_PAGES: usize = 10_000;
const MOST_TENANTS: usize = 1_000_000;
/// The longest that all entries together are, in bytes of their JSON.
const MOST_TEXT: usize = 128 << 20;
/// The longest page that is read between two looks at everything else, in bytes.
const READ_AT_ONCE: usize = 256 << 10;
/// Most entries that are told to be wrong: one of so many is as wrong as the rest.
const MOST_FAULTS: usize = 100;
/// How long all pages together may take.
const WHOLE: Duration = Duration::from_secs(120);
/// The longest `Retry-After` that is waited for.
const PATIENCE: Duration = Duration::from_secs(5);
/// Most redirects that are followed, all at the same origin.
const MOST_REDIRECTS: usize = 5;

/// Why the endpoint can't be asked; exit code 2.
#[derive(Debug, Error)]
pub enum RemoteError {
    /// The token.
    #[error("[tenants] token: {0}")]
    Token(#[from] SecretError),
    /// The address is none.
    #[error("[tenants] url: it is no URL of an endpoint: expected https://HOST/PATH")]
    Url,
    /// The tenants, and the token, would go over the network in clear.
    #[error("[tenants] url: it is not https: http is for loopback only")]
    Clear,
    /// The HTTP library can't be set up.
    #[error("[tenants] url: no HTTP client: {0}")]
    Client(String),
}

/// What the endpoint listed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Listing {
    /// The endpoint, without its query.
    pub name: String,
    /// What it did not answer, or answered wrongly.
    pub faults: Vec<Fault>,
    /// Whether every page was read.
    pub complete: bool,
    pub(super) entries: Vec<Entry>,
}

/// The endpoint.
pub struct Remote {
    url: Url,
    token: Option<(SecretString, Token)>,
    next: Option<String>,
    fields: Fields,
    client: reqwest::Client,
}

impl Remote {
    /// The endpoint that the configuration names; `None` where it names none, or `from` stands in its place.
    ///
    /// # Errors
    /// [`RemoteError`] where the token is unset or empty, or the address can't be used.
    pub fn new(config: &Config, from: Option<&TenantsFrom>, user_agent: &str) -> Result<Option<Self>, RemoteError> {
        let tenants = &config.tenants;
        let Some(url) = tenants.url.as_deref().filter(|_| from.is_none()) else {
            return Ok(None);
        };
        if !tenants.sources.contains(&Source::Http) {
            return Ok(None);
        }
        let url = usable(url)?;
        let token = tenants.token.as_ref().map(Secret::read).transpose()?;
        // Another part of the process may have installed the same provider already; then this changes nothing.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let client = reqwest::Client::builder()
            .http1_only()
            .user_agent(user_agent)
            .timeout(TIMEOUT)
            .redirect(Policy::custom(at_home));
        // A token in clear stays on this machine.
        let client = if url.scheme() == "http" {
            client.no_proxy()
        } else {
            client
        };
        let client = client.build().map_err(|error| RemoteError::Client(error.to_string()))?;
        Ok(Some(Self {
            url,
            token: token.map(|token| (token.clone(), Token::bearer(token.expose()))),
            next: tenants.next.clone(),
            fields: tenants.fields.clone(),
            client,
        }))
    }

    /// Reads the listing, where there is an endpoint.
    pub async fn ask(remote: Option<&Self>) -> Option<Listing> {
        match remote {
            Some(remote) => Some(remote.read().await),
            None => None,
        }
    }

    async fn read(&self) -> Listing {
        let mut listing = Listing {
            name: shown(&self.url),
            ..Listing::default()
        };
        match tokio::time::timeout(WHOLE, self.pages(&mut listing)).await {
            Ok(Ok(())) => listing.complete = true,
            Ok(Err(fault)) => listing.faults.push(fault),
            Err(_) => {
                let said = format!("{} was not read to its end within {} s", listing.name, WHOLE.as_secs());
                listing.faults.push(Fault::new(Reason::PlatformTimeout, said));
            }
        }
        listing
    }

    async fn pages(&self, listing: &mut Listing) -> Result<(), Fault> {
        let mut read = HashSet::new();
        let mut taken = Taken::default();
        let mut url = self.url.clone();
        for number in 1..=MOST_PAGES {
            read.insert(url.clone());
            let name = match number {
                1 => listing.name.clone(),
                _ => format!("{}, page {number}", listing.name),
            };
            let bytes = self.page(&url, &name).await?;
            let page = Page {
                name: name.clone(),
                fields: self.fields.clone(),
                next: self.next.clone(),
            };
            let (next, now) = aside(bytes.len(), move || page.take(&bytes, taken)).await?;
            taken = now;
            listing.entries.append(&mut taken.entries);
            listing.faults.append(&mut taken.faults);
            let next = next?;
            let Some(next) = self.next(next, &url, &name)? else {
                return Ok(());
            };
            if read.contains(&next) {
                return Err(malformed(format!("{name} leads back to a page that was read already")));
            }
            url = next;
        }
        Err(malformed(format!("{} has more than {MOST_PAGES} pages", listing.name)))
    }

    /// Where the next page is: a URL or a path of the same origin, else a cursor.
    fn next(&self, found: Option<Value>, url: &Url, name: &str) -> Result<Option<Url>, Fault> {
        let text = match found {
            None | Some(Value::Null | Value::Bool(false)) => return Ok(None),
            Some(Value::String(text)) if text.is_empty() => return Ok(None),
            Some(Value::String(text)) => text,
            Some(Value::Number(number)) => number.to_string(),
            Some(_) => return Err(malformed(format!("{name}: `next` is neither a text nor a number"))),
        };
        let next = if text.starts_with('/') || text.starts_with("https://") || text.starts_with("http://") {
            url.join(&text)
                .map_err(|error| malformed(format!("{name}: `next` is no URL: {error}")))?
        } else {
            with_cursor(&self.url, &text)
        };
        if next.origin() == self.url.origin() {
            Ok(Some(next))
        } else {
            Err(malformed(format!("{name} names its next page at another origin")))
        }
    }

    /// One page, asked for again where that may help.
    async fn page(&self, url: &Url, name: &str) -> Result<Vec<u8>, Fault> {
        let mut tried = 1;
        loop {
            match self.attempt(url, name).await {
                Err(Failure::Again(_, wait)) if tried < ATTEMPTS => {
                    let jitter = Duration::from_millis(fastrand::u64(100..=300)) * tried;
                    tokio::time::sleep(wait.unwrap_or(jitter)).await;
                    tried += 1;
                }
                Err(Failure::Again(fault, _) | Failure::Final(fault)) => return Err(fault),
                Ok(bytes) => return Ok(bytes),
            }
        }
    }

    async fn attempt(&self, url: &Url, name: &str) -> Result<Vec<u8>, Failure> {
        let unsent = |error: reqwest::Error| Failure::Again(unsent(&error, name), None);
        let mut request = self.client.get(url.clone()).header("accept", "application/json");
        if let Some((token, _)) = &self.token {
            request = request.bearer_auth(token.expose());
        }
        let mut response = request.send().await.map_err(unsent)?;
        if !response.status().is_success() {
            return Err(refused(response.status(), response.headers(), name));
        }
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(unsent)? {
            if bytes.len() + chunk.len() > MAX_PAGE {
                return Err(Failure::Final(malformed(format!(
                    "{name} answers more than {MAX_PAGE} bytes"
                ))));
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(match &self.token {
            Some((_, token)) => token.masked(bytes),
            None => bytes,
        })
    }
}

/// What reads one page.
struct Page {
    name: String,
    fields: Fields,
    next: Option<String>,
}

/// What was read so far; entries and faults are those of one page.
#[derive(Default)]
struct Taken {
    entries: Vec<Entry>,
    faults: Vec<Fault>,
    ids: HashSet<String>,
    wrong: usize,
    text: usize,
}

impl Page {
    /// Takes in a page, and gives back what it says of the next one.
    fn take(self, bytes: &[u8], mut taken: Taken) -> (Result<Option<Value>, Fault>, Taken) {
        let next = self.read(bytes, &mut taken);
        (next, taken)
    }

    fn read(&self, bytes: &[u8], taken: &mut Taken) -> Result<Option<Value>, Fault> {
        let name = &self.name;
        let page = json::parse(bytes, name).map_err(|error| malformed(error.to_string()))?;
        let place = |number| Place::Answer(name.clone(), number);
        for (length, entry) in json::entries(&page, &self.fields, place) {
            match entry {
                Ok(entry) if taken.ids.insert(entry.id.to_ascii_lowercase()) => {
                    taken.text += length;
                    taken.entries.push(entry);
                }
                Ok(entry) => taken.faults.push(malformed(format!(
                    "tenant `{}` is named twice, again at {}",
                    entry.id, entry.place
                ))),
                Err(error) => taken.faults.push(malformed(error.to_string())),
            }
            if taken.ids.len() > MOST_TENANTS {
                return Err(malformed(format!("{name}: more than {MOST_TENANTS} tenants")));
            }
            if taken.text > MOST_TEXT {
                let most = MOST_TEXT >> 20;
                return Err(malformed(format!("{name}: the tenants take more than {most} MiB")));
            }
            if taken.wrong + taken.faults.len() >= MOST_FAULTS {
                return Err(malformed(format!(
                    "{name}: more than {MOST_FAULTS} entries are wrong; the rest was not read"
                )));
            }
        }
        taken.wrong += taken.faults.len();
        Ok(self.next.as_deref().and_then(|pointer| page.pointer(pointer)))
    }
}

/// Reads a page of so many bytes; a long one in another thread, so that signals and timers are heard meanwhile.
async fn aside<T: Send + 'static>(bytes: usize, read: impl FnOnce() -> T + Send + 'static) -> Result<T, Fault> {
    if bytes <= READ_AT_ONCE {
        return Ok(read());
    }
    match tokio::task::spawn_blocking(read).await {
        Ok(read) => Ok(read),
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => Err(malformed("the page was not read to its end: the program ends")),
        },
    }
}

fn usable(text: &str) -> Result<Url, RemoteError> {
    let url = Url::parse(text).map_err(|_| RemoteError::Url)?;
    if url.host_str().is_none() {
        return Err(RemoteError::Url);
    }
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_on_loopback(text) => Ok(url),
        "http" => Err(RemoteError::Clear),
        _ => Err(RemoteError::Url),
    }
}

/// Follows redirects within the origin; one that leaves it is an answer of its own, and the token stays here.
fn at_home(attempt: Attempt<'_>) -> reqwest::redirect::Action {
    let first = attempt.previous().first().map(Url::origin);
    if attempt.previous().len() <= MOST_REDIRECTS && first == Some(attempt.url().origin()) {
        attempt.follow()
    } else {
        attempt.stop()
    }
}

fn with_cursor(url: &Url, cursor: &str) -> Url {
    let mut next = url.clone();
    let kept = url.query_pairs().filter(|(key, _)| key != "cursor");
    let kept = kept.map(|(key, value)| (key.into_owned(), value.into_owned()));
    let kept = kept.collect::<Vec<_>>();
    next.query_pairs_mut()
        .clear()
        .extend_pairs(kept)
        .append_pair("cursor", cursor);
    next
}

/// The URL without what may hold a secret.
fn shown(url: &Url) -> String {
    format!("{}{}", url.origin().ascii_serialization(), url.path())
}

fn malformed(what: impl Into<String>) -> Fault {
    Fault::new(Reason::PlatformMalformed, what)
}

fn unsent(error: &reqwest::Error, name: &str) -> Fault {
    let reason = match error.is_timeout() {
        true => Reason::PlatformTimeout,
        false => Reason::PlatformUnavailable,
    };
    // The library's own sentence repeats the whole URL; the innermost says what happened.
    let mut said = "no answer".to_owned();
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        said = inner.to_string();
        source = inner.source();
    }
    Fault::new(reason, format!("{name}: {said}"))
}

/// Why there is no page.
enum Failure {
    /// Asking again changes nothing.
    Final(Fault),
    /// It may pass, after the wait that it asked for.
    Again(Fault, Option<Duration>),
}

fn refused(status: StatusCode, headers: &HeaderMap, name: &str) -> Failure {
    let (reason, again) = match status.as_u16() {
        300..=399 => {
            let said = format!(
                "{name} answers {} and leads to another origin, or in circles",
                status.as_u16()
            );
            return Failure::Final(malformed(said));
        }
        401 => (Reason::PlatformUnauthorized, false),
        403 => (Reason::PlatformForbidden, false),
        404 => (Reason::PlatformNotFound, false),
        429 => (Reason::PlatformRateLimited, true),
        408 | 500.. => (Reason::PlatformUnavailable, true),
        _ => (Reason::PlatformMalformed, false),
    };
    let fault = Fault::new(reason, format!("{name} answers {}", status.as_u16()));
    match retry_after(headers, now()) {
        // Who asks for a longer wait is not asked again in this round.
        Some(wait) if wait > PATIENCE => Failure::Final(fault),
        wait if again => Failure::Again(fault, wait),
        _ => Failure::Final(fault),
    }
}
