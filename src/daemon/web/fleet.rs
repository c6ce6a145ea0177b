//! How tenants are, and what waits to be told, over HTTP.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::extract::{Named, Said};
use super::incidents::Nothing;
use super::operation::Operation;
use super::problem::Problem;
use super::{Desk, said};
use crate::agent::clock;
use crate::daemon::api::Question;
use crate::daemon::known;
use crate::daemon::view::DeliveryView;
use crate::watch::TenantStatus;

/// What can be asked of them.
pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::get("/api/v1/status", status)
            .named(
                "listStatus",
                "How each tenant is, since when, and its next look: `roundsman status`",
            )
            .answers::<Vec<TenantStatus>>(StatusCode::OK, "All tenants, by their ids."),
        Operation::get("/api/v1/status/{tenant}", status_of)
            .named("getStatus", "How one tenant is: `roundsman status TENANT`")
            .answers::<TenantStatus>(StatusCode::OK, "The tenant.")
            .refuses(StatusCode::NOT_FOUND, "Nobody is called so."),
        Operation::get("/api/v1/outbox", outbox)
            .named(
                "listOutbox",
                "What waits to be delivered or was given up: `roundsman alerts outbox`",
            )
            .answers::<Vec<DeliveryView>>(StatusCode::OK, "The deliveries."),
        Operation::post("/api/v1/outbox/retry", retry)
            .named(
                "retryOutbox",
                "Tries again what was given up, and what waits at once: `roundsman alerts outbox --retry`",
            )
            .takes::<Nothing>()
            .answers::<Retried>(StatusCode::OK, "It is tried."),
    ]
}

async fn status(State(desk): State<Desk>) -> Result<Response, Problem> {
    let known = desk.done(Question::Status { tenants: Vec::new() }).await?;
    Ok(desk
        .read(move |reader| Ok(known::with_uptime(reader, read(known)?, clock::now())?))
        .await)
}

async fn status_of(State(desk): State<Desk>, Named(tenant): Named) -> Result<Response, Problem> {
    let known = desk.done(Question::Status { tenants: vec![tenant] }).await?;
    let one = desk.read(move |reader| {
        let known = known::with_uptime(reader, read(known)?, clock::now())?;
        known.into_iter().next().ok_or_else(Problem::stuck)
    });
    Ok(one.await)
}

fn read(known: Value) -> Result<Vec<TenantStatus>, Problem> {
    serde_json::from_value(known).map_err(|error| Problem::broken(error.to_string()))
}

async fn outbox(State(desk): State<Desk>) -> Result<Response, Problem> {
    Ok(said(StatusCode::OK, &desk.done(Question::Outbox).await?))
}

/// What is tried again.
#[derive(Serialize, JsonSchema)]
struct Retried {
    /// How many that were given up.
    #[schemars(with = "usize")]
    retried: Value,
}

async fn retry(State(desk): State<Desk>, Said(Nothing {}): Said<Nothing>) -> Result<Response, Problem> {
    let retried = desk.done(Question::Retry).await?;
    Ok(said(StatusCode::OK, &Retried { retried }))
}
