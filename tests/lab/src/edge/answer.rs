//! HTTP: gives the answer that was planned for a request.

use std::sync::atomic::Ordering;

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, DATE, LOCATION, SERVER, VIA};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Version};
use hyper::body::Incoming;
use tokio::sync::Notify;

use super::body::{self, Body};
use super::site::{self, Content, Plan, Routed};
use crate::clock;
use crate::platform::logs::Passage;
use crate::platform::{Visit, app_name};
use crate::snapshot::Shared;
use crate::world::World;

const APP: HeaderName = HeaderName::from_static("x-sp-app");
const SERVED_BY: HeaderName = HeaderName::from_static("x-served-by");
const VERSION: HeaderName = HeaderName::from_static("x-version");
const REQUEST_ID: HeaderName = HeaderName::from_static("fly-request-id");
const HEALTHY: HeaderName = HeaderName::from_static("x-lab");
const HUGE: HeaderName = HeaderName::from_static("x-huge");
const JSON: &str = "application/json";

/// Answers a request to the edge. Where the connection is to be cut instead, says so and never
/// returns.
pub(crate) async fn answer(shared: &Shared, request: &Request<Incoming>, hang_up: &Notify) -> Response<Body> {
    let host = host(request);
    let snapshot = shared.current();
    shared.counters.request(&shared.world, host);
    let traceparent = request.headers().get("traceparent");
    let traceparent = traceparent.and_then(|value| value.to_str().ok());
    shared.counters.traced(&shared.world, host, traceparent);
    let everybody = site::everybody(&snapshot.faults, snapshot.age());
    let Routed { replay, mut plan } = match everybody {
        Some(plan) => Routed { replay: None, plan },
        None => site::plan(&shared.world, &snapshot.faults, host),
    };
    let id = request_id();
    if let Some((tenant, app)) = &replay {
        let passage = Passage {
            request: &id,
            host,
            subdomain: tenant,
            path: request.uri().path(),
        };
        visit(shared, app, Some(&passage), request, &mut plan);
    }
    drop(snapshot);
    carry_out(shared, plan, request, &id, hang_up).await
}

/// Answers a request to an app itself.
pub(crate) async fn direct(shared: &Shared, request: &Request<Incoming>, hang_up: &Notify) -> Response<Body> {
    let host = host(request);
    let snapshot = shared.current();
    let platform = shared.platform.as_ref();
    let tenant = platform.and_then(|platform| platform.direct_tenant(&shared.world, host));
    let plan = match tenant {
        Some(tenant) => {
            shared.counters.direct(tenant);
            let mut plan = site::direct(&shared.world, &snapshot.faults, tenant);
            visit(shared, &app_name(tenant), None, request, &mut plan);
            plan
        }
        None => site::unknown(),
    };
    drop(snapshot);
    carry_out(shared, plan, request, &request_id(), hang_up).await
}

/// What the platform gives every request, as it stands in the answer and in the logs.
fn request_id() -> String {
    format!("{:026X}-lab", fastrand::u128(..) >> 24)
}

/// Lets the app meet the request, which came through the edge if it has a passage; the logs tell of it.
fn visit(shared: &Shared, app: &str, passage: Option<&Passage<'_>>, request: &Request<Incoming>, plan: &mut Plan) {
    let Some(platform) = &shared.platform else { return };
    if let Some(passage) = passage {
        platform.log_replay(shared, passage, app);
    }
    match (platform.visit(app, passage.is_some(), plan), passage) {
        (Visit::Nobody, None) => return,
        (Visit::Nobody, Some(passage)) => return platform.log_refusal(shared, passage, app, plan.status),
        (Visit::Wakes, _) => {
            shared.counters.woken.fetch_add(1, Ordering::Relaxed);
        }
        (Visit::Answers | Visit::Sick(_), _) => {}
    }
    platform.log_received(shared, app, request.uri().path());
}

