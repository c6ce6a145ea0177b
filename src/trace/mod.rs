//! One request told hop by hop: what a round over one tenant saw of each, as data (`roundsman.trace/1`). Reads a world
//! and its diagnosis; looks at nothing and decides nothing.

mod hops;
mod logs;
mod platform;
mod render;
mod render_hops;
mod render_logs;

use std::net::SocketAddr;

use jiff::Timestamp;
use roundsman_checks::chain::Link;
use roundsman_checks::diagnosis::{Cause, Status};
use roundsman_checks::evidence::{ApiAnswer, Fault, Reason, StepStatus};
use roundsman_checks::expectation::Place;
use roundsman_checks::logs::By;
use serde::{Serialize, Serializer};

use crate::agent;
use crate::report::{CauseLine, CheckLine, FleetLine, Report};
use crate::schema;

pub use render::render;

/// What the configuration says that no evidence holds.
#[derive(Clone, Debug, Default)]
pub struct Setting {
    /// Where the answer carries its version.
    pub version: Option<Place>,
    /// Whether the edge's addresses are configured; else the platform told them.
    pub addresses_given: bool,
    /// Whether the logs were left out.
    pub logs_left_out: bool,
}

/// The whole story. Its fields are a contract; more may be added.
#[derive(Clone, Debug, Serialize)]
pub struct Trace<'r> {
    pub(crate) schema: &'static str,
    pub(crate) roundsman: &'static str,
    pub(crate) tenant: String,
    pub(crate) hostname: String,
    pub(crate) app: String,
    pub(crate) domain: String,
    pub(crate) url: String,
    pub(crate) started_at: Timestamp,
    pub(crate) finished_at: Timestamp,
    pub(crate) vantage: String,
    pub(crate) exit: u8,
    pub(crate) interrupted: bool,
    pub(crate) status: Status,
    pub(crate) cause: Option<Cause>,
    /// Whether the tenant slept before the visit, and was woken by it.
    pub(crate) woken: bool,
    pub(crate) dns: Dns,
    pub(crate) address: Option<Chosen>,
    /// Why no address was visited, where none was.
    pub(crate) unvisited: Option<Unvisited>,
    pub(crate) connect: Option<Connected>,
    pub(crate) tls: Option<Tls>,
    pub(crate) http: Option<Http>,
    pub(crate) direct: Part<Direct>,
    pub(crate) platform: Part<platform::Told>,
    pub(crate) logs: Logs,
    pub(crate) phases: Vec<Phase>,
    pub(crate) checks: Vec<CheckLine<'r>>,
    pub(crate) fleet: Vec<FleetLine<'r>>,
    pub(crate) causes: Vec<CauseLine<'r>>,
}

/// What was asked for: an answer, or why there is none.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub(crate) enum Part<T> {
    /// The answer.
    Known(T),
    /// It was asked for, and there is none.
    Unknown(Failure),
    /// Nobody asked.
    NotAsked {
        /// Why.
        why: String,
    },
    /// There is nobody to ask.
    NotConfigured,
}

impl<T> Part<T> {
    fn of<A>(asked: &ApiAnswer<A>, read: impl FnOnce(&A) -> T) -> Self {
        match asked {
            ApiAnswer::Known(answer) => Self::Known(read(answer)),
            ApiAnswer::Unknown(fault) => Self::Unknown(fault.into()),
            ApiAnswer::NotConfigured => Self::NotConfigured,
        }
    }
}

/// Why a hop failed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Failure {
    pub(crate) reason: Option<Reason>,
    pub(crate) detail: String,
}

impl From<&Fault> for Failure {
    fn from(fault: &Fault) -> Self {
        Self {
            reason: Some(fault.reason),
            detail: fault.detail.clone(),
        }
    }
}

impl Failure {
    /// Why a look ended badly, where it did; one that was not reached did not.
    fn of(end: &StepStatus) -> Option<Self> {
        match end {
            StepStatus::Failed(fault) => Some(fault.into()),
            StepStatus::Exhausted(what) => Some(Self {
                reason: None,
                detail: format!("the agent ran out of {what}"),
            }),
            StepStatus::Done | StepStatus::NotReached => None,
        }
    }
}

/// The answers of name servers.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Dns {
    /// Every server of the zone that was asked in this round.
    pub(crate) authoritative: Vec<Lookup>,
    /// Why the servers of the zone are not known, where they are not.
    pub(crate) undiscovered: Option<Failure>,
    pub(crate) recursive: Vec<Lookup>,
}

/// One question to one server.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Lookup {
    pub(crate) server: SocketAddr,
    pub(crate) name: String,
    /// Whether the round asked this server for a name of its own instead of the tenant's.
    pub(crate) control: bool,
    pub(crate) kind: &'static str,
    pub(crate) rcode: Option<String>,
    /// Whether the server speaks with authority.
    pub(crate) authority: Option<bool>,
    pub(crate) records: Vec<Record>,
    pub(crate) failure: Option<Failure>,
    #[serde(serialize_with = "two_decimals")]
    pub(crate) ms: f64,
}

/// One record of an answer.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Record {
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) data: String,
    pub(crate) ttl: u32,
}

