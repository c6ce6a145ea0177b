//! An incident, one type per state. Transitions consume: what is resolved cannot be told for the first time, because only
//! what fires has that method.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::notification::ThreadId;
use super::now::later;
use super::{Account, IncidentId, Key, Members, Now, Policy, Repair, Severity, Signal, Verdict};

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

/// An incident in its state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "state")]
pub enum Incident {
    /// It fails, and is not confirmed.
    Pending(Pending),
    /// It is confirmed.
    Firing(Firing),
    /// Nobody fails, and that is not confirmed.
    Recovering(Recovering),
    /// It is over.
    Resolved(Resolved),
}

/// The state of an incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// It fails, and is not confirmed.
    Pending,
    /// It is confirmed.
    Firing,
    /// Nobody fails, and that is not confirmed.
    Recovering,
    /// It is over.
    Resolved,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Pending => "pending",
            Self::Firing => "firing",
            Self::Recovering => "recovering",
            Self::Resolved => "resolved",
        })
    }
}

/// Something fails, and is not confirmed yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    /// What is true in every state.
    pub core: Core,
    /// What it was, where it comes back soon after its end.
    pub reopens: Option<Box<Resolved>>,
}

/// It is confirmed. Only from here it is told for the first time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Firing {
    /// What is true in every state.
    pub core: Core,
    /// When it was confirmed.
    pub opened: Now,
}

/// Nobody fails any more, and that is not confirmed yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recovering {
    /// What is true in every state.
    pub core: Core,
    /// When it was confirmed.
    pub opened: Now,
    /// Since when nobody fails, by the steady clock.
    pub since: Timestamp,
}

/// It is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resolved {
    /// What was true of it.
    pub core: Core,
    /// When it was confirmed.
    pub opened: Now,
    /// When it ended.
    pub resolved: Now,
}

