//! What is there for machines that watch the agent: `/healthz` and `/readyz` (whether the loop turns, and whether the agent
//! does its job), `/metrics` and `/probe`.

use std::time::Duration;

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::extract::Params;
use super::operation::{Door, Operation};
use super::{Desk, said};
use crate::daemon::api::{Answer, Question};
use crate::telemetry::Format;
use crate::watch::Health;

/// How long whoever asks for a probe waits for it, where they do not say, and what of that is left for the way; in seconds.
const PATIENCE: f64 = 10.0;
const RESERVE: f64 = 0.5;
/// The longest that an examination takes that somebody waits for.
const LONGEST: Duration = Duration::from_secs(50);
/// The header in which Prometheus says how long it waits, in seconds.
const SCRAPE_TIMEOUT: HeaderName = HeaderName::from_static("x-prometheus-scrape-timeout-seconds");
/// What is said where the loop does not answer.
const STUCK: &str = "the loop does not turn";

/// These pages.
pub(super) fn operations() -> Vec<Operation> {
    let stuck = "The loop does not turn.";
    vec![
        Operation::get("/healthz", healthz)
            .behind(Door::Open)
            .named(
                "getHealth",
                "Whether the process lives, and whether people hear of what is wrong",
            )
            .answers::<Alive>(StatusCode::OK, "The loop turns.")
            .answers::<Alive>(StatusCode::SERVICE_UNAVAILABLE, stuck),
        Operation::get("/readyz", readyz)
            .behind(Door::Open)
            .named("getReadiness", "Whether the agent does its job, or what it waits for")
            .answers::<Health>(StatusCode::OK, "Everything was read, and everybody examined once.")
            .answers::<Waiting>(
                StatusCode::SERVICE_UNAVAILABLE,
                "It waits for something, or the loop does not turn.",
            ),
        Operation::get("/metrics", metrics)
            .behind(Door::Token)
            .named(
                "getMetrics",
                "Every number, as Prometheus or whoever asks for OpenMetrics reads it",
            )
            .tells("The numbers.")
            .answers::<Refused>(StatusCode::UNAUTHORIZED, "The token of `[web]` was not shown.")
            .answers::<Refused>(StatusCode::NOT_FOUND, "`[telemetry] prometheus` is off.")
            .answers::<Refused>(StatusCode::SERVICE_UNAVAILABLE, stuck),
        Operation::get("/probe", probe)
            .behind(Door::Token)
            .named("probe", "Examines a tenant now, and answers as blackbox_exporter does")
            .asks::<Target>()
            .tells("What was found.")
            .answers::<Refused>(StatusCode::UNAUTHORIZED, "The token of `[web]` was not shown.")
            .answers::<Refused>(StatusCode::NOT_FOUND, "Nobody is called so.")
            .answers::<Refused>(StatusCode::TOO_MANY_REQUESTS, "It, or many others, is being examined.")
            .answers::<Refused>(StatusCode::SERVICE_UNAVAILABLE, stuck),
    ]
}

/// Whether the process lives.
#[derive(Serialize, JsonSchema)]
struct Alive {
    /// Whether the loop turns.
    alive: bool,
    /// `ok`, or why people do not hear of what is wrong. The process is alive all the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    alerting: Option<String>,
    /// What is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'static str>,
}

/// What the agent waits for. What else it tells is as where it is ready.
#[derive(Serialize, JsonSchema)]
struct Waiting {
    /// Not yet.
    ready: bool,
    /// In a few words each.
    waiting_for: Vec<String>,
}

/// Why there is no answer.
#[derive(Serialize, JsonSchema)]
pub(super) struct Refused {
    /// In a sentence.
    pub(super) error: String,
}

fn refused(status: StatusCode, error: impl Into<String>) -> Response {
    said(status, &Refused { error: error.into() })
}

async fn healthz(State(desk): State<Desk>) -> Response {
    match desk.ask(Question::Health).await {
        Some(Answer::Done(health)) => {
            let stuck = health["alerting"].as_str().map(|why| format!("stuck: {why}"));
            let alive = Alive {
                alive: true,
                alerting: Some(stuck.unwrap_or_else(|| "ok".to_owned())),
                error: None,
            };
            said(StatusCode::OK, &alive)
        }
        _ => {
            let dead = Alive {
                alive: false,
                alerting: None,
                error: Some(STUCK),
            };
            said(StatusCode::SERVICE_UNAVAILABLE, &dead)
        }
    }
}

async fn readyz(State(desk): State<Desk>) -> Response {
    match desk.ask(Question::Health).await {
        Some(Answer::Done(health)) if health["ready"] == true => said(StatusCode::OK, &health),
        Some(Answer::Done(health)) => said(StatusCode::SERVICE_UNAVAILABLE, &health),
        _ => {
            let waiting = Waiting {
                ready: false,
                waiting_for: vec!["the loop, which does not turn".to_owned()],
            };
            said(StatusCode::SERVICE_UNAVAILABLE, &waiting)
        }
    }
}

async fn metrics(State(desk): State<Desk>, headers: HeaderMap) -> Response {
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    let format = Format::accepted(accept.unwrap_or_default());
    let openmetrics = format == Format::OpenMetrics;
    match desk.ask(Question::Metrics { openmetrics }).await {
        Some(Answer::Done(Value::String(page))) => {
            let kind = HeaderValue::from_static(format.content_type());
            ([(header::CONTENT_TYPE, kind)], page).into_response()
        }
        Some(Answer::Refused(why)) => refused(StatusCode::NOT_FOUND, why),
        _ => refused(StatusCode::SERVICE_UNAVAILABLE, STUCK),
    }
}

/// What `/probe` is asked. Which module is none of its business: the configuration says what a tenant must answer.
#[derive(Deserialize, JsonSchema)]
struct Target {
    /// The id of a tenant, its host name, or the address of its page.
    target: String,
    /// Whether what was seen is told as well.
    #[serde(default)]
    debug: bool,
}

async fn probe(State(desk): State<Desk>, Params(target): Params<Target>, headers: HeaderMap) -> Response {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let format = Format::accepted(text(header::ACCEPT).unwrap_or_default());
    let timeout = text(SCRAPE_TIMEOUT).and_then(|seconds| seconds.trim().parse::<f64>().ok());
    let timeout = timeout
        .filter(|seconds| (0.0..=3600.0).contains(seconds))
        .unwrap_or(PATIENCE);
    let within = Duration::from_secs_f64((timeout - RESERVE).max(RESERVE)).min(LONGEST);
    let question = Question::Probe {
        target: target.target,
        within: u64::try_from(within.as_millis()).unwrap_or(u64::MAX),
        openmetrics: format == Format::OpenMetrics && !target.debug,
        debug: target.debug,
    };
    match desk.ask_within(within + super::TURN, question).await {
        Some(Answer::Done(Value::String(page))) => {
            let kind = match target.debug {
                true => "text/plain; charset=utf-8",
                false => format.content_type(),
            };
            ([(header::CONTENT_TYPE, HeaderValue::from_static(kind))], page).into_response()
        }
        Some(Answer::Refused(why)) => refused(StatusCode::NOT_FOUND, why),
        Some(Answer::Busy(why)) => {
            let mut response = refused(StatusCode::TOO_MANY_REQUESTS, why);
            let soon = HeaderValue::from_static("1");
            response.headers_mut().insert(header::RETRY_AFTER, soon);
            response
        }
        _ => refused(StatusCode::SERVICE_UNAVAILABLE, STUCK),
    }
}
