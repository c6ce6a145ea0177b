//! Follow-ups: the deeper looks that a diagnosis asks for, only where something failed.

use std::collections::HashMap;
use std::net::SocketAddr;

use futures_util::FutureExt as _;
use futures_util::stream::{self, StreamExt};

use super::assignment::ProbeTarget;
use super::log_search;
use super::progress::{Observer, Stop};
use super::retry::PacedRetry;
use super::tenant::TenantProber;
use crate::clock::{Moment, now};
use crate::diagnosis::FollowUp;
use crate::evidence::{DateLook, DnsLook, Machine, Retry, TenantLog, Visit};
use crate::probe;
use crate::world::World;

/// How many follow-ups run together: few, for they follow a failure.
const TOGETHER: usize = 8;

enum Answer {
    Control(Box<Visit>),
    Date(DateLook),
    Blockers(usize, Vec<DnsLook>),
    Retry(usize, Box<Retry>),
    Visit(usize, Box<Visit>),
    Direct(usize, Box<Visit>),
    Checks(usize, Vec<Machine>),
    Logs(Vec<(usize, TenantLog)>),
}

/// Asks all of them and adds the answers to the world, each the same whatever the order they came in.
pub(super) async fn follow_up(
    prober: &TenantProber<'_>,
    world: &mut World,
    follow_ups: &[FollowUp],
    observer: &dyn Observer,
    stop: &mut Stop,
) {
    observer.stage("looking closer", follow_ups.len());
    let begun = Moment::now();
    let positions = world.tenants.iter().enumerate();
    let positions = positions.map(|(at, tenant)| (tenant.tenant.id.clone(), at));
    let positions = positions.collect::<HashMap<_, _>>();
    let position = |follow_up: &FollowUp| positions.get(follow_up.tenant()?).copied();
    let is_of_the_log = |follow_up: &FollowUp| match follow_up {
        FollowUp::Log(_) => position(follow_up),
        _ => None,
    };
    // The log is read once for all of them: its lines are late, and waiting for each alone would add up.
    let logged = follow_ups.iter().filter_map(is_of_the_log).collect::<Vec<_>>();
    let others = follow_ups
        .iter()
        .filter(|follow_up| !matches!(follow_up, FollowUp::Log(_)));
    let mut asks = others
        .map(|follow_up| ask(prober, world, follow_up, position(follow_up), begun).boxed())
        .collect::<Vec<_>>();
    if !logged.is_empty() {
        let read = async { Some(Answer::Logs(log_search::search(prober, &logged).await)) };
        asks.insert(0, read.boxed());
    }
    let mut answers = stream::iter(asks).buffer_unordered(TOGETHER);
    let mut gathered = Vec::new();
    loop {
        tokio::select! {
            answer = answers.next() => match answer {
                Some(answer) => gathered.extend(answer),
                None => break,
            },
            () = stop.wait() => break,
        }
        observer.step();
    }
    drop(answers);
    for answer in gathered {
        add(world, answer);
    }
}

/// Asks one; `at` is the tenant's position, where it is about one.
async fn ask(
    prober: &TenantProber<'_>,
    world: &World,
    follow_up: &FollowUp,
    at: Option<usize>,
    begun: Moment,
) -> Option<Answer> {
    let edge = prober.edge;
    match follow_up {
        FollowUp::Control(address) => return Some(Answer::Control(Box::new(edge.control(*address).await))),
        FollowUp::Date(address) => {
            let date = probe::date(&edge.setup.prober, *address, &edge.control, now()).await;
            return Some(Answer::Date(date));
        }
        _ => {}
    }
    let at = at?;
    let (tenant, target) = (world.tenants.get(at)?, edge.assignment.targets.get(at)?);
    match follow_up {
        FollowUp::Blockers(_) => Some(Answer::Blockers(at, prober.blockers(tenant).await)),
        FollowUp::Unhurried(_, address) => {
            let retry = paced_retry(prober, target, *address, begun).await?;
            Some(Answer::Retry(at, Box::new(retry)))
        }
        FollowUp::Direct(_) => Some(Answer::Direct(at, Box::new(prober.direct(target).await?))),
        FollowUp::Checks(_) => {
            let machines = edge.setup.machines(&target.tenant.app).await?;
            Some(Answer::Checks(at, machines))
        }
        FollowUp::OtherAddress(_, address) => {
            let visit = prober.visit(target, *address, prober.may_ask(target)).await;
            Some(Answer::Visit(at, Box::new(visit)))
        }
        // Logs are asked for together.
        _ => None,
    }
}

/// Repeats a cut visit, with the control name right after each cut: together they tell the tenant's fault from a limit
/// of the edge.
async fn paced_retry(
    prober: &TenantProber<'_>,
    target: &ProbeTarget,
    address: SocketAddr,
    begun: Moment,
) -> Option<Retry> {
    let (edge, page) = (prober.edge, prober.may_ask(target));
    let mut retry = PacedRetry::new(&edge.setup.timing.retry);
    let mut last = None;
    while retry.begin(Moment::now().since(begun)) {
        let visit = prober.visit(target, address, page).await;
        if !visit.was_cut() {
            return Some(Retry { visit, control: None });
        }
        let control = edge.control(address).await;
        let limited = control.was_cut();
        last = Some(Retry {
            visit,
            control: Some(control),
        });
        if limited {
            edge.setup.pacers.slow_down(address);
        }
        let Some(pause) = retry.was_cut(limited) else { break };
        tokio::time::sleep(pause).await;
    }
    last
}

fn add(world: &mut World, answer: Answer) {
    match answer {
        Answer::Control(visit) => world.edge.rechecks.push(*visit),
        Answer::Date(date) => world.vantage.dates.push(date),
        Answer::Blockers(index, looks) => world.tenants[index].dns.blockers = looks,
        Answer::Retry(index, retry) => world.tenants[index].retries.push(*retry),
        Answer::Direct(index, visit) => world.tenants[index].direct = Some(*visit),
        Answer::Checks(index, machines) => {
            let tenant = &mut world.tenants[index];
            tenant.checks_asked = true;
            let app = tenant.tenant.app.clone();
            if let Some(platform) = world.platform_mut() {
                platform.learn(&app, &machines);
            }
        }
        Answer::Logs(found) => {
            for (index, found) in found {
                let log = &mut world.tenants[index].log;
                (log.edge, log.visits) = (found.edge, found.visits);
            }
        }
        Answer::Visit(index, visit) => world.tenants[index].visits.push(*visit),
    }
}
