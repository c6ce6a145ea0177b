//! One round: one pass over all tenants that were asked for, and what it means.

use jiff::Timestamp;

use crate::diagnosis::Diagnosis;
use crate::world::World;

/// Round that is over.
#[derive(Clone, Debug)]
pub struct Round {
    /// Everything that was seen; of tenants that are well only who they are, where the assignment forgets them.
    pub world: World,
    /// What it means.
    pub diagnosis: Diagnosis,
    /// When the round began.
    pub started: Timestamp,
    /// When it ended.
    pub finished: Timestamp,
}
