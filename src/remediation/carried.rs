//! What came of plans, who allowed them, and where that is written down.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::future::LocalBoxFuture;
use jiff::Timestamp;
use roundsman_checks::clock::now;

use super::guard::Guard;
use super::ledger::{Entry, Row};
use super::plan::Plan;
use crate::config::RepairAction;

/// Where the ledger is kept.
pub trait Keep {
    /// Appends a row; it is on the disk when this ends well.
    fn append(&self, entry: Entry) -> LocalBoxFuture<'_, Result<(), String>>;

    /// The rows so far.
    ///
    /// # Errors
    /// Why they can't be had, or that they were tampered with.
    fn rows(&self) -> Result<Vec<Row>, String>;
}

/// How a step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It was only planned.
    Planned,
    /// It was done.
    Done,
    /// Nothing had to be done.
    Already,
    /// It was not done: the world had changed.
    Aborted,
    /// It did not do what it should.
    Failed,
    /// It was not done: a guard holds it.
    Refused,
}

impl Ended {
    /// Its word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Done => "done",
            Self::Already => "already",
            Self::Aborted => "aborted",
            Self::Failed => "failed",
            Self::Refused => "refused",
        }
    }
}

/// From when to when something was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct During {
    /// When it began.
    pub from: Timestamp,
    /// When it was over.
    pub to: Timestamp,
}

impl During {
    /// From then until now.
    pub(super) fn since(from: Timestamp) -> Self {
        Self { from, to: now() }
    }
}

/// What came of a step.
#[derive(Clone, Debug, PartialEq)]
pub struct StepEnd {
    /// How it ended.
    pub ended: Ended,
    /// The guard that holds it, where one does.
    pub guard: Option<Guard>,
    /// Why, for a person; empty where there is nothing to say.
    pub message: String,
    /// When it was tried, where it was.
    pub during: Option<During>,
}

impl StepEnd {
    /// A step that nobody wanted done yet.
    #[must_use]
    pub fn planned() -> Self {
        Self::of(Ended::Planned, "")
    }

    pub(super) fn of(ended: Ended, message: impl Into<String>) -> Self {
        Self {
            ended,
            guard: None,
            message: message.into(),
            during: None,
        }
    }

    /// A step that a guard holds.
    #[must_use]
    pub fn refused(guard: Guard, message: impl Into<String>) -> Self {
        Self {
            guard: Some(guard),
            ..Self::of(Ended::Refused, message)
        }
    }

    pub(super) fn changed(message: impl Into<String>) -> Self {
        Self {
            guard: Some(Guard::ChangedSincePlan),
            ..Self::of(Ended::Aborted, message)
        }
    }

    /// Whether what it is for is so.
    #[must_use]
    pub fn is_good(&self) -> bool {
        matches!(self.ended, Ended::Done | Ended::Already)
    }
}

/// What came of a plan.
#[derive(Clone, Debug, PartialEq)]
pub struct Carried {
    /// The plan.
    pub plan: Plan,
    /// Each of its steps, in order.
    pub steps: Vec<StepEnd>,
    /// Whether three examinations passed afterwards; nothing where nothing was done. Why not, where they did not.
    pub verified: Option<Result<(), String>>,
    /// When it was examined afterwards, where it was.
    pub proved: Option<During>,
}

impl Carried {
    /// A plan of which nothing was done.
    #[must_use]
    pub fn untouched(plan: Plan, end: &StepEnd) -> Self {
        Self {
            steps: vec![end.clone(); plan.repair.steps.len()],
            plan,
            verified: None,
            proved: None,
        }
    }

    /// From the first step that was tried to the last thing that was done; nothing where nothing was.
    #[must_use]
    pub fn during(&self) -> Option<During> {
        let all = self.steps.iter().filter_map(|end| end.during).chain(self.proved);
        all.reduce(|all, one| During {
            from: all.from.min(one.from),
            to: all.to.max(one.to),
        })
    }

    /// How long it took from its beginning until it was verified.
    #[must_use]
    pub fn took(&self) -> Option<Duration> {
        let During { from, to } = self.during().filter(|_| self.verified == Some(Ok(())))?;
        Duration::try_from(to.duration_since(from)).ok()
    }

    /// Whether something was changed.
    #[must_use]
    pub fn changed(&self) -> bool {
        let mut steps = self.plan.repair.steps.iter().zip(&self.steps);
        steps.any(|(step, end)| step.changes() && end.ended == Ended::Done)
    }

    /// Whether it did not do what it should.
    #[must_use]
    pub fn failed(&self) -> bool {
        let bad = |end: &StepEnd| matches!(end.ended, Ended::Failed | Ended::Aborted);
        self.steps.iter().any(bad) || matches!(self.verified, Some(Err(_)))
    }
}

/// Who may have what done.
#[derive(Clone, Debug, Default)]
pub struct Permit {
    /// Actions that need no further word.
    pub actions: BTreeSet<RepairAction>,
    /// Plans that somebody said yes to.
    pub plans: BTreeSet<String>,
    /// How many a person wants at most who lifts what limits their amount.
    pub most: Option<usize>,
    /// How many are carried out before they are proved together.
    pub batch: usize,
}
