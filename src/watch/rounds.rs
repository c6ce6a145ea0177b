//! Rounds of one that goes on for ever: a round is over when everybody who was there when it began was examined. Pure.

use std::time::Duration;

use jiff::Timestamp;
use roundsman_alerts::Now;

/// A round that is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    /// How long it took, by the steady clock.
    pub took: Duration,
    /// When it ended, by the wall's.
    pub at: Timestamp,
}

/// Which round it is, and who is still to come.
#[derive(Clone, Debug, Default)]
pub(super) struct Rounds {
    number: u64,
    began: Option<Timestamp>,
    left: usize,
    ended: Vec<Ended>,
}

/// In which round a tenant was counted last; whoever comes while one goes on belongs to the next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counted(u64);

impl Rounds {
    /// Somebody new comes; `alone` where nobody was there yet.
    pub(super) fn joins(&mut self, now: Now) -> Counted {
        match self.began {
            None => {
                self.began = Some(now.steady);
                self.number += 1;
                self.left = 1;
                Counted(self.number - 1)
            }
            // Nobody was examined yet in the first one: all who come are of it.
            Some(began) if self.number == 1 && began == now.steady => {
                self.left += 1;
                Counted(self.number - 1)
            }
            Some(_) => Counted(self.number),
        }
    }

    /// Somebody was examined, or left. With how many the next round begins is said by `all`.
    pub(super) fn counts(&mut self, counted: &mut Counted, all: usize, now: Now) {
        if counted.0 == self.number {
            return;
        }
        counted.0 = self.number;
        self.left = self.left.saturating_sub(1);
        if self.left == 0 {
            let began = self.began.replace(now.steady).unwrap_or(now.steady);
            let took = Duration::try_from(now.steady.duration_since(began)).unwrap_or_default();
            self.ended.push(Ended { took, at: now.wall });
            self.number += 1;
            self.left = all;
            if all == 0 {
                self.began = None;
            }
        }
    }

    /// The rounds that ended since this was asked last.
    pub(super) fn take_ended(&mut self) -> Vec<Ended> {
        std::mem::take(&mut self.ended)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail")]
    use super::*;

    #[test]
    fn a_round_is_over_when_all_who_were_there_were_seen() {
        let mut rounds = Rounds::default();
        let start = Now::at(Timestamp::from_second(1_000).unwrap());
        let (mut a, mut b) = (rounds.joins(start), rounds.joins(start));
        let after = |seconds| start.plus(Duration::from_secs(seconds));
        rounds.counts(&mut a, 2, after(10));
        rounds.counts(&mut a, 2, after(20));
        assert!(rounds.take_ended().is_empty(), "one was seen twice, the other never");
        // Who comes meanwhile is of the next one.
        let mut c = rounds.joins(after(25));
        rounds.counts(&mut c, 3, after(26));
        rounds.counts(&mut b, 3, after(30));
        let ended = rounds.take_ended();
        assert_eq!(ended.iter().map(|round| round.took.as_secs()).collect::<Vec<_>>(), [30]);
        // Who leaves is not waited for.
        rounds.counts(&mut a, 3, after(40));
        rounds.counts(&mut c, 3, after(50));
        rounds.counts(&mut b, 2, after(55));
        assert_eq!(
            rounds
                .take_ended()
                .iter()
                .map(|round| round.took.as_secs())
                .collect::<Vec<_>>(),
            [25]
        );
    }

    #[test]
    fn one_without_anybody_never_ends() {
        let mut rounds = Rounds::default();
        let start = Now::at(Timestamp::from_second(1_000).unwrap());
        let mut a = rounds.joins(start);
        rounds.counts(&mut a, 0, start);
        assert_eq!(rounds.take_ended().len(), 1);
        assert!(rounds.take_ended().is_empty());
        let mut b = rounds.joins(start.plus(Duration::from_secs(100)));
        rounds.counts(&mut b, 1, start.plus(Duration::from_secs(101)));
        assert_eq!(rounds.take_ended()[0].took, Duration::from_secs(1));
    }
}
