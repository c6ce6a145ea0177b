//! One round: the fleet first, then every tenant, then what is still open; and what all of it means.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{self, FuturesUnordered, StreamExt as _};
use tokio::time::{MissedTickBehavior, interval};

use super::assignment::{Assignment, Names, ProbeTarget};
use super::concurrency::Places;
use super::details::Details;
use super::edge::{self, EdgeProber};
use super::examine::{Examination, first_look, settle};
use super::log_follower::LogFollower;
use super::outage::OutageWatch;
use super::progress::{Observer, Stop};
use super::setup::ProbeSetup;
use super::tenant::TenantProber;
use super::{fleet_look, log_search, zone};
use crate::clock::{Moment, now};
use crate::diagnosis::{FollowUp, conclude, fleet_findings, follow_ups};
use crate::evidence::Visit;
use crate::fleet::{ChainStore, FleetContext};
use crate::round::Round;
use crate::target::NameError;
use crate::world::{EdgeEvidence, TenantEvidence, World};

/// How often the pace of the event loop is felt.
const PULSE: Duration = Duration::from_millis(100);
/// How often one tenant is looked at again after the agent ran out of something.
const AGAIN: usize = 2;

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
    let chains = Arc::new(ChainStore::of(&assignment.reused.chains));
    let edge = EdgeProber::new(
        setup,
        assignment,
        zone::fresh(&setup.domain)?,
        started,
        chains,
        EdgeProber::turns(),
        Arc::new(Details::of_a_round()),
    );
    observer.stage("zone and edge", 0);
    let begin = async {
        match assignment.traced {
            true => LogFollower::begin(setup, assignment).await,
            false => None,
        }
    };
    let seen = tokio::select! {
        seen = async { tokio::join!(fleet_look::look(&edge, None), begin) } => Some(seen),
        () = stop.wait() => None,
    };
    let unseen = || FleetContext::new(fleet_look::unseen(&edge), Arc::clone(&edge.chains));
    let (context, follower) = seen.unwrap_or_else(|| (unseen(), None));
    observer.fleet(&fleet_findings(&context));
    let names = Arc::new(Names::new(&assignment.known));
    let prober = TenantProber::new(&edge, &context, edge::probe_addresses(&context.fleet.edge), names);
    let mut examined = look_at_all(&prober, observer, &mut stop).await;
    // Before anything else asks the app: that would leave lines in its log as well.
    if let Some(follower) = follower {
        follow(follower, &prober, &mut examined, observer, &mut stop).await;
    }
    settle_all(&prober, &mut examined, observer, &mut stop).await;
    let context = together(&prober, &mut examined, observer, &mut stop).await;
    forget_outages(setup, &context.fleet.edge);
    let asked = logs_asked(&examined);
    let (seen, judged): (Vec<_>, Vec<_>) = examined.into_iter().map(Examination::into_parts).unzip();
    let diagnosis = conclude(&context, judged, asked);
    Ok(Round {
        world: world(context, seen, stop.pulled()),
        diagnosis,
        started,
        finished: now(),
    })
}

/// Looks at all tenants once, as many together as pays. In the order of the assignment.
async fn look_at_all(prober: &TenantProber<'_>, observer: &dyn Observer, stop: &mut Stop) -> Vec<Examination> {
    let assignment = prober.edge.assignment;
    let reused = |target| assignment.reused.of(target).cloned();
    let reused = assignment.targets.iter().map(reused);
    let reused = reused.map(|seen| seen.map(|seen| Examination::of(prober.context, seen)));
    let mut examined = reused.collect::<Vec<_>>();
    look_at_new(prober, &mut examined, observer, stop).await;
    let unseen = |target: &ProbeTarget| TenantEvidence::unseen(target.tenant.clone(), target.expectation.clone());
    let examined = examined.into_iter().zip(&assignment.targets);
    examined
        .map(|(seen, target)| seen.unwrap_or_else(|| Examination::of(prober.context, unseen(target))))
        .collect()
}