impl Core {
    /// What a signal tells of a new incident.
    fn new(id: IncidentId, signal: &Signal, now: Now) -> Self {
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
    pub(super) fn hear(&mut self, signal: &Signal, now: Now) -> (Vec<Arc<str>>, Vec<Arc<str>>) {
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
    pub(super) fn change_members(
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

    fn is_failing(&self) -> bool {
        self.witnesses.values().any(|witness| witness.fails)
    }

    /// When it is confirmed at the earliest, without another look: once a witness failed often enough.
    fn opens_at(&self, policy: &Policy) -> Option<Timestamp> {
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
    fn clears_at(&self, policy: &Policy, since: Timestamp) -> Option<Timestamp> {
        if self.account.at_once {
            return Some(since);
        }
        let cleared = |witness: &Witness| !witness.fails && witness.looks >= policy.clear;
        let all = !self.witnesses.is_empty() && self.witnesses.values().all(cleared);
        all.then(|| later(since, policy.clear_for))
    }

    /// Of so many looks at a witness that have to go this way the last is still to come.
    fn ask_again(&mut self, fails: bool, looks: u32) {
        let such = self.witnesses.values_mut().filter(|witness| witness.fails == fails);
        such.for_each(|witness| witness.looks = witness.looks.min(looks.saturating_sub(1)));
    }

    /// Everything measured is this much later: nothing was seen meanwhile.
    fn shift(&mut self, by: Duration) {
        for witness in self.witnesses.values_mut() {
            witness.since = later(witness.since, by);
        }
    }
}

impl Pending {
    /// Something fails for the first time.
    pub(super) fn begin(id: IncidentId, signal: &Signal, now: Now) -> Self {
        Self {
            core: Core::new(id, signal, now),
            reopens: None,
        }
    }

    fn confirm(self, now: Now) -> Firing {
        Firing {
            core: self.core,
            opened: self.reopens.map_or(now, |before| before.opened),
        }
    }
}

impl Firing {
    fn recover(self, now: Now) -> Recovering {
        Recovering {
            core: self.core,
            opened: self.opened,
            since: now.steady,
        }
    }
}

impl Recovering {
    fn relapse(self) -> Firing {
        Firing {
            core: self.core,
            opened: self.opened,
        }
    }

    fn resolve(mut self, now: Now) -> Resolved {
        self.core.acknowledged = None;
        self.core.members.append(&mut self.core.left);
        Resolved {
            core: self.core,
            opened: self.opened,
            resolved: now,
        }
    }
}

impl Resolved {
    /// It fails again soon after its end: the same incident, to be confirmed again.
    pub(super) fn reopen(self, signal: &Signal, now: Now) -> Pending {
        let again = Core::new(self.core.id.clone(), signal, now);
        Pending {
            core: Core {
                thread: self.core.thread.clone(),
                first: self.core.first.clone().or_else(|| again.first.clone()),
                ..again
            },
            reopens: Some(Box::new(self)),
        }
    }

    fn resume(&mut self, now: Now) {
        self.resolved.steady = self.resolved.steady.min(now.steady);
    }

    fn shift(&mut self, by: Duration) {
        self.resolved.steady = later(self.resolved.steady, by);
    }
}

/// How an incident goes on where nobody looked: by time alone.
pub(super) enum Next {
    /// As before.
    Same(Incident),
    /// In another state.
    Moved(Incident, super::Change),
    /// It is not there any more.
    Gone(Incident, super::Change),
}

impl Incident {
    /// What is true in every state.
    #[must_use]
    pub fn core(&self) -> &Core {
        match self {
            Self::Pending(Pending { core, .. })
            | Self::Firing(Firing { core, .. })
            | Self::Recovering(Recovering { core, .. })
            | Self::Resolved(Resolved { core, .. }) => core,
        }
    }

    pub(super) fn core_mut(&mut self) -> &mut Core {
        match self {
            Self::Pending(Pending { core, .. })
            | Self::Firing(Firing { core, .. })
            | Self::Recovering(Recovering { core, .. })
            | Self::Resolved(Resolved { core, .. }) => core,
        }
    }

    /// Its state.
    #[must_use]
    pub fn state(&self) -> State {
        match self {
            Self::Pending(_) => State::Pending,
            Self::Firing(_) => State::Firing,
            Self::Recovering(_) => State::Recovering,
            Self::Resolved(_) => State::Resolved,
        }
    }

    /// When it was confirmed.
    #[must_use]
    pub fn opened(&self) -> Option<Now> {
        match self {
            Self::Pending(pending) => pending.reopens.as_ref().map(|before| before.opened),
            Self::Firing(Firing { opened, .. })
            | Self::Recovering(Recovering { opened, .. })
            | Self::Resolved(Resolved { opened, .. }) => Some(*opened),
        }
    }

    /// When it ended.
    #[must_use]
    pub fn resolved(&self) -> Option<Now> {
        match self {
            Self::Resolved(resolved) => Some(resolved.resolved),
            _ => None,
        }
    }

    /// Whether it is confirmed and not over.
    #[must_use]
    pub fn is_open(&self) -> bool {
        matches!(self, Self::Firing(_) | Self::Recovering(_))
    }

    /// Whether it is over, or was before it came back.
    pub(super) fn was_over(&self) -> bool {
        matches!(
            self,
            Self::Resolved(_) | Self::Pending(Pending { reopens: Some(_), .. })
        )
    }

    /// Whether a look goes another way than the one before it at the same witness.
    pub(super) fn is_changed_by(&self, signal: &Signal) -> bool {
        let fails = signal.verdict == Verdict::Firing;
        match self {
            Self::Resolved(_) => fails,
            _ => {
                let before = self.core().witnesses.get(&signal.witness);
                before.is_some_and(|witness| witness.fails != fails)
            }
        }
    }

    /// When time alone changes its state; nothing where a look must come first.
    pub(super) fn due(&self, policy: &Policy) -> Option<Timestamp> {
        match self {
            Self::Pending(pending) => pending.core.opens_at(policy),
            Self::Firing(_) => None,
            Self::Recovering(recovering) => recovering.core.clears_at(policy, recovering.since),
            Self::Resolved(resolved) => Some(later(resolved.resolved.steady, policy.reopen_within)),
        }
    }

    /// The state that follows from what was heard, and from the time.
    pub(super) fn next(self, policy: &Policy, now: Now) -> Next {
        use super::Change;
        let due = self.due(policy).is_some_and(|due| due <= now.steady);
        match self {
            Self::Pending(pending) if !pending.core.is_failing() => match pending {
                // It was over before, and still is.
                Pending {
                    reopens: Some(before), ..
                } => Next::Moved(Self::Resolved(*before), Change::Passed),
                untold => Next::Gone(Self::Pending(untold), Change::Passed),
            },
            Self::Pending(pending) if due => {
                let change = match pending.reopens {
                    Some(_) => Change::Reopened,
                    None => Change::Opened,
                };
                Next::Moved(Self::Firing(pending.confirm(now)), change)
            }
            Self::Firing(firing) if !firing.core.is_failing() => {
                Next::Moved(Self::Recovering(firing.recover(now)), Change::Recovering)
            }
            Self::Recovering(recovering) if recovering.core.is_failing() => {
                Next::Moved(Self::Firing(recovering.relapse()), Change::Relapsed)
            }
            Self::Recovering(recovering) if due => {
                Next::Moved(Self::Resolved(recovering.resolve(now)), Change::Resolved)
            }
            same => Next::Same(same),
        }
    }

    /// Goes on after a while in which nobody looked: what has to pass for long begins anew, one more look is needed to
    /// open or to resolve anything, and nothing was measured after this moment, however the clocks were set meanwhile.
    pub(super) fn resume(&mut self, policy: &Policy, now: Now) {
        for witness in self.core_mut().witnesses.values_mut() {
            witness.since = witness.since.min(now.steady);
        }
        match self {
            Self::Recovering(recovering) => {
                recovering.since = now.steady;
                recovering.core.ask_again(false, policy.clear);
            }
            Self::Resolved(resolved) => resolved.resume(now),
            Self::Pending(pending) => {
                pending.core.ask_again(true, policy.confirm);
                if let Some(before) = &mut pending.reopens {
                    before.resume(now);
                }
            }
            Self::Firing(_) => {}
        }
    }

    /// Everything measured is this much later: nothing could be seen meanwhile.
    pub(super) fn shift(&mut self, by: Duration) {
        self.core_mut().shift(by);
        match self {
            Self::Recovering(recovering) => recovering.since = later(recovering.since, by),
            Self::Resolved(resolved) => resolved.shift(by),
            Self::Pending(pending) => {
                if let Some(before) = &mut pending.reopens {
                    before.shift(by);
                }
            }
            Self::Firing(_) => {}
        }
    }
}
