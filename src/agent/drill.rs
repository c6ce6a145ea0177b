//! Answers what a diagnosis asks: the deeper looks that run only where something failed.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::stream::{self, StreamExt};
use roundsman_checks::diagnosis::Question;
use roundsman_checks::evidence::{Asked, DateLook, DnsLook, LogLine, Machine, Retry, Visit};
use roundsman_checks::probe;
use roundsman_checks::world::World;

use super::assignment::ProbeTarget;
use super::clock::{Moment, now};
use super::logs;
use super::progress::{Observer, Stop};
use super::tenant::TenantProber;

/// How many deeper looks run together: few, for they follow a failure.
const TOGETHER: usize = 8;
/// How often a visit that is cut together with the control name is repeated.
const ATTEMPTS: u32 = 5;
/// The pause before a cut visit is repeated; doubled each time.
const PAUSE: Duration = Duration::from_millis(250);
/// How long all repetitions of one round may take together.
const PATIENCE: Duration = Duration::from_secs(90);

enum Answer {
    Control(Box<Visit>),
    Date(DateLook),
    Blockers(usize, Vec<DnsLook>),
    Retry(usize, Box<Retry>),
    Visit(usize, Box<Visit>),
    Direct(usize, Box<Visit>),
    Checks(usize, Vec<Machine>),
    Logs(Vec<(usize, Asked<Vec<LogLine>>)>),
}

/// Asks all questions and adds the answers to the world, each the same whatever the order they came in.
pub(super) async fn drill(
    prober: &TenantProber<'_>,
    world: &mut World,
    questions: &[Question],
    observer: &dyn Observer,
    stop: &mut Stop,
) {
    observer.stage("looking closer", questions.len());
    let begun = Moment::now();
    let is_of_the_log = |question: &Question| match question {
        Question::Log(index) => Some(*index),
        _ => None,
    };
    // The log is read once for all of them: its lines are late, and waiting for each alone would add up.
    let logged = questions.iter().filter_map(is_of_the_log).collect::<Vec<_>>();
    let others = questions.iter().filter(|question| is_of_the_log(question).is_none());
    let mut asks = others
        .map(|question| ask(prober, world, question, begun).boxed())
        .collect::<Vec<_>>();
    if !logged.is_empty() {
        let read = async { Some(Answer::Logs(logs::ask(prober, &logged).await)) };
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

async fn ask(prober: &TenantProber<'_>, world: &World, question: &Question, begun: Moment) -> Option<Answer> {
    let edge = prober.edge;
    let target = |index: &usize| edge.assignment.targets.get(*index);
    match question {
        Question::Control(address) => Some(Answer::Control(Box::new(edge.control(*address).await))),
        Question::Date(address) => Some(Answer::Date(
            probe::date(&edge.setup.prober, *address, &edge.control, now()).await,
        )),
        Question::Blockers(index) => {
            let tenant = world.tenants.get(*index)?;
            Some(Answer::Blockers(*index, prober.blockers(tenant).await))
        }
        Question::Unhurried(index, address) => {
            let target = target(index)?;
            unhurried(prober, target, *address, begun)
                .await
                .map(|retry| Answer::Retry(*index, Box::new(retry)))
        }
        Question::Direct(index) => {
            let target = target(index)?;
            prober
                .direct(target)
                .await
                .map(|visit| Answer::Direct(*index, Box::new(visit)))
        }
        Question::Checks(index) => {
            let target = target(index)?;
            // What is refused is asked once all the same: there is no more to be had.
            let machines = edge.setup.details.as_ref()?.read(&target.tenant.app).await;
            Some(Answer::Checks(*index, machines.unwrap_or_default()))
        }
        // All of them are asked together.
        Question::Log(_) => None,
        Question::OtherAddress(index, address) => {
            let target = target(index)?;
            Some(Answer::Visit(
                *index,
                Box::new(prober.visit(target, *address, prober.may_ask(target)).await),
            ))
        }
    }
}

/// Repeats a cut visit, with the control name right after each cut: together they tell the tenant's fault from a limit
/// of the edge. What the control name survives twice is the tenant's own.
async fn unhurried(
    prober: &TenantProber<'_>,
    target: &ProbeTarget,
    address: SocketAddr,
    begun: Moment,
) -> Option<Retry> {
    let page = prober.may_ask(target);
    let mut pause = PAUSE;
    let mut last = None;
    let mut alone = 0;
    for _ in 0..ATTEMPTS {
        if begun.elapsed() > PATIENCE {
            break;
        }
        let visit = prober.visit(target, address, page).await;
        if !visit.was_cut() {
            return Some(Retry { visit, control: None });
        }
        let control = prober.edge.control(address).await;
        let together = control.was_cut();
        last = Some(Retry {
            visit,
            control: Some(control),
        });
        alone += u32::from(!together);
        if alone == 2 {
            break;
        }
        if together {
            prober.edge.setup.pacers.slow_down(address);
        }
        tokio::time::sleep(pause).await;
        pause *= 2;
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
            if let Asked::Known(platform) = &mut world.platform {
                platform.learn(&tenant.tenant.app, &machines);
            }
        }
        Answer::Logs(found) => {
            for (index, lines) in found {
                world.tenants[index].log.edge = lines;
            }
        }
        Answer::Visit(index, visit) => world.tenants[index].visits.push(*visit),
    }
}
