//! One attempt to bring a request to a collector, and what came of it.

use std::io::Write as _;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::GeneralPurpose;
use base64::engine::general_purpose::GeneralPurposeConfig;
use bytes::{BufMut as _, Bytes, BytesMut};
use flate2::Compression;
use flate2::write::GzEncoder;
use http::{HeaderMap, StatusCode};
use http_body_util::BodyExt as _;
use percent_encoding::percent_decode_str;
use prost::Message;
use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderValue, RETRY_AFTER, TE};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, Response};
use roundsman_alerts::channel::{hidden, secrets_of_url};
use roundsman_checks::clock::now;

use super::settings::Endpoint;
use super::signal::{PartialSuccess, Signal};
use crate::config::OtlpProtocol;
use crate::text::{clean, shorten};

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(10);
/// How much of an answer is read, in bytes, and how much of it is told, in characters.
const ANSWER: usize = 64 * 1024;
const TOLD: usize = 200;
/// The shortest value of a header that is hidden where it comes back.
const SHORTEST: usize = 6;
/// The largest file of roots.
const ROOTS: u64 = 16 << 20;

/// What came of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It was taken, but for what is said.
    Taken(PartialSuccess),
    /// It is to be tried again, not before what the collector asks for.
    Again { why: String, after: Option<Duration> },
    /// It is refused for good.
    Refused(String),
}

/// Sends what belongs to one signal.
pub(super) struct Sender {
    signal: Signal,
    endpoint: Endpoint,
    client: Mutex<Result<Client, String>>,
    /// What must not stand in what the collector says back.
    secrets: Vec<String>,
}

impl Sender {
    pub(super) fn new(signal: Signal, endpoint: Endpoint) -> Self {
        let client = Mutex::new(client_for(&endpoint));
        Self {
            signal,
            secrets: secrets(&endpoint),
            endpoint,
            client,
        }
    }

    pub(super) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// The body of a request, made once for all attempts: compressed where that is wanted, and for gRPC with its head.
    pub(super) fn body(&self, message: Vec<u8>) -> Bytes {
        let packed = match self.endpoint.gzip {
            true => gzip(&message),
            false => message,
        };
        match self.endpoint.protocol {
            OtlpProtocol::Http => packed.into(),
            OtlpProtocol::Grpc => {
                // Length-Prefixed-Message of "gRPC over HTTP2": whether it is compressed, its length, itself.
                let mut framed = BytesMut::with_capacity(packed.len() + 5);
                framed.put_u8(u8::from(self.endpoint.gzip));
                framed.put_u32(u32::try_from(packed.len()).unwrap_or(u32::MAX));
                framed.extend_from_slice(&packed);
                framed.freeze()
            }
        }
    }

    /// Tries once. Every end comes within the time that the endpoint is given.
    pub(super) async fn attempt(&self, body: Bytes) -> Outcome {
        let client = match self.lock().clone() {
            Ok(client) => client,
            Err(why) => return Outcome::Refused(why),
        };
        let attempt = async {
            let request = client
                .post(self.endpoint.url.clone())
                .headers(self.headers())
                .body(body);
            match request.send().await {
                Ok(answer) => match self.endpoint.protocol {
                    OtlpProtocol::Http => self.http(answer).await,
                    OtlpProtocol::Grpc => self.grpc(answer).await,
                },
                Err(error) => again(self.told(&with_sources(&error.without_url()))),
            }
        };
        if let Ok(outcome) = tokio::time::timeout(self.endpoint.timeout, attempt).await {
            return outcome;
        }
        if self.endpoint.protocol == OtlpProtocol::Grpc {
            // All requests share one connection, and it may lead to nobody any more: the next one has its own.
            *self.lock() = client_for(&self.endpoint);
        }
        again(format!("no answer within {:?}", self.endpoint.timeout))
    }

    fn lock(&self) -> MutexGuard<'_, Result<Client, String>> {
        self.client.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn headers(&self) -> HeaderMap {
        let mut headers = self.endpoint.headers.clone();
        let (kind, packing) = match self.endpoint.protocol {
            OtlpProtocol::Http => ("application/x-protobuf", CONTENT_ENCODING.as_str()),
            OtlpProtocol::Grpc => {
                headers.insert(TE, HeaderValue::from_static("trailers"));
                let timeout = format!("{}m", self.endpoint.timeout.as_millis());
                if let Ok(timeout) = HeaderValue::from_str(&timeout) {
                    headers.insert("grpc-timeout", timeout);
                }
                ("application/grpc", "grpc-encoding")
            }
        };
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        if self.endpoint.gzip {
            headers.insert(packing, HeaderValue::from_static("gzip"));
        }
        headers
    }

