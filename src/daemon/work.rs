//! Carrying out what a dispatcher says is to be done with sockets: reading the APIs, looking at the fleet, examining a
//! tenant. Each piece of work ends by itself, and says what came of it.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::LocalBoxFuture;
use jiff::Timestamp;
use roundsman_alerts::channel::Channel;
use roundsman_alerts::notification::{Delivery, Failure, Message, Outcome};
use roundsman_alerts::render::Alert;
use roundsman_checks::check::Findings;
use roundsman_checks::clock::{Moment, now};
use roundsman_checks::diagnosis::Cause;
use roundsman_checks::evidence::TraceContext;
use roundsman_checks::finding::Outcome as Judged;
use roundsman_checks::fleet::{ChainStore, FleetContext};
use roundsman_checks::gather::{
    ApiSnapshot, Assignment, Examination, FleetWatch, ProbeSetup, Stop, WakePolicy, last_lines,
};
use roundsman_checks::target::{NameError, Tenant, TenantId};
use roundsman_checks::world::TenantEvidence;
use tokio::sync::{oneshot, watch};
use tokio::time::timeout;

use super::api::Answer;
use crate::agent::{NoInventory, RoundRequest, RunError, Setup, Snapshot, assign};
use crate::config::Traces;
use crate::history::Timings;
use crate::inventory::Inventory;
use crate::store::{Progress, StoreHandle, Write};
use crate::telemetry::otlp::spans;
use crate::telemetry::{Format, Probed};
use crate::text::{clean, shorten};
use crate::watch::{Examined, Extent, Seen, TenantIx};

/// How long a message waits until what led to it is on disk: a disk that is full must not keep people from hearing.
const KEPT_BY: Duration = Duration::from_secs(2);
/// How long a message waits for the log of an app that crashed, how many lines of it are told, and how much of each.
const LOG_BY: Duration = Duration::from_secs(5);
const LOG_LINES: usize = 10;
const LOG_LINE: usize = 200;
/// How many alerts an Alertmanager is told in one request.
const TOGETHER: usize = 1_000;

/// What a piece of work came to.
pub(super) enum Done {
    /// The APIs and the inventory were read: so much of them, whether that leaves doubts, and the calls that it took.
    Read(Result<Box<Snapshot>, Box<NoInventory>>, Extent, bool, u32),
    /// The fleet was looked at.
    Looked(Box<Result<FleetWatch, NameError>>),
    /// A delivery was tried, which took so long.
    Delivered(Delivery, Outcome, Duration),
    /// An Alertmanager was told how things are.
    Told(Arc<str>, Outcome),
    /// A tenant was examined because somebody asked for it.
    Probed(TenantId, Option<Box<Traced>>),
    /// Somebody was told that something is kept.
    Kept,
    /// What is confirmed was looked at for its repair.
    Repaired(Box<super::repairs::Ran>),
    /// A tenant was examined; `None` where its requests can't be made.
    Examined(TenantIx, Option<Box<Examined>>, Option<Box<Traced>>),
}

/// An examination that is told as a trace.
pub(super) struct Traced {
    /// What was seen.
    pub evidence: TenantEvidence,
    /// What the checks say of it.
    pub findings: Findings,
    /// The cause of its own that explains it, where there is one.
    pub cause: Option<Cause>,
}

/// As what an examination is told to others: the trace of its requests, and which are told in the end.
pub(super) type Tracing = (TraceContext, Traces);

/// What of an examination is told as a trace, now that it is known what came of it.
fn traced(examination: &Examination, tracing: Option<&Tracing>) -> Option<Box<Traced>> {
    let findings = &examination.judgement.findings;
    let (trace, traces) = tracing?;
    spans::is_told(*traces, trace, findings).then(|| {
        Box::new(Traced {
            evidence: examination.evidence.clone(),
            findings: findings.clone(),
            cause: examination.judgement.own.first().map(|own| own.cause),
        })
    })
}