/// Looks at those of whom nothing is reused; interrupted, at some of them.
async fn look_at_new(
    prober: &TenantProber<'_>,
    examined: &mut [Option<Examination>],
    observer: &dyn Observer,
    stop: &mut Stop,
) {
    if stop.pulled() {
        return;
    }
    let assignment = prober.edge.assignment;
    let new = examined.iter().enumerate().filter(|(_, seen)| seen.is_none());
    let mut waiting = new.map(|(index, _)| (index, AGAIN)).rev().collect::<Vec<_>>();
    observer.stage("tenants", waiting.len());
    let mut places = Places::new(prober.edge.setup.concurrency);
    let mut outage = OutageWatch::new(prober.context);
    let mut under_way = FuturesUnordered::new();
    let mut pulse = interval(PULSE);
    pulse.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        while under_way.len() < places.count()
            && let Some((index, again)) = waiting.pop()
        {
            let target = &assignment.targets[index];
            let visit = !outage.spares(prober.context, target.tenant.hostname.as_str());
            under_way.push(async move { (index, again, first_look(prober, target, visit).await) });
        }
        tokio::select! {
            seen = under_way.next() => {
                let Some((index, again, mut examination)) = seen else { return };
                if examination.ran_out() && again > 0 && places.exhausted(under_way.len() + 1) {
                    waiting.push((index, again - 1));
                    continue;
                }
                // Who was spared by an outage that is refuted by now is visited after all.
                if examination.evidence.spared && outage.is_refuted() {
                    waiting.push((index, again));
                    continue;
                }
                if outage.hear(prober.context, &examination.evidence) {
                    waiting.extend(spared(examined).map(|index| (index, AGAIN)));
                }
                if let Some(ms) = examination.answered_in() {
                    places.answered(ms);
                }
                if assignment.forget_healthy && examination.is_well() {
                    observer.forgets(&examination.evidence);
                    examination.forget();
                }
                examined[index] = Some(examination);
                observer.step();
            }
            due = pulse.tick() => places.pulse(Moment::from(due.into_std()).elapsed(), under_way.len()),
            () = stop.wait() => return,
        }
    }
}

/// The positions of those who were not visited because of an outage.
fn spared(examined: &[Option<Examination>]) -> impl Iterator<Item = usize> {
    let examined = examined.iter().enumerate();
    let spared = examined.filter(|(_, seen)| seen.as_ref().is_some_and(|seen| seen.evidence.spared));
    spared.map(|(index, _)| index)
}

/// Follows up what is open about single tenants. What concerns the edge is repeated without haste, see
/// [`EdgeProber::unhurried`]; what concerns a tenant's own app hinders nobody.
async fn settle_all(prober: &TenantProber<'_>, examined: &mut [Examination], observer: &dyn Observer, stop: &mut Stop) {
    let traced = prober.edge.assignment.traced;
    let open = |examination: &Examination| examination.evidence.probed && (traced || examination.is_open());
    let count = examined.iter().filter(|examination| open(examination)).count();
    if count == 0 || stop.pulled() {
        return;
    }
    observer.stage("follow-ups", count);
    let pairs = examined.iter_mut().zip(&prober.edge.assignment.targets);
    let pairs = pairs.filter(|(examination, _)| open(examination));
    let settled = pairs.map(async |(examination, target)| {
        let besides = match traced {
            true => prober.worth_tracing(&examination.evidence),
            false => None,
        };
        settle(prober, target, examination, besides).await;
    });
    let together = Places::new(prober.edge.setup.concurrency).most();
    let mut settled = stream::iter(settled).buffer_unordered(together);
    let ended = loop {
        tokio::select! {
            next = settled.next() => match next {
                Some(()) => observer.step(),
                None => break false,
            },
            () = stop.wait() => break true,
        }
    };
    drop(settled);
    if ended {
        // What some were followed up with by then is evidence as well.
        let open = examined.iter_mut().filter(|examination| open(examination));
        open.for_each(|examination| examination.judge_again(prober.context));
    }
}

