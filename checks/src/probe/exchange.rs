//! One HTTP request over a channel that stands, and its answer; every read is bounded, in bytes and in time.

use bytes::Bytes;
use http::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_LENGTH, HOST, HeaderMap, HeaderValue, SET_COOKIE, USER_AGENT};
use http::{Method, Request, Version};
use http_body_util::Empty;
use tokio::time::timeout;

use super::body;
use super::channel::Channel;
use super::clock::{self, Stopwatch};
use super::echo::SentHeaders;
use super::failure::{Again, Failure};
use super::handshake::Stream;
use super::visit::ProbeLimits;
use crate::evidence::{Answer, Exchange, Fault, Reason, StepStatus};
use crate::expectation::SiteExpectation;
use crate::target::Hostname;

/// How much of an answer's head evidence keeps, in bytes.
const KEPT_HEAD: usize = 8 * 1024;

/// What came of a request, and whether it is to be asked again.
pub(super) struct Asked {
    pub exchange: Exchange,
    pub again: Option<Again>,
    /// Whether the peer refused the channel itself, before it sent anything over it.
    pub of_handshake: bool,
}

impl Asked {
    fn ended(exchange: Exchange) -> Self {
        Self {
            exchange,
            again: None,
            of_handshake: false,
        }
    }

    /// A request without an answer.
    pub(super) fn failed(mut exchange: Exchange, failure: Failure) -> Self {
        exchange.end = StepStatus::Failed(failure.fault);
        Self {
            exchange,
            again: failure.again,
            of_handshake: failure.of_handshake,
        }
    }
}

/// The statuses that say that a request was not processed, and may be asked again over another connection: 408, 421, 425
/// (RFC 9110, sections 15.5.9 and 15.5.20; RFC 8470, section 5.2).
const UNPROCESSED: [u16; 3] = [408, 421, 425];

/// Whom a request is for: the name, and the port that it was reached at.
pub(super) type Host<'a> = (&'a Hostname, u16);

/// Asks for one page and reads the answer within what is left of the time.
pub(super) async fn get(
    channel: &mut Channel,
    host: Host<'_>,
    path: &str,
    sent: &SentHeaders<'_>,
    expected: &SiteExpectation,
    settings: &ProbeLimits,
    watch: Stopwatch,
) -> Asked {
    let mut exchange = Exchange::default();
    let request = match request(channel, Method::GET, host, path, sent.headers(), settings) {
        Ok(request) => request,
        Err(fault) => {
            exchange.end = StepStatus::Failed(fault);
            return Asked::ended(exchange);
        }
    };
    let asked = Stopwatch::start();
    exchange.sent_at = Some(clock::now());
    let head = timeout(watch.left(settings.timeout), channel.send(request)).await;
    exchange.first_byte_ms = asked.ms();
    exchange.total_ms = exchange.first_byte_ms;
    let response = match head {
        Err(_) => {
            exchange.end = StepStatus::Failed(silent(settings));
            return Asked::ended(exchange);
        }
        Ok(Err(failure)) => return Asked::failed(exchange, failure),
        Ok(Ok(response)) => response,
    };
    let (parts, mut incoming) = response.into_parts();
    let mut raw = Vec::new();
    let reading = channel.read(&mut incoming, &mut raw, settings.max_body);
    let ended = timeout(watch.left(settings.timeout), reading).await;
    exchange.total_ms = asked.ms();
    let whole = matches!(ended, Ok(Ok(true)));
    let (body, unpacked) = body::evidence(&raw, whole, &parts.headers, settings.max_body, expected, sent);
    exchange.end = match ended {
        Ok(Ok(_)) => unpacked.map_or(StepStatus::Done, StepStatus::Failed),
        Ok(Err(fault)) => StepStatus::Failed(of_length(fault, &parts.headers)),
        Err(_) => StepStatus::failed(
            Reason::HttpTimeout,
            format!(
                "the body did not end within {:?}, {} bytes came",
                settings.timeout,
                raw.len()
            ),
        ),
    };
    let status = parts.status.as_u16();
    exchange.answer = Some(Answer {
        version: version(parts.version).to_owned(),
        status,
        headers: kept(&parts.headers),
        body,
    });
    let refused = UNPROCESSED.contains(&status) && !expected.status.contains(&status);
    Asked {
        again: refused.then_some(Again::AsBefore),
        ..Asked::ended(exchange)
    }
}

