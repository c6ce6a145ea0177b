//! What waits to be written, within limits: a disk that is full or hangs costs no more memory than that, and holds nobody
//! up.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::writer::Write;

/// How many writes that are not urgent wait while nothing can be written; the oldest go first.
const WAITING: usize = 200_000;
/// How many urgent ones wait each by itself; beyond it the two latest become one.
const URGENT: usize = 10_000;
/// How many things that happened such a one tells at most, the latest.
const TOLD: usize = 10_000;

/// What a writer does next.
pub(super) enum Next {
    /// Waits whether more comes.
    Gather,
    /// Writes.
    Write,
    /// Writes for the last time.
    End,
}

/// What waits.
#[derive(Debug, Default)]
pub(super) struct Queue {
    waits: Mutex<Waits>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Waits {
    /// Each with its number, in order.
    urgent: VecDeque<(u64, Write)>,
    waiting: VecDeque<Write>,
    /// The number that was given last.
    number: u64,
    /// How many urgent ones are being written.
    underway: usize,
    closed: bool,
    ended: bool,
}

impl Waits {
    fn len(&self) -> usize {
        self.urgent.len() + self.underway + self.waiting.len()
    }
}

impl Queue {
    /// Something more; the number of what is urgent.
    pub(super) fn push(&self, write: Write) -> u64 {
        let mut waits = self.lock();
        if write.is_urgent() {
            waits.number += 1;
            let number = waits.number;
            match (waits.urgent.len() >= URGENT, waits.urgent.back_mut(), write) {
                (true, Some((last, Write::Commit(before))), Write::Commit(later)) => {
                    before.absorb(*later, TOLD);
                    *last = number;
                }
                (_, _, write) => waits.urgent.push_back((number, write)),
            }
        } else {
            waits.waiting.push_back(write);
            if waits.waiting.len() > WAITING {
                waits.waiting.pop_front();
            }
        }
        self.changed.notify_all();
        waits.number
    }

    /// Waits for something to do, no longer than this where something waits already. Whether what is urgent is written
    /// `at_once`, and how many others are enough.
    pub(super) fn wait(&self, patience: Option<Duration>, at_once: bool, enough: usize) -> Next {
        let idle = |waits: &mut Waits| match patience {
            None => !waits.closed && waits.len() == 0,
            Some(_) => !waits.closed && !(at_once && (!waits.urgent.is_empty() || waits.waiting.len() >= enough)),
        };
        let waits = self.lock();
        let (waits, late) = match patience {
            None => {
                let waits = self.changed.wait_while(waits, idle);
                (waits.unwrap_or_else(PoisonError::into_inner), false)
            }
            Some(patience) => {
                let waited = self.changed.wait_timeout_while(waits, patience, idle);
                let (waits, waited) = waited.unwrap_or_else(PoisonError::into_inner);
                (waits, waited.timed_out())
            }
        };
        let urgent = at_once && !waits.urgent.is_empty();
        match (waits.closed, late || urgent || at_once && waits.waiting.len() >= enough) {
            (true, _) => Next::End,
            (false, true) => Next::Write,
            (false, false) => Next::Gather,
        }
    }

    /// Takes the first urgent one.
    pub(super) fn urgent(&self) -> Option<(u64, Write)> {
        let mut waits = self.lock();
        let first = waits.urgent.pop_front();
        waits.underway = usize::from(first.is_some());
        first
    }

    /// It could not be written.
    pub(super) fn give_back(&self, number: u64, write: Write) {
        let mut waits = self.lock();
        waits.urgent.push_front((number, write));
        waits.underway = 0;
    }

    /// The first ones that are not urgent; they stay until they are written.
    pub(super) fn batch(&self, most: usize) -> Vec<Write> {
        self.lock().waiting.iter().take(most).cloned().collect()
    }

    /// So many of them are.
    pub(super) fn written(&self, count: usize) {
        let mut waits = self.lock();
        let count = count.min(waits.waiting.len());
        waits.waiting.drain(..count);
    }

    /// Nothing more comes. Waits for the writer to end, and says how many writes it did not write.
    pub(super) fn close(&self, patience: Duration) -> usize {
        let mut waits = self.lock();
        waits.closed = true;
        self.changed.notify_all();
        let waited = self.changed.wait_timeout_while(waits, patience, |waits| !waits.ended);
        let (waits, _) = waited.unwrap_or_else(PoisonError::into_inner);
        waits.len()
    }

    /// Whether the writer has written for the last time.
    pub(super) fn has_ended(&self) -> bool {
        self.lock().ended
    }

    /// The writer ends.
    pub(super) fn ended(&self) {
        self.lock().ended = true;
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Waits> {
        self.waits.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail")]
    use jiff::Timestamp;
    use roundsman_alerts::{Change, IncidentId, Key, Transition};

    use super::*;
    use crate::watch::Commit;

    fn commit(number: u64) -> Write {
        let transition = Transition {
            id: IncidentId::of(number),
            key: Key::new("site-status", "tenant", &number.to_string()),
            at: Timestamp::UNIX_EPOCH,
            change: Change::Opened,
        };
        Write::Commit(Box::new(Commit {
            transitions: vec![transition],
            number,
            ..Commit::default()
        }))
    }

    #[test]
    fn what_cant_be_written_has_a_limit_and_the_last_word_counts() {
        let queue = Queue::default();
        let most = u64::try_from(URGENT + TOLD).unwrap() + 5;
        for number in 1..=most {
            assert_eq!(queue.push(commit(number)), number);
        }
        for _ in 0..WAITING + 5 {
            queue.push(Write::Forget(Timestamp::UNIX_EPOCH));
        }
        let waits = queue.lock();
        assert_eq!((waits.urgent.len(), waits.waiting.len()), (URGENT, WAITING));
        let (number, Write::Commit(last)) = waits.urgent.back().unwrap() else {
            unreachable!("only commits were pushed")
        };
        assert_eq!((*number, last.number, last.transitions.len()), (most, most, TOLD));
    }
}
