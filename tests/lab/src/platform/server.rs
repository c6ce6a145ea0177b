//! The server of all APIs: plain HTTP on loopback.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};

use super::hold::{self, HoldAt};
use super::reply::{Call, Reply};
use super::{Platform, cloudflare, graphql, harm, lie, logs, rest};
use crate::clock;
use crate::edge::body::Body;
use crate::error::LabError;
use crate::fault::FaultSet;
use crate::snapshot::Shared;

const LARGEST_BODY: usize = 1024 * 1024;

/// What becomes of a call.
pub(crate) enum Outcome {
    Reply(Reply),
    /// The client waits in vain.
    Never,
}

impl From<Reply> for Outcome {
    fn from(reply: Reply) -> Self {
        Self::Reply(reply)
    }
}

/// Starts serving; ends when the lab does. Gives the address.
pub(crate) async fn start(shared: &Arc<Shared>, running: &watch::Receiver<()>) -> Result<SocketAddr, LabError> {
    let address = IpAddr::from(Ipv4Addr::LOCALHOST);
    let failed = |source| LabError::Bind { address, source };
    let listener = TcpListener::bind((address, 0)).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    let (shared, running) = (Arc::clone(shared), running.clone());
    tokio::spawn(accept(listener, running, move |stream| {
        converse(stream, Arc::clone(&shared))
    }));
    Ok(bound)
}

/// Accepts until the lab ends, and ends what was accepted then.
pub(crate) async fn accept<F>(listener: TcpListener, running: watch::Receiver<()>, serve: impl Fn(TcpStream) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let mut over = running.clone();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = over.changed() => return,
        };
        let Ok((stream, _)) = accepted else {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            continue;
        };
        let (serving, mut over) = (serve(stream), running.clone());
        tokio::spawn(async move {
            tokio::select! {
                () = serving => {}
                _ = over.changed() => {}
            }
        });
    }
}

async fn converse(stream: TcpStream, shared: Arc<Shared>) {
    let hang_up = Arc::new(Notify::new());
    let hung_up = Arc::clone(&hang_up);
    let service = service_fn(move |request| {
        let (shared, hang_up) = (Arc::clone(&shared), Arc::clone(&hang_up));
        async move { Ok::<_, Infallible>(answer(&shared, request, &hang_up).await) }
    });
    let serving = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    tokio::select! {
        // How a conversation ended matters to the client alone.
        _ = serving => {}
        () = hung_up.notified() => {}
    }
}

async fn answer(shared: &Shared, request: Request<Incoming>, hang_up: &Notify) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let offline = shared.current().faults.everywhere("vantage-offline").is_some();
    let (Some(platform), false) = (&shared.platform, offline) else {
        hang_up.notify_one();
        return std::future::pending().await;
    };
    let body = match Limited::new(body, LARGEST_BODY).collect().await {
        Ok(body) => body.to_bytes(),
        Err(_) => Bytes::new(),
    };
    let call = Call::new(&parts, body);
    // The APIs know no empty segment: what they would say is not documented, and nobody should find out in production.
    if parts.uri.path().contains("//") {
        return Reply::page(404, "Not Found").into_response();
    }
    let hold = platform.holds.of(&call);
    hold::wait(hold.as_ref(), HoldAt::Call).await;
    let outcome = match call.path.first().map(String::as_str) {
        Some("graphql") => graphql::answer(shared, platform, &call),
        Some("v1") => rest::answer(shared, platform, &call).await,
        Some("api") => logs::answer(shared, platform, &call),
        Some("client") => cloudflare::answer(shared, platform, &call),
        Some("tenants") => tenants(shared),
        _ => Reply::page(404, "Not Found").into(),
    };
    hold::wait(hold.as_ref(), HoldAt::Answer).await;
    if let Some(harm) = harm::instead(&shared.current().faults, &call) {
        return harm;
    }
    match outcome {
        Outcome::Reply(reply) => lie::told(&shared.current().faults, reply)
            .with(
                "date",
                &clock::http_date(clock::lab_seconds(shared.current().faults.clock_offset())),
            )
            .with("server", "Fly/lab (2026-11-24)")
            .with("fly-request-id", &format!("{:026X}-lab", fastrand::u128(..) >> 24))
            .into_response(),
        Outcome::Never => std::future::pending().await,
    }
}

/// The tenants as an endpoint of the user's own lists them, which has nothing to do with the platform.
fn tenants(shared: &Shared) -> Outcome {
    shared.counters.api("tenants", "list");
    let tenants: Vec<_> = shared
        .world
        .tenants
        .iter()
        .map(|id| serde_json::json!({ "id": id }))
        .collect();
    Reply::json(200, &serde_json::json!({ "tenants": tenants, "next": null })).into()
}

/// What stands before both APIs of the platform: the faults that close it to everybody. What is
/// said to a wrong token is the API's own.
pub(crate) fn gate(faults: &FaultSet, call: &Call, refusal: impl Fn() -> Reply) -> Option<Outcome> {
    match faults
        .everywhere("platform-api-unavailable")
        .map(|fault| fault.word().to_owned())
    {
        Some(how) if how == "timeout" => return Some(Outcome::Never),
        Some(how) if how == "500" => return Some(Reply::error(500, "internal server error").into()),
        Some(how) if how.is_empty() => return Some(Reply::page(503, "503 Service Unavailable").into()),
        _ => {}
    }
    if let Some(fault) = faults.everywhere("platform-api-rate-limited") {
        let reply = Reply::error(429, "rate limit exceeded");
        return Some(match fault.word() {
            "no-header" => reply.into(),
            _ => reply.with("retry-after", &fault.number_or(30)).into(),
        });
    }
    let unauthorized = faults.everywhere("platform-api-unauthorized").is_some();
    let schemes = ["FlyV1 ", "Bearer "];
    let reads_only = call.authorized(super::FLY_READ_TOKEN, &schemes);
    if unauthorized || !(reads_only || call.authorized(super::FLY_TOKEN, &schemes)) {
        return Some(refusal().into());
    }
    // GraphQL asks by POST as well; what changes something there is refused by the field.
    let writes = call.method != http::Method::GET && call.path.first().is_some_and(|first| first == "v1");
    (reads_only && writes).then(|| Reply::error(403, "unauthorized").into())
}

/// The region that the platform cannot ask.
pub(crate) fn dark_region(faults: &FaultSet) -> Option<String> {
    let fault = faults.everywhere("platform-api-unavailable")?;
    fault.word().strip_prefix("region:").map(str::to_owned)
}

/// Counts a call that changes something, and remembers it.
pub(crate) fn record_write(shared: &Shared, platform: &Platform, call: String) {
    let counter = &shared.counters.writes;
    counter.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    platform.record_write(call);
}