/// Where the control name was cut without haste too, the edge failed and limited nobody: the pace that was found there
/// says nothing of what it bears once it stands again.
fn forget_outages(setup: &ProbeSetup, edge: &EdgeEvidence) {
    for socket in edge.sockets() {
        if edge.control_at(socket).is_some_and(Visit::was_cut) {
            setup.pacers.forget(socket);
        }
    }
}

/// Follows the request of the only target into the logs.
async fn follow(
    follower: LogFollower<'_>,
    prober: &TenantProber<'_>,
    examined: &mut [Examination],
    observer: &dyn Observer,
    stop: &mut Stop,
) {
    let Some(only) = examined.first_mut() else { return };
    if stop.pulled() {
        return;
    }
    observer.stage("logs", 0);
    tokio::select! {
        () = follower.follow(&mut only.evidence, prober.edge.now) => {}
        () = stop.wait() => {}
    }
    only.judge_again(prober.context);
}

/// What is asked once for many tenants together: the clocks of addresses, and the edge's log.
async fn together(
    prober: &TenantProber<'_>,
    examined: &mut [Examination],
    observer: &dyn Observer,
    stop: &mut Stop,
) -> FleetContext {
    let context = prober.context.clone();
    let judgements = examined.iter().map(|examination| &examination.judgement);
    let open = follow_ups(&context, judgements, logs_asked(examined));
    if open.is_empty() || stop.pulled() {
        return context;
    }
    observer.stage("logs and clocks", 0);
    let wanted = open.iter().filter_map(|follow_up| match follow_up {
        FollowUp::Log(tenant) => Some(tenant),
        _ => None,
    });
    let wanted = wanted.collect::<BTreeSet<_>>();
    let indices = examined.iter().enumerate();
    let indices = indices.filter(|(_, examination)| wanted.contains(&examination.evidence.tenant.id));
    let targets = &prober.edge.assignment.targets;
    let searched = indices.filter_map(|(index, _)| Some((index, targets.get(index)?)));
    let searched = searched.collect::<Vec<_>>();
    let search = async {
        match searched.is_empty() {
            true => Vec::new(),
            false => log_search::search(prober, &searched).await,
        }
    };
    let fleet = fleet_look::follow_up(prober.edge, context.clone(), &open);
    let (found, context) = tokio::select! {
        answers = async { tokio::join!(search, fleet) } => answers,
        () = stop.wait() => return context,
    };
    for (index, log) in found {
        let kept = &mut examined[index].evidence.log;
        (kept.edge, kept.visits) = (log.edge, log.visits);
    }
    for examination in examined
        .iter_mut()
        .filter(|examined| !examined.judgement.follow_ups.is_empty())
    {
        examination.judge_again(&context);
    }
    context
}

/// Of how many tenants the edge's log was asked for.
fn logs_asked(examined: &[Examination]) -> usize {
    let asked = |examination: &&Examination| examination.evidence.log.was_edge_asked();
    examined.iter().filter(asked).count()
}

fn world(context: FleetContext, tenants: Vec<TenantEvidence>, interrupted: bool) -> World {
    let chains = context.chains.presented();
    let fleet = context.fleet;
    World {
        now: fleet.now,
        domain: fleet.domain,
        selected: fleet.selected,
        vantage: fleet.vantage,
        zone: fleet.zone,
        edge: fleet.edge,
        wildcard: fleet.wildcard,
        platform: fleet.platform,
        listing: fleet.listing,
        listed_at: fleet.listed_at,
        zone_id: fleet.zone_id,
        inventory: fleet.inventory,
        known: fleet.known,
        tenants,
        chains,
        interrupted,
    }
}