/// Work under way.
pub(super) type Work = LocalBoxFuture<'static, Done>;

/// Reads the APIs and the inventory.
pub(super) fn read(setup: Arc<Setup>, mut stop: Stop) -> Work {
    Box::pin(async move {
        let before = setup.clients.calls_for_all();
        let read = Snapshot::read(&setup, &RoundRequest::default(), &mut stop).await;
        let calls = setup.clients.calls_for_all().saturating_sub(before);
        Done::Read(read.map(Box::new), Extent::Whole, false, calls)
    })
}

/// Reads what changed since a snapshot, and the inventory.
pub(super) fn read_changes(setup: Arc<Setup>, known: ApiSnapshot, mut stop: Stop) -> Work {
    Box::pin(async move {
        let before = setup.clients.calls_for_all();
        let read = Snapshot::changed(&setup, known, &mut stop).await;
        let calls = setup.clients.calls_for_all().saturating_sub(before);
        let (read, doubtful) = match read {
            Ok((snapshot, doubtful)) => (Ok(snapshot), doubtful),
            Err(error) => (Err(error), true),
        };
        Done::Read(read.map(Box::new), Extent::Changes, doubtful, calls)
    })
}

/// Reads the inventory alone, beside what the APIs said before.
pub(super) fn read_inventory(setup: Arc<Setup>, known: ApiSnapshot, mut stop: Stop) -> Work {
    Box::pin(async move {
        let read = Snapshot::listed(&setup, known, &mut stop).await;
        Done::Read(read.map(Box::new), Extent::Inventory, false, 0)
    })
}

/// Tries to deliver something, once what led to it is kept; where that takes too long, all the same.
pub(super) fn deliver(
    channel: Option<Arc<Channel>>,
    delivery: Delivery,
    mut progress: watch::Receiver<Progress>,
    number: u64,
    log: Option<(Arc<ProbeSetup>, String)>,
) -> Work {
    Box::pin(async move {
        let is_kept = progress.wait_for(|progress| progress.synced >= number || progress.trouble.is_some());
        // The writer may be gone: then nothing more is kept.
        let _ = timeout(KEPT_BY, is_kept).await;
        let began = Moment::now();
        let outcome = match channel {
            Some(channel) => {
                let recipient = delivery.to.recipient.as_deref();
                let message = with_log(Arc::clone(&delivery.message), log).await;
                channel.deliver(&message, recipient, now()).await
            }
            None => Outcome::Failed(Failure {
                why: "the channel is not configured any more".to_owned(),
                permanent: true,
                ..Failure::default()
            }),
        };
        Done::Delivered(delivery, outcome, began.elapsed())
    })
}

/// Tells whoever waits once something is on the disk, or that it is not.
pub(super) fn kept(store: StoreHandle, write: Write, answer: oneshot::Sender<Answer>) -> Work {
    Box::pin(async move {
        let told = match store.keep(write, KEPT_BY).await {
            Ok(()) => Answer::Done(serde_json::Value::Null),
            Err(why) => Answer::Refused(why),
        };
        // Whoever asked may be gone.
        let _ = answer.send(told);
        Done::Kept
    })
}

/// A message with what its app wrote last. What can't be had in time is left out: nobody waits for it to be told.
async fn with_log(message: Arc<Message>, log: Option<(Arc<ProbeSetup>, String)>) -> Arc<Message> {
    let Some((setup, app)) = log else { return message };
    let lines = timeout(LOG_BY, last_lines(&setup, &app, LOG_LINES))
        .await
        .unwrap_or_default();
    let lines = lines.iter().map(|line| shorten(&clean(&line.message), LOG_LINE));
    Arc::new(Message {
        log: lines.collect(),
        ..(*message).clone()
    })
}

