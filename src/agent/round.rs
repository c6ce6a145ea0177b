//! One round: the agent's own place, the zone and the edge first, then every tenant, then what is still open.

use futures_util::stream::{self, StreamExt};
use jiff::Timestamp;
use roundsman_checks::diagnosis::{Diagnosis, Question, diagnose};
use roundsman_checks::target::NameError;
use roundsman_checks::world::{TenantWorld, World};

use super::clock::now;
use super::edge::{self, Visitor};
use super::plan::{Observer, Plan, Stop, Subject};
use super::tenant::Looker;
use super::trail::Trail;
use super::{drill, zone};

/// How often a diagnosis may ask for deeper looks.
const QUESTIONS: usize = 2;

/// What a round left.
pub struct Outcome {
    /// Everything that was seen.
    pub world: World,
    /// What it means.
    pub diagnosis: Diagnosis,
    /// When the round began.
    pub started: Timestamp,
    /// When it ended.
    pub finished: Timestamp,
}

/// Verifies every tenant of the plan once. Ends at once, with what is known, when `stop` is pulled.
///
/// # Errors
/// [`NameError`] where the domain is so long that no label fits before it.
pub async fn round(plan: &Plan, observer: &dyn Observer, mut stop: Stop) -> Result<Outcome, NameError> {
    let started = now();
    let visitor = Visitor::new(plan, zone::fresh(&plan.domain)?, started);
    visitor.chains.put(plan.carried.chains.clone());
    let mut world = unseen(plan, &visitor, started);
    observer.stage("zone and edge", 0);
    let mut trail = None;
    let begin = async {
        if plan.traced {
            trail = Trail::begin(plan).await;
        }
    };
    tokio::select! {
        _ = async { tokio::join!(look_at_fleet(plan, &visitor, &mut world), begin) } => {}
        () = stop.wait() => {}
    }
    let sockets = edge::worth_visiting(&world.edge);
    let zone = world.zone.clone();
    let looker = Looker::new(&visitor, &zone, sockets);
    look_at_tenants(&looker, &mut world, observer, &mut stop).await;
    world.chains = visitor.chains.take();
    let mut diagnosis = diagnose(&world);
    for pass in 0..QUESTIONS {
        if pass == 0 && plan.traced {
            let extra = looker.worth_tracing(&world);
            let new = extra.filter(|question| !diagnosis.questions.contains(question));
            diagnosis.questions.extend(new);
        }
        if diagnosis
            .questions
            .iter()
            .any(|question| matches!(question, Question::Log(_)))
        {
            if let Some(trail) = trail.take() {
                follow(trail, &mut world, observer, &mut stop).await;
            }
            // What the trail has brought is not asked for once more.
            diagnosis.questions.retain(|question| !is_answered(question, &world));
        }
        if diagnosis.questions.is_empty() || stop.pulled() {
            break;
        }
        let questions = std::mem::take(&mut diagnosis.questions);
        visitor.chains.put(std::mem::take(&mut world.chains));
        drill::drill(&looker, &mut world, &questions, observer, &mut stop).await;
        world.chains = visitor.chains.take();
        diagnosis = diagnose(&world);
    }
    if let Some(trail) = trail.take() {
        follow(trail, &mut world, observer, &mut stop).await;
        diagnosis = diagnose(&world);
    }
    world.interrupted = stop.pulled();
    Ok(Outcome {
        world,
        diagnosis,
        started,
        finished: now(),
    })
}

async fn follow(trail: Trail<'_>, world: &mut World, observer: &dyn Observer, stop: &mut Stop) {
    observer.stage("logs", 0);
    tokio::select! {
        () = trail.follow(world) => {}
        () = stop.wait() => {}
    }
}

fn is_answered(question: &Question, world: &World) -> bool {
    match question {
        Question::Log(index) => !world.tenants[*index].log.is_unasked(),
        _ => false,
    }
}

fn unseen(plan: &Plan, visitor: &Visitor<'_>, now: Timestamp) -> World {
    World {
        now,
        domain: plan.domain.clone(),
        selected: plan.selected.clone(),
        vantage: Default::default(),
        zone: roundsman_checks::evidence::ZoneEvidence::unseen(visitor.control.clone()),
        edge: roundsman_checks::world::EdgeEvidence {
            addresses: plan.edge.0.clone(),
            port: plan.edge.1,
            ..Default::default()
        },
        wildcard: plan.fleet.certificate,
        platform: plan.platform.clone(),
        listing: plan.listing.clone(),
        inventory: plan.inventory.clone(),
        known: plan.known.clone(),
        tenants: plan
            .tenants
            .iter()
            .map(|subject| TenantWorld {
                tenant: subject.tenant.clone(),
                expectation: subject.expectation.clone(),
                ..carried_or_unseen(plan, subject)
            })
            .collect(),
        chains: Default::default(),
        interrupted: false,
    }
}

fn carried_or_unseen(plan: &Plan, subject: &Subject) -> TenantWorld {
    let unseen = || TenantWorld::unseen(subject.tenant.clone(), subject.expectation.clone());
    plan.carried(subject).cloned().unwrap_or_else(unseen)
}

async fn look_at_fleet(plan: &Plan, visitor: &Visitor<'_>, world: &mut World) {
    let (vantage, zone) = tokio::join!(zone::vantage(plan), zone::look(plan, visitor.control.clone()));
    world.edge = edge::look(visitor, &vantage).await;
    world.vantage = vantage;
    world.zone = zone;
}

/// Looks at all tenants, `concurrency` at a time. Their order in the world stays that of the plan.
async fn look_at_tenants(looker: &Looker<'_>, world: &mut World, observer: &dyn Observer, stop: &mut Stop) {
    let plan = looker.visitor.plan;
    if stop.pulled() {
        return;
    }
    let new = |(_, subject): &(usize, &Subject)| plan.carried(subject).is_none();
    let wanted = || plan.tenants.iter().enumerate().filter(new);
    observer.stage("tenants", wanted().count());
    let looks = wanted().map(async |(index, subject)| (index, looker.look(subject).await));
    let mut looks = stream::iter(looks).buffer_unordered(plan.concurrency.max(1));
    loop {
        tokio::select! {
            look = looks.next() => match look {
                Some((index, seen)) => world.tenants[index] = seen,
                None => return,
            },
            () = stop.wait() => return,
        }
        observer.step();
    }
}
