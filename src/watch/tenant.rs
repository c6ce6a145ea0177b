//! What a dispatcher keeps of one tenant: little while it is well.

use std::sync::Arc;

use jiff::Timestamp;
use roundsman_alerts::Key;
use roundsman_checks::diagnosis::{Cause, Explanation, Status, TenantFacts};
use roundsman_checks::finding::{Check, Outcome};
use roundsman_checks::target::Tenant;

use super::rounds::Counted;
use super::seen::Seen;
use crate::history::{HourSoFar, Level, PHASES};
use crate::schedule::Phase;

/// A tenant as it was seen last.
#[derive(Clone, Debug)]
pub(super) struct TenantState {
    pub tenant: Arc<Tenant>,
    /// Its id, as the book of incidents names it.
    pub name: Arc<str>,
    pub phase: Phase,
    /// What stays of it for the rules about many.
    pub facts: Option<TenantFacts>,
    /// What explains it where nothing shared does; nothing while it is well.
    pub own: Vec<Explanation>,
    /// The incidents of its own that it bears witness of.
    pub keys: Vec<Key>,
    /// Those of them that held at its last examination.
    pub firing: Vec<Key>,
    /// What was seen of it last, and while it was well last.
    pub seen: Option<Arc<Seen>>,
    pub good: Option<Arc<Seen>>,
    /// How long each phase of its last visit took, and its hour.
    pub levels: [Level; PHASES.len()],
    pub hour: HourSoFar,
    pub status: Status,
    /// How each check is with all that is shared.
    pub outcomes: [Outcome; Check::COUNT],
    /// When what is served for it ends, as seen last.
    pub not_after: Option<Timestamp>,
    /// In which round it was examined last.
    pub counted: Counted,
    pub cause: Option<Cause>,
    /// How it was before this process, until its first examination.
    pub memory: Option<(Status, Option<Cause>)>,
    /// Since when it is so, by the wall's clock.
    pub since: Option<Timestamp>,
    /// When it was well last, by the wall's clock.
    pub last_good: Option<Timestamp>,
    /// When its last examination began, by the steady clock and by the wall's.
    pub examined: Option<(Timestamp, Timestamp)>,
    /// When the one that is under way began, by the steady clock.
    pub begun: Option<Timestamp>,
    /// How many examinations in a row found something new that fails.
    pub misses: u8,
    /// Whether the last one counted for nothing, because the agent stood still meanwhile.
    pub doubted: bool,
    /// When it was woken for its page last, by the steady clock.
    pub woken: Option<Timestamp>,
    /// In how many readings of the inventory in a row it was missing.
    pub absent: u8,
    /// Whether its end is nobody's business: who named it took it out by hand.
    pub by_hand: bool,
}

impl TenantState {
    pub(super) fn new(tenant: Arc<Tenant>, by_hand: bool) -> Self {
        Self {
            phase: Phase::of(&tenant.id),
            name: tenant.id.as_str().into(),
            tenant,
            facts: None,
            own: Vec::new(),
            keys: Vec::new(),
            firing: Vec::new(),
            seen: None,
            good: None,
            levels: [Level::NONE; PHASES.len()],
            hour: HourSoFar::default(),
            status: Status::Unknown,
            outcomes: [Outcome::Unknown; Check::COUNT],
            not_after: None,
            counted: Counted::default(),
            cause: None,
            memory: None,
            since: None,
            last_good: None,
            examined: None,
            begun: None,
            misses: 0,
            doubted: false,
            woken: None,
            absent: 0,
            by_hand,
        }
    }

    /// What is not as it was while it was well.
    pub(super) fn changed(&self) -> Option<String> {
        self.seen.as_ref()?.changed_since(self.good.as_ref()?)
    }

    pub(super) fn is_well(&self) -> bool {
        self.status == Status::Healthy
    }
}