    /// OTLP/HTTP: a status, and of a request that was taken what was rejected of it.
    async fn http(&self, mut answer: Response) -> Outcome {
        let status = answer.status();
        let after = answer.headers().get(RETRY_AFTER).and_then(retry_after);
        let mut body = Vec::new();
        while let Ok(Some(chunk)) = answer.chunk().await {
            body.extend_from_slice(&chunk);
            if body.len() > ANSWER {
                break;
            }
        }
        self.judge_http(status, after, &body)
    }

    fn judge_http(&self, status: StatusCode, after: Option<Duration>, body: &[u8]) -> Outcome {
        if status.is_success() {
            return self.taken(body);
        }
        let why = self.said(status.as_str(), &problem(body));
        match status {
            StatusCode::TOO_MANY_REQUESTS
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT => Outcome::Again { why, after },
            _ => Outcome::Refused(why),
        }
    }

    /// OTLP/gRPC: the status stands behind the message, or in the head where there is none.
    async fn grpc(&self, answer: Response) -> Outcome {
        let answer = http::Response::from(answer);
        let status = answer.status();
        let head = answer.headers().clone();
        let mut body = answer.into_body();
        let (mut message, mut trailers) = (Vec::new(), None);
        while let Some(frame) = body.frame().await {
            match frame {
                Ok(frame) if frame.is_data() => {
                    message.extend_from_slice(&frame.into_data().unwrap_or_default());
                    if message.len() > ANSWER {
                        break;
                    }
                }
                Ok(frame) => trailers = frame.into_trailers().ok(),
                Err(error) => return again(self.told(&with_sources(&error))),
            }
        }
        self.judge_grpc(status, trailers.as_ref().unwrap_or(&head), &message)
    }

    fn judge_grpc(&self, status: StatusCode, last: &HeaderMap, message: &[u8]) -> Outcome {
        let Some(code) = last.get("grpc-status").and_then(|code| code.to_str().ok()) else {
            // Something between answers for the collector ("HTTP to gRPC Status Code Mapping").
            let why = format!("{status} without a status of gRPC");
            return match status.as_u16() {
                429 | 502 | 503 | 504 => again(why),
                _ => Outcome::Refused(why),
            };
        };
        let code = code.parse::<u32>().unwrap_or(UNKNOWN);
        if code == OK {
            return self.taken(message.get(5..).unwrap_or_default());
        }
        let text = last
            .get("grpc-message")
            .map(|text| percent_decode_str(text.to_str().unwrap_or_default()));
        let text = text
            .map(|text| text.decode_utf8_lossy().into_owned())
            .unwrap_or_default();
        let why = self.said(&format!("gRPC status {code}"), &text);
        let asked = last.get("grpc-status-details-bin").and_then(retry_info);
        match (code, asked) {
            // CANCELLED, DEADLINE_EXCEEDED, ABORTED, OUT_OF_RANGE, UNAVAILABLE, DATA_LOSS.
            (1 | 4 | 10 | 11 | 14 | 15, after) => Outcome::Again { why, after },
            (RESOURCE_EXHAUSTED, after @ Some(_)) => Outcome::Again { why, after },
            _ => Outcome::Refused(why),
        }
    }

    /// A request was taken. An answer that can't be read changes nothing about that, and is told.
    fn taken(&self, message: &[u8]) -> Outcome {
        let said = match self.signal.answer(message) {
            Ok(said) if message.len() <= ANSWER => said,
            _ => PartialSuccess {
                rejected: 0,
                message: "its answer is none of OTLP".to_owned(),
            },
        };
        Outcome::Taken(PartialSuccess {
            message: self.told(&said.message),
            ..said
        })
    }

    /// A status with what was said to it.
    fn said(&self, status: &str, text: &str) -> String {
        match text.trim() {
            "" => format!("it answers {status}"),
            text => self.told(&format!("it answers {status}: {text}")),
        }
    }

    /// What may be told of what the collector said.
    fn told(&self, text: &str) -> String {
        shorten(&clean(&hidden(text, &self.secrets)), TOLD)
    }
}

