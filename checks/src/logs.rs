//! Lines of a log, read: where the edge replayed a request to, what an app got, what the proxy refused, and which lines
//! one request left. Pure functions over text that anybody may have written: what is not clear is not claimed.

use std::borrow::Cow;

use jiff::{SignedDuration, Timestamp};

use crate::evidence::{Answer, Exchange, LogLine};
use crate::target::Hostname;
use crate::world::TenantEvidence;

/// How the edge app says where a request goes.
const REPLAYING: &str = "Replaying request to tenant app";
/// How a tenant app says that it got one.
const RECEIVED: &str = "Request received";
/// How far the platform's clocks and ours may be apart where a line is claimed by its time.
pub const NEAR: SignedDuration = SignedDuration::from_millis(250);
/// How far they may be apart where a line is only counted among those that may be the request's.
pub const SKEW: SignedDuration = SignedDuration::from_secs(2);

/// Where the edge replayed a request to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replay {
    /// The name that was asked for, below the domain.
    pub subdomain: String,
    /// The app.
    pub app: String,
}

impl Replay {
    /// Reads `Replaying request to tenant app subdomain=… fly_app=…`, whatever stands before it for time, level and
    /// module.
    #[must_use]
    pub fn read(message: &str) -> Option<Self> {
        let text = uncoloured(message);
        let fields = fields_behind(&text, REPLAYING)?;
        Some(Self {
            subdomain: value(&fields, "subdomain")?.to_ascii_lowercase(),
            app: value(&fields, "fly_app")?,
        })
    }

    /// Whether it is about this host name below this domain.
    #[must_use]
    pub fn is_of(&self, hostname: &Hostname, domain: &Hostname) -> bool {
        let host = hostname.as_str();
        let below = host
            .strip_suffix(domain.as_str())
            .and_then(|rest| rest.strip_suffix('.'));
        self.subdomain == host || below == Some(self.subdomain.as_str())
    }
}

/// A request as a tenant app says that it got it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// The path.
    pub path: String,
    /// The method.
    pub method: String,
}

impl Received {
    /// Reads `Request received path=… method=…`.
    #[must_use]
    pub fn read(message: &str) -> Option<Self> {
        let text = uncoloured(message);
        let fields = fields_behind(&text, RECEIVED)?;
        Some(Self {
            path: value(&fields, "path")?,
            method: value(&fields, "method")?,
        })
    }
}

/// The proxy's code in a message that begins with it, as in `[PR03] could not find a good candidate`.
#[must_use]
pub fn error_code(message: &str) -> Option<&str> {
    let (code, _) = message.trim_start().strip_prefix('[')?.split_once(']')?;
    let (letters, digits) = code.split_at_checked(2)?;
    let fits = letters.starts_with('P') && letters.bytes().all(|byte| byte.is_ascii_uppercase());
    (fits && digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit())).then_some(code)
}

/// One request of ours.
#[derive(Clone, Debug, PartialEq)]
pub struct Request<'a> {
    /// What the platform called it, where the answer told.
    pub id: Option<&'a str>,
    /// The name that was asked for.
    pub host: &'a Hostname,
    /// The domain that the name is below.
    pub domain: &'a Hostname,
    /// The path.
    pub path: &'a str,
    /// When it was sent, and when the answer had come.
    pub during: (Timestamp, Timestamp),
    /// When our other requests to the same app were under way, whose lines are not this one's.
    pub others: Vec<(Timestamp, Timestamp)>,
}

/// Whose log may tell of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Log {
    /// The edge app's.
    Edge,
    /// The tenant app's.
    App,
}

impl<'a> Request<'a> {
    /// The request for a tenant's page, as one log can tell of it; `None` where none was sent.
    #[must_use]
    pub fn of_page(tenant: &'a TenantEvidence, domain: &'a Hostname, log: Log) -> Option<Self> {
        let visit = tenant.visit()?;
        // The edge tells of the issuer document too, the app in a line of another path; only the app is reached
        // directly, and then leaves the same line once more.
        let other = match log {
            Log::Edge => Some(&visit.issuer),
            Log::App => tenant.direct.as_ref().map(|direct| &direct.page),
        };
        Some(Self {
            id: visit.page.answer.as_ref().and_then(Answer::request_id),
            host: &tenant.tenant.hostname,
            domain,
            path: &tenant.expectation.site.path,
            during: visit.page.during()?,
            others: other.and_then(Exchange::during).into_iter().collect(),
        })
    }
}

