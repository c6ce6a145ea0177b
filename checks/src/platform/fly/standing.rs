//! One app as it stands: its machines in detail with their events and leases, its latest release, single certificates.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;

use super::machines::is_hands_off;
use super::query::{Refused, query};
use crate::clock::now;
use crate::evidence::{Fault, Reason};
use crate::platform::bulk::{Allowance, Bulk};
use crate::platform::http::{Api, Path};
#[cfg(feature = "write")]
use crate::platform::standing::CertificateStanding;
use crate::platform::standing::{AppStanding, MachineHappening, MachineStanding};

/// Whether a deploy goes on.
const RELEASE: &str = "query Release($app: String!) { app(name: $app) { name currentRelease { inProgress } } }";

/// The document that is sent for it, by name.
pub(super) const RELEASE_DOCUMENT: (&str, &str) = ("Release", RELEASE);

const QUERY: [(&str, &str); 3] = [("summary", "false"), ("limit", "1000"), ("include_leases", "true")];
const PAGE: usize = 1000;
/// What it may take: a call to each API, each repeated twice, and so many bytes.
const CALLS: usize = 6;
const ROOM: usize = 4 * 1024 * 1024;

/// An app with its machines.
///
/// # Errors
/// Why it is not known whole.
pub(super) async fn app(graphql: &Api, rest: &Api, app: &str) -> Result<AppStanding, Fault> {
    #[derive(Deserialize)]
    struct Data {
        app: Option<Node>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Node {
        current_release: Option<ReleaseNode>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct ReleaseNode {
        in_progress: bool,
    }
    let allowance = Allowance::of(CALLS, ROOM);
    let variables = json!({ "app": app });
    let read = |data: &str| serde_json::from_str::<Data>(data);
    let asked = query(Bulk::new(graphql, &allowance), RELEASE_DOCUMENT, &variables, read).await;
    let reply = asked.map_err(Refused::into_fault)?;
    if let Some(fault) = reply.partial {
        return Err(fault);
    }
    let found = reply.data?.app;
    let found = found.ok_or_else(|| Fault::new(Reason::PlatformNotFound, format!("there is no app {app}")))?;
    let releasing = found.current_release.is_some_and(|release| release.in_progress);
    let path = Path {
        segments: &["v1", "apps", app, "machines"],
        query: &QUERY,
    };
    let nodes = rest
        .ask("app-machines", &path, None)
        .await?
        .read::<Vec<MachineNode>>()?;
    if nodes.len() >= PAGE {
        let detail = format!("{app} may have more machines than a page has");
        return Err(Fault::new(Reason::PlatformPartial, detail));
    }
    Ok(AppStanding {
        releasing,
        machines: nodes.into_iter().map(MachineStanding::from).collect(),
    })
}

/// One certificate, read without having it validated again; `None`: the app holds none for the name.
///
/// # Errors
/// The fault of the call.
#[cfg(feature = "write")]
pub(super) async fn certificate(rest: &Api, app: &str, hostname: &str) -> Result<Option<CertificateStanding>, Fault> {
    #[derive(Deserialize)]
    struct Detail {
        hostname: String,
        rate_limited_until: Option<String>,
        #[serde(default)]
        certificates: Vec<Entry>,
    }
    #[derive(Deserialize)]
    struct Entry {
        source: Option<String>,
        status: Option<String>,
        created_at: Option<String>,
        expires_at: Option<String>,
        issued: Option<Vec<serde::de::IgnoredAny>>,
    }
    let path = Path {
        segments: &["v1", "apps", app, "certificates", hostname],
        query: &[],
    };
    let answer = there(rest.ask("certificate", &path, None).await)?;
    let read = |detail: Detail| {
        let of_somebody = |entry: &Entry| entry.source.as_deref() == Some("custom");
        let created = detail
            .certificates
            .iter()
            .filter_map(|entry| entry.created_at.as_deref());
        let serves = |entry: &Entry| {
            let is_active = entry
                .status
                .as_deref()
                .is_some_and(|status| status.eq_ignore_ascii_case("active"));
            let is_there = of_somebody(entry) || entry.issued.as_ref().is_some_and(|issued| !issued.is_empty());
            let ends = entry.expires_at.as_deref().and_then(|at| at.parse::<Timestamp>().ok());
            is_active && is_there && ends.is_none_or(|ends| ends > now())
        };
        CertificateStanding {
            ready: detail.certificates.iter().any(serves),
            imported: detail.certificates.iter().any(of_somebody),
            created_at: created.filter_map(|at| at.parse::<Timestamp>().ok()).min(),
            rate_limited_until: detail.rate_limited_until.and_then(|until| until.parse().ok()),
            hostname: detail.hostname.to_ascii_lowercase(),
        }
    };
    answer.map(|answer| answer.read::<Detail>().map(read)).transpose()
}

/// An answer, or that what was asked for is not there.
#[cfg(feature = "write")]
fn there<T>(asked: Result<T, Fault>) -> Result<Option<T>, Fault> {
    match asked {
        Ok(answer) => Ok(Some(answer)),
        Err(fault) if fault.reason == Reason::PlatformNotFound => Ok(None),
        Err(fault) => Err(fault),
    }
}

#[derive(Deserialize)]
struct MachineNode {
    id: String,
    state: Option<String>,
    config: Option<ConfigNode>,
    /// Who may change it meanwhile.
    lease: Option<LeaseNode>,
    events: Option<Vec<EventNode>>,
}

#[derive(Deserialize)]
struct ConfigNode {
    metadata: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
struct LeaseNode {
    /// Seconds since the epoch; a lease without an end holds.
    expires_at: Option<i64>,
}

#[derive(Deserialize)]
struct EventNode {
    r#type: Option<String>,
    source: Option<String>,
    /// Milliseconds since the epoch.
    timestamp: Option<i64>,
}

impl From<MachineNode> for MachineStanding {
    fn from(node: MachineNode) -> Self {
        let holds = |lease: LeaseNode| lease.expires_at.is_none_or(|end| end > now().as_second());
        let happened = |event: EventNode| {
            Some(MachineHappening {
                kind: event.r#type?,
                source: event.source.unwrap_or_default(),
                at: Timestamp::from_millisecond(event.timestamp?).ok()?,
            })
        };
        let mut events = node
            .events
            .into_iter()
            .flatten()
            .filter_map(happened)
            .collect::<Vec<_>>();
        events.sort_by_key(|event| std::cmp::Reverse(event.at));
        Self {
            id: node.id,
            state: node.state.unwrap_or_default().into(),
            hands_off: is_hands_off(node.config.and_then(|config| config.metadata).as_ref()),
            leased: node.lease.is_some_and(holds),
            events,
        }
    }
}
