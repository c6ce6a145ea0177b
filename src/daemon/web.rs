//! What answers over HTTP: `/healthz` and `/readyz` (whether the loop turns, and whether the agent does its job) `/metrics`
//! and `/probe`. Answers of the loop itself, so that one which hangs is seen.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Query, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use http::{HeaderMap, StatusCode, header};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use serde::Deserialize;
use serde_json::json;
use subtle::ConstantTimeEq as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::api::{Answer, Asked, Question};
use crate::config::SecretString;
use crate::telemetry::Format;

/// How long the loop may take to answer before it counts as stuck.
const TURN: Duration = Duration::from_secs(5);
/// How long a connection may take to ask, and how long it lives.
const HEAD: Duration = Duration::from_secs(5);
const LIFE: Duration = Duration::from_secs(60);
/// The longest head of a request, in bytes.
const LONGEST_HEAD: usize = 16 * 1024;
/// How long whoever asks for a probe waits for it, where they do not say, and what of that is left for the way; in seconds.
const PATIENCE: f64 = 10.0;
const RESERVE: f64 = 0.5;
/// The longest that an examination takes that somebody waits for.
const LONGEST: Duration = Duration::from_secs(50);
/// The header in which Prometheus says how long it waits, in seconds.
const SCRAPE_TIMEOUT: header::HeaderName = header::HeaderName::from_static("x-prometheus-scrape-timeout-seconds");
/// How many connections there are together.
const TOGETHER: usize = 64;

/// The listener, with its connections.
pub(super) struct Web {
    listener: TcpListener,
    connections: JoinSet<()>,
    router: Router,
}

impl Web {
    /// Listens; what is asked goes to the loop.
    /// Whoever asks has to show the token that `token` holds at the moment, where it holds one.
    pub(super) async fn listen(
        at: SocketAddr,
        asked: mpsc::Sender<Asked>,
        token: watch::Receiver<Option<SecretString>>,
    ) -> std::io::Result<Self> {
        Ok(Self {
            listener: TcpListener::bind(at).await?,
            connections: JoinSet::new(),
            router: router(Desk { asked, token }),
        })
    }

