//! Whoever changes something: the APIs with tokens that may write. Each step is looked at right before it is done, by the
//! same token; what is there must be what the plan names.

use std::sync::Arc;

use jiff::Timestamp;
use roundsman_checks::evidence::{Fault, MachineState, Reason, ZoneRecord};
use roundsman_checks::platform::cloudflare::ZoneWriter;
use roundsman_checks::platform::standing::AppStanding;
use roundsman_checks::platform::{ApiError, Calls, Changed, NotDone, PlatformWriter, fly};
use serde_json::{Value, json};
use thiserror::Error;

use super::guard::{FRESH, deploys, is_app_marked, is_stopped_by_hand};
use super::step::{Addresses, MachineRef, Step};
use crate::config::{CloudTable, Config, Secret, SecretError, SecretString};

/// Why there is nobody to change something; exit code 2.
#[derive(Debug, Error)]
pub enum HandsError {
    /// A token.
    #[error("[remediation] {key}: {source}")]
    Token {
        /// The key that names it.
        key: &'static str,
        /// What is wrong with it.
        source: SecretError,
    },
    /// An address.
    #[error("[{table}]: {source}")]
    Api {
        /// The table that names it.
        table: &'static str,
        /// What is wrong with it.
        source: ApiError,
    },
}

/// The APIs with tokens that may write; without a token an action does not exist.
pub struct Hands {
    platform: Option<PlatformWriter>,
    zone: Option<ZoneWriter>,
}

/// What a look right before a step showed.
#[derive(Clone, Debug, PartialEq)]
pub enum Before {
    /// It is as planned; what is needed to take the step back.
    Ready(Option<Value>),
    /// Nothing has to be done.
    Already,
    /// It is another one than planned.
    Changed(String),
    /// It can't be read.
    Unread(Fault),
}

impl Hands {
    /// The APIs of a configuration, as far as there are tokens.
    ///
    /// # Errors
    /// [`HandsError`] where a token can't be read, or an address can't be used.
    pub fn new(config: &Config, user_agent: &str, calls: &Calls) -> Result<Self, HandsError> {
        let rules = &config.remediation;
        let platform = match (config.cloud(), token("fly_token", &rules.fly_token)?) {
            (Some(CloudTable::Fly(table)), Some(token)) => {
                let settings = fly::Settings {
                    api_url: table.api_url.clone(),
                    machines_url: table.machines_url.clone(),
                    organization: table.organization.clone(),
                    edge_app: config.edge.app.clone().unwrap_or_default(),
                };
                let writer = fly::Writer::new(&settings, token.expose(), user_agent, calls);
                let writer = writer.map_err(|source| HandsError::Api { table: "fly", source })?;
                Some(PlatformWriter::Fly(Arc::new(writer)))
            }
            _ => None,
        };
        let zone = match (&config.cloudflare, token("cloudflare_token", &rules.cloudflare_token)?) {
            (Some(table), Some(token)) => {
                let (url, name) = (&table.api_url, table.zone.as_deref());
                let writer = ZoneWriter::new(url, name, &config.domain, token.expose(), user_agent, calls.clone());
                Some(writer.map_err(|source| HandsError::Api {
                    table: "cloudflare",
                    source,
                })?)
            }
            _ => None,
        };
        Ok(Self { platform, zone })
    }

    /// Begins a run: an API that was asked nothing more in the last one is asked again.
    pub fn begin(&self) {
        if let Some(platform) = &self.platform {
            platform.begin();
        }
        if let Some(zone) = &self.zone {
            zone.begin();
        }
    }

    /// Why a step can't be done at all: there is no token for it.
    #[must_use]
    pub fn lack(&self, step: &Step) -> Option<String> {
        match step {
            Step::Wait { .. } => None,
            Step::DeleteRecord(_) if self.zone.is_none() => Some(lacks("cloudflare_token")),
            Step::DeleteRecord(_) => None,
            _ if self.platform.is_none() => Some(lacks("fly_token")),
            _ => None,
        }
    }

