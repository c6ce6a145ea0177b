//! Whose turn it is to be looked for in the edge's log while tenants are examined one by one: few at once, few at a time
//! in all, and not again and again for what the log does not tell.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::assignment::ProbeTarget;
use super::examine::Examination;
use super::log_search;
use super::quota::{Failure, Quota};
use super::tenant::TenantProber;
use crate::clock::Moment;
use crate::diagnosis::{Cause, FollowUp};
use crate::evidence::TenantLog;
use crate::logs::Replay;
use crate::target::TenantId;

/// How many are looked for together.
const TOGETHER: usize = 2;
/// How many are looked for at once, and how often there is one more.
const BURST: u32 = 10;
const ONE_MORE: Duration = Duration::from_secs(10);
/// For how many the log tells another app: they are looked for at each look, so that their cause stays.
const MOST_NAMED: usize = 20;
/// How long one waits for a turn and a search together.
const PATIENCE: Duration = Duration::from_secs(15);
/// How long the log is not asked again for a tenant that fails as it did when the log told nothing.
const SAME: Duration = Duration::from_secs(600);

/// The turns, from look to look.
pub(super) struct LogTurns {
    known: Mutex<Known>,
    turns: Semaphore,
}

struct Known {
    /// What came of the last search for each, by how it failed before.
    found: HashMap<TenantId, Found>,
    quota: Quota,
}

struct Found {
    failure: Failure,
    /// What the log said, where it named another app.
    named: Option<TenantLog>,
    at: Moment,
}

impl LogTurns {
    pub(super) fn new() -> Self {
        Self {
            known: Mutex::new(Known {
                found: HashMap::new(),
                quota: Quota::full(BURST, ONE_MORE, Moment::now()),
            }),
            turns: Semaphore::new(TOGETHER),
        }
    }

    /// Looks for a tenant in the edge's log, where its judgement asks for that and it is its turn; judges it again by what
    /// is found.
    pub(super) async fn answer(&self, prober: &TenantProber<'_>, target: &ProbeTarget, examination: &mut Examination) {
        let id = &target.tenant.id;
        let mut open = examination.judgement.follow_ups.iter();
        let asks = open.any(|follow_up| matches!(follow_up, FollowUp::Log(_)));
        let Some(failure) = Failure::of(examination).filter(|_| asks) else {
            if examination.is_well() {
                self.known().found.remove(id);
            }
            return;
        };
        if !self.may_look(id, &failure) {
            return;
        }
        let search = async {
            let _turn = self.turns.acquire().await.ok()?;
            log_search::search(prober, &[(0, target)]).await.pop()
        };
        let Ok(Some((_, log))) = timeout(PATIENCE, search).await else {
            return;
        };
        let silent = !tells(&log);
        take(prober, examination, log);
        let mut known = self.known();
        // A log that is silent now takes back nothing of what it said while the tenant failed in the same way.
        if silent
            && let Some(before) = known.found.get(id).filter(|found| found.failure == failure)
            && let Some(log) = &before.named
        {
            take(prober, examination, log.clone());
            return;
        }
        let mut causes = examination.judgement.own.iter().map(|own| own.cause);
        let named = causes.any(|cause| cause == Cause::RouteWrongApp);
        let found = Found {
            failure,
            named: named.then(|| examination.evidence.log.clone()),
            at: Moment::now(),
        };
        known.found.insert(id.clone(), found);
    }

    fn may_look(&self, id: &TenantId, failure: &Failure) -> bool {
        let mut known = self.known();
        let now = Moment::now();
        known.found.retain(|_, found| now.since(found.at) < SAME);
        match known.found.get(id) {
            Some(found) if found.named.is_some() => return true,
            Some(found) if found.failure == *failure => return false,
            _ => {}
        }
        let named = known.found.values().filter(|found| found.named.is_some()).count();
        named < MOST_NAMED && known.quota.take(now)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a log tells where requests go.
fn tells(log: &TenantLog) -> bool {
    let lines = log.edge.known().into_iter().flatten();
    lines.into_iter().any(|line| Replay::read(&line.message).is_some())
}

/// Takes in what the edge's log says, and judges the tenant again.
fn take(prober: &TenantProber<'_>, examination: &mut Examination, log: TenantLog) {
    let kept = &mut examination.evidence.log;
    (kept.edge, kept.visits) = (log.edge, log.visits);
    examination.judge_again(prober.context);
}
