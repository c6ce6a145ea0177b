//! One round: the agent's own place, the zone and the edge first, then every tenant, then what is still open.

use futures_util::stream::{self, StreamExt};

use super::assignment::{Assignment, ProbeTarget};
use super::edge::EdgeProber;
use super::log_follower::LogFollower;
use super::progress::{Observer, Stop};
use super::setup::ProbeSetup;
use super::tenant::TenantProber;
use super::{edge, follow_up, vantage, zone};
use crate::clock::now;
use crate::diagnosis::{Diagnosis, FollowUp, diagnose};
use crate::evidence::ZoneEvidence;
use crate::round::Round;
use crate::target::NameError;
use crate::world::{EdgeEvidence, TenantWorld, World};

/// How often a diagnosis may ask for follow-ups.
const FOLLOW_UPS: usize = 2;

/// Verifies every target of the assignment once. Ends at once, with what is known, when `stop` is pulled.
///
/// # Errors
/// [`NameError`] where the domain is so long that no label fits before it.
pub async fn round(
    setup: &ProbeSetup,
    assignment: &Assignment,
    observer: &dyn Observer,
    mut stop: Stop,
) -> Result<Round, NameError> {
    let started = now();
    let edge = EdgeProber::new(setup, assignment, zone::fresh(&setup.domain)?, started);
    edge.chains.put(assignment.reused.chains.clone());
    let mut world = unprobed(&edge);
    observer.stage("zone and edge", 0);
    let mut follower = None;
    let begin = async {
        if assignment.traced {
            follower = LogFollower::begin(setup, assignment).await;
        }
    };
    tokio::select! {
        _ = async { tokio::join!(probe_fleet(&edge, &mut world), begin) } => {}
        () = stop.wait() => {}
    }
    let sockets = edge::probe_addresses(&world.edge);
    let zone = world.zone.clone();
    let prober = TenantProber::new(&edge, &zone, sockets);
    probe_tenants(&prober, &mut world, observer, &mut stop).await;
    let diagnosis = settle(&prober, &mut world, follower, observer, &mut stop).await;
    world.interrupted = stop.pulled();
    Ok(Round {
        world,
        diagnosis,
        started,
        finished: now(),
    })
}

/// Diagnoses, follows up what the diagnosis leaves open, and diagnoses again; follows a traced request into the logs.
async fn settle(
    prober: &TenantProber<'_>,
    world: &mut World,
    mut follower: Option<LogFollower<'_>>,
    observer: &dyn Observer,
    stop: &mut Stop,
) -> Diagnosis {
    let chains = &prober.edge.chains;
    world.chains = chains.take();
    let mut diagnosis = diagnose(world);
    for pass in 0..FOLLOW_UPS {
        let follow_ups = &mut diagnosis.follow_ups;
        if pass == 0 && prober.edge.assignment.traced {
            let extra = prober.worth_tracing(world);
            let new = extra.filter(|follow_up| !follow_ups.contains(follow_up));
            follow_ups.extend(new);
        }
        if follow_ups.iter().any(|follow_up| matches!(follow_up, FollowUp::Log(_))) {
            if let Some(follower) = follower.take() {
                follow(follower, world, observer, stop).await;
            }
            // What the follower has brought is not asked for once more.
            follow_ups.retain(|follow_up| !is_answered(follow_up, world));
        }
        if follow_ups.is_empty() || stop.pulled() {
            break;
        }
        let follow_ups = std::mem::take(follow_ups);
        chains.put(std::mem::take(&mut world.chains));
        follow_up::follow_up(prober, world, &follow_ups, observer, stop).await;
        world.chains = chains.take();
        diagnosis = diagnose(world);
    }
    if let Some(follower) = follower.take() {
        follow(follower, world, observer, stop).await;
        diagnosis = diagnose(world);
    }
    diagnosis
}

async fn follow(follower: LogFollower<'_>, world: &mut World, observer: &dyn Observer, stop: &mut Stop) {
    observer.stage("logs", 0);
    tokio::select! {
        () = follower.follow(world) => {}
        () = stop.wait() => {}
    }
}

fn is_answered(follow_up: &FollowUp, world: &World) -> bool {
    match follow_up {
        FollowUp::Log(id) => {
            let tenant = world.tenants.iter().find(|tenant| tenant.tenant.id == *id);
            tenant.is_some_and(|tenant| !tenant.log.is_unasked())
        }
        _ => false,
    }
}

fn unprobed(edge: &EdgeProber<'_>) -> World {
    let (setup, assignment) = (edge.setup, edge.assignment);
    World {
        now: edge.now,
        domain: setup.domain.clone(),
        selected: assignment.selected.clone(),
        vantage: Default::default(),
        zone: ZoneEvidence::unseen(edge.control.clone()),
        edge: EdgeEvidence {
            addresses: assignment.addresses.clone(),
            port: setup.port,
            ..Default::default()
        },
        wildcard: setup.fleet.certificate,
        platform: assignment.snapshot.platform.clone(),
        listing: assignment.snapshot.listing.clone(),
        listed_at: assignment.snapshot.listed_at,
        inventory: assignment.inventory.clone(),
        known: assignment.known.clone(),
        tenants: assignment
            .targets
            .iter()
            .map(|target| reused_or_unprobed(assignment, target))
            .collect(),
        chains: Default::default(),
        interrupted: false,
    }
}

fn reused_or_unprobed(assignment: &Assignment, target: &ProbeTarget) -> TenantWorld {
    let unprobed = || TenantWorld::unseen(target.tenant.clone(), target.expectation.clone());
    assignment.reused.of(target).cloned().unwrap_or_else(unprobed)
}

async fn probe_fleet(edge: &EdgeProber<'_>, world: &mut World) {
    let (setup, assignment) = (edge.setup, edge.assignment);
    let (vantage, zone) = tokio::join!(
        vantage::probe(setup, assignment),
        zone::probe(setup, assignment, edge.control.clone())
    );
    world.edge = edge::probe(edge, &vantage).await;
    world.vantage = vantage;
    world.zone = zone;
}

/// Probes all tenants, `concurrency` at a time. Their order in the world stays that of the assignment.
async fn probe_tenants(prober: &TenantProber<'_>, world: &mut World, observer: &dyn Observer, stop: &mut Stop) {
    let assignment = prober.edge.assignment;
    if stop.pulled() {
        return;
    }
    let new = |(_, target): &(usize, &ProbeTarget)| assignment.reused.of(target).is_none();
    let wanted = || assignment.targets.iter().enumerate().filter(new);
    observer.stage("tenants", wanted().count());
    let probes = wanted().map(async |(index, target)| (index, prober.probe(target).await));
    let mut probes = stream::iter(probes).buffer_unordered(prober.edge.setup.concurrency.max(1));
    loop {
        tokio::select! {
            probed = probes.next() => match probed {
                Some((index, seen)) => world.tenants[index] = seen,
                None => return,
            },
            () = stop.wait() => return,
        }
        observer.step();
    }
}
