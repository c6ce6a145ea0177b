//! A few tenants looked at against what is known of the fleet: what a plan goes by where no round was made.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use roundsman_checks::clock::now;
use roundsman_checks::diagnosis::{CauseEntry, Diagnosis, Scope, conclude};
use roundsman_checks::gather::{FleetWatch, WakePolicy};
use roundsman_checks::target::Tenant;
use roundsman_checks::world::World;

use crate::agent::Setup;

/// What was seen, and what it means.
pub struct Survey {
    /// The world, with these tenants in it.
    pub world: World,
    /// What it means; of agent and fleet what is proven of all.
    pub diagnosis: Diagnosis,
    /// When the oldest of it was seen.
    pub seen_at: Timestamp,
}

/// Examines tenants, each on a connection of its own. What `shared` tells of agent and fleet goes before what these alone
/// show.
///
/// # Errors
/// Why a tenant can't be examined.
pub async fn survey(
    setup: &Setup,
    watch: &FleetWatch,
    tenants: &[Arc<Tenant>],
    shared: &[CauseEntry],
) -> Result<Survey, String> {
    let targets = setup.targets(tenants, WakePolicy::Unknowingly);
    let targets = targets.map_err(|error| error.to_string())?;
    let began = now();
    let (mut seen, mut judged) = (Vec::new(), Vec::new());
    for target in &targets {
        let examination = watch.examine(target, true).await;
        judged.push((examination.evidence.tenant.id.clone(), examination.judgement));
        seen.push(examination.evidence);
    }
    let context = watch.context();
    let fleet = &context.fleet;
    let alone = conclude(context, judged, 0);
    // What only these have in common is no proof of anything wider, and what is proven of all is told by `shared`.
    let own = alone.causes.into_iter().filter(|entry| {
        let known = |other: &CauseEntry| other.cause == entry.cause && other.object == entry.object;
        entry.scope == Scope::Tenant || !shared.iter().any(known)
    });
    let diagnosis = Diagnosis {
        causes: shared.iter().cloned().chain(own).collect(),
        ..alone
    };
    let told = fleet.platform.known().and_then(|platform| platform.taken_at);
    let seen_at = [told, fleet.listed_at]
        .into_iter()
        .flatten()
        .fold(began, Timestamp::min);
    let world = World {
        now: now(),
        domain: fleet.domain.clone(),
        selected: fleet.selected.clone(),
        vantage: fleet.vantage.clone(),
        zone: fleet.zone.clone(),
        edge: fleet.edge.clone(),
        wildcard: fleet.wildcard,
        platform: fleet.platform.clone(),
        listing: fleet.listing.clone(),
        listed_at: fleet.listed_at,
        zone_id: fleet.zone_id.clone(),
        inventory: fleet.inventory.clone(),
        known: Arc::clone(&fleet.known),
        tenants: seen,
        chains: BTreeMap::new(),
        interrupted: false,
    };
    Ok(Survey {
        world,
        diagnosis,
        seen_at,
    })
}
