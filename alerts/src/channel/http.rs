//! Messages over HTTP. Redirects are not followed: what is signed or secret goes where it was meant to go, or nowhere.

use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use jiff::Timestamp;
use reqwest::header::{CONTENT_TYPE, HeaderMap, LOCATION, RETRY_AFTER};
use reqwest::{Client, Response, StatusCode, redirect};
use serde::Serialize;

use super::answer::{secrets_of_url, shown, with_sources};
use crate::notification::{Failure, Message, Outcome};
use crate::render::Alert;

/// How long a connection may take, and a whole attempt.
const CONNECT: Duration = Duration::from_secs(10);
const PATIENCE: Duration = Duration::from_secs(20);
/// How much of an answer is read.
const ANSWER: usize = 4 * 1024;
/// How long a server may put us off at most.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// Whose rules say which answers are final.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Service {
    /// Standard Webhooks: everything but 2xx is tried again, but for 410 Gone.
    Webhook,
    /// Slack: 400, 403, 404 and 410 are final.
    Slack,
    /// PagerDuty: 400 is final; 429 and 5xx are to be tried again.
    Pagerduty,
    /// Alertmanager: 400 is final.
    Alertmanager,
}

impl Service {
    fn is_final(self, status: StatusCode) -> bool {
        match self {
            Self::Webhook => status == StatusCode::GONE,
            _ => {
                let again = [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_MANY_REQUESTS];
                status.is_client_error() && !again.contains(&status)
            }
        }
    }
}

/// One client for all channels: connections are kept between messages.
fn client() -> Result<&'static Client, String> {
    static CLIENT: OnceLock<Result<Client, String>> = OnceLock::new();
    let made = CLIENT.get_or_init(|| {
        // Another part of the process may have installed the same provider already; then this changes nothing.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let client = Client::builder()
            .http1_only()
            .user_agent(concat!("roundsman/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .connect_timeout(CONNECT)
            .timeout(PATIENCE);
        client.build().map_err(|error| error.to_string())
    });
    made.as_ref().map_err(Clone::clone)
}

/// The message as it is documented, signed where there is a secret.
pub(super) async fn webhook(url: &str, secret: Option<&str>, message: &Message, now: Timestamp) -> Outcome {
    let body = match serde_json::to_vec(message) {
        Ok(body) => body,
        Err(error) => return failed(format!("the message can't be written: {error}"), true),
    };
    let mut headers = HeaderMap::new();
    let timestamp = now.as_second().to_string();
    let mut sign = |name: &'static str, value: &str| {
        if let Ok(value) = value.parse() {
            headers.insert(name, value);
        }
    };
    sign("webhook-id", &message.id);
    sign("webhook-timestamp", &timestamp);
    if let Some(secret) = secret {
        sign("webhook-signature", &signature(secret, &message.id, &timestamp, &body));
    }
    let bare = secret.and_then(|secret| secret.strip_prefix("whsec_"));
    let secrets = secret.into_iter().chain(bare).collect::<Vec<_>>();
    post(url, headers, body, &secrets, Service::Webhook, now).await
}

/// The signature of Standard Webhooks: HMAC-SHA256 of `id.timestamp.body` with the secret, which is base64 behind `whsec_`
/// or a text as it stands.
pub(super) fn signature(secret: &str, id: &str, timestamp: &str, body: &[u8]) -> String {
    let bare = secret.strip_prefix("whsec_").unwrap_or(secret);
    let key = BASE64.decode(bare).unwrap_or_else(|_| secret.as_bytes().to_vec());
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, &key));
    context.update(format!("{id}.{timestamp}.").as_bytes());
    context.update(body);
    format!("v1,{}", BASE64.encode(context.sign()))
}

/// Posts a value to a service.
pub(super) async fn json(
    url: &str,
    value: &impl Serialize,
    secrets: &[&str],
    service: Service,
    now: Timestamp,
) -> Outcome {
    match serde_json::to_vec(value) {
        Ok(body) => post(url, HeaderMap::new(), body, secrets, service, now).await,
        Err(error) => failed(format!("the message can't be written: {error}"), true),
    }
}

