//! One HTTP request over a channel that stands, and its answer; every read is bounded, in bytes and in time.

use bytes::Bytes;
use http::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, HOST, HeaderMap, HeaderValue, SET_COOKIE, USER_AGENT};
use http::{Method, Request, Version};
use http_body_util::Empty;
use tokio::time::timeout;

use super::body;
use super::channel::Channel;
use super::clock::{self, Stopwatch};
use super::handshake::Stream;
use super::visit::ProbeLimits;
use crate::evidence::{Answer, Exchange, Fault, Reason, StepStatus};
use crate::expectation::SiteExpectation;
use crate::target::Hostname;

/// How much of an answer's head evidence keeps, in bytes.
const KEPT_HEAD: usize = 8 * 1024;

/// Whom a request is for: the name, and the port that it was reached at.
pub(super) type Host<'a> = (&'a Hostname, u16);

/// Asks for one page and reads the answer within what is left of the time.
pub(super) async fn get(
    channel: &mut Channel,
    host: Host<'_>,
    path: &str,
    headers: &[(String, String)],
    expected: &SiteExpectation,
    settings: &ProbeLimits,
    watch: Stopwatch,
) -> Exchange {
    let mut exchange = Exchange::default();
    let request = match request(channel, Method::GET, host, path, headers, settings) {
        Ok(request) => request,
        Err(fault) => {
            exchange.end = StepStatus::Failed(fault);
            return exchange;
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
            return exchange;
        }
        Ok(Err(error)) => {
            exchange.end = StepStatus::Failed(fault(&error));
            return exchange;
        }
        Ok(Ok(response)) => response,
    };
    let (parts, mut incoming) = response.into_parts();
    let mut raw = Vec::new();
    let reading = channel.read(&mut incoming, &mut raw, settings.max_body);
    let ended = timeout(watch.left(settings.timeout), reading).await;
    exchange.total_ms = asked.ms();
    let whole = matches!(ended, Ok(Ok(true)));
    exchange.end = match ended {
        Ok(Ok(_)) => StepStatus::Done,
        Ok(Err(error)) => StepStatus::Failed(fault(&error)),
        Err(_) => StepStatus::failed(
            Reason::HttpTimeout,
            format!(
                "the body did not end within {:?}, {} bytes came",
                settings.timeout,
                raw.len()
            ),
        ),
    };
    let encoding = parts
        .headers
        .get(CONTENT_ENCODING)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    exchange.answer = Some(Answer {
        version: version(parts.version).to_owned(),
        status: parts.status.as_u16(),
        headers: kept(&parts.headers),
        body: body::evidence(&raw, whole, encoding, settings.max_body, expected),
    });
    exchange
}

/// Asks `HEAD /` and gives back the headers.
pub(super) async fn head(stream: Stream, host: Host<'_>, settings: &ProbeLimits) -> Result<HeaderMap, Fault> {
    let asking = async {
        let mut channel = Channel::open(stream).await.map_err(|error| fault(&error))?;
        let request = request(&channel, Method::HEAD, host, "/", &[], settings)?;
        let response = channel.send(request).await.map_err(|error| fault(&error))?;
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

fn request(
    channel: &Channel,
    method: Method,
    (name, port): Host<'_>,
    path: &str,
    headers: &[(String, String)],
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

/// What an error of HTTP says of the peer.
pub(super) fn fault(error: &hyper::Error) -> Fault {
    let mut detail = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        detail = format!("{detail}: {inner}");
        source = inner.source();
    }
    let detail = detail.split(": https://").next().unwrap_or(&detail).to_owned();
    let too_large = ["too large", "oversized", "too_many_continuations", "header list"];
    let reason = if too_large.iter().any(|words| detail.contains(words)) {
        Reason::HttpTooLarge
    } else if error.is_parse() || detail.contains("PROTOCOL_ERROR") || detail.contains("FRAME_SIZE_ERROR") {
        Reason::HttpMalformed
    } else {
        Reason::HttpClosed
    };
    Fault::new(reason, detail.chars().take(200).collect::<String>())
}
