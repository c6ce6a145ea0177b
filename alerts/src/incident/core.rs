//! What is true of an incident in every state: what it is about, who was looked at, whom it concerns.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::notification::ThreadId;
use crate::now::later;
use crate::{Account, IncidentId, Key, Members, Now, Policy, Repair, Severity, Signal, Verdict};

/// What is true of an incident in every state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Core {
    /// Its name.
    pub id: IncidentId,
    /// What it is about.
    pub key: Key,
    /// Its first failing look.
    pub began: Now,
    /// How urgent it is: it rises, and does not fall before the end.
    pub severity: Severity,
    /// What is to be told of it, as last seen.
    pub account: Account,
    /// Who was looked at, and how their last looks went.
    pub witnesses: BTreeMap<Arc<str>, Witness>,
    /// Whom it concerns now; of what is resolved everybody whom it concerned since it began.
    pub members: BTreeSet<Arc<str>>,
    /// Whom it concerned since it began, and does not any more.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub left: BTreeSet<Arc<str>>,
    /// Whom it concerned first: that names it to others as long as it lasts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<Arc<str>>,
    /// How urgent it was before it grew more urgent, and when it did, by the wall's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rose: Option<(Severity, Timestamp)>,
    /// Who looks after it, until its end.
    pub acknowledged: Option<Acknowledgement>,
    /// In which thread of messages it is told.
    #[serde(default)]
    pub thread: Option<ThreadId>,
    /// What was done about it without a person, or would be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repair: Option<Repair>,
}

/// That somebody looks after an incident.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acknowledgement {
    /// When it was said, by the wall's clock.
    pub at: Timestamp,
    /// What they say.
    pub comment: String,
}

/// The last looks at one witness that went the same way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Witness {
    /// Whether they failed.
    pub fails: bool,
    /// How many there were in a row.
    pub looks: u32,
    /// When the first of them was, by the steady clock.
    pub since: Timestamp,
}

impl Core {
    /// What a signal tells of a new incident.
    pub(super) fn new(id: IncidentId, signal: &Signal, now: Now) -> Self {
        let mut core = Self {
            id,
            key: signal.key.clone(),
            began: now,
            severity: signal.account.severity,
            account: signal.account.clone(),
            witnesses: BTreeMap::new(),
            members: BTreeSet::new(),
            left: BTreeSet::new(),
            first: None,
            rose: None,
            acknowledged: None,
            thread: None,
            repair: None,
        };
        core.hear(signal, now);
        core
    }

    /// Takes in a look: who joined and who left by it.
    pub(crate) fn hear(&mut self, signal: &Signal, now: Now) -> (Vec<Arc<str>>, Vec<Arc<str>>) {
        let fails = match signal.verdict {
            Verdict::Firing => true,
            Verdict::Clear => false,
            Verdict::Unknown => return Default::default(),
        };
        if fails {
            if signal.account.severity > self.severity {
                self.rose = Some((self.severity, now.wall));
                self.severity = signal.account.severity;
            }
            self.account = signal.account.clone();
        }
        let fresh = Witness {
            fails,
            looks: 0,
            since: now.steady,
        };
        let witness = self.witnesses.entry(Arc::clone(&signal.witness)).or_insert(fresh);
        if witness.fails != fails {
            *witness = fresh;
        }
        witness.looks = witness.looks.saturating_add(1);
        let itself = || vec![Arc::clone(&signal.witness)];
        let (joined, left) = match (&signal.members, fails) {
            (Members::Witness, true) => (itself(), Vec::new()),
            (Members::Witness, false) => (Vec::new(), itself()),
            (Members::Others { joined, left }, _) => (joined.clone(), left.clone()),
        };
        self.change_members(joined, left)
    }

    /// Who really joined and left.
    pub(crate) fn change_members(
        &mut self,
        mut joined: Vec<Arc<str>>,
        mut left: Vec<Arc<str>>,
    ) -> (Vec<Arc<str>>, Vec<Arc<str>>) {
        joined.retain(|member| self.members.insert(Arc::clone(member)));
        left.retain(|member| self.members.remove(member));
        if self.first.is_none() {
            self.first = joined.first().cloned();
        }
        for member in &joined {
            self.left.remove(member);
        }
        self.left.extend(left.iter().cloned());
        (joined, left)
    }

    pub(super) fn is_failing(&self) -> bool {
        self.witnesses.values().any(|witness| witness.fails)
    }

    /// When it is confirmed at the earliest, without another look: once a witness failed often enough.
    pub(super) fn opens_at(&self, policy: &Policy) -> Option<Timestamp> {
        let mut failing = self.witnesses.values().filter(|witness| witness.fails);
        if self.account.at_once {
            return failing.next().map(|witness| witness.since);
        }
        let confirmed = failing.filter(|witness| witness.looks >= policy.confirm);
        let wait = match self.account.transient {
            true => policy.confirm_for.max(policy.transient_for),
            false => policy.confirm_for,
        };
        confirmed.map(|witness| later(witness.since, wait)).min()
    }

    /// When it is over at the earliest, without another look: once every witness passed often enough.
    pub(super) fn clears_at(&self, policy: &Policy, since: Timestamp) -> Option<Timestamp> {
        if self.account.at_once {
            return Some(since);
        }
        let cleared = |witness: &Witness| !witness.fails && witness.looks >= policy.clear;
        let all = !self.witnesses.is_empty() && self.witnesses.values().all(cleared);
        all.then(|| later(since, policy.clear_for))
    }

    /// Of so many looks at a witness that have to go this way the last is still to come.
    pub(super) fn ask_again(&mut self, fails: bool, looks: u32) {
        let such = self.witnesses.values_mut().filter(|witness| witness.fails == fails);
        such.for_each(|witness| witness.looks = witness.looks.min(looks.saturating_sub(1)));
    }

    /// Everything measured is this much later: nothing was seen meanwhile.
    pub(super) fn shift(&mut self, by: Duration) {
        for witness in self.witnesses.values_mut() {
            witness.since = later(witness.since, by);
        }
    }
}