/// Asks `HEAD /` and gives back the headers.
pub(super) async fn head(stream: Stream, host: Host<'_>, settings: &ProbeLimits) -> Result<HeaderMap, Fault> {
    let asking = async {
        let mut channel = Channel::open(stream, false).await.map_err(|failure| failure.fault)?;
        let request = request(&channel, Method::HEAD, host, "/", [], settings)?;
        let response = channel.send(request).await.map_err(|failure| failure.fault)?;
        Ok((channel, response.into_parts().0.headers))
    };
    let asked = timeout(settings.timeout, asking).await;
    let (channel, headers) = asked.map_err(|_| silent(settings))??;
    let _ = timeout(settings.timeout, channel.close()).await;
    Ok(headers)
}

/// No answer came in the time that there was.
pub(super) fn silent(settings: &ProbeLimits) -> Fault {
    Fault::new(Reason::HttpTimeout, format!("no answer within {:?}", settings.timeout))
}

/// Names the length that was told of a body which is malformed.
fn of_length(mut fault: Fault, headers: &HeaderMap) -> Fault {
    let told = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    if let Some(told) = told.filter(|_| fault.reason == Reason::HttpMalformed) {
        fault.detail = format!("header `content-length` says {told}: {}", fault.detail);
    }
    fault
}

/// Why an answer says that its request was not processed.
pub(super) fn unprocessed(exchange: &Exchange) -> Fault {
    let status = exchange.answer.as_ref().map_or(0, |answer| answer.status);
    Fault::new(
        Reason::HttpStatus,
        format!("status {status}: the request was not processed"),
    )
}

fn request<'h>(
    channel: &Channel,
    method: Method,
    (name, port): Host<'_>,
    path: &str,
    headers: impl IntoIterator<Item = (&'h str, &'h str)>,
    settings: &ProbeLimits,
) -> Result<Request<Empty<Bytes>>, Fault> {
    let authority = if port == 443 {
        name.to_string()
    } else {
        format!("{name}:{port}")
    };
    let mut request = if channel.is_http2() {
        Request::builder()
            .uri(format!("https://{authority}{path}"))
            .version(Version::HTTP_2)
    } else {
        Request::builder().uri(path).header(HOST, &authority)
    };
    request = request
        .method(method)
        .header(USER_AGENT, &settings.user_agent)
        .header(ACCEPT, HeaderValue::from_static("*/*"))
        .header(ACCEPT_ENCODING, HeaderValue::from_static("gzip, deflate, br"));
    for (key, value) in headers {
        request = request.header(key, value);
    }
    let ours = |error: http::Error| Fault::new(Reason::HttpMalformed, format!("our request can't be sent: {error}"));
    request.body(Empty::new()).map_err(ours)
}

fn version(version: Version) -> &'static str {
    match version {
        Version::HTTP_2 => "2",
        Version::HTTP_10 => "1.0",
        Version::HTTP_09 => "0.9",
        _ => "1.1",
    }
}

fn kept(headers: &HeaderMap) -> Vec<(String, String)> {
    let mut room = KEPT_HEAD;
    let mut kept = Vec::with_capacity(headers.len());
    for (name, value) in headers {
        let value = String::from_utf8_lossy(value.as_bytes());
        let value = if name == SET_COOKIE {
            without_value(&value)
        } else {
            value.into_owned()
        };
        let size = name.as_str().len() + value.len();
        if size <= room {
            room -= size;
            kept.push((name.as_str().to_owned(), value));
        }
    }
    kept
}

/// What a cookie is called, without what lets its bearer in (RFC 6265, section 4.1.1).
fn without_value(cookie: &str) -> String {
    let name = cookie.split(['=', ';']).next().unwrap_or_default().trim();
    format!("{name}=(not kept)")
}
