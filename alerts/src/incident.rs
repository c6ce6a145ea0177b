//! An incident, one type per state. Transitions consume: what is resolved cannot be told for the first time, because only
//! what fires has that method.

mod core;

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use self::core::{Acknowledgement, Core, Witness};
use super::now::later;
use super::{IncidentId, Now, Policy, Signal, Verdict};

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