    /// Where it really listens.
    pub(super) fn address(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Waits for the next connection, and answers on it beside everything else.
    pub(super) async fn serve(&mut self) {
        while self.connections.try_join_next().is_some() {}
        if self.connections.len() >= TOGETHER {
            let _ = self.connections.join_next().await;
        }
        match self.listener.accept().await {
            Ok((stream, _)) => drop(self.connections.spawn(answer_all(stream, self.router.clone()))),
            // No descriptor is left: others will be given back.
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}

/// What whoever asks is told by.
#[derive(Clone)]
struct Desk {
    asked: mpsc::Sender<Asked>,
    /// What they have to show.
    token: watch::Receiver<Option<SecretString>>,
}

/// Everything that answers. Nothing is changed by a GET.
fn router(desk: Desk) -> Router {
    let guarded = Router::new()
        .route("/metrics", get(metrics))
        .route("/probe", get(probe))
        .layer(from_fn_with_state(desk.clone(), guard));
    Router::new()
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .merge(guarded)
        .method_not_allowed_fallback(async || said(StatusCode::METHOD_NOT_ALLOWED, &json!({ "error": "only GET" })))
        .fallback(async || {
            let pages = "there are /healthz, /readyz, /metrics and /probe";
            said(StatusCode::NOT_FOUND, &json!({ "error": pages }))
        })
        .with_state(desk)
}

async fn answer_all(stream: TcpStream, router: Router) {
    let mut server = http1::Builder::new();
    server
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_buf_size(LONGEST_HEAD);
    let service = TowerToHyperService::new(router);
    // Whoever asks wrongly, or went away, is not answered.
    let _ = timeout(LIFE, server.serve_connection(TokioIo::new(stream), service)).await;
}

/// Lets in whoever shows the token, compared in a time that tells nothing of it.
async fn guard(State(desk): State<Desk>, request: Request, next: Next) -> Response {
    let wanted = desk.token.borrow().clone();
    let Some(wanted) = wanted else {
        return next.run(request).await;
    };
    let shown = request.headers().get(header::AUTHORIZATION);
    let shown = shown.and_then(|value| value.as_bytes().strip_prefix(b"Bearer "));
    if shown.is_some_and(|shown| wanted.expose().as_bytes().ct_eq(shown).into()) {
        return next.run(request).await;
    }
    let mut response = said(
        StatusCode::UNAUTHORIZED,
        &json!({ "error": "show the token of [web]: Authorization: Bearer TOKEN" }),
    );
    let bearer = header::HeaderValue::from_static("Bearer");
    response.headers_mut().insert(header::WWW_AUTHENTICATE, bearer);
    response
}

async fn healthz(State(desk): State<Desk>) -> Response {
    match ask(&desk.asked, Question::Health).await {
        Some(Answer::Done(health)) => said(StatusCode::OK, &json!({ "alive": true, "alerting": alerting(&health) })),
        _ => said(
            StatusCode::SERVICE_UNAVAILABLE,
            &json!({ "alive": false, "error": "the loop does not turn" }),
        ),
    }
}

async fn readyz(State(desk): State<Desk>) -> Response {
    match ask(&desk.asked, Question::Health).await {
        Some(Answer::Done(health)) if health["ready"] == true => said(StatusCode::OK, &health),
        Some(Answer::Done(health)) => said(StatusCode::SERVICE_UNAVAILABLE, &health),
        _ => {
            let waiting = json!({ "ready": false, "waiting_for": ["the loop, which does not turn"] });
            said(StatusCode::SERVICE_UNAVAILABLE, &waiting)
        }
    }
}

async fn metrics(State(desk): State<Desk>, headers: HeaderMap) -> Response {
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    let format = Format::accepted(accept.unwrap_or_default());
    let openmetrics = format == Format::OpenMetrics;
    match ask(&desk.asked, Question::Metrics { openmetrics }).await {
        Some(Answer::Done(serde_json::Value::String(page))) => {
            let kind = header::HeaderValue::from_static(format.content_type());
            ([(header::CONTENT_TYPE, kind)], page).into_response()
        }
        Some(Answer::Refused(why)) => said(StatusCode::NOT_FOUND, &json!({ "error": why })),
        _ => said(
            StatusCode::SERVICE_UNAVAILABLE,
            &json!({ "error": "the loop does not turn" }),
        ),
    }
}

/// Whether people hear of what is wrong: `"ok"`, or why not. The process is alive all the same.
fn alerting(health: &serde_json::Value) -> String {
    health["alerting"]
        .as_str()
        .map_or_else(|| "ok".to_owned(), |why| format!("stuck: {why}"))
}

/// What `/probe` is asked. Which module is none of its business: the configuration says what a tenant must answer.
#[derive(Deserialize)]
struct Target {
    target: String,
    #[serde(default)]
    debug: bool,
}

async fn probe(State(desk): State<Desk>, Query(target): Query<Target>, headers: HeaderMap) -> Response {
    let text = |name: header::HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
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
    match ask_within(within + TURN, &desk.asked, question).await {
        Some(Answer::Done(serde_json::Value::String(page))) => {
            let kind = match target.debug {
                true => "text/plain; charset=utf-8",
                false => format.content_type(),
            };
            ([(header::CONTENT_TYPE, header::HeaderValue::from_static(kind))], page).into_response()
        }
        Some(Answer::Refused(why)) => said(StatusCode::NOT_FOUND, &json!({ "error": why })),
        Some(Answer::Busy(why)) => {
            let mut response = said(StatusCode::TOO_MANY_REQUESTS, &json!({ "error": why }));
            let soon = header::HeaderValue::from_static("1");
            response.headers_mut().insert(header::RETRY_AFTER, soon);
            response
        }
        _ => said(
            StatusCode::SERVICE_UNAVAILABLE,
            &json!({ "error": "the loop does not turn" }),
        ),
    }
}

/// What the loop answers; nothing where it does not turn.
async fn ask(asked: &mpsc::Sender<Asked>, question: Question) -> Option<Answer> {
    ask_within(TURN, asked, question).await
}

async fn ask_within(patience: Duration, asked: &mpsc::Sender<Asked>, question: Question) -> Option<Answer> {
    let (sender, receiver) = oneshot::channel();
    let answered = async {
        asked.send((question, sender)).await.ok()?;
        receiver.await.ok()
    };
    timeout(patience, answered).await.ok().flatten()
}

fn said(status: StatusCode, body: &serde_json::Value) -> Response {
    let mut response = Response::new(Body::from(format!("{body}\n")));
    *response.status_mut() = status;
    let json = header::HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-store"));
    response
}