    /// Which API a step is done at: what one refuses says nothing of another.
    #[must_use]
    pub(super) fn api(step: &Step) -> &'static str {
        match step {
            Step::DeleteRecord(_) => "cloudflare",
            _ => "fly",
        }
    }

    /// The key of the configuration that names the token for a step.
    #[must_use]
    pub(super) fn key(step: &Step) -> &'static str {
        match step {
            Step::DeleteRecord(_) => "cloudflare_token",
            _ => "fly_token",
        }
    }

    /// Looks right before a step. `plan` are all steps of its plan.
    pub async fn look(&self, step: &Step, plan: &[Step], now: Timestamp) -> Before {
        let looked = match step {
            Step::DeleteRecord(record) => self.look_at_record(record, plan).await,
            Step::RemoveCertificate { app, name, created_at } => {
                self.look_at_certificate(app, name, *created_at, now).await
            }
            Step::AddCertificate { app, name } => self.look_before_adding(app, name, now).await,
            Step::StartMachine(machine) => self.look_at_machine(machine, false, now).await,
            Step::RestartMachine(machine) => self.look_at_machine(machine, true, now).await,
            Step::Wait { app, name } => match self.is_issued(app, name).await {
                Ok(true) => Ok(Before::Already),
                Ok(false) => Ok(Before::Ready(None)),
                Err(fault) => Err(fault),
            },
        };
        looked.unwrap_or_else(Before::Unread)
    }

    async fn look_at_record(&self, record: &ZoneRecord, plan: &[Step]) -> Result<Before, Fault> {
        let zone = self.zone.as_ref().ok_or_else(nobody)?;
        let id = zone.id().await?;
        let Some(found) = zone.record(&id, &record.id).await? else {
            return Ok(Before::Already);
        };
        if found.record != *record {
            let now = format!("{} {} {}", found.record.kind, found.record.name, found.record.content);
            return Ok(Before::Changed(format!(
                "record {} is {now} now, or marked otherwise",
                record.id
            )));
        }
        // What came to the name meanwhile would keep the wildcard away, or be somebody's answer to the fault.
        let planned = |other: &ZoneRecord| plan.iter().filter_map(Step::record).any(|known| known.id == other.id);
        let beside = zone.records_at(&id, &record.name).await?;
        if let Some(other) = beside.iter().find(|other| !planned(other)) {
            let what = format!("{} {} {}", other.kind, other.name, other.content);
            return Ok(Before::Changed(format!("{what} stands at the name now")));
        }
        Ok(Before::Ready(Some(found.whole)))
    }

    async fn look_at_certificate(
        &self,
        app: &str,
        name: &str,
        planned: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Before, Fault> {
        let platform = self.platform.as_ref().ok_or_else(nobody)?;
        let Some(found) = platform.certificate(app, name).await? else {
            return Ok(Before::Already);
        };
        if found.hostname != name || found.imported {
            return Ok(Before::Changed(format!(
                "the certificate of {app} for {name} was imported meanwhile"
            )));
        }
        // What was seen is at most so old: what came since is another one, which somebody may want.
        let since = now.saturating_sub(FRESH).unwrap_or(Timestamp::MIN);
        let newer = |at: &Timestamp| *at > since && planned.is_none_or(|planned| *at > planned);
        if let Some(at) = found.created_at.filter(newer) {
            return Ok(Before::Changed(format!(
                "{app} got another certificate for {name} at {at}"
            )));
        }
        let standing = platform.standing(app).await?;
        // What is there is told, so that another one in its place shows.
        let seen = json!({ "hostname": found.hostname, "created_at": found.created_at, "ready": found.ready });
        Ok(held_back(&standing, app, now).map_or(Before::Ready(Some(seen)), Before::Changed))
    }

    async fn look_before_adding(&self, app: &str, name: &str, now: Timestamp) -> Result<Before, Fault> {
        let platform = self.platform.as_ref().ok_or_else(nobody)?;
        if platform.certificate(app, name).await?.is_some() {
            return Ok(Before::Already);
        }
        if let Some((_, above)) = name.split_once('.') {
            let wildcard = format!("*.{above}");
            if platform
                .certificate(app, &wildcard)
                .await?
                .is_some_and(|held| held.ready)
            {
                return Ok(Before::Changed(format!(
                    "{app} holds {wildcard} now, which covers {name}"
                )));
            }
        }
        let standing = platform.standing(app).await?;
        Ok(held_back(&standing, app, now).map_or(Before::Ready(None), Before::Changed))
    }

    async fn look_at_machine(&self, wanted: &MachineRef, running: bool, now: Timestamp) -> Result<Before, Fault> {
        let platform = self.platform.as_ref().ok_or_else(nobody)?;
        let standing = platform.standing(&wanted.app).await?;
        let Some(machine) = standing.machines.iter().find(|machine| machine.id == wanted.id) else {
            return Ok(Before::Changed(format!("machine {} is gone", wanted.id)));
        };
        let comes_up = matches!(machine.state, MachineState::Started | MachineState::Starting);
        if comes_up && !(running && wanted.state == machine.state) {
            return Ok(Before::Already);
        }
        if machine.state != wanted.state {
            let (id, was, is) = (&wanted.id, &wanted.state, &machine.state);
            return Ok(Before::Changed(format!("machine {id} was {was}, and is {is} now")));
        }
        if machine.hands_off || is_stopped_by_hand(machine) {
            return Ok(Before::Changed(format!(
                "a person stopped or marked machine {}",
                wanted.id
            )));
        }
        Ok(held_back(&standing, &wanted.app, now).map_or(Before::Ready(None), Before::Changed))
    }

    /// Whether an app holds a certificate for a name that is issued.
    ///
    /// # Errors
    /// The fault of the call.
    pub async fn is_issued(&self, app: &str, name: &str) -> Result<bool, Fault> {
        let platform = self.platform.as_ref().ok_or_else(nobody)?;
        Ok(platform.certificate(app, name).await?.is_some_and(|held| held.ready))
    }

    /// Does a step: one call, never repeated.
    ///
    /// # Errors
    /// [`NotDone`].
    pub async fn act(&self, step: &Step) -> Result<Changed, NotDone> {
        let platform = || self.platform.as_ref().ok_or_else(|| NotDone::Refused(nobody()));
        match step {
            Step::RemoveCertificate { app, name, .. } => platform()?.remove_certificate(app, name).await,
            Step::AddCertificate { app, name } => platform()?.add_certificate(app, name).await,
            Step::StartMachine(machine) => platform()?.start_machine(&machine.app, &machine.id).await,
            Step::RestartMachine(machine) => platform()?.restart_machine(&machine.app, &machine.id).await,
            Step::DeleteRecord(record) => {
                let zone = self.zone.as_ref().ok_or_else(|| NotDone::Refused(nobody()))?;
                let id = zone.id().await.map_err(NotDone::Refused)?;
                zone.delete(&id, &record.id).await
            }
            Step::Wait { .. } => Ok(Changed::Already),
        }
    }

    /// Makes a record again as it was saved.
    ///
    /// # Errors
    /// [`NotDone`]; also where the name holds something else meanwhile.
    pub async fn put_back(&self, saved: &Value) -> Result<Changed, NotDone> {
        let zone = self.zone.as_ref().ok_or_else(|| NotDone::Refused(nobody()))?;
        let id = zone.id().await.map_err(NotDone::Refused)?;
        let text = |key: &str| saved.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (name, kind, content) = (text("name"), text("type"), text("content"));
        let there = zone.records_at(&id, &name).await.map_err(NotDone::Refused)?;
        let same = |other: &&ZoneRecord| other.kind == kind && other.content == content;
        if there.iter().any(|other| same(&other)) {
            return Ok(Changed::Already);
        }
        zone.create(&id, saved).await
    }

    /// Takes back a certificate that was asked for: `app/name`.
    ///
    /// # Errors
    /// [`NotDone`].
    pub async fn remove_added(&self, object: &str) -> Result<Changed, NotDone> {
        let platform = self.platform.as_ref().ok_or_else(|| NotDone::Refused(nobody()))?;
        let (app, name) = object.split_once('/').unwrap_or((object, ""));
        match platform.certificate(app, name).await.map_err(NotDone::Refused)? {
            None => Ok(Changed::Already),
            Some(held) if held.imported => {
                let detail = format!("{app} holds an imported certificate for {name} now: its key would be lost");
                Err(NotDone::Refused(Fault::new(Reason::PlatformConflict, detail)))
            }
            Some(_) => platform.remove_certificate(app, name).await,
        }
    }

    /// What stands at a name.
    ///
    /// # Errors
    /// The fault of the call.
    pub async fn records_at(&self, name: &str) -> Result<Vec<ZoneRecord>, Fault> {
        let zone = self.zone.as_ref().ok_or_else(nobody)?;
        zone.records_at(&zone.id().await?, name).await
    }

    /// Where calls go.
    pub async fn addresses(&self, config: &Config, records: bool) -> Addresses {
        let trimmed = |url: &str| url.trim_end_matches('/').to_owned();
        let zone_id = match &self.zone {
            Some(zone) if records => zone.id().await.ok(),
            _ => None,
        };
        Addresses {
            machines: config
                .fly
                .as_ref()
                .map(|fly| trimmed(&fly.machines_url))
                .unwrap_or_default(),
            cloudflare: config
                .cloudflare
                .as_ref()
                .map(|zone| trimmed(&zone.api_url))
                .unwrap_or_default(),
            zone_id,
        }
    }
}

/// Why nothing is changed at an app just now.
fn held_back(standing: &AppStanding, app: &str, now: Timestamp) -> Option<String> {
    if is_app_marked(standing) {
        return Some(format!(
            "every machine of {app} has the metadata roundsman = \"off\" now"
        ));
    }
    deploys(standing, now).map(|why| format!("{app}: {why}"))
}

fn lacks(key: &str) -> String {
    format!("there is no token that may write: set [remediation] {key}")
}

fn nobody() -> Fault {
    Fault::new(Reason::PlatformUnauthorized, "there is no token that may write")
}

/// A token, where there is one.
fn token(key: &'static str, secret: &Secret) -> Result<Option<SecretString>, HandsError> {
    match secret.read() {
        Ok(token) => Ok(Some(token)),
        Err(SecretError::Unset(_) | SecretError::Empty(_)) => Ok(None),
        Err(source) => Err(HandsError::Token { key, source }),
    }
}

/// What a call is, for the ledger: without what lets in.
pub(super) fn told(step: &Step, to: &Addresses) -> Value {
    json!({ "call": step.call(to) })
}
