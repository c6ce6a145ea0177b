//! Incidents, and the silences that mute them, over HTTP.

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use jiff::Timestamp;
use roundsman_alerts::{Matcher, Silence};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::extract::{Named, Params, Said};
use super::operation::Operation;
use super::problem::Problem;
use super::{Desk, done, said};
use crate::agent::clock;
use crate::config::parse_duration;
use crate::daemon::api::Question;
use crate::daemon::known::{self, IncidentInFull, Preview};
use crate::daemon::view::IncidentView;

/// What can be asked of them.
pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::get("/api/v1/incidents", list)
            .named("listIncidents", "The open incidents, the latest first: `roundsman incidents`")
            .asks::<Which>()
            .answers::<Vec<IncidentView>>(StatusCode::OK, "The incidents."),
        Operation::get("/api/v1/incidents/{id}", show)
            .named("getIncident", "One incident in full, with what happened to it: `roundsman incidents show`")
            .answers::<IncidentInFull>(StatusCode::OK, "The incident.")
            .refuses(StatusCode::NOT_FOUND, "Nobody knows this incident."),
        Operation::post("/api/v1/incidents/{id}/ack", acknowledge)
            .named(
                "acknowledgeIncident",
                "Says that somebody looks after an open incident, which is not told again until its end: `roundsman incidents ack`",
            )
            .takes::<Comment>()
            .does("It is acknowledged.")
            .refuses(StatusCode::NOT_FOUND, "There is no such open incident."),
        Operation::get("/api/v1/silences", silences)
            .named("listSilences", "The silences that last: `roundsman silences list`")
            .answers::<Vec<Silence>>(StatusCode::OK, "The silences."),
        Operation::post("/api/v1/silences", add)
            .named("addSilence", "Mutes for a while what all matchers match: `roundsman silences add`")
            .takes::<NewSilence>()
            .answers::<Added>(StatusCode::CREATED, "It lasts from now on."),
        Operation::post("/api/v1/silences/preview", preview)
            .named("previewSilence", "What matchers would mute now; changes nothing: `roundsman silences preview`")
            .takes::<Matchers>()
            .answers::<Preview>(StatusCode::OK, "What they match."),
        Operation::post("/api/v1/silences/{id}/expire", expire)
            .named("expireSilence", "Ends a silence now: `roundsman silences expire`")
            .takes::<Nothing>()
            .does("It is over.")
            .refuses(StatusCode::NOT_FOUND, "There is no such silence."),
    ]
}

/// Which incidents are listed.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Which {
    /// Whether those that are over are listed too.
    #[serde(default)]
    all: bool,
}

async fn list(State(desk): State<Desk>, Params(which): Params<Which>) -> Response {
    desk.read(move |reader| Ok(known::incidents(reader, which.all, clock::now())?))
        .await
}

async fn show(State(desk): State<Desk>, Named(id): Named) -> Response {
    desk.read(move |reader| {
        let incident = known::incident(reader, &id, clock::now())?;
        incident.ok_or_else(|| Problem::unknown(known::unknown_incident(&id)))
    })
    .await
}

/// What whoever looks after an incident says.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Comment {
    /// Who looks after it, or what is known.
    #[serde(default)]
    comment: String,
}

async fn acknowledge(
    State(desk): State<Desk>,
    Named(id): Named,
    Said(Comment { comment }): Said<Comment>,
) -> Result<Response, Problem> {
    desk.done(Question::Acknowledge { id, comment }).await?;
    Ok(done())
}

async fn silences(State(desk): State<Desk>) -> Response {
    desk.read(|reader| Ok(known::silences(reader, clock::now())?)).await
}

/// A silence to come.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NewSilence {
    /// `tenant=GLOB`, `cause=GLOB`, `scope=…`, `severity=…` or `label:NAME=VALUE`; all must hold.
    #[schemars(with = "Vec<String>", length(min = 1))]
    matchers: Vec<Matcher>,
    /// How long, such as `2h`; this, or `until`.
    #[serde(rename = "for")]
    lasts: Option<String>,
    /// Until when; this, or `for`.
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    until: Option<Timestamp>,
    /// Why.
    #[serde(default)]
    comment: String,
}

/// A silence that lasts.
#[derive(Serialize, JsonSchema)]
struct Added {
    /// Its name.
    id: String,
}

async fn add(State(desk): State<Desk>, Said(silence): Said<NewSilence>) -> Result<Response, Problem> {
    some(&silence.matchers)?;
    let lasts = match (silence.lasts.as_deref(), silence.until) {
        (Some(_), Some(_)) => {
            return Err(Problem::wrong(
                "the end of a silence is given once: by `for` or by `until`",
            ));
        }
        (Some(text), None) => {
            let wrong = || Problem::wrong(format!("`for` is a duration such as 90s, 5m or 1h30m, not `{text}`"));
            Some(parse_duration(text).ok_or_else(wrong)?)
        }
        (None, _) => None,
    };
    let question = Question::silence(silence.matchers, silence.until, lasts, silence.comment, clock::now());
    let question =
        question.ok_or_else(|| Problem::wrong("the end of a silence lies in the future: give `for` or `until`"))?;
    let id = desk.done(question).await?;
    let id = id.as_str().unwrap_or_default().to_owned();
    Ok(said(StatusCode::CREATED, &Added { id }))
}

/// What a silence would match by.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Matchers {
    /// As those of a silence; all must hold.
    #[schemars(with = "Vec<String>", length(min = 1))]
    matchers: Vec<Matcher>,
}

async fn preview(State(desk): State<Desk>, Said(Matchers { matchers }): Said<Matchers>) -> Result<Response, Problem> {
    some(&matchers)?;
    let preview = move |reader: &_| Ok(known::preview(reader, &matchers, clock::now())?);
    Ok(desk.read(preview).await)
}

/// Without a matcher everything would be muted.
fn some(matchers: &[Matcher]) -> Result<(), Problem> {
    match matchers {
        [] => Err(Problem::wrong("a silence has a matcher: `cause=*` mutes everything")),
        _ => Ok(()),
    }
}

/// Nothing has to be said.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Nothing {}

async fn expire(
    State(desk): State<Desk>,
    Named(id): Named,
    Said(Nothing {}): Said<Nothing>,
) -> Result<Response, Problem> {
    desk.done(Question::Expire { id }).await?;
    Ok(done().into_response())
}
