//! A token bucket over handshakes.

use std::time::Instant;

use crate::fault::Throttle;

/// Tokens, refilled over time.
#[derive(Debug)]
pub(crate) struct Bucket {
    limit: Throttle,
    tokens: f64,
    filled: Option<Instant>,
}

impl Bucket {
    pub(crate) fn full(limit: Throttle) -> Self {
        Self {
            limit,
            tokens: f64::from(limit.burst),
            filled: None,
        }
    }

    /// Takes a token. Without one the handshake is to be cut: `Some(true)` by a reset.
    pub(crate) fn take(&mut self, now: Instant) -> Option<bool> {
        let since = self.filled.map_or(0.0, |then| now.duration_since(then).as_secs_f64());
        self.filled = Some(now);
        let refilled = self.tokens + since * f64::from(self.limit.rate);
        self.tokens = refilled.min(f64::from(self.limit.burst));
        if self.tokens < 1.0 {
            return Some(self.limit.reset);
        }
        self.tokens -= 1.0;
        None
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Bucket;
    use crate::clock;
    use crate::fault::Throttle;

    #[test]
    fn lets_the_burst_through_and_refills() {
        let mut bucket = Bucket::full(Throttle {
            rate: 2,
            burst: 3,
            reset: true,
        });
        let start = clock::monotonic();
        assert!((0..3).all(|_| bucket.take(start).is_none()));
        assert_eq!(bucket.take(start), Some(true));
        assert_eq!(bucket.take(start + Duration::from_millis(500)), None);
        assert_eq!(bucket.take(start + Duration::from_millis(501)), Some(true));
    }
}
