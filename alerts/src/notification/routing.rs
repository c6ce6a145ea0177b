//! Who is told of what, and how often: what the configuration says of it.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::Destination;
use crate::now::later;
use crate::{Core, Incident, Matcher, Severity, Subject};

/// How incidents become messages.
#[derive(Clone, Debug)]
pub struct Routing {
    /// How long the first message waits for company.
    pub group_wait: Duration,
    /// How far apart updates are at least.
    pub group_interval: Duration,
    /// What incidents have in common that are told together; nothing: each is told alone.
    pub group_by: Vec<GroupBy>,
    /// How often what goes on is told again.
    pub repeat: Repeat,
    /// How long what came and went has to stay as it is until that is told.
    pub calm: Duration,
    /// How long something critical may be undelivered until the fallback channels are told.
    pub fallback_after: Duration,
    /// How long something may be undelivered on all its channels until the alerting itself counts as stuck.
    pub stuck_after: Duration,
    /// All channels.
    pub receivers: Vec<Receiver>,
    /// Who is told; the first that matches. None at all: everything goes to every channel.
    pub routes: Vec<Route>,
    /// When nobody is told.
    pub windows: Vec<Window>,
}

impl Default for Routing {
    fn default() -> Self {
        Self {
            group_wait: Duration::from_secs(15),
            group_interval: Duration::from_secs(5 * 60),
            group_by: vec![GroupBy::Cause],
            repeat: Repeat::default(),
            calm: Duration::from_secs(10 * 60),
            fallback_after: Duration::from_secs(2 * 60),
            stuck_after: Duration::from_secs(10 * 60),
            receivers: Vec::new(),
            routes: Vec::new(),
            windows: Vec::new(),
        }
    }
}

/// How often what goes on is told again, by how urgent it is. What is only worth knowing is told once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repeat {
    /// Of what is critical.
    pub critical: Duration,
    /// Of warnings.
    pub warning: Duration,
}

impl Default for Repeat {
    fn default() -> Self {
        Self {
            critical: Duration::from_secs(4 * 3600),
            warning: Duration::from_secs(24 * 3600),
        }
    }
}

impl Repeat {
    /// How often; `None` is never.
    #[must_use]
    pub fn of(&self, severity: Severity) -> Option<Duration> {
        match severity {
            Severity::Critical => Some(self.critical),
            Severity::Warning => Some(self.warning),
            Severity::Info => None,
        }
    }
}

/// What incidents have in common that are told in one message.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum GroupBy {
    /// What is wrong.
    Cause,
    /// Whom it concerns: agent, fleet, tenant.
    Scope,
    /// How urgent it was when it opened.
    Severity,
    /// A label of the tenants.
    Label(String),
}

impl GroupBy {
    fn of(&self, core: &Core) -> (String, String) {
        match self {
            Self::Cause => ("cause".to_owned(), core.key.cause.to_string()),
            Self::Scope => ("scope".to_owned(), core.key.scope.to_string()),
            Self::Severity => ("severity".to_owned(), core.severity.to_string()),
            Self::Label(name) => {
                let value = core.account.labels.get(name).cloned().unwrap_or_default();
                (format!("label:{name}"), value)
            }
        }
    }
}

/// A channel, as far as deciding has to know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receiver {
    /// Its name.
    pub channel: Arc<str>,
    /// Where its messages go, each by itself. Nowhere: it is told how things are, not what happened.
    pub to: Vec<Destination>,
    /// Whether it keeps a state of its own in which somebody looks after something.
    pub acknowledges: bool,
}

/// Who is told of what matches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// All of them have to hold; for one of those whom it concerns where they are about members.
    pub matchers: Vec<Matcher>,
    /// The channels.
    pub channels: Vec<Arc<str>>,
    /// The channels that are told when these can't be reached.
    pub fallback: Vec<Arc<str>>,
}

