//! From evidence to an outcome: pure functions, a file a check. What broke, not why: that is the diagnosis's.

mod alike;
mod answer;
mod app;
mod caa;
mod certificate;
mod conflicts;
pub(crate) mod dns;
mod identity;
mod refusal;
mod route;
mod site;

pub use alike::{answers_like, is_denied};
pub(crate) use answer::is_unserved;
pub use answer::{DnsAnswer, is_or_below, list};
pub use app::{AppState, Wakes, app_state, deciding, others as other_releases, wakes};
pub use caa::{Set as CaaSet, forbids as caa_forbids, set as caa_set};
pub use certificate::{caa_fault, deciding_visit, ends_soon, failing_address};
pub use conflicts::{certificate_holders, is_under};
use identity::answers_well;
pub use identity::{Responder, named, read as value_at_place};
pub use refusal::{is_limit, is_limited, is_wall, retry_after};
pub use site::says_starting;

use crate::evidence::{ApiAnswer, Platform, Reason};
use crate::finding::{Check, Finding, Outcome, SeenIn};
use crate::fleet::FleetContext;
use crate::world::TenantEvidence;

/// The findings of one tenant, in the order of [`Check::ALL`].
#[derive(Clone, Debug, PartialEq)]
pub struct Findings(pub [Finding; Check::COUNT]);

impl Findings {
    /// The finding of a check.
    #[must_use]
    pub fn of(&self, check: Check) -> &Finding {
        &self.0[check as usize]
    }

    /// The finding of a check, to be changed by a diagnosis.
    pub fn of_mut(&mut self, check: Check) -> &mut Finding {
        &mut self.0[check as usize]
    }

    /// Each check with its finding.
    pub fn iter(&self) -> impl Iterator<Item = (Check, &Finding)> {
        Check::ALL.into_iter().zip(&self.0)
    }
}

/// The platform's word; where there is none, what is said of a check that needs it.
fn platform(context: &FleetContext) -> Result<&Platform, Finding> {
    match &context.fleet.platform {
        ApiAnswer::Known(platform) => Ok(platform),
        ApiAnswer::Unknown(fault) => Err(Finding::plain(Outcome::Unknown, fault.detail.clone()).because(fault.reason)),
        ApiAnswer::NotConfigured => Err(Finding::skipped(
            Reason::NotConfigured,
            "no platform account is configured",
        )),
    }
}

/// What is said of a check of a visit where there was none.
fn unvisited(tenant: &TenantEvidence) -> Finding {
    let why = match tenant.spared {
        true => "not visited, for the edge fails for every name",
        false => "no address of the edge could be visited",
    };
    Finding::plain(Outcome::Unknown, why)
}

/// Judges all checks of one tenant.
#[must_use]
pub fn judge(context: &FleetContext, tenant: &TenantEvidence) -> Findings {
    let dns = when_asked(context, tenant, Check::Dns, || judge_one(context, tenant, Check::Dns));
    let blocked = prerequisite(context, tenant, &dns);
    Findings(Check::ALL.map(|check| match (check, blocked) {
        (Check::Dns, _) => dns.clone(),
        (Check::App, _) if tenant.tenant.unlisted => app::unlisted(),
        (check, Some(reason)) if check.seen_in() == SeenIn::Answer => when_asked(context, tenant, check, || {
            Finding::skipped(reason, "a check that it needs failed")
        }),
        (check, _) => when_asked(context, tenant, check, || judge_one(context, tenant, check)),
    }))
}

fn judge_one(context: &FleetContext, tenant: &TenantEvidence, check: Check) -> Finding {
    match check {
        Check::Dns => dns::judge(context, tenant),
        Check::Certificate => certificate::judge(context, tenant),
        Check::Site => site::judge(context, tenant),
        Check::Conflicts => conflicts::judge(context, tenant),
        Check::App => app::judge(context, tenant),
        Check::Route => route::judge(context, tenant),
    }
}

/// What the checks of an answer depend on: authoritative DNS, and a channel that may carry a request.
fn prerequisite(context: &FleetContext, tenant: &TenantEvidence, dns: &Finding) -> Option<Reason> {
    if dns.outcome == Outcome::Fail && context.fleet.selected.contains(&Check::Dns) {
        return Some(Reason::PrerequisiteDns);
    }
    let visit = tenant.visit()?;
    visit.channel_end().reason().map(|_| Reason::PrerequisiteCertificate)
}

fn when_asked(
    context: &FleetContext,
    tenant: &TenantEvidence,
    check: Check,
    judge: impl FnOnce() -> Finding,
) -> Finding {
    if !context.fleet.selected.contains(&check) {
        return Finding::skipped(Reason::NotSelected, "left out of this round");
    }
    if !tenant.tenant.hostname.is_within(&context.fleet.domain) {
        let message = format!(
            "{} is not below {}: a customer's own domain is not supported yet",
            tenant.tenant.hostname, context.fleet.domain
        );
        return Finding::plain(Outcome::Unknown, message).because(Reason::PlatformMalformed);
    }
    if tenant.expectation.skip.contains(&check) {
        return Finding::skipped(Reason::NotConfigured, "an override says that it does not apply");
    }
    if tenant.tenant.inactive && !matches!(check, Check::Dns | Check::Conflicts) {
        return Finding::skipped(Reason::Inactive, "the tenant is expected not to run");
    }
    let sleeps = tenant.asleep && !tenant.woken;
    if sleeps && check.seen_in() == SeenIn::Answer {
        return Finding::skipped(Reason::Asleep, "the app sleeps, and nobody asked to wake it");
    }
    if !tenant.probed && check.seen_in() != SeenIn::Platform {
        return Finding::plain(Outcome::Unknown, "the round ended before it was looked at");
    }
    judge()
}
