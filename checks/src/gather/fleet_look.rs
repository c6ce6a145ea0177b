//! The first part of a round: the agent's own place, the zone and the edge, with what is asked again about them.

use std::net::SocketAddr;
use std::sync::Arc;

use futures_util::future::join_all;

use super::edge::{self, EdgeProber};
use super::{follow_up, vantage, zone};
use crate::diagnosis::{FollowUp, fleet_follow_ups};
use crate::evidence::{VantageEvidence, ZoneEvidence};
use crate::fleet::{Fleet, FleetContext};

/// A fleet that nobody looked at yet: only what was known before the round.
pub(super) fn unseen(prober: &EdgeProber<'_>) -> Fleet {
    let (setup, assignment) = (prober.setup, prober.assignment);
    let zone = ZoneEvidence::unseen(prober.control.clone());
    Fleet {
        now: prober.now,
        domain: setup.domain.clone(),
        selected: assignment.selected.clone(),
        vantage: VantageEvidence::default(),
        edge: edge::unvisited(setup, assignment, &zone),
        zone,
        wildcard: setup.fleet.certificate,
        platform: assignment.snapshot.platform.clone(),
        listing: assignment.snapshot.listing.clone(),
        listed_at: assignment.snapshot.listed_at,
        zone_id: assignment.snapshot.zone_id.clone(),
        inventory: assignment.inventory.clone(),
        known: Arc::clone(&assignment.known),
    }
}

/// Looks at all of it, and again at what fails; the chains that are served go to the prober's store. What an earlier look
/// was made of and is still the same is not made again.
pub(super) async fn look(prober: &EdgeProber<'_>, before: Option<&FleetContext>) -> FleetContext {
    let (setup, assignment) = (prober.setup, prober.assignment);
    let (mut vantage, zone) = tokio::join!(
        vantage::probe(setup, assignment),
        zone::probe(setup, assignment, prober.control.clone())
    );
    let edge = edge::probe(prober, &vantage, &zone).await;
    vantage.clocks.extend(edge::clock(&edge));
    let fleet = Fleet {
        vantage,
        zone,
        edge,
        ..unseen(prober)
    };
    let context = match before {
        Some(before) => before.followed_by(fleet),
        None => FleetContext::new(fleet, Arc::clone(&prober.chains)),
    };
    let open = fleet_follow_ups(&context);
    follow_up(prober, context, &open).await
}

/// Follows up what is open about the fleet: the control name again after a rest, the clocks of addresses, the APIs.
pub(super) async fn follow_up(prober: &EdgeProber<'_>, context: FleetContext, open: &[FollowUp]) -> FleetContext {
    let controls = open.iter().filter_map(|follow_up| match follow_up {
        FollowUp::Control(address) => Some(*address),
        _ => None,
    });
    let dates = open.iter().filter_map(|follow_up| match follow_up {
        FollowUp::Date(address) => Some(follow_up::date(prober, *address)),
        _ => None,
    });
    let controls = controls.collect::<Vec<SocketAddr>>();
    let again = async {
        if !controls.is_empty() {
            tokio::time::sleep(prober.setup.timing.rest).await;
        }
        join_all(controls.iter().map(|address| prober.control(*address))).await
    };
    let apis = async {
        match open.contains(&FollowUp::Apis) {
            true => vantage::apis(prober.setup).await,
            false => Vec::new(),
        }
    };
    let (again, dates, apis) = tokio::join!(again, join_all(dates), apis);
    if again.is_empty() && dates.is_empty() && apis.is_empty() {
        return context;
    }
    let (mut edge, mut vantage) = (context.fleet.edge.clone(), context.fleet.vantage.clone());
    edge.rechecks.extend(again);
    vantage.dates.extend(dates);
    vantage.apis.extend(apis);
    context.observe(context.fleet.zone.clone(), edge, vantage)
}