/// Tells an Alertmanager how things are.
pub(super) fn tell(channel: Arc<Channel>, alerts: Vec<Alert>) -> Work {
    Box::pin(async move {
        let mut outcome = Outcome::Delivered("nothing to tell".to_owned());
        for some in alerts.chunks(TOGETHER) {
            outcome = channel.tell(some, now()).await;
            if matches!(outcome, Outcome::Failed(_)) {
                break;
            }
        }
        Done::Told(Arc::clone(&channel.name), outcome)
    })
}

/// What a snapshot gives every examination until the next one; `known` are all tenants that an answer may name.
pub(super) fn assignment(
    setup: &Setup,
    api: ApiSnapshot,
    inventory: Option<&Inventory>,
    known: Vec<Arc<Tenant>>,
) -> Result<Assignment, RunError> {
    let nobody = Inventory {
        known,
        faults: inventory.map(|inventory| inventory.faults.clone()).unwrap_or_default(),
        ..Inventory::default()
    };
    // Whom it is about is said for each examination.
    Ok(assign(setup, &RoundRequest::default(), api, &nobody)?)
}

/// Looks at the fleet, the first time or again.
pub(super) fn look(
    probes: Arc<ProbeSetup>,
    assignment: Arc<Assignment>,
    before: Option<FleetWatch>,
    chains: Arc<ChainStore>,
) -> Work {
    Box::pin(async move {
        let looked = match before {
            Some(before) => before.again(probes, assignment).await,
            None => FleetWatch::begin(probes, assignment, chains).await,
        };
        Done::Looked(Box::new(looked))
    })
}

/// Examines a tenant against the latest look.
pub(super) fn examine(
    setup: &Setup,
    watch: FleetWatch,
    ix: TenantIx,
    tenant: &Arc<Tenant>,
    (visit, wake): (bool, bool),
    tracing: Option<Tracing>,
) -> Work {
    let policy = match wake {
        true => WakePolicy::Allowed,
        false => WakePolicy::Unknowingly,
    };
    // A secret that can't be read just now is said where the configuration is read; this tenant waits for its next turn.
    let target = setup
        .targets(std::slice::from_ref(tenant), policy)
        .ok()
        .and_then(|mut targets| targets.pop());
    Box::pin(async move {
        let at = now();
        let Some(mut target) = target else {
            return Done::Examined(ix, None, None);
        };
        target.trace = tracing.as_ref().map(|(trace, _)| trace.clone());
        let examination = watch.examine(&target, visit).await;
        let seen = Seen::of(watch.context(), &examination.evidence);
        let served = examination.evidence.visit();
        let not_after = served.and_then(|visit| Some(watch.context().facts(visit)?.not_after));
        let traced = traced(&examination, tracing.as_ref());
        Done::Examined(ix, Some(Box::new(examined(examination, seen, not_after, at))), traced)
    })
}

/// What is asked of an examination that somebody waits for.
pub(super) struct Probe {
    /// How long it may take.
    pub within: Duration,
    /// In which form it is told.
    pub format: Format,
    /// Whether what was seen is told as well.
    pub debug: bool,
}

/// Examines a tenant for whoever waits for the answer. It says nothing to incidents: only what has its turn does.
pub(super) fn probe(
    setup: &Setup,
    watch: FleetWatch,
    tenant: &Arc<Tenant>,
    asked: Probe,
    tracing: Option<Tracing>,
    answer: oneshot::Sender<Answer>,
) -> Work {
    let id = tenant.id.clone();
    let target = setup.targets(std::slice::from_ref(tenant), WakePolicy::Unknowingly);
    Box::pin(async move {
        let mut trace = None;
        let told = match target.map(|mut targets| targets.pop()) {
            Ok(Some(mut target)) => {
                target.trace = tracing.as_ref().map(|(trace, _)| trace.clone());
                let began = Moment::now();
                let examined = timeout(asked.within, watch.examine(&target, true)).await.ok();
                trace = examined
                    .as_ref()
                    .and_then(|examination| traced(examination, tracing.as_ref()));
                let page = probed(&watch, examined.as_ref(), began.elapsed(), &asked);
                Answer::Done(page.into())
            }
            Ok(None) => Answer::Refused("there is nothing to ask for".to_owned()),
            Err(error) => Answer::Refused(error.to_string()),
        };
        // Whoever asked may be gone.
        let _ = answer.send(told);
        Done::Probed(id, trace)
    })
}

