//! Repairs over HTTP: what was done, and the kill switch, which asks nobody but the file beside the database.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::Desk;
use super::extract::{Peer, Said};
use super::incidents::Nothing;
use super::operation::Operation;
use super::problem::Problem;
use crate::agent::clock;
use crate::daemon::known::{self, LedgerRow};
use crate::remediation::{Held, Switch};

/// What can be asked of them.
pub(super) fn operations() -> Vec<Operation> {
    let cant = "The file of the switch can't be written or removed.";
    vec![
        Operation::get("/api/v1/remediation", state)
            .named("getRemediation", "Whether repairs are stopped, and by whom")
            .answers::<SwitchState>(StatusCode::OK, "The kill switch."),
        Operation::post("/api/v1/remediation/stop", stop)
            .named(
                "stopRemediation",
                "Stops all repairs until somebody resumes them: `roundsman remediate stop`",
            )
            .takes::<Nothing>()
            .answers::<SwitchState>(StatusCode::OK, "Nothing is repaired.")
            .refuses(StatusCode::INTERNAL_SERVER_ERROR, cant),
        Operation::post("/api/v1/remediation/resume", resume)
            .named("resumeRemediation", "Lets repairs go on: `roundsman remediate resume`")
            .takes::<Nothing>()
            .answers::<SwitchState>(StatusCode::OK, "Repairs go on.")
            .refuses(StatusCode::INTERNAL_SERVER_ERROR, cant),
        Operation::get("/api/v1/remediation/ledger", ledger)
            .named(
                "listLedger",
                "What was done, tried and taken back: `roundsman remediate ledger`",
            )
            .answers::<Vec<LedgerRow<'static>>>(StatusCode::OK, "The rows; nobody changed them.")
            .refuses(StatusCode::INTERNAL_SERVER_ERROR, "The ledger is not what was written."),
    ]
}

/// The kill switch.
#[derive(Serialize, JsonSchema)]
struct SwitchState {
    /// Whether nothing is repaired.
    stopped: bool,
    /// Who or what stopped it.
    why: Option<String>,
    /// When that ends by itself.
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    until: Option<Timestamp>,
}

impl SwitchState {
    fn of(switch: &Switch) -> Self {
        let held = switch.state(clock::now());
        let stopped = held.is_some();
        let (why, until) = held.map_or((None, None), |Held { why, until }| (Some(why), until));
        Self { stopped, why, until }
    }
}

async fn state(State(desk): State<Desk>) -> Response {
    let switch = Switch::of(&desk.database);
    desk.work(move || Ok(SwitchState::of(&switch))).await
}

async fn stop(State(desk): State<Desk>, Peer(peer): Peer, Said(Nothing {}): Said<Nothing>) -> Response {
    turn(&desk, move |switch| {
        switch.stop_by(&format!("somebody over HTTP from {peer}"), clock::now())
    })
    .await
}

async fn resume(State(desk): State<Desk>, Said(Nothing {}): Said<Nothing>) -> Response {
    turn(&desk, Switch::resume).await
}

/// Turns the switch, and tells how it is then.
async fn turn(desk: &Desk, turn: impl FnOnce(&Switch) -> std::io::Result<()> + Send + 'static) -> Response {
    let switch = Switch::of(&desk.database);
    desk.work(move || {
        let turned = turn(&switch);
        turned.map_err(|error| Problem::broken(format!("{}: {error}", switch.path().display())))?;
        Ok(SwitchState::of(&switch))
    })
    .await
}

async fn ledger(State(desk): State<Desk>) -> Response {
    let database = desk.database.clone();
    desk.tell(move || {
        let (rows, broken) = known::ledger(&database)?;
        match broken {
            Some(broken) => Err(Problem::broken(broken.to_string())),
            None => super::text_of(&rows.iter().map(LedgerRow::of).collect::<Vec<_>>()),
        }
    })
    .await
}