/// What makes a line one request's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum By {
    /// It carries the request's id.
    RequestId,
    /// It names the host at the time of the request, and no other line does.
    HostAndTime,
    /// It names path and method in the tenant's own log at the time of the request, and no other line does.
    PathAndTime,
}

/// The lines that one request left.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Joined<'l> {
    /// The lines, oldest first, and what makes each of them the request's.
    pub lines: Vec<(By, &'l LogLine)>,
    /// The others from about its time, oldest first, of kinds of which no line is clearly the request's.
    pub unclear: Vec<&'l LogLine>,
}

/// Finds the lines that `request` left: those that carry its id; of those that carry none, each that clearly fits by
/// name and time. `own` is the tenant's app, whose log need not name the host.
#[must_use]
pub fn join<'l>(lines: &'l [LogLine], request: &Request<'_>, own: &str) -> Joined<'l> {
    let mut joined = Joined::default();
    let by_id = |line: &&LogLine| same_request(line, request) == Some(true);
    joined
        .lines
        .extend(lines.iter().filter(by_id).map(|line| (By::RequestId, line)));
    let guessed = lines.iter().filter(|line| same_request(line, request).is_none());
    let mut kinds: [Vec<(By, &LogLine)>; 3] = Default::default();
    for line in guessed {
        if let Some((kind, by)) = fits(line, request, own) {
            kinds[kind].push((by, line));
        }
    }
    for (kind, fitting) in kinds.iter_mut().enumerate() {
        // What the id has found already is not looked for by anything weaker.
        if joined.lines.iter().any(|(_, line)| kind_of(line) == Some(kind)) {
            continue;
        }
        fitting.sort_by_key(|(_, line)| line.at);
        match matched(fitting, request) {
            Some(one) => joined.lines.push(one),
            None => {
                let about = |(_, line): &&(By, &LogLine)| distance(line, request.during) <= SKEW;
                joined
                    .unclear
                    .extend(fitting.iter().filter(about).map(|(_, line)| *line));
            }
        }
    }
    joined.lines.sort_by_key(|(_, line)| line.at);
    joined.unclear.sort_by_key(|line| line.at);
    joined
}

/// Whether a line says that it is this request's; `None` where it names no request, or ours has no name.
fn same_request(line: &LogLine, request: &Request<'_>) -> Option<bool> {
    // The region behind the id is the edge's, and not part of it everywhere.
    let bare = |id: &str| id.split('-').next().unwrap_or(id).to_ascii_uppercase();
    let theirs = line.request_id.as_deref().filter(|id| !id.is_empty())?;
    request.id.map(|ours| bare(ours) == bare(theirs))
}

fn kind_of(line: &LogLine) -> Option<usize> {
    if Replay::read(&line.message).is_some() {
        Some(0)
    } else if Received::read(&line.message).is_some() {
        Some(1)
    } else {
        line.error_code.is_some().then_some(2)
    }
}

/// What kind of line it is, and what it has in common with the request besides the time.
fn fits(line: &LogLine, request: &Request<'_>, own: &str) -> Option<(usize, By)> {
    if let Some(replay) = Replay::read(&line.message) {
        return replay
            .is_of(request.host, request.domain)
            .then_some((0, By::HostAndTime));
    }
    if let Some(received) = Received::read(&line.message) {
        let ours = line.app == own && received.method == "GET" && received.path == request.path;
        return ours.then_some((1, By::PathAndTime));
    }
    let refused = line.error_code.is_some() && names(line, request.host);
    refused.then_some((2, By::HostAndTime))
}

/// Whether the URL of a line has this host.
#[must_use]
pub fn names(line: &LogLine, host: &Hostname) -> bool {
    let rest = line.url.as_deref().and_then(|url| url.split_once("://"));
    let authority = rest.and_then(|(_, rest)| rest.split(['/', '?', '#']).next());
    let name = authority.map(|authority| authority.rsplit_once(':').map_or(authority, |(name, _)| name));
    name.is_some_and(|name| name.eq_ignore_ascii_case(host.as_str()))
}

