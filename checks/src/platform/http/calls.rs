//! What is counted of requests: how many of each kind were made, how they ended, and the latest ones for whoever tells them.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use crate::clock::now;

/// How many requests were made, by API and operation, and what came of them. Shared by the clients of a process.
#[derive(Clone, Debug, Default)]
pub struct Calls(Arc<Mutex<Counts>>);

#[derive(Debug, Default)]
struct Counts {
    made: BTreeMap<String, u32>,
    ended: BTreeMap<Ended, u64>,
    /// The latest ones, where somebody wants to know them, and how many were too many.
    latest: Option<(VecDeque<Call>, u64)>,
}

/// Most requests that are kept for whoever wants to know the latest.
const MOST_LATEST: usize = 1_000;

/// A request that ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// How.
    pub ended: Ended,
    /// When the head of its answer came, or it was given up.
    pub at: Timestamp,
    /// How long that took.
    pub took: Duration,
}

/// How a request ended.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ended {
    /// The API.
    pub api: String,
    /// What was asked of it.
    pub operation: String,
    /// The status of its answer; `None` where none came.
    pub status: Option<u16>,
}

impl Calls {
    pub(super) fn count(&self, api: &str, operation: &str) {
        let made = &mut self.lock().made;
        *made.entry(format!("{api} {operation}")).or_default() += 1;
    }

    /// Whether the latest requests are kept for whoever takes them.
    pub fn keep_latest(&self, keep: bool) {
        let latest = &mut self.lock().latest;
        if keep != latest.is_some() {
            *latest = keep.then(Default::default);
        }
    }

    /// The requests that ended since this was asked last, and how many others were too many to be kept.
    #[must_use]
    pub fn take_latest(&self) -> (Vec<Call>, u64) {
        let Some((latest, lost)) = &mut self.lock().latest else {
            return Default::default();
        };
        (std::mem::take(latest).into(), std::mem::take(lost))
    }

    pub(super) fn ended_with(&self, api: &str, operation: &str, status: Option<u16>, took: Duration) {
        let ended = Ended {
            api: api.to_owned(),
            operation: operation.to_owned(),
            status,
        };
        let mut counts = self.lock();
        if let Some((latest, lost)) = &mut counts.latest {
            let (ended, at) = (ended.clone(), now());
            latest.push_back(Call { ended, at, took });
            if latest.len() > MOST_LATEST {
                latest.pop_front();
                *lost += 1;
            }
        }
        *counts.ended.entry(ended).or_default() += 1;
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Requests that ended, by how they did; attempts count each.
    #[must_use]
    pub fn ended(&self) -> BTreeMap<Ended, u64> {
        self.lock().ended.clone()
    }

    /// Requests made, by `api operation`; attempts count each.
    #[must_use]
    pub fn made(&self) -> BTreeMap<String, u32> {
        self.lock().made.clone()
    }
}