/// What comes of an answer, read as a sender reads it whose every request shows a token.
#[cfg(feature = "fuzzing")]
pub(crate) fn judge(answer: &crate::fuzzing::Collected<'_>) -> String {
    use reqwest::header::{AUTHORIZATION, HeaderName};
    let (Ok(url), Ok(token)) = ("http://127.0.0.1:4318".parse(), answer.token.parse()) else {
        return String::new();
    };
    let endpoint = Endpoint {
        url,
        protocol: if answer.grpc {
            OtlpProtocol::Grpc
        } else {
            OtlpProtocol::Http
        },
        headers: HeaderMap::from_iter([(AUTHORIZATION, token)]),
        timeout: CONNECT,
        gzip: false,
        ca_file: None,
    };
    let sender = Sender {
        signal: answer.signal,
        secrets: secrets(&endpoint),
        endpoint,
        client: Mutex::new(Err(String::new())),
    };
    let fields = answer
        .fields
        .iter()
        .filter_map(|(name, value)| Some((HeaderName::from_bytes(name).ok()?, HeaderValue::from_bytes(value).ok()?)));
    let fields = fields.collect::<HeaderMap>();
    let status = StatusCode::from_u16(answer.status).unwrap_or_default();
    let after = fields.get(RETRY_AFTER).and_then(retry_after);
    let outcome = match answer.grpc {
        true => sender.judge_grpc(status, &fields, answer.body),
        false => sender.judge_http(status, after, answer.body),
    };
    format!("{outcome:?}")
}

const OK: u32 = 0;
const UNKNOWN: u32 = 2;
const RESOURCE_EXHAUSTED: u32 = 8;

fn again(why: String) -> Outcome {
    Outcome::Again { why, after: None }
}

fn client_for(endpoint: &Endpoint) -> Result<Client, String> {
    // Another part of the process may have installed the same provider already; then this changes nothing.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let client = Client::builder()
        .user_agent(crate::agent::USER_AGENT)
        .redirect(Policy::none())
        .connect_timeout(CONNECT.min(endpoint.timeout));
    let client = match endpoint.protocol {
        OtlpProtocol::Http => client.http1_only(),
        OtlpProtocol::Grpc => client.http2_prior_knowledge(),
    };
    // What goes in clear goes where it is written, past any proxy.
    let client = match endpoint.url.scheme() {
        "http" => client.no_proxy(),
        _ => client,
    };
    let client = match &endpoint.ca_file {
        Some(path) => {
            let unreadable = |why: String| format!("the roots of {} can't be read: {why}", path.display());
            let metadata = std::fs::metadata(path).map_err(|error| unreadable(error.to_string()))?;
            if !metadata.is_file() || metadata.len() > ROOTS {
                return Err(unreadable("it is no file of certificates".to_owned()));
            }
            let pem = std::fs::read(path).map_err(|error| unreadable(error.to_string()))?;
            let roots = Certificate::from_pem_bundle(&pem).map_err(|error| unreadable(error.to_string()))?;
            client.tls_certs_only(roots)
        }
        None => client,
    };
    client.build().map_err(|error| error.to_string())
}

fn gzip(message: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::with_capacity(message.len() / 4), Compression::fast());
    // Writing to memory does not fail.
    let _ = packed.write_all(message);
    packed.finish().unwrap_or_default()
}

/// An error with what is behind it: libraries hide that a connection was refused.
fn with_sources(error: &dyn std::error::Error) -> String {
    let mut said = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let more = error.to_string();
        if !said.contains(&more) {
            said = format!("{said}: {more}");
        }
        source = error.source();
    }
    said
}

/// What is secret of an endpoint: its headers, whole and without their schemes, and what its address may hold.
fn secrets(endpoint: &Endpoint) -> Vec<String> {
    let values = endpoint.headers.values().filter_map(|value| value.to_str().ok());
    let values = values.flat_map(|value| [value, value.split_once(' ').map_or(value, |(_, alone)| alone)]);
    // Shorter ones, such as the name of a team, stand in any text by chance.
    let values = values.filter(|value| value.len() >= SHORTEST).map(str::to_owned);
    values.chain(secrets_of_url(endpoint.url.as_str())).collect()
}

