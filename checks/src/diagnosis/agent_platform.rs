//! Agent rules about the APIs: what could not be asked hides what only the answer could tell, and nothing else.

use super::{AgentFact, Api, Cause, Fact, Object, PlatformStep, Proof, Remedy, TenantFacts};
use crate::evidence::{Fault, Platform, Reason};
use crate::finding::{Check, Outcome};
use crate::fleet::FleetContext;

fn named(fault: &Fault) -> Cause {
    match fault.reason {
        Reason::PlatformUnauthorized | Reason::PlatformForbidden => Cause::PlatformApiUnauthorized,
        Reason::PlatformRateLimited => Cause::PlatformApiRateLimited,
        _ => Cause::PlatformApiUnavailable,
    }
}

/// The platform's silence hides; a zone listing that is refused is a warning, for the zone's servers tell the rest.
pub(super) fn platform(context: &FleetContext, cause: Cause) -> Vec<Proof> {
    let fleet = &context.fleet;
    let whole = fleet.platform.fault();
    let parts = fleet
        .platform
        .known()
        .into_iter()
        .flat_map(|platform| [platform.apps_missing.as_ref(), platform.machines_missing.as_ref()]);
    let platform = whole
        .into_iter()
        .chain(parts.flatten())
        .map(|fault| (Api::Platform, fault, Outcome::Unknown));
    let listing = fleet.listing.fault().map(|fault| (Api::Listing, fault, Outcome::Warn));
    let concerned = platform.chain(listing).filter(|(_, fault, _)| named(fault) == cause);
    concerned
        .map(|(api, fault, outcome)| {
            let remedy = remedy(cause, api, fault.reason);
            let fact = AgentFact::Api {
                api,
                fault: fault.clone(),
            };
            let proof = Proof::fail(Object::Api(api), vec![fact.into()]);
            proof.outcome(outcome).because(fault.reason).remedy(remedy)
        })
        .collect()
}

/// What helps against a fault: an API that answers is not down.
fn remedy(cause: Cause, api: Api, reason: Reason) -> Remedy {
    match (cause, reason, api) {
        (Cause::PlatformApiUnauthorized, ..) => Remedy::platform(PlatformStep::NewToken),
        (Cause::PlatformApiRateLimited, ..) => Remedy::advise("verify less often, or wait until the limit is over"),
        (_, Reason::PlatformNotFound, Api::Listing) => Remedy::advise(
            "set `[cloudflare] zone` to the zone that the domain lies in, or give the token `DNS Read` on that zone",
        ),
        (_, Reason::PlatformNotFound, _) => Remedy::platform(PlatformStep::NameOrganization),
        (_, Reason::PlatformPartial, _) => {
            Remedy::advise("run it again; a list that stays incomplete is the API's fault: report it to its support")
        }
        _ => Remedy::look("look at the API's status page, then run it again"),
    }
}

/// Faults of the inventory that are told one by one.
const MOST_FAULTS: usize = 5;

/// Who the tenants are was not told, or not of all: it hides no check of those who are known.
pub(super) fn inventory(context: &FleetContext, cause: Cause) -> Vec<Proof> {
    let faults = context.fleet.inventory.iter().filter(|fault| named(fault) == cause);
    let faults = faults.collect::<Vec<_>>();
    let Some(first) = faults.first() else {
        return Vec::new();
    };
    let api = Api::Inventory;
    let told = faults.iter().take(MOST_FAULTS).map(|fault| AgentFact::Api {
        api,
        fault: (*fault).clone(),
    });
    let count = faults.len().saturating_sub(MOST_FAULTS);
    let more = (count > 0).then_some(AgentFact::MoreFaults { api, count });
    let evidence = told.chain(more).map(Fact::from).collect();
    let command = match cause {
        Cause::PlatformApiUnauthorized => "set the token that [tenants] names to one that may list the tenants",
        Cause::PlatformApiRateLimited => "verify less often, or wait until the limit is over",
        _ => "ask `url` of [tenants] with curl, fix what it answers, or name the tenants on the command line",
    };
    let proof = Proof::fail(Object::Api(api), evidence).outcome(Outcome::Unknown);
    vec![proof.because(first.reason).remedy(Remedy::advise(command))]
}

pub(super) fn hides(context: &FleetContext, facts: &TenantFacts, check: Check) -> bool {
    let concerned = matches!(check, Check::Conflicts | Check::App) && facts.outcome(check) == Outcome::Unknown;
    let partial = |platform: &Platform| platform.apps_missing.is_some() || platform.machines_missing.is_some();
    concerned && context.platform().is_none_or(partial)
}

/// The configuration names an app as the edge that can't be it, while another one is.
pub(super) fn wrong_edge(context: &FleetContext) -> Vec<Proof> {
    let (Some(edge), Some(platform)) = (context.other_edge.proven(), context.platform()) else {
        return Vec::new();
    };
    let configured = &platform.edge_app;
    let wrong = AgentFact::WrongEdge {
        configured: configured.clone(),
        exists: platform.apps.contains_key(configured),
        wildcard: context.fleet.wildcard_name(),
        holder: edge.to_owned(),
    };
    let command = format!("set `[edge] app` (--edge-app) to {edge}; nothing needs to be changed at the platform");
    let proof = Proof::fail(Object::App(configured.clone()), vec![wrong.into()]).outcome(Outcome::Unknown);
    vec![proof.because(Reason::PlatformNotFound).remedy(Remedy::advise(command))]
}

pub(super) fn by_wrong_edge(context: &FleetContext, facts: &TenantFacts, check: Check) -> bool {
    check == Check::Conflicts && facts.outcome(check) == Outcome::Unknown && context.other_edge.proven().is_some()
}