/// Tells an Alertmanager how things are.
pub(super) async fn alerts(url: &str, alerts: &[Alert], now: Timestamp) -> Outcome {
    let url = format!("{}/api/v2/alerts", url.trim_end_matches('/'));
    json(&url, &alerts, &[], Service::Alertmanager, now).await
}

async fn post(
    url: &str,
    mut headers: HeaderMap,
    body: Vec<u8>,
    secrets: &[&str],
    service: Service,
    now: Timestamp,
) -> Outcome {
    let client = match client() {
        Ok(client) => client,
        Err(why) => return failed(why, false),
    };
    headers.insert(
        CONTENT_TYPE,
        reqwest::header::HeaderValue::from_static("application/json"),
    );
    let sent = client.post(url).headers(headers).body(body).send().await;
    let secrets = secrets.iter().map(|secret| (*secret).to_owned());
    let secrets = secrets.chain(secrets_of_url(url)).collect::<Vec<_>>();
    match sent {
        Ok(answer) => judged(answer, secrets, service, now).await,
        Err(error) => {
            let why = shown(&with_sources(&error.without_url()), &secrets);
            Outcome::Failed(Failure {
                why,
                unreachable: true,
                ..Failure::default()
            })
        }
    }
}

async fn judged(mut answer: Response, secrets: Vec<String>, service: Service, now: Timestamp) -> Outcome {
    let status = answer.status();
    let retry_after = answer
        .headers()
        .get(RETRY_AFTER)
        .and_then(|value| put_off(value.to_str().ok()?, now));
    let moved = answer.headers().get(LOCATION).is_some() && status.is_redirection();
    let mut body = Vec::new();
    while let Ok(Some(chunk)) = answer.chunk().await {
        body.extend_from_slice(&chunk);
        if body.len() >= ANSWER {
            body.truncate(ANSWER);
            break;
        }
    }
    let said = shown(&format!("{status} {}", String::from_utf8_lossy(&body)), &secrets);
    if status.is_success() {
        return Outcome::Delivered(said);
    }
    let why = match moved {
        true => format!("{said}: it redirects, and redirects are not followed: write the address it leads to"),
        false => said,
    };
    Outcome::Failed(Failure {
        why,
        permanent: service.is_final(status),
        // Who is asked to slow down does, with everything that goes there.
        unreachable: status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error(),
        perhaps: status.is_server_error(),
        retry_after,
    })
}

/// How long a `Retry-After` puts us off: seconds, or a date (RFC 9110, section 10.2.3).
fn put_off(value: &str, now: Timestamp) -> Option<Duration> {
    let seconds = value.trim().parse::<u64>().map(Duration::from_secs).ok();
    let until = || {
        let at = httpdate::parse_http_date(value.trim()).ok()?;
        let at = at.duration_since(SystemTime::UNIX_EPOCH).ok()?;
        at.checked_sub(Duration::from_secs(u64::try_from(now.as_second()).ok()?))
    };
    seconds.or_else(until).map(|wait| wait.min(LONGEST))
}

fn failed(why: String, permanent: bool) -> Outcome {
    Outcome::Failed(Failure {
        why,
        permanent,
        ..Failure::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the Standard Webhooks specification, "Verifying webhooks manually".
    #[test]
    fn signs_as_the_specification_does() {
        let body = br#"{"test": 2432232314}"#;
        let signed = signature(
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            "1614265330",
            body,
        );
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn a_server_puts_us_off_by_seconds_or_by_a_date_and_for_a_day_at_most() {
        let put_off = |value| put_off(value, "2026-01-01T00:00:00Z".parse().unwrap_or_default());
        assert_eq!(put_off("120"), Some(Duration::from_secs(120)));
        assert_eq!(put_off("999999999"), Some(LONGEST));
        assert_eq!(put_off("Fri, 31 Dec 9999 23:59:59 GMT"), Some(LONGEST));
        assert_eq!(put_off("Sun, 06 Nov 1994 08:49:37 GMT"), None);
        assert_eq!(put_off("soon"), None);
    }
}
