//! Agent rules about the APIs: what could not be asked hides what only the answer could tell, and nothing else.

use super::rules::{Rule, silences_nothing};
use super::{Cause, Proof, Remedy, Scope};
use crate::check::Context;
use crate::evidence::{Fault, Reason};
use crate::finding::{Check, Finding, FleetCheck, Outcome};
use crate::world::TenantWorld;

macro_rules! rule {
    ($cause:ident) => {
        Rule {
            cause: Cause::$cause,
            scope: Scope::Agent,
            check: FleetCheck::Vantage,
            proofs: |context| proofs(context, Cause::$cause),
            breaks: hides,
            silences: silences_nothing,
        }
    };
}

/// In order of precedence.
pub(super) const RULES: &[Rule] = &[
    rule!(PlatformApiUnauthorized),
    rule!(PlatformApiRateLimited),
    rule!(PlatformApiUnavailable),
];

fn named(fault: &Fault) -> Cause {
    match fault.reason {
        Reason::PlatformUnauthorized | Reason::PlatformForbidden => Cause::PlatformApiUnauthorized,
        Reason::PlatformRateLimited => Cause::PlatformApiRateLimited,
        _ => Cause::PlatformApiUnavailable,
    }
}

/// The platform's silence hides; a zone listing that is refused is a warning, for the zone's servers tell the rest.
fn proofs(context: &Context<'_>, cause: Cause) -> Vec<Proof> {
    let world = context.world;
    let whole = world.platform.fault();
    let parts = world
        .platform
        .known()
        .into_iter()
        .flat_map(|platform| [platform.apps_missing.as_ref(), platform.machines_missing.as_ref()]);
    let platform = whole
        .into_iter()
        .chain(parts.flatten())
        .map(|fault| ("platform", fault, Outcome::Unknown));
    let listing = world
        .listing
        .fault()
        .map(|fault| ("zone listing", fault, Outcome::Warn));
    let concerned = platform.chain(listing).filter(|(_, fault, _)| named(fault) == cause);
    concerned
        .map(|(api, fault, outcome)| {
            let command = match cause {
                Cause::PlatformApiUnauthorized => {
                    "make a new token (`fly tokens create readonly`; for the listing one with DNS Read) and set it"
                }
                Cause::PlatformApiRateLimited => "verify less often, or wait until the limit is over",
                _ => "look at the API's status page, then run it again",
            };
            let proof = Proof::fail(api, vec![format!("{api}: {} ({})", fault.detail, fault.reason)]);
            proof
                .outcome(outcome)
                .because(fault.reason)
                .remedy(Remedy::new("manual", command))
        })
        .collect()
}

fn hides(context: &Context<'_>, _: &TenantWorld, check: Check, finding: &Finding) -> bool {
    let concerned = matches!(check, Check::Conflicts | Check::App) && finding.outcome == Outcome::Unknown;
    concerned
        && context
            .world
            .platform
            .known()
            .is_none_or(|platform| platform.apps_missing.is_some() || platform.machines_missing.is_some())
}
