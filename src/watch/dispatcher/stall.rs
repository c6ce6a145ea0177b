//! An agent that stood still measured nothing but itself: a process that got no time, or a virtual machine that was held up,
//! sees timeouts and slow answers at everybody it was asking just then.

use super::*;

/// How long nothing was felt where the loop stood still; it is felt ten times a second.
const STOOD_STILL: SignedDuration = SignedDuration::from_secs(1);

impl Dispatcher {
    /// The loop turns, so late as a timer says: fewer tenants are examined together while there is too much to do.
    pub fn pulse(&mut self, now: Now, lateness: Duration) {
        self.notice_stall(now);
        self.felt = Some(now.steady);
        self.places.pulse(lateness, self.running);
    }

    /// Notices that nothing was felt for long. Nothing is noticed before the first pulse.
    pub(super) fn notice_stall(&mut self, now: Now) {
        let stood = |felt| now.steady.duration_since(felt) >= STOOD_STILL;
        if self.felt.is_some_and(stood) {
            (self.felt, self.stalled) = (Some(now.steady), Some(now.steady));
        }
    }

    /// Whether the agent stood still while it looked at zone and edge; once in a row, as with tenants.
    pub(super) fn is_doubtful_look(&mut self) -> bool {
        let during = self
            .look_begun
            .take()
            .zip(self.stalled)
            .is_some_and(|(begun, end)| begun < end);
        self.look_doubted = during && !self.look_doubted;
        self.look_doubted
    }

    /// Whether an examination found something while the agent itself stood still: it is made again at once and says nothing
    /// until then. The next one counts, whatever goes on: an agent that stands still again and again is not silent for ever.
    pub(super) fn is_doubtful(&mut self, ix: TenantIx, examined: &Examined) -> bool {
        let Some(state) = self.tenants.get_mut(&ix) else {
            return false;
        };
        let facts = &examined.judgement.facts;
        let finds = |check| matches!(facts.outcome(check), Outcome::Warn | Outcome::Fail);
        let during = state.begun.zip(self.stalled).is_some_and(|(begun, end)| begun < end);
        let doubtful = during && Check::ALL.into_iter().any(finds) && !state.doubted;
        state.doubted = doubtful;
        doubtful
    }
}