/// Where the connection went.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Chosen {
    pub(crate) address: SocketAddr,
    pub(crate) why: String,
    /// The addresses that were tried before, and why each failed.
    pub(crate) tried: Vec<(SocketAddr, Failure)>,
}

/// No address was visited.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Unvisited {
    pub(crate) why: String,
    /// What each address of the edge left that was not worth a visit, by the control name.
    pub(crate) tried: Vec<(SocketAddr, Failure)>,
}

/// TCP.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Connected {
    #[serde(serialize_with = "two_decimals")]
    pub(crate) ms: f64,
    pub(crate) failure: Option<Failure>,
}

/// TLS.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Tls {
    #[serde(serialize_with = "two_decimals")]
    pub(crate) ms: f64,
    pub(crate) version: Option<String>,
    pub(crate) cipher: Option<String>,
    pub(crate) alpn: Option<String>,
    pub(crate) verified: bool,
    pub(crate) faults: Vec<Reason>,
    pub(crate) failure: Option<Failure>,
    /// `None` where no chain was seen.
    pub(crate) chain: Option<Vec<Option<Link>>>,
}

/// HTTP.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Http {
    pub(crate) path: String,
    pub(crate) status: Option<u16>,
    pub(crate) version: Option<String>,
    pub(crate) headers: Vec<(String, String)>,
    /// The release that the answer names, where the configuration says where to look.
    pub(crate) release: Option<String>,
    pub(crate) bytes: u64,
    #[serde(serialize_with = "two_decimals")]
    pub(crate) first_byte_ms: f64,
    #[serde(serialize_with = "two_decimals")]
    pub(crate) total_ms: f64,
    pub(crate) failure: Option<Failure>,
}

/// The app, past the edge.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Direct {
    pub(crate) host: String,
    pub(crate) address: SocketAddr,
    pub(crate) status: Option<u16>,
    pub(crate) version: Option<String>,
    #[serde(serialize_with = "two_decimals")]
    pub(crate) ms: f64,
    pub(crate) failure: Option<Failure>,
}

/// A part of the time.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Phase {
    pub(crate) phase: &'static str,
    #[serde(serialize_with = "two_decimals")]
    pub(crate) start_ms: f64,
    #[serde(serialize_with = "two_decimals")]
    pub(crate) ms: f64,
}

/// What the request left in the logs.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Logs {
    pub(crate) edge: Part<LogSide>,
    pub(crate) app: Part<LogSide>,
}

/// One log.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct LogSide {
    pub(crate) app: String,
    /// Whether there was a request that can have left lines.
    pub(crate) request_sent: bool,
    pub(crate) lines: Vec<Line>,
    /// How many more lines fit the time and may be another request's.
    pub(crate) unclear: usize,
    /// The first of those.
    pub(crate) unclear_lines: Vec<Line>,
}

/// One line that is the request's, or may be.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Line {
    pub(crate) at: Option<Timestamp>,
    /// What makes it the request's; `None`: it may be another's.
    pub(crate) by: Option<By>,
    pub(crate) provider: Option<String>,
    pub(crate) region: Option<String>,
    pub(crate) instance: Option<String>,
    pub(crate) error_code: Option<String>,
    pub(crate) message: String,
}

/// Milliseconds as the report has them.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn two_decimals<S: Serializer>(ms: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64((ms * 100.0).round() / 100.0)
}

impl<'r> Trace<'r> {
    /// Tells a round over one tenant; nothing where it has none.
    #[must_use]
    pub fn new(round: &agent::Round, report: Report<'r>, setting: &Setting) -> Option<Self> {
        let world = &round.world;
        let (seen, verdict) = (world.tenants.first()?, round.diagnosis.tenants.first()?);
        let tenant = &seen.tenant;
        let path = &seen.expectation.site.path;
        let visit = seen.visit();
        let row = report.tenants.into_iter().next()?;
        Some(Self {
            schema: schema::TRACE,
            roundsman: env!("CARGO_PKG_VERSION"),
            tenant: tenant.id.to_string(),
            hostname: tenant.hostname.to_string(),
            app: tenant.app.clone(),
            domain: world.domain.to_string(),
            url: format!("https://{}{path}", tenant.hostname),
            started_at: round.started,
            finished_at: round.finished,
            vantage: world.vantage.name.clone(),
            exit: report.exit,
            interrupted: report.interrupted,
            status: verdict.status,
            cause: verdict.cause,
            woken: seen.woken,
            dns: hops::dns(world, seen),
            address: hops::chosen(world, seen, setting),
            unvisited: hops::unvisited(world, seen),
            connect: visit.map(hops::connected),
            tls: visit.and_then(|visit| hops::tls(world, visit)),
            http: visit.and_then(|visit| hops::http(seen, visit, setting)),
            direct: hops::direct(world, seen),
            platform: Part::of(&world.platform, |platform| {
                platform::told(platform, tenant, &world.domain)
            }),
            logs: logs::told(world, seen, setting),
            phases: hops::phases(seen),
            checks: row.checks().collect(),
            fleet: report.fleet,
            causes: report.causes,
        })
    }
}
