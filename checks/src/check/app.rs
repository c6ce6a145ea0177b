//! `app`: the tenant's app exists and runs, or will wake by itself. Only the platform can say.

use super::Context;
use crate::evidence::Reason;
use crate::finding::{Finding, Outcome};
use crate::world::Asked;

pub(super) fn judge(context: &Context<'_>) -> Finding {
    match &context.world.platform {
        Asked::NotConfigured => Finding::skipped(Reason::NotConfigured, "no platform account is configured"),
        Asked::Unknown(fault) => Finding::plain(Outcome::Unknown, fault.detail.clone()).because(fault.reason),
        Asked::Known(_) => Finding::plain(Outcome::Unknown, "the platform's machines were not read"),
    }
}
