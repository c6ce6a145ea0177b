//! What answers over HTTP: pages for machines that watch the agent, and the API of the command line. Answers of the loop
//! itself, so that one which hangs is seen, and of the database.

mod document;
mod extract;
mod fleet;
mod guard;
mod incidents;
mod operation;
mod pages;
mod problem;
mod remediation;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderValue, StatusCode, header};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use serde::Serialize;
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;

use self::extract::Peer;
use self::operation::{Door, Operation};
use self::problem::Problem;
use super::api::{Answer, Asked, Question};
use crate::config::SecretString;
use crate::store::{Reader, StoreError};

/// How long the loop may take to answer before it counts as stuck.
const TURN: Duration = Duration::from_secs(5);
/// How long a connection may take to ask, and how long it lives.
const HEAD: Duration = Duration::from_secs(5);
const LIFE: Duration = Duration::from_secs(60);
/// The longest head of a request, in bytes.
const LONGEST_HEAD: usize = 16 * 1024;
/// How many connections there are together.
const TOGETHER: usize = 64;
/// How many read the database together.
const READERS: usize = 4;

/// The listener, with its connections.
pub(super) struct Web {
    listener: TcpListener,
    connections: JoinSet<()>,
    router: Router,
}

impl Web {
    /// Listens; what is asked goes to the loop, or to the database.
    /// Whoever asks has to show the token that `token` holds at the moment, where it holds one.
    pub(super) async fn listen(
        at: SocketAddr,
        asked: mpsc::Sender<Asked>,
        token: watch::Receiver<Option<SecretString>>,
        database: PathBuf,
    ) -> io::Result<Self> {
        let desk = Desk {
            asked,
            token,
            database,
            readers: Arc::new(Semaphore::new(READERS)),
        };
        Ok(Self {
            listener: TcpListener::bind(at).await.map_err(|error| not_here(at, &error))?,
            connections: JoinSet::new(),
            router: router(desk),
        })
    }

    /// Where it really listens.
    pub(super) fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Waits for the next connection, and answers on it beside everything else.
    pub(super) async fn serve(&mut self) {
        while self.connections.try_join_next().is_some() {}
        if self.connections.len() >= TOGETHER {
            let _ = self.connections.join_next().await;
        }
        match self.listener.accept().await {
            Ok((stream, peer)) => {
                let peer = Peer(peer.ip().to_canonical());
                self.connections.spawn(answer_all(stream, peer, self.router.clone()));
            }
            // No descriptor is left: others will be given back.
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}

/// Why nobody can be answered there, and what to do about it.
fn not_here(at: SocketAddr, error: &io::Error) -> io::Error {
    let fix = match error.kind() {
        io::ErrorKind::AddrInUse => "another process listens there: stop it, or set another port (0: any that is free)",
        io::ErrorKind::AddrNotAvailable => "this machine has no such address: set one that it has, or 127.0.0.1",
        io::ErrorKind::PermissionDenied => "ports below 1024 are for root: set another one",
        _ => "set another address",
    };
    io::Error::new(error.kind(), format!("[web] listen = \"{at}\": {error}; {fix}"))
}

/// The document as it is served; made once.
static DOCUMENT: LazyLock<String> = LazyLock::new(|| format!("{}\n", openapi()));

/// The OpenAPI document of everything that answers.
#[must_use]
pub fn openapi() -> Value {
    document::document(&operations())
}

/// Everything that answers. Nothing is changed by a GET.
fn operations() -> Vec<Operation> {
    let mut all = pages::operations();
    all.extend(incidents::operations());
    all.extend(fleet::operations());
    all.extend(remediation::operations());
    all.push(
        Operation::get("/openapi.json", async || {
            said_as(StatusCode::OK, JSON, DOCUMENT.clone())
        })
        .behind(Door::Token)
        .named("getDocument", "This document")
        .answers::<serde_json::Map<String, Value>>(StatusCode::OK, "The document.")
        .refuses(StatusCode::UNAUTHORIZED, "The token of `[web]` was not shown."),
    );
    all
}

fn router(desk: Desk) -> Router {
    let (mut open, mut guarded, mut api) = (Router::new(), Router::new(), Router::new());
    for Operation { path, door, serve, .. } in operations() {
        let behind = match door {
            Door::Open => &mut open,
            Door::Token => &mut guarded,
            Door::Api => &mut api,
        };
        *behind = std::mem::take(behind).route(path, serve);
    }
    let api = api.layer(from_fn_with_state(desk.clone(), guard::same_site));
    let guarded = guarded.merge(api);
    open.merge(guarded.layer(from_fn_with_state(desk.clone(), guard::token)))
        .method_not_allowed_fallback(async |request: Request| {
            let problem = Problem::new(StatusCode::METHOD_NOT_ALLOWED, "this is asked otherwise: see `Allow`");
            refusal(request.uri().path(), problem)
        })
        .fallback(async |request: Request| {
            let pages = "there are /healthz, /readyz, /metrics, /probe, and /api/v1 as /openapi.json says";
            refusal(request.uri().path(), Problem::unknown(pages))
        })
        .with_state(desk)
}

async fn answer_all(stream: TcpStream, peer: Peer, router: Router) {
    let mut server = http1::Builder::new();
    server
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_buf_size(LONGEST_HEAD);
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: http::Request<Incoming>| {
        request.extensions_mut().insert(peer);
        router.call(request)
    });
    // Whoever asks wrongly, or went away, is not answered.
    let _ = timeout(LIFE, server.serve_connection(TokioIo::new(stream), service)).await;
}

/// What whoever asks is told by.
#[derive(Clone)]
struct Desk {
    asked: mpsc::Sender<Asked>,
    /// What they have to show.
    token: watch::Receiver<Option<SecretString>>,
    database: PathBuf,
    /// Who may read it now.
    readers: Arc<Semaphore>,
}

impl Desk {
    /// What the loop answers; nothing where it does not turn.
    async fn ask(&self, question: Question) -> Option<Answer> {
        self.ask_within(TURN, question).await
    }

