//! Whom it is told how things are, again and again: when next, and whether it was heard.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use roundsman_alerts::Now;
use roundsman_alerts::notification::Outcome;

/// How often an Alertmanager is told at least: what it is not told again ends there after three times as long.
const EVERY: SignedDuration = SignedDuration::from_secs(60);
/// How long one that could not be told is left alone.
const STUMBLE: SignedDuration = SignedDuration::from_secs(10);

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Tellers(BTreeMap<Arc<str>, Teller>);

#[derive(Debug, Default)]
struct Teller {
    began: Option<Timestamp>,
    running: bool,
    changed: bool,
    /// Since when it does not hear, and why.
    deaf: Option<(Timestamp, String)>,
}

impl Tellers {
    /// Something changed: all are told soon.
    pub(super) fn changed(&mut self) {
        self.0.values_mut().for_each(|teller| teller.changed = true);
    }

    /// Whether one is to be told now; then it is under way.
    pub(super) fn begin(&mut self, channel: &Arc<str>, now: Now) -> bool {
        let teller = self.0.entry(Arc::clone(channel)).or_default();
        let wait = match (teller.changed, &teller.deaf) {
            (_, Some(_)) => STUMBLE,
            (true, None) => SignedDuration::ZERO,
            (false, None) => EVERY,
        };
        let due = teller
            .began
            .is_none_or(|began| now.steady.duration_since(began) >= wait);
        if teller.running || !due {
            return false;
        }
        (teller.began, teller.running, teller.changed) = (Some(now.steady), true, false);
        true
    }

    /// One was told, or could not be. What is new about that.
    pub(super) fn end(&mut self, channel: &Arc<str>, outcome: &Outcome, now: Now) -> Option<String> {
        let teller = self.0.get_mut(channel)?;
        teller.running = false;
        match outcome {
            Outcome::Delivered(_) => {
                let before = teller.deaf.take();
                before.map(|_| format!("the channel {channel} hears again how things are"))
            }
            Outcome::Failed(failure) => {
                let is_new = teller.deaf.is_none();
                teller.deaf.get_or_insert((now.steady, failure.why.clone()));
                is_new.then(|| {
                    format!(
                        "the channel {channel} could not be told how things are: {}",
                        failure.why
                    )
                })
            }
        }
    }

    /// Why one does not hear anything for too long.
    pub(super) fn stuck(&self, patience: Duration, now: Now) -> Option<String> {
        let patience = SignedDuration::try_from(patience).unwrap_or(SignedDuration::MAX);
        self.0.iter().find_map(|(channel, teller)| {
            let (since, why) = teller.deaf.as_ref()?;
            let late = now.steady.duration_since(*since) >= patience;
            late.then(|| format!("the channel {channel} could not be told how things are: {why}"))
        })
    }
}
