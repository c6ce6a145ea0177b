//! How long each part of a visit took.

use roundsman_checks::evidence::Millis;
use roundsman_checks::world::TenantEvidence;

use super::Level;

/// The parts of a visit, in order, as metrics name them.
pub const PHASES: [&str; 5] = ["resolve", "connect", "tls", "processing", "transfer"];

/// How long each part of one visit took, in milliseconds, in the order of [`PHASES`]; `None`: it was not reached, or did
/// not end well.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Timings(pub [Option<f64>; PHASES.len()]);

impl Timings {
    /// Those of a tenant's first visit: what is looked at again is not what users see.
    #[must_use]
    pub fn of(evidence: &TenantEvidence) -> Self {
        let answered = evidence.dns.authoritative.iter().filter(|query| query.reply.is_some());
        // The questions are asked side by side: the slowest tells how long it took.
        let resolve = answered.map(|query| query.ms.0).reduce(f64::max);
        let Some(visit) = evidence.visits.first() else {
            return Self([resolve, None, None, None, None]);
        };
        let ended = |done: bool, Millis(ms): Millis| done.then_some(ms);
        let page = visit.page.answer.is_some() && visit.page.end.is_done();
        let transfer = Millis((visit.page.total_ms.0 - visit.page.first_byte_ms.0).max(0.0));
        Self([
            resolve,
            ended(visit.connect.end.is_done(), visit.connect.ms),
            ended(visit.handshake.end.is_done(), visit.handshake.ms),
            ended(page, visit.page.first_byte_ms),
            ended(page, transfer),
        ])
    }

    /// The same as levels.
    #[must_use]
    pub fn levels(&self) -> [Level; PHASES.len()] {
        self.0.map(|ms| ms.map_or(Level::NONE, Level::of))
    }

    /// How long the visit took from the connection to the last byte, in milliseconds; `None` where no answer came.
    #[must_use]
    pub fn total(&self) -> Option<f64> {
        let [_, connect, tls, processing, transfer] = self.0;
        Some(connect? + tls? + processing? + transfer?)
    }
}
