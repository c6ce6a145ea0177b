//! One message as data: what every channel renders, and what a webhook gets as it stands.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Dossier, Reason, ThreadId};
use crate::{Severity, State};

/// The version of the documented form.
pub(super) const SCHEMA: &str = "roundsman.notification/1";

/// How what a message tells of is now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// It fails.
    Firing,
    /// It comes and goes.
    Flapping,
    /// It is over.
    Resolved,
    /// Nothing is wrong: somebody tries the channel.
    Test,
}

/// One message. Everything in it is one line of plain text without control and direction characters; lists are cut, and
/// the totals beside them are not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Message {
    /// `roundsman.notification/1`.
    pub schema: String,
    /// Its name: the same however often it is sent.
    pub id: String,
    /// The thread that it belongs to: the same for everything that is told of these incidents.
    #[schemars(with = "String")]
    pub thread: ThreadId,
    /// Its number in the thread, from 1.
    pub sequence: u32,
    /// Why it comes now.
    pub reason: Reason,
    /// The same in a sentence.
    pub why: String,
    /// How what it tells of is now.
    pub status: Status,
    /// When it was decided.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// What the thread is called.
    pub subject: String,
    /// The domain whose tenants are verified.
    pub domain: String,
    /// Where the agent looks from.
    pub vantage: String,
    /// How urgent it is.
    pub severity: Severity,
    /// What is wrong; of several causes the first.
    pub cause: String,
    /// All causes.
    pub causes: Vec<String>,
    /// What the cause is called.
    pub title: String,
    /// What it means.
    pub meaning: String,
    /// The command that tells more of the cause.
    pub explain: Option<String>,
    /// Where the cause is documented: a URL, or a path within the project where it has no address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub docs: Option<String>,
    /// Since when it fails.
    #[schemars(with = "Option<String>")]
    pub since: Option<Timestamp>,
    /// When it ended.
    #[schemars(with = "Option<String>")]
    pub resolved_at: Option<Timestamp>,
    /// What changed since it was last well.
    pub changed: Option<String>,
    /// What proves it.
    pub evidence: Vec<String>,
    /// What to do about it, a command or a sentence each.
    pub remedy: Vec<String>,
    /// What was done about it without a person, or would be.
    #[serde(default)]
    pub repair: Vec<String>,
    /// What an app that is concerned wrote to its log last.
    #[serde(default)]
    pub log: Vec<String>,
    /// Whom it concerns, at most 20.
    pub tenants: Vec<String>,
    /// How many it concerns.
    pub tenants_total: usize,
    /// The incidents that are open, then those that are over; at most 20.
    pub incidents: Vec<Brief>,
    /// How many there are.
    pub incidents_total: usize,
    /// How many of them are open.
    pub incidents_open: usize,
    /// How to say that somebody looks after it.
    pub acknowledge: Option<String>,
    /// How to hear nothing of it for a while.
    pub silence: Option<String>,
}

impl Message {
    /// The JSON Schema of the documented form.
    #[must_use]
    pub fn json_schema() -> serde_json::Value {
        schemars::schema_for!(Self).to_value()
    }

    /// A message that tries a channel, and says that nothing is wrong.
    #[must_use]
    pub fn test(channel: &str, dossier: &Dossier, now: Timestamp) -> Self {
        let thread = ThreadId::named(&format!("test-{}", now.as_millisecond()));
        Self {
            schema: SCHEMA.to_owned(),
            id: format!("{thread}-1"),
            thread,
            sequence: 1,
            reason: Reason::Test,
            why: Reason::Test.sentence(Severity::Info),
            status: Status::Test,
            at: now,
            subject: format!("{}: a test of the channel {channel}", dossier.domain),
            domain: dossier.domain.clone(),
            vantage: dossier.vantage.clone(),
            severity: Severity::Info,
            cause: "test".to_owned(),
            causes: Vec::new(),
            title: format!("This channel works: {channel}"),
            meaning: "roundsman was asked to send this. Messages of incidents look like it.".to_owned(),
            explain: None,
            docs: None,
            since: None,
            resolved_at: None,
            changed: None,
            evidence: Vec::new(),
            remedy: Vec::new(),
            repair: Vec::new(),
            log: Vec::new(),
            tenants: Vec::new(),
            tenants_total: 0,
            incidents: Vec::new(),
            incidents_total: 0,
            incidents_open: 0,
            acknowledge: None,
            silence: None,
        }
    }
}

/// One incident in short.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Brief {
    /// Its name.
    pub id: String,
    /// What is wrong.
    pub cause: String,
    /// Whom it concerns: agent, fleet or tenant.
    pub scope: String,
    /// What is guilty.
    pub object: String,
    /// How urgent it is.
    pub severity: Severity,
    /// Its state.
    #[schemars(with = "String")]
    pub state: State,
    /// When it was confirmed.
    #[schemars(with = "Option<String>")]
    pub opened_at: Option<Timestamp>,
    /// When it ended.
    #[schemars(with = "Option<String>")]
    pub resolved_at: Option<Timestamp>,
    /// Whom it concerns, at most three.
    pub tenants: Vec<String>,
    /// How many it concerns.
    pub tenants_total: usize,
    /// What changed since it was last well.
    pub changed: Option<String>,
    /// What proves it best.
    pub evidence: Option<String>,
    /// What to do about it.
    pub remedy: Option<String>,
}
