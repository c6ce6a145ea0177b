//! The shape of the rules that hold for more than one tenant: what proves one, and what it breaks.

use super::{Cause, Proof, Scope};
use crate::check::Context;
use crate::finding::{Check, Finding, FleetCheck};
use crate::world::TenantWorld;

/// A rule about the agent or the fleet. Tables of rules are read from top to bottom: the first that breaks a check of
/// a tenant explains it.
pub(super) struct Rule {
    pub cause: Cause,
    pub scope: Scope,
    /// The fleet check whose outcome it decides.
    pub check: FleetCheck,
    /// The guilty objects; none where the rule does not apply.
    pub proofs: fn(&Context<'_>) -> Vec<Proof>,
    /// Whether it, once proven, is why this check of this tenant is as it is.
    pub breaks: fn(&Context<'_>, &TenantWorld, Check, &Finding) -> bool,
    /// The causes below it that say nothing while it holds: what the agent can't see is no finding about the fleet,
    /// and where one failure fits several fleet causes only the first is told.
    pub silences: fn(Cause) -> bool,
}

/// For causes beside which all others stand.
pub(super) fn silences_nothing(_: Cause) -> bool {
    false
}

/// For causes that a fleet has and no tenant suffers from.
pub(super) fn breaks_nothing(_: &Context<'_>, _: &TenantWorld, _: Check, _: &Finding) -> bool {
    false
}
