//! What waits to be sent: bounded, and everything that is lost is counted. No socket, no clock.

use std::collections::{BTreeMap, VecDeque};

use super::{Batch, Signal};

/// How many encoded bytes wait at most, those that are being sent among them: of all signals, and of one. A signal whose
/// collector hangs leaves room for the others.
const MOST: usize = 16 << 20;
const MOST_OF_ONE: usize = 12 << 20;
/// How large a request is at most, where it is made of several. Collectors take 4 MiB over gRPC.
const REQUEST: usize = 1 << 20;

/// Why something was not delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// There was no room for it.
    QueueFull,
    /// The collector refused it for good.
    Refused,
    /// The collector took the request, and rejected these of it.
    Rejected,
    /// It could not be delivered for too long.
    Expired,
    /// The agent was stopped before it was delivered.
    Stopped,
}

impl Why {
    /// Its word in metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::QueueFull => "queue-full",
            Self::Refused => "refused",
            Self::Rejected => "rejected",
            Self::Expired => "expired",
            Self::Stopped => "stopped",
        }
    }
}

/// How many points or spans were lost, and why.
pub type Dropped = BTreeMap<(Signal, Why), u64>;

/// The queue.
#[derive(Debug, Default)]
pub(super) struct Queue {
    waiting: [VecDeque<Batch>; Signal::ALL.len()],
    /// What was taken out to be sent: how many, and how many bytes.
    sending: [(u64, usize); Signal::ALL.len()],
    held: [usize; Signal::ALL.len()],
    dropped: Dropped,
}

impl Queue {
    /// One that goes on counting from there.
    pub(super) fn counting_from(dropped: Dropped) -> Self {
        Self {
            dropped,
            ..Self::default()
        }
    }

    /// Has something wait; where there is no room it is lost, and that is `false`.
    pub(super) fn push(&mut self, signal: Signal, batch: Batch) -> bool {
        if batch.count == 0 {
            return true;
        }
        let size = batch.bytes.len();
        let all = self.held.iter().sum::<usize>();
        if all + size > MOST || self.held[signal.index()] + size > MOST_OF_ONE {
            self.lose(signal, Why::QueueFull, batch.count);
            return false;
        }
        self.held[signal.index()] += size;
        self.waiting[signal.index()].push_back(batch);
        true
    }

    /// The next request: what came first, and what comes after it as long as that is not too large. It takes room until
    /// it is said what became of it.
    pub(super) fn take(&mut self, signal: Signal) -> Option<Batch> {
        let waiting = &mut self.waiting[signal.index()];
        let mut batch = waiting.pop_front()?;
        while let Some(next) = waiting.front() {
            if batch.bytes.len() + next.bytes.len() > REQUEST {
                break;
            }
            batch.join(waiting.pop_front()?);
        }
        if waiting.is_empty() {
            // What a burst needed is given back.
            waiting.shrink_to(16);
        }
        self.sending[signal.index()] = (batch.count, batch.bytes.len());
        Some(batch)
    }

    /// What was taken is sent, but for so many.
    pub(super) fn sent(&mut self, signal: Signal, lost: Option<(Why, u64)>) {
        let (count, size) = std::mem::take(&mut self.sending[signal.index()]);
        self.held[signal.index()] -= size;
        if let Some((why, lost)) = lost {
            self.lose(signal, why, lost.min(count));
        }
    }

    /// Whether a request is full, so that nothing more is waited for.
    pub(super) fn is_full_request(&self, signal: Signal) -> bool {
        self.held[signal.index()] - self.sending[signal.index()].1 >= REQUEST
    }

    /// Whether nothing waits and nothing is being sent.
    pub(super) fn is_empty(&self, signal: Signal) -> bool {
        self.held[signal.index()] == 0
    }

    /// Whether more of a signal may come by and by.
    pub(super) fn has_room(&self, signal: Signal) -> bool {
        self.held[signal.index()] <= MOST_OF_ONE / 2 && self.held.iter().sum::<usize>() <= MOST / 2
    }

    /// So many were lost.
    pub(super) fn lose(&mut self, signal: Signal, why: Why, count: u64) {
        if count > 0 {
            *self.dropped.entry((signal, why)).or_default() += count;
        }
    }