/// Where an incident belongs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// What it has in common with those that are told with it, its channels included.
    pub common: Vec<(String, String)>,
    pub channels: BTreeSet<Arc<str>>,
    pub fallback: BTreeSet<Arc<str>>,
}

impl Routing {
    /// A channel by its name.
    #[must_use]
    pub fn receiver(&self, channel: &str) -> Option<&Receiver> {
        self.receivers.iter().find(|receiver| *receiver.channel == *channel)
    }

    /// Where an incident belongs.
    pub(super) fn place(&self, core: &Core) -> Place {
        let route = self.routes.iter().find(|route| matches_any(&route.matchers, core));
        let (channels, fallback) = match route {
            Some(route) => (route.channels.clone(), route.fallback.clone()),
            None if self.routes.is_empty() => {
                let all = self.receivers.iter().map(|receiver| Arc::clone(&receiver.channel));
                (all.collect(), Vec::new())
            }
            // Routes are there and none of them wants it.
            None => (Vec::new(), Vec::new()),
        };
        let channels = channels.into_iter().collect::<BTreeSet<_>>();
        let mut common = match self.group_by.as_slice() {
            [] => vec![("incident".to_owned(), core.id.to_string())],
            by => by.iter().map(|by| by.of(core)).collect(),
        };
        let names = channels.iter().map(AsRef::as_ref).collect::<Vec<&str>>();
        common.push(("channels".to_owned(), names.join(",")));
        Place {
            common,
            channels,
            fallback: fallback.into_iter().collect(),
        }
    }

    /// Until when a maintenance window lasts at a moment that mutes all whom an incident concerns.
    pub(super) fn in_maintenance(&self, incident: &Incident, at: Timestamp) -> Option<Timestamp> {
        let lasting = self.windows.iter().filter_map(|window| {
            let ends = window.ends(at)?;
            matches_all(&window.matchers, incident.core()).then_some(ends)
        });
        lasting.max()
    }
}

/// When something takes place.
pub trait Calendar: fmt::Debug + Send + Sync {
    /// When it began last, at a moment or before it.
    fn last(&self, until: Timestamp) -> Option<Timestamp>;
}

/// A time in which nobody is told of what matches, again and again.
#[derive(Clone, Debug)]
pub struct Window {
    /// All of them have to hold; for all whom it concerns where they are about members.
    pub matchers: Vec<Matcher>,
    /// When it begins.
    pub calendar: Arc<dyn Calendar>,
    /// How long it lasts.
    pub duration: Duration,
}

impl Window {
    /// When it ends that lasts at a moment, if one does.
    #[must_use]
    pub fn ends(&self, at: Timestamp) -> Option<Timestamp> {
        let ends = later(self.calendar.last(at)?, self.duration);
        (ends > at).then_some(ends)
    }
}

fn subject<'s>(core: &'s Core, member: Option<&'s str>) -> Subject<'s> {
    Subject {
        cause: &core.key.cause,
        scope: &core.key.scope,
        severity: core.severity,
        member,
        labels: &core.account.labels,
    }
}

/// Whether matchers hold for one of those whom an incident concerns. What concerns the fleet or the agent is nobody's
/// own: what is said about members does not hold for it.
fn matches_any(matchers: &[Matcher], core: &Core) -> bool {
    let holds = |member: Option<&str>| matchers.iter().all(|matcher| matcher.matches(&subject(core, member)));
    match &*core.key.scope {
        "tenant" => holds(None) || core.members.iter().any(|member| holds(Some(member))),
        _ => holds(None),
    }
}

/// Whether matchers hold for everybody whom an incident concerns.
pub(super) fn matches_all(matchers: &[Matcher], core: &Core) -> bool {
    let holds = |member: Option<&str>| matchers.iter().all(|matcher| matcher.matches(&subject(core, member)));
    match core.members.is_empty() {
        true => holds(None),
        false => core.members.iter().all(|member| holds(Some(member))),
    }
}
