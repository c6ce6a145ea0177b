//! What stands in the place of the logs where the API clients are left out: nobody can read any.

use std::convert::Infallible;
use std::marker::PhantomData;

use jiff::Timestamp;

use super::assignment::{Assignment, ProbeTarget};
use super::setup::ProbeSetup;
use super::tenant::TenantProber;
use crate::evidence::TenantLog;
use crate::world::TenantEvidence;

/// Follower of nothing: there is none.
pub(super) struct LogFollower<'p>(Infallible, PhantomData<&'p ()>);

impl<'p> LogFollower<'p> {
    /// No follower.
    pub(super) async fn begin(_: &'p ProbeSetup, _: &Assignment) -> Option<Self> {
        None
    }

    /// Never called.
    pub(super) async fn follow(self, _: &mut TenantEvidence, _: Timestamp) {
        match self.0 {}
    }
}

/// No lines.
pub(super) async fn search(_: &TenantProber<'_>, _: &[(usize, &ProbeTarget)]) -> Vec<(usize, TenantLog)> {
    Vec::new()
}