    /// Gives up everything that is left; how many there were of each signal.
    pub(super) fn abandon(&mut self) -> BTreeMap<Signal, u64> {
        let mut left = BTreeMap::new();
        for signal in Signal::ALL {
            let waiting = std::mem::take(&mut self.waiting[signal.index()]);
            let (sending, _) = std::mem::take(&mut self.sending[signal.index()]);
            let count = waiting.iter().map(|batch| batch.count).sum::<u64>() + sending;
            self.held[signal.index()] = 0;
            self.lose(signal, Why::Stopped, count);
            if count > 0 {
                left.insert(signal, count);
            }
        }
        left
    }

    /// What was lost so far.
    pub(super) fn dropped(&self) -> &Dropped {
        &self.dropped
    }

    #[cfg(test)]
    fn bytes(&self) -> usize {
        let waiting = self.waiting.iter().flatten();
        waiting.map(|batch| batch.bytes.capacity()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(count: u64, size: usize) -> Batch {
        Batch {
            count,
            bytes: vec![7; size],
        }
    }

    /// A collector that is down for an hour, under ten thousand tenants that are looked at every minute.
    #[test]
    fn an_hour_without_a_collector_takes_bounded_room_and_every_loss_is_counted() {
        let mut queue = Queue::default();
        let mut told = BTreeMap::<Signal, u64>::new();
        for _ in 0..60 {
            for _ in 0..10_000 {
                queue.push(Signal::Traces, batch(5, 1_500));
                *told.entry(Signal::Traces).or_default() += 5;
            }
            for _ in 0..20 {
                queue.push(Signal::Metrics, batch(3_500, 350_000));
                *told.entry(Signal::Metrics).or_default() += 3_500;
            }
            assert!(queue.bytes() <= MOST, "{} bytes", queue.bytes());
            // What is tried is what was there first, and it takes its room until it is given up.
            for signal in Signal::ALL {
                if let Some(taken) = queue.take(signal) {
                    assert!(taken.bytes.len() <= REQUEST);
                    queue.sent(signal, Some((Why::Expired, taken.count)));
                }
            }
        }
        assert!(
            queue.dropped()[&(Signal::Metrics, Why::QueueFull)] > 0,
            "both had room, and too little"
        );
        let left = queue.abandon();
        assert!(left.len() == told.len() && left.values().all(|count| *count > 0));
        for signal in told.keys().copied() {
            let lost = queue.dropped().iter().filter(|((of, _), _)| *of == signal);
            assert_eq!(lost.map(|(_, count)| count).sum::<u64>(), told[&signal], "{signal:?}");
            assert!(queue.is_empty(signal));
        }
    }

    #[test]
    fn small_ones_go_together_and_nothing_is_lost_that_was_taken() {
        let mut queue = Queue::default();
        for _ in 0..5 {
            assert!(queue.push(Signal::Traces, batch(2, REQUEST / 2)));
        }
        assert!(queue.is_full_request(Signal::Traces));
        assert_eq!(queue.take(Signal::Traces).map(|batch| batch.count), Some(4));
        queue.sent(Signal::Traces, Some((Why::Rejected, 99)));
        assert_eq!(
            queue.dropped()[&(Signal::Traces, Why::Rejected)],
            4,
            "no more than there were"
        );
        assert_eq!(queue.take(Signal::Traces).map(|batch| batch.count), Some(4));
        queue.sent(Signal::Traces, None);
        assert_eq!(queue.take(Signal::Traces).map(|batch| batch.count), Some(2));
        queue.sent(Signal::Traces, None);
        assert_eq!(queue.take(Signal::Traces), None);
        assert!(queue.is_empty(Signal::Traces));
    }

    #[test]
    fn one_that_is_larger_than_a_request_goes_alone_and_a_signal_leaves_room_for_others() {
        let mut queue = Queue::default();
        while queue.push(Signal::Metrics, batch(1, 3 * REQUEST)) {}
        assert!(queue.push(Signal::Traces, batch(1, REQUEST)));
        assert_eq!(
            queue.take(Signal::Metrics).map(|batch| batch.bytes.len()),
            Some(3 * REQUEST)
        );
    }
}