async fn carry_out(
    shared: &Shared,
    plan: Plan,
    request: &Request<Incoming>,
    id: &str,
    hang_up: &Notify,
) -> Response<Body> {
    let host = host(request);
    let offset = shared.current().faults.clock_offset();
    let date = clock::http_date(clock::lab_seconds(offset));
    if !plan.delay.is_zero() {
        tokio::time::sleep(plan.delay).await;
    }
    if plan.closes {
        hang_up.notify_one();
        return std::future::pending().await;
    }
    let (kind, body) = content(&shared.world, &plan, request.uri().path(), host);
    let mut response = Response::new(body::empty());
    *response.status_mut() = StatusCode::from_u16(plan.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    set(headers, DATE, &date);
    set(headers, CONTENT_TYPE, kind);
    set(headers, REQUEST_ID, id);
    add_headers(headers, &shared.world, &plan, request.version());
    match body {
        // These statuses end with their headers.
        _ if matches!(plan.status, 204 | 304) => {}
        Made::Text(text) => {
            headers.insert(CONTENT_LENGTH, HeaderValue::from(text.len()));
            give(&mut response, request, || body::full(text));
        }
        Made::Endless => give(&mut response, request, body::endless),
        Made::Drip => give(&mut response, request, body::drip),
        Made::Packed(bytes) => {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            give(&mut response, request, || body::full(bytes));
        }
    }
    response
}

/// A `HEAD` gets the headers alone.
fn give(response: &mut Response<Body>, request: &Request<Incoming>, body: impl FnOnce() -> Body) {
    if request.method() != Method::HEAD {
        *response.body_mut() = body();
    }
}

/// The host without its port, from `:authority` or `Host`.
fn host(request: &Request<Incoming>) -> &str {
    if let Some(host) = request.uri().host() {
        return host;
    }
    let header = request.headers().get(http::header::HOST);
    let text = header.and_then(|value| value.to_str().ok()).unwrap_or_default();
    match text.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => text,
    }
}

enum Made {
    Text(Bytes),
    Endless,
    /// What is said to be gzip.
    Packed(Bytes),
    Drip,
}

fn content(world: &World, plan: &Plan, path: &str, host: &str) -> (&'static str, Made) {
    let text = |text: String| Made::Text(Bytes::from(text));
    match plan.content {
        Content::Document => (JSON, text(document(world, plan, path))),
        Content::Json(json) => (JSON, text(json.to_owned())),
        Content::UnknownTenant => ("text/plain; charset=utf-8", text(format!("no such tenant: {host}"))),
        Content::Endless => (JSON, Made::Endless),
        Content::Bomb => (JSON, Made::Packed(body::bomb())),
        Content::Marked => (JSON, text(format!("\u{feff}{}", document(world, plan, path)))),
        Content::Unpacked => (JSON, Made::Packed(document(world, plan, path).into())),
        Content::Halved => (JSON, Made::Packed(body::halved(&document(world, plan, path)))),
        Content::CatchAll => ("text/html", text(r#"{"status":"healthy"}"#.to_owned())),
        Content::Drip => (JSON, Made::Drip),
    }
}

fn document(world: &World, plan: &Plan, path: &str) -> String {
    match &plan.app {
        Some(app) if path == "/.well-known/oauth-authorization-server" => {
            serde_json::json!({ "issuer": format!("https://{}", world.host(app)) }).to_string()
        }
        _ => r#"{"status":"healthy"}"#.to_owned(),
    }
}

fn add_headers(headers: &mut HeaderMap, world: &World, plan: &Plan, version: Version) {
    set(headers, SERVER, "Fly/lab");
    set(
        headers,
        VIA,
        if version == Version::HTTP_2 {
            "2 fly.io"
        } else {
            "1.1 fly.io"
        },
    );
    if let Some(app) = &plan.app {
        if world.identity_header {
            set(headers, APP, &format!("sp-{app}"));
        }
        set(headers, SERVED_BY, &machine(app));
        set(headers, VERSION, plan.version);
    }
    if plan.healthy_header {
        set(headers, HEALTHY, "ok");
    }
    if let Some((name, value)) = &plan.header {
        set(headers, HeaderName::from_static(name), value);
    }
    if let Some(location) = plan.location {
        set(headers, LOCATION, location);
    }
    if plan.huge_head {
        let line = "x".repeat(8 * 1024);
        for _ in 0..512 {
            if let Ok(value) = HeaderValue::from_str(&line) {
                headers.append(HUGE, value);
            }
        }
    }
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// The id of a tenant's machine: always the same, and shaped like the platform's.
pub(crate) fn machine(tenant: &str) -> String {
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    let hash = tenant.bytes().fold(0xcbf2_9ce4_8422_2325, step);
    format!("{:014x}", hash >> 8)
}