/// What the body of a refusal says: it is a `Status` in protobuf, and often is not.
fn problem(body: &[u8]) -> String {
    match Status::decode(body) {
        Ok(status) => status.message,
        Err(_) => String::from_utf8_lossy(body).into_owned(),
    }
}

/// How long a `Retry-After` asks for: seconds, or a date (RFC 9110, section 10.2.3).
fn retry_after(value: &HeaderValue) -> Option<Duration> {
    let text = value.to_str().ok()?.trim();
    let seconds = text.parse::<u64>().map(Duration::from_secs).ok();
    let until = || {
        let at = httpdate::parse_http_date(text).ok()?;
        let at = at.duration_since(SystemTime::UNIX_EPOCH).ok()?;
        at.checked_sub(Duration::from_secs(u64::try_from(now().as_second()).ok()?))
    };
    seconds.or_else(until)
}

/// `google.rpc.Status`, of which OTLP uses a little.
#[derive(Clone, PartialEq, Message)]
struct Status {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
    #[prost(message, repeated, tag = "3")]
    details: Vec<Detail>,
}

/// `google.protobuf.Any`.
#[derive(Clone, PartialEq, Message)]
struct Detail {
    #[prost(string, tag = "1")]
    kind: String,
    #[prost(bytes = "vec", tag = "2")]
    value: Vec<u8>,
}

/// `google.rpc.RetryInfo`.
#[derive(Clone, PartialEq, Message)]
struct RetryInfo {
    #[prost(message, optional, tag = "1")]
    delay: Option<Delay>,
}

/// `google.protobuf.Duration`.
#[derive(Clone, PartialEq, Message)]
struct Delay {
    #[prost(int64, tag = "1")]
    seconds: i64,
    #[prost(int32, tag = "2")]
    nanos: i32,
}

/// Base64 as gRPC has it: with padding or without.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(base64::engine::DecodePaddingMode::Indifferent),
);

/// How long a status asks to wait, where it has a `RetryInfo`.
fn retry_info(details: &HeaderValue) -> Option<Duration> {
    let status = Status::decode(BASE64.decode(details.as_bytes()).ok()?.as_slice()).ok()?;
    let info = status
        .details
        .iter()
        .find(|detail| detail.kind.ends_with("/google.rpc.RetryInfo"))?;
    let delay = RetryInfo::decode(info.value.as_slice()).ok()?.delay.unwrap_or_default();
    let seconds = u64::try_from(delay.seconds).unwrap_or_default();
    Some(Duration::new(
        seconds,
        u32::try_from(delay.nanos).unwrap_or_default().min(999_999_999),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_collector_says_when_to_come_again() {
        let asked = |text: &'static str| retry_after(&HeaderValue::from_static(text)).map(|wait| wait.as_secs());
        assert_eq!(asked("120"), Some(120));
        assert!(asked("Fri, 31 Dec 9999 23:59:59 GMT") > Some(1_000_000));
        assert_eq!(asked("Sun, 06 Nov 1994 08:49:37 GMT"), None);
        assert_eq!(asked("soon"), None);
    }

    /// Bytes that `google.rpc` makes of RESOURCE_EXHAUSTED with a RetryInfo of 1.5 s, with padding and without.
    #[test]
    fn a_status_of_grpc_says_when_to_come_again() {
        let kind = "type.googleapis.com/google.rpc.RetryInfo";
        let mut details = vec![0x08, 0x08, 0x12, 0x04];
        details.extend_from_slice(b"busy");
        let info = [0x0a, 0x08, 0x08, 0x01, 0x10, 0x80, 0xca, 0xb5, 0xee, 0x01];
        let mut any = vec![0x0a, u8::try_from(kind.len()).unwrap_or_default()];
        any.extend_from_slice(kind.as_bytes());
        any.extend_from_slice(&[0x12, u8::try_from(info.len()).unwrap_or_default()]);
        any.extend_from_slice(&info);
        details.extend_from_slice(&[0x1a, u8::try_from(any.len()).unwrap_or_default()]);
        details.extend_from_slice(&any);
        let padded = base64::engine::general_purpose::STANDARD.encode(&details);
        for text in [padded.clone(), padded.trim_end_matches('=').to_owned()] {
            let value = HeaderValue::from_str(&text);
            assert_eq!(
                value.ok().as_ref().and_then(retry_info),
                Some(Duration::from_millis(1500))
            );
        }
        assert_eq!(retry_info(&HeaderValue::from_static("nonsense")), None);
    }
}