/// The line of one kind that is the request's. As many lines as requests of ours are theirs in their order; else one
/// line alone must be near, and nearer than to any other request of ours.
fn matched<'l>(fitting: &[(By, &'l LogLine)], request: &Request<'_>) -> Option<(By, &'l LogLine)> {
    let mut requests = request.others.clone();
    requests.push(request.during);
    requests.sort_unstable();
    let near = |line: &LogLine, during| distance(line, during) <= NEAR;
    let ours = fitting
        .iter()
        .filter(|(_, line)| requests.iter().any(|during| near(line, *during)))
        .collect::<Vec<_>>();
    if ours.len() == requests.len() {
        let at = requests.iter().position(|during| *during == request.during)?;
        return ours
            .get(at)
            .filter(|(_, line)| near(line, request.during))
            .map(|one| **one);
    }
    let mut alone = ours.iter().filter(|(_, line)| near(line, request.during));
    let one = alone.next().filter(|_| alone.next().is_none())?;
    let mine = distance(one.1, request.during);
    let nearest = request.others.iter().all(|other| mine < distance(one.1, *other));
    nearest.then_some(**one)
}

/// How far from a span of time a line was written; zero within it, and far where it does not say when.
fn distance(line: &LogLine, (from, until): (Timestamp, Timestamp)) -> SignedDuration {
    line.at.map_or(SignedDuration::MAX, |at| {
        let before = from.duration_since(at);
        let after = at.duration_since(until);
        before.max(after).max(SignedDuration::ZERO)
    })
}

/// What stands behind a phrase that only head matter comes before: time, level, module, spans. A phrase inside a value,
/// which a visitor may have written, is none.
fn fields_behind<'t>(text: &'t str, phrase: &str) -> Option<Cow<'t, str>> {
    if text.trim_start().starts_with('{') {
        return from_json(text, phrase).map(Cow::Owned);
    }
    let (head, fields) = text.split_once(phrase)?;
    let plain = !without_spans(head).contains(['=', '"', '\'']) && !fields.contains(phrase);
    plain.then_some(Cow::Borrowed(fields))
}

/// The head of a line without what its spans hold: `request{path=/ method=GET}: ` leaves `request: `.
fn without_spans(head: &str) -> String {
    let mut deep = 0_usize;
    let mut keep = |c: char| {
        match c {
            '{' => deep += 1,
            '}' => deep = deep.saturating_sub(1),
            _ => return deep == 0,
        }
        false
    };
    head.chars().filter(|c| keep(*c)).collect()
}

/// A structured line, with its fields beside the message or below `fields`, written as the plain form has it.
fn from_json(text: &str, phrase: &str) -> Option<String> {
    let line = serde_json::from_str::<serde_json::Value>(text).ok()?;
    let fields = line.get("fields").unwrap_or(&line);
    let message = fields.get("message").or_else(|| line.get("message"))?.as_str()?;
    let rest = message.strip_prefix(phrase)?;
    let pairs = fields.as_object()?.iter();
    let pairs = pairs.filter_map(|(key, value)| Some(format!(" {key}={}", value.as_str()?)));
    Some(rest.to_owned() + &pairs.collect::<String>())
}

/// The value of the first field of this name, perhaps in quotes.
fn value(fields: &str, key: &str) -> Option<String> {
    let mut rest = fields;
    loop {
        let (name, after) = rest.split_once('=')?;
        let (found, behind) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"')?,
            None => after.split_once([' ', ',']).unwrap_or((after, "")),
        };
        let name = name.rsplit([' ', ',']).next().unwrap_or(name);
        if name == key {
            return (!found.is_empty()).then(|| found.to_owned());
        }
        rest = behind;
    }
}

/// The text without the colours that loggers write (ECMA-48 SGR).
fn uncoloured(message: &str) -> Cow<'_, str> {
    if !message.contains('\x1b') {
        return Cow::Borrowed(message);
    }
    let mut parts = message.split('\x1b');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let rest = part.strip_prefix('[').and_then(|rest| rest.split_once('m'));
        let code = rest.filter(|(code, _)| code.bytes().all(|byte| byte.is_ascii_digit() || byte == b';'));
        plain.push_str(code.map_or(part, |(_, rest)| rest));
    }
    Cow::Owned(plain)
}

#[cfg(test)]
mod tests;
