//! `route`: the answer came from this tenant's app. No evidence at all is `skipped`, never a pass.

use super::{Responder, named};
use crate::evidence::Reason;
use crate::expectation::Identity;
use crate::finding::{Finding, Outcome};
use crate::fleet::FleetContext;
use crate::world::TenantEvidence;

pub(super) fn judge(context: &FleetContext, tenant: &TenantEvidence) -> Finding {
    let identity = &tenant.expectation.site.identity;
    if *identity == Identity::Off {
        return Finding::skipped(Reason::NotConfigured, "identity is off");
    }
    let Some(visit) = tenant.visit() else {
        return Finding::plain(Outcome::Unknown, "no address of the edge could be visited");
    };
    if visit.page.answer.is_none() {
        let asked = visit.page.end.reason().is_some();
        return if asked {
            Finding::skipped(Reason::PrerequisiteSite, "there is no answer to look at")
        } else {
            Finding::plain(Outcome::Unknown, "the page was not asked for")
        };
    }
    let app = &tenant.tenant.app;
    let explicit = *identity != Identity::Auto;
    match named(context, &tenant.tenant, identity, visit) {
        Responder::Tenant(whence) => Finding::plain(Outcome::Pass, format!("{app}, by {whence}")),
        Responder::OtherTenant(other, whence) => {
            Finding::plain(Outcome::Fail, format!("{} answered: {whence}", other.app))
                .because(Reason::HttpWrongTenant)
                .comparing(app.clone(), other.app.clone())
        }
        Responder::Unrecognised(whence) => Finding::plain(Outcome::Fail, format!("another app answered: {whence}"))
            .because(Reason::HttpWrongTenant)
            .comparing(app.clone(), whence),
        Responder::Unidentified if explicit => Finding::plain(Outcome::Unknown, "the answer lacks what names its app"),
        Responder::Unidentified => Finding::skipped(Reason::NotIdentifiable, "nothing in the answer names an app"),
    }
}
