//! HTTP over a channel that stands: HTTP/2 or HTTP/1.1 as ALPN chose, every read bounded.

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, HOST, HeaderMap, SET_COOKIE};
use http::{Method, Request, Response, Version};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use super::body;
use super::clock::{self, Stopwatch};
use super::visit::Settings;
use crate::evidence::{Answer, End, Exchange, Fault, Reason};
use crate::expectation::SiteExpectation;
use crate::target::Hostname;

/// How much of an answer's head is read, in bytes.
const MAX_HEAD: u32 = 64 * 1024;
/// How much of an answer's head evidence keeps, in bytes.
const KEPT_HEAD: usize = 8 * 1024;

/// A channel that can carry requests, one after another.
pub(super) enum Channel {
    Http1(http1::SendRequest<Empty<Bytes>>),
    Http2(http2::SendRequest<Empty<Bytes>>),
}

impl Channel {
    /// Speaks the version that ALPN chose; HTTP/1.1 where it chose none (RFC 9113, section 3.3).
    pub(super) async fn open(stream: TlsStream<TcpStream>) -> Result<Self, Fault> {
        let h2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        let io = TokioIo::new(stream);
        if h2 {
            let mut builder = http2::Builder::new(TokioExecutor::new());
            builder
                .max_header_list_size(MAX_HEAD)
                .initial_stream_window_size(256 * 1024)
                .max_send_buf_size(16 * 1024);
            let (sender, connection) = builder.handshake(io).await.map_err(|error| fault(&error))?;
            tokio::spawn(connection);
            Ok(Self::Http2(sender))
        } else {
            let mut builder = http1::Builder::new();
            builder.max_buf_size(MAX_HEAD as usize);
            let (sender, connection) = builder.handshake(io).await.map_err(|error| fault(&error))?;
            tokio::spawn(connection);
            Ok(Self::Http1(sender))
        }
    }

    async fn send(&mut self, request: Request<Empty<Bytes>>) -> Result<Response<Incoming>, Fault> {
        let sent = match self {
            Self::Http1(sender) => sender.send_request(request).await,
            Self::Http2(sender) => sender.send_request(request).await,
        };
        sent.map_err(|error| fault(&error))
    }

    fn request(
        &self,
        method: Method,
        (name, port): (&Hostname, u16),
        path: &str,
        headers: &[(String, String)],
        settings: &Settings,
    ) -> Result<Request<Empty<Bytes>>, Fault> {
        let authority = if port == 443 {
            name.to_string()
        } else {
            format!("{name}:{port}")
        };
        let mut request = match self {
            Self::Http1(_) => Request::builder().uri(path).header(HOST, &authority),
            Self::Http2(_) => Request::builder()
                .uri(format!("https://{authority}{path}"))
                .version(Version::HTTP_2),
        };
        request = request
            .method(method)
            .header("user-agent", &settings.user_agent)
            .header("accept", "*/*")
            .header("accept-encoding", "gzip, deflate, br");
        for (key, value) in headers {
            request = request.header(key, value);
        }
        let ours =
            |error: http::Error| Fault::new(Reason::HttpMalformed, format!("our request can't be sent: {error}"));
        request.body(Empty::new()).map_err(ours)
    }
}

/// Asks for one page and reads the answer within what is left of the time.
pub(super) async fn get(
    channel: &mut Channel,
    host: (&Hostname, u16),
    path: &str,
    headers: &[(String, String)],
    expected: &SiteExpectation,
    settings: &Settings,
    watch: Stopwatch,
) -> Exchange {
    let mut exchange = Exchange::default();
    let request = match channel.request(Method::GET, host, path, headers, settings) {
        Ok(request) => request,
        Err(fault) => {
            exchange.end = End::Failed(fault);
            return exchange;
        }
    };
    let asked = Stopwatch::start();
    exchange.sent_at = Some(clock::now());
    let head = tokio::time::timeout(watch.left(settings.timeout), channel.send(request)).await;
    exchange.first_byte_ms = asked.ms();
    exchange.total_ms = exchange.first_byte_ms;
    let response = match head {
        Err(_) => {
            exchange.end = End::failed(Reason::HttpTimeout, format!("no answer within {:?}", settings.timeout));
            return exchange;
        }
        Ok(Err(fault)) => {
            exchange.end = End::Failed(fault);
            return exchange;
        }
        Ok(Ok(response)) => response,
    };
    let (parts, mut incoming) = response.into_parts();
    let mut raw = Vec::new();
    let reading = read(&mut incoming, &mut raw, settings.max_body);
    let ended = tokio::time::timeout(watch.left(settings.timeout), reading).await;
    exchange.total_ms = asked.ms();
    let whole = matches!(ended, Ok(Ok(true)));
    exchange.end = match ended {
        Ok(Ok(_)) => End::Done,
        Ok(Err(fault)) => End::Failed(fault),
        Err(_) => End::failed(
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
pub(super) async fn head(
    stream: TlsStream<TcpStream>,
    name: &Hostname,
    port: u16,
    settings: &Settings,
) -> Result<HeaderMap, Fault> {
    let asking = async {
        let mut channel = Channel::open(stream).await?;
        let request = channel.request(Method::HEAD, (name, port), "/", &[], settings)?;
        channel.send(request).await.map(|response| response.headers().clone())
    };
    let late = |_| Fault::new(Reason::HttpTimeout, format!("no answer within {:?}", settings.timeout));
    tokio::time::timeout(settings.timeout, asking).await.map_err(late)?
}

/// Reads until the end (`true`) or the limit (`false`).
async fn read(incoming: &mut Incoming, raw: &mut Vec<u8>, limit: usize) -> Result<bool, Fault> {
    while let Some(frame) = incoming.frame().await {
        let frame = frame.map_err(|error| fault(&error))?;
        let Ok(data) = frame.into_data() else { continue };
        let room = limit.saturating_sub(raw.len());
        raw.extend_from_slice(&data[..data.len().min(room)]);
        if data.len() > room {
            return Ok(false);
        }
    }
    Ok(true)
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
    let mut kept = Vec::new();
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

fn fault(error: &hyper::Error) -> Fault {
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
