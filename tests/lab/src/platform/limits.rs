//! The limits of the Machines API: one request a second, three at once, for each action and app.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Instant;

use super::locked;
use crate::edge::throttle::Bucket;
use crate::fault::Throttle;

/// One bucket for each action and what it is about.
#[derive(Default)]
pub(crate) struct Limits {
    buckets: Mutex<HashMap<(&'static str, String), Bucket>>,
}

impl Limits {
    /// Whether a request may go on.
    pub(crate) fn allows(&self, action: &'static str, about: &str, now: Instant) -> bool {
        let (rate, burst) = if action == "machine-show" { (5, 10) } else { (1, 3) };
        let limit = Throttle {
            rate,
            burst,
            reset: false,
        };
        let mut buckets = locked(&self.buckets);
        let bucket = buckets
            .entry((action, about.to_owned()))
            .or_insert_with(|| Bucket::full(limit));
        bucket.take(now).is_none()
    }
}
