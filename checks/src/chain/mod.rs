//! Presented chains: judging them by trust anchors at a moment, and reading them for a person. Revocation is out of
//! scope.

mod anchors;
mod facts;
mod flaw;
mod judge;
mod verified;

pub use anchors::{AnchorsError, AnchorsId, TrustStore};
pub use facts::{Facts, Link, covers, links};
pub use flaw::{Flaw, Flawed, flaws};
pub use judge::{ChainVerdict, fails_by_dates_alone, judge};
pub use verified::{Judged, Limits, VerifiedChains};