/// An examination as a page of numbers; `None`: it took too long.
fn probed(watch: &FleetWatch, examination: Option<&Examination>, took: Duration, asked: &Probe) -> String {
    let Some(examination) = examination else {
        let late = Probed {
            success: false,
            took,
            visit: None,
            timings: Timings::default(),
            links: &[],
            verified: false,
            reasons: &[],
            late: true,
        };
        return late.page(asked.format);
    };
    let findings = &examination.judgement.findings;
    let visit = examination.evidence.visit();
    let chain = visit.and_then(|visit| visit.handshake.chain);
    let links = chain
        .map(|chain| watch.context().chains.links(chain))
        .unwrap_or_default();
    let mut reasons = Vec::new();
    for (_, finding) in findings.iter() {
        if matches!(finding.outcome, Judged::Fail | Judged::Unknown) {
            reasons.extend(finding.reason.filter(|reason| !reasons.contains(reason)));
        }
    }
    let told = Probed {
        success: spans::is_success(findings),
        took,
        visit,
        timings: Timings::of(&examination.evidence),
        links: &links,
        verified: visit.is_some_and(|visit| visit.handshake.end.is_done()),
        reasons: &reasons,
        late: false,
    };
    let page = told.page(asked.format);
    match asked.debug {
        true => format!(
            "{}\n\nMetrics that would have been returned:\n{page}",
            story(examination)
        ),
        false => page,
    }
}

/// What was seen, a line for each check, and which causes explain it.
fn story(examination: &Examination) -> String {
    let judgement = &examination.judgement;
    let tenant = &examination.evidence.tenant;
    let mut lines = vec![format!(
        "Examination of {} ({}, app {}):",
        tenant.id, tenant.hostname, tenant.app
    )];
    for (check, finding) in judgement.findings.iter() {
        let took = finding
            .duration_ms
            .map(|ms| format!(", {ms:.1} ms"))
            .unwrap_or_default();
        let reason = finding.reason.map(|reason| format!(" [{reason}]")).unwrap_or_default();
        lines.push(format!(
            "{:<12} {:<8} {}{reason}{took}",
            check.as_str(),
            finding.outcome.as_str(),
            clean(&finding.message)
        ));
    }
    for explanation in &judgement.own {
        lines.push(format!(
            "cause {}: {}",
            explanation.cause,
            explanation.cause.row().title
        ));
        lines.extend(
            explanation
                .evidence()
                .iter()
                .map(|fact| format!("  {}", clean(&fact.to_string()))),
        );
    }
    lines.join("\n")
}

fn examined(examination: Examination, seen: Seen, not_after: Option<Timestamp>, at: Timestamp) -> Examined {
    Examined {
        seen: Arc::new(seen),
        woken: examination.evidence.woken,
        ran_out: examination.ran_out(),
        answered_in: examination.answered_in(),
        timings: Timings::of(&examination.evidence),
        not_after,
        judgement: examination.judgement,
        at,
    }
}

/// Whether the platform or the zone's listing says something else than before; when it was asked does not count.
pub(super) fn is_news(before: Option<&FleetContext>, api: &ApiSnapshot) -> bool {
    let listed = before.and_then(|before| before.fleet.listing.known());
    if listed != api.listing.known() {
        return true;
    }
    let before = before.and_then(FleetContext::platform);
    match (before, api.platform.known()) {
        (Some(before), Some(now)) => before.apps != now.apps || before.machines_missing != now.machines_missing,
        (before, now) => before.is_some() != now.is_some(),
    }
}