    async fn ask_within(&self, patience: Duration, question: Question) -> Option<Answer> {
        let (sender, receiver) = oneshot::channel();
        let answered = async {
            self.asked.send((question, sender)).await.ok()?;
            receiver.await.ok()
        };
        timeout(patience, answered).await.ok().flatten()
    }

    /// What the loop did. It refuses what it does not know.
    async fn done(&self, question: Question) -> Result<Value, Problem> {
        match self.ask(question).await {
            Some(Answer::Done(value)) => Ok(value),
            Some(Answer::Refused(why)) => Err(Problem::unknown(why)),
            Some(Answer::Busy(why)) => Err(Problem::later(why)),
            None => Err(Problem::stuck()),
        }
    }

    /// Answers with what the database tells.
    async fn read<T: Serialize>(&self, read: impl FnOnce(&Reader) -> Result<T, Problem> + Send + 'static) -> Response {
        let database = self.database.clone();
        self.work(move || read(&Reader::open(&database)?)).await
    }

    /// Answers with what comes of work on the disk.
    async fn work<T: Serialize>(&self, work: impl FnOnce() -> Result<T, Problem> + Send + 'static) -> Response {
        self.tell(move || text_of(&work()?)).await
    }

    /// Answers with the JSON that work on the disk makes: in a thread of its own, for a disk may hang, and few at once.
    async fn tell(&self, work: impl FnOnce() -> Result<String, Problem> + Send + 'static) -> Response {
        let permit = timeout(TURN, Arc::clone(&self.readers).acquire_owned()).await;
        let Ok(Ok(permit)) = permit else {
            return Problem::later("others read the database: ask again").into_response();
        };
        let worked = tokio::task::spawn_blocking(move || {
            let worked = work();
            drop(permit);
            worked
        });
        match worked.await {
            Ok(Ok(text)) => said_as(StatusCode::OK, JSON, text),
            Ok(Err(problem)) => problem.into_response(),
            Err(error) => Problem::broken(error.to_string()).into_response(),
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        Self::later(error.to_string())
    }
}

const JSON: &str = "application/json";

/// Why something is not answered, in the form of its path: a problem, or the older one of the pages.
fn refusal(path: &str, problem: Problem) -> Response {
    match path.starts_with("/api/") || path == "/openapi.json" {
        true => problem.into_response(),
        false => problem.into_page(),
    }
}

/// A value as a line of JSON.
fn text_of(value: &impl Serialize) -> Result<String, Problem> {
    let text = serde_json::to_string(value).map_err(|error| Problem::broken(error.to_string()))?;
    Ok(text + "\n")
}

fn said(status: StatusCode, body: &impl Serialize) -> Response {
    match text_of(body) {
        Ok(text) => said_as(status, JSON, text),
        Err(problem) => problem.into_response(),
    }
}

fn said_as(status: StatusCode, kind: &'static str, body: String) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// It was done, and there is nothing to tell.
fn done() -> Response {
    StatusCode::NO_CONTENT.into_response()
}
