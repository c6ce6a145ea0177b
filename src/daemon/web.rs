//! `/healthz` and `/readyz`: whether the loop turns, and whether the agent does its job. Answers of the loop itself, so
//! that one which hangs is seen.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::api::{Answer, Asked, Question};

/// How long the loop may take to answer before it counts as stuck.
const TURN: Duration = Duration::from_secs(5);
/// How long a connection may take to ask, and how long it lives.
const HEAD: Duration = Duration::from_secs(5);
const LIFE: Duration = Duration::from_secs(60);
/// The longest head of a request, in bytes.
const LONGEST_HEAD: usize = 16 * 1024;
/// How many connections there are together.
const TOGETHER: usize = 64;

/// The listener, with its connections.
pub(super) struct Web {
    listener: TcpListener,
    connections: JoinSet<()>,
    asked: mpsc::Sender<Asked>,
}

impl Web {
    /// Listens; what is asked goes to the loop.
    pub(super) async fn listen(at: SocketAddr, asked: mpsc::Sender<Asked>) -> std::io::Result<Self> {
        Ok(Self {
            listener: TcpListener::bind(at).await?,
            connections: JoinSet::new(),
            asked,
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
            Ok((stream, _)) => drop(self.connections.spawn(answer_all(stream, self.asked.clone()))),
            // No descriptor is left: others will be given back.
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}

async fn answer_all(stream: TcpStream, asked: mpsc::Sender<Asked>) {
    let service = service_fn(|request| {
        let asked = asked.clone();
        async move { Ok::<_, Infallible>(answer(&request, &asked).await) }
    });
    let mut server = http1::Builder::new();
    server
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_buf_size(LONGEST_HEAD);
    // Whoever asks wrongly, or went away, is not answered.
    let _ = timeout(LIFE, server.serve_connection(TokioIo::new(stream), service)).await;
}

async fn answer(request: &http::Request<Incoming>, asked: &mpsc::Sender<Asked>) -> Response<Full<Bytes>> {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return said(StatusCode::METHOD_NOT_ALLOWED, &json!({ "error": "only GET" }));
    }
    match request.uri().path() {
        "/healthz" => match health(asked).await {
            Some(health) => said(StatusCode::OK, &json!({ "alive": true, "alerting": alerting(&health) })),
            None => said(
                StatusCode::SERVICE_UNAVAILABLE,
                &json!({ "alive": false, "error": "the loop does not turn" }),
            ),
        },
        "/readyz" => match health(asked).await {
            Some(health) if health["ready"] == true => said(StatusCode::OK, &health),
            Some(health) => said(StatusCode::SERVICE_UNAVAILABLE, &health),
            None => {
                let waiting = json!({ "ready": false, "waiting_for": ["the loop, which does not turn"] });
                said(StatusCode::SERVICE_UNAVAILABLE, &waiting)
            }
        },
        _ => said(
            StatusCode::NOT_FOUND,
            &json!({ "error": "there are /healthz and /readyz" }),
        ),
    }
}

/// Whether people hear of what is wrong: `"ok"`, or why not. The process is alive all the same.
fn alerting(health: &serde_json::Value) -> String {
    health["alerting"]
        .as_str()
        .map_or_else(|| "ok".to_owned(), |why| format!("stuck: {why}"))
}

/// What the loop says of itself; nothing where it does not turn.
async fn health(asked: &mpsc::Sender<Asked>) -> Option<serde_json::Value> {
    let (sender, receiver) = oneshot::channel();
    let answered = async {
        asked.send((Question::Health, sender)).await.ok()?;
        match receiver.await.ok()? {
            Answer::Done(value) => Some(value),
            Answer::Refused(_) => None,
        }
    };
    timeout(TURN, answered).await.ok().flatten()
}

fn said(status: StatusCode, body: &serde_json::Value) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(format!("{body}\n"))));
    *response.status_mut() = status;
    let json = header::HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-store"));
    response
}
