//! The platform's word on single apps: what was read in bulk is minutes old where apps are many, and who fails since then
//! is asked for by itself. Few at once and few a minute, whatever fails; an API that does not answer is left in peace.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::SignedDuration;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::examine::Examination;
use super::quota::{Failure, Quota};
use super::setup::ProbeSetup;
use crate::clock::{Moment, now};
use crate::evidence::{App, AppWord, Fault, Platform, Reason};
use crate::world::TenantEvidence;

/// How old the platform's word may be when a visit is made before it is worth asking again.
const YOUNG: SignedDuration = SignedDuration::from_secs(5);
/// How many apps are asked for together.
const TOGETHER: usize = 4;
/// How many apps are asked for at once, and how often there is one more: what fails at more of them is shown by the next
/// reading of all.
const BURST: u32 = 10;
const ONE_MORE: Duration = Duration::from_secs(6);
/// How long one word may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long nobody is asked for after no answer came.
const REST: Duration = Duration::from_secs(60);
/// How long what fails in the same way as it did with a fresh word is not asked for again.
const SAME: Duration = Duration::from_secs(600);

/// What the platform was asked of single apps, from look to look.
pub(super) struct AppWords {
    known: Mutex<Known>,
    turns: Semaphore,
}

struct Known {
    /// By app, each with what was known of the app in bulk then: it counts until that is another.
    words: HashMap<String, (Arc<AppWord>, Option<App>)>,
    /// How the tenant of an app failed when that was judged by a fresh word, and when.
    seen: HashMap<String, (Failure, Moment)>,
    quota: Quota,
    /// Until when nobody is asked.
    rest: Option<Moment>,
}

impl AppWords {
    pub(super) fn new() -> Self {
        Self {
            known: Mutex::new(Known {
                words: HashMap::new(),
                seen: HashMap::new(),
                quota: Quota::full(BURST, ONE_MORE, Moment::now()),
                rest: None,
            }),
            turns: Semaphore::new(TOGETHER),
        }
    }

    /// Another reading of all is there: what was said before it was asked for is in it.
    pub(super) fn outdated_by(&self, platform: Option<&Platform>) {
        let mut known = self.known();
        known
            .words
            .retain(|app, word| platform.is_some_and(|platform| counts(word, app, platform)));
        known.seen.retain(|_, (_, at)| at.elapsed() < SAME);
    }

    /// The word on an app, where there is one that is newer than what was read in bulk.
    pub(super) fn of(&self, app: &str, platform: &Platform) -> Option<Arc<AppWord>> {
        let known = self.known();
        let word = known.words.get(app).filter(|word| counts(word, app, platform))?;
        Some(Arc::clone(&word.0))
    }

    /// Asks for the app of a tenant that fails, where the platform's word on it is older than the visit; nothing where it
    /// is not worth it, or not to be had now.
    pub(super) async fn ask(
        &self,
        setup: &ProbeSetup,
        platform: &Platform,
        examination: &Examination,
    ) -> Option<Arc<AppWord>> {
        let evidence = &examination.evidence;
        let app = evidence.tenant.app.as_str();
        if examination.is_well() {
            self.known().seen.remove(app);
            return None;
        }
        let failure = Failure::of(examination)?;
        if !is_outdated(platform, evidence) || !self.may_ask(app, &failure) {
            return None;
        }
        let _turn = self.turns.acquire().await.ok()?;
        let at = now();
        let answer = timeout(PATIENCE, setup.app(&platform.organization, app)).await;
        let answer = answer.unwrap_or_else(|_| Err(Fault::new(Reason::PlatformTimeout, "no word in time")));
        let mut known = self.known();
        match answer {
            Ok(found) => {
                let word = Arc::new(AppWord { at, app: found });
                let bulk = platform.apps.get(app).cloned();
                known.words.insert(app.to_owned(), (Arc::clone(&word), bulk));
                Some(word)
            }
            Err(fault) => {
                if is_about_all(fault.reason) {
                    known.rest = Some(Moment::now().plus(REST));
                }
                None
            }
        }
    }

    /// A tenant was judged by a word that was asked for just now.
    pub(super) fn judged(&self, examination: &Examination) {
        if let Some(failure) = Failure::of(examination) {
            let app = examination.evidence.tenant.app.clone();
            self.known().seen.insert(app, (failure, Moment::now()));
        }
    }

    fn may_ask(&self, app: &str, failure: &Failure) -> bool {
        let mut known = self.known();
        let now = Moment::now();
        let same = |(seen, at): &(Failure, Moment)| seen == failure && now.since(*at) < SAME;
        let rests = known.rest.is_some_and(|until| now < until);
        !rests && !known.seen.get(app).is_some_and(same) && known.quota.take(now)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a word is newer than what was read of all, and nothing was heard of the app since.
fn counts((word, bulk): &(Arc<AppWord>, Option<App>), app: &str, platform: &Platform) -> bool {
    let read = platform.asked_at.or(platform.taken_at);
    read.is_some_and(|read| word.at >= read) && platform.apps.get(app) == bulk.as_ref()
}

/// Whether the platform's word on a tenant's app is older than the look at the tenant.
fn is_outdated(platform: &Platform, evidence: &TenantEvidence) -> bool {
    let told = match &evidence.word {
        Some(word) => Some(word.at),
        None => platform.since(),
    };
    let seen = evidence.visit().and_then(|visit| visit.started_at).or(evidence.at);
    told.zip(seen)
        .is_some_and(|(told, seen)| seen.duration_since(told) > YOUNG)
}

/// Whether a fault says that asking for another app would end the same way.
fn is_about_all(reason: Reason) -> bool {
    !matches!(
        reason,
        Reason::PlatformForbidden | Reason::PlatformNotFound | Reason::PlatformPartial
    )
}
