//! What the database of a daemon tells, in the forms that the contract has, whoever asks: the command line or HTTP. Changes
//! nothing.

use std::path::Path;

use jiff::Timestamp;
use roundsman_alerts::{Change, Incident, Matcher, Silence};
use schemars::JsonSchema;
use serde::Serialize;

use super::view::{IncidentView, is_matched};
use crate::remediation::ledger::{Broken, Phase, Row, verify};
use crate::store::{Reader, StoreError};
use crate::watch::TenantStatus;

/// One incident in full.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct IncidentInFull {
    /// What a list tells of it.
    #[serde(flatten)]
    pub view: IncidentView,
    /// What proves it.
    pub evidence: Vec<String>,
    /// What to do about it.
    pub remedy: Vec<String>,
    /// What whoever looks after it says.
    pub comment: Option<String>,
    /// What happened to it, in order.
    pub timeline: Vec<Happened>,
}

/// One thing that happened to an incident.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Happened {
    /// When.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub at: Timestamp,
    /// What.
    pub change: Change,
}

/// What a silence would mute.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Preview {
    /// The open incidents that it matches.
    pub incidents: Vec<IncidentView>,
    /// The tenants that it names.
    pub tenants: Vec<String>,
}

/// A row of the ledger as it is shown: its detail as what it is.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct LedgerRow<'r> {
    /// Its number, from 1 on without a gap.
    pub seq: i64,
    /// When, by the wall's clock.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub at: Timestamp,
    /// The plan that it belongs to.
    pub plan: &'r str,
    /// The tenant that suffers.
    pub tenant: &'r str,
    /// The cause that it is to fix.
    pub cause: &'r str,
    /// The action.
    pub action: &'r str,
    /// What it is done to.
    pub object: &'r str,
    /// What the row tells.
    pub phase: Phase,
    /// Who or what had it done.
    pub by: &'r str,
    /// What takes it back, where something does.
    pub undo: Option<&'r str>,
    /// Evidence, request and answer.
    pub detail: serde_json::Value,
    /// What it and all before it come to, in hexadecimal.
    pub hash: &'r str,
}

impl<'r> LedgerRow<'r> {
    /// A row.
    #[must_use]
    pub fn of(row: &'r Row) -> Self {
        let entry = &row.entry;
        Self {
            seq: row.seq,
            at: entry.at,
            plan: &entry.plan,
            tenant: &entry.tenant,
            cause: &entry.cause,
            action: &entry.action,
            object: &entry.object,
            phase: entry.phase,
            by: &entry.by,
            undo: entry.undo.as_deref(),
            detail: serde_json::from_str(&entry.detail).unwrap_or_default(),
            hash: &row.hash,
        }
    }
}

/// The open incidents, the latest first; with `all`, those that are over behind them.
///
/// # Errors
/// [`StoreError`] where the database can't be read.
pub fn incidents(reader: &Reader, all: bool, now: Timestamp) -> Result<Vec<IncidentView>, StoreError> {
    let (known, silences) = opened(reader, all)?;
    let views = known.iter().map(|incident| IncidentView::of(incident, &silences, now));
    Ok(views.collect())
}

/// One incident in full; `None` where nobody knows it.
///
/// # Errors
/// [`StoreError`] where the database can't be read.
pub fn incident(reader: &Reader, id: &str, now: Timestamp) -> Result<Option<IncidentInFull>, StoreError> {
    let (known, silences) = opened(reader, true)?;
    let Some(incident) = known.iter().find(|incident| incident.core().id.as_str() == id) else {
        return Ok(None);
    };
    let core = incident.core();
    let timeline = reader.timeline(id)?.into_iter().map(|entry| Happened {
        at: entry.at,
        change: entry.change,
    });
    Ok(Some(IncidentInFull {
        view: IncidentView::of(incident, &silences, now),
        evidence: core.account.evidence.clone(),
        remedy: core.account.remedy.clone(),
        comment: core
            .acknowledged
            .as_ref()
            .map(|acknowledged| acknowledged.comment.clone()),
        timeline: timeline.collect(),
    }))
}

/// What is said where nobody knows an incident.
#[must_use]
pub fn unknown_incident(id: &str) -> String {
    format!("no incident `{id}`: `roundsman incidents --all` lists them")
}

/// The incidents that were opened, those that are over last, and the silences.
fn opened(reader: &Reader, all: bool) -> Result<(Vec<Incident>, Vec<Silence>), StoreError> {
    let known = reader.remembered()?;
    let mut opened = known
        .incidents
        .into_iter()
        .filter(Incident::is_open)
        .collect::<Vec<_>>();
    opened.sort_by_key(|incident| std::cmp::Reverse(incident.opened().map(|opened| opened.wall)));
    if all {
        opened.extend(reader.history()?);
    }
    Ok((opened, known.silences))
}

/// The silences that last.
///
/// # Errors
/// [`StoreError`] where the database can't be read.
pub fn silences(reader: &Reader, now: Timestamp) -> Result<Vec<Silence>, StoreError> {
    let silences = reader.remembered()?.silences.into_iter();
    Ok(silences.filter(|silence| silence.is_active(now)).collect())
}

/// The open incidents and the tenants that a silence would match.
///
/// # Errors
/// [`StoreError`] where the database can't be read.
pub fn preview(reader: &Reader, matchers: &[Matcher], now: Timestamp) -> Result<Preview, StoreError> {
    let known = reader.remembered()?;
    let silence = Silence {
        id: String::new(),
        matchers: matchers.to_vec(),
        starts_at: Timestamp::MIN,
        ends_at: Timestamp::MAX,
        comment: String::new(),
    };
    let open = known.incidents.iter().filter(|incident| incident.is_open());
    let matched = open.filter(|incident| is_matched(incident, &silence, now));
    let by_tenant = matchers.iter().filter(|matcher| matcher.is_about_members());
    let by_tenant = by_tenant.collect::<Vec<_>>();
    let tenants = known.tenants.iter().map(|tenant| tenant.tenant.clone());
    let named =
        |tenant: &String| !by_tenant.is_empty() && by_tenant.iter().all(|matcher| matcher.matches_member(tenant));
    Ok(Preview {
        incidents: matched.map(|incident| IncidentView::of(incident, &[], now)).collect(),
        tenants: tenants.filter(named).collect(),
    })
}

/// Adds how each tenant did until now.
///
/// # Errors
/// [`StoreError`] where the database can't be read.
pub fn with_uptime(
    reader: &Reader,
    mut known: Vec<TenantStatus>,
    now: Timestamp,
) -> Result<Vec<TenantStatus>, StoreError> {
    for tenant in &mut known {
        tenant.uptime = Some(reader.uptime(&tenant.tenant, now)?);
    }
    Ok(known)
}

/// The ledger of a database, and what does not fit in it. One that was never written is empty and fits.
///
/// # Errors
/// [`StoreError`] where the database can't be read.
pub fn ledger(database: &Path) -> Result<(Vec<Row>, Option<Broken>), StoreError> {
    let reader = match Reader::open(database) {
        Ok(reader) => reader,
        // Nothing was ever done.
        Err(StoreError::Missing { .. }) => return Ok((Vec::new(), None)),
        Err(error) => return Err(error),
    };
    let (rows, head) = reader.ledger()?;
    Ok(match rows {
        Ok(rows) => {
            let broken = verify(&rows, &head).err();
            (rows, broken)
        }
        Err(broken) => (Vec::new(), Some(broken)),
    })
}
