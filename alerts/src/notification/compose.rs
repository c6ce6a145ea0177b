//! What a message says: the incidents of a thread, put into words and numbers that fit on a page.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::message::SCHEMA;
use super::{Brief, Message, Reason, Status, Thread};
use crate::text::{LINE, docs, is_plain, line};
use crate::{Core, Incident, Now};

/// Most incidents and tenants that a message names, most tenants that one of its incidents does, most lines of proof
/// and of advice.
const INCIDENTS: usize = 20;
const TENANTS: usize = 20;
const TENANTS_EACH: usize = 3;
const LINES: usize = 10;
/// How long a subject is at most, so that it stays one line of a list.
const SUBJECT: usize = 110;

/// What is said of a cause in every message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prose {
    /// What it is called.
    pub title: String,
    /// What it means.
    pub meaning: String,
}

/// What messages say beside what happened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dossier {
    /// The domain whose tenants are verified.
    pub domain: String,
    /// Where the agent looks from.
    pub vantage: String,
    /// What is said of each cause.
    pub prose: BTreeMap<String, Prose>,
}

/// How a thread is called: the same from its first message to its last, since mail programs put messages together by it
/// (RFC 5256, section 2.1).
pub(super) fn subject(dossier: &Dossier, all: &[&Core]) -> String {
    let Some(first) = all.first() else {
        return String::new();
    };
    let cause = &first.key.cause;
    let what = match all {
        [alone] => named(alone),
        several if several.iter().all(|core| core.key.cause == *cause) => {
            let title = dossier.prose.get(&**cause).map(|prose| prose.title.clone());
            title.unwrap_or_else(|| "several".to_owned())
        }
        _ => "and more".to_owned(),
    };
    let id = format!(" ({})", first.id);
    let begin = format!("{}: {cause}: {what}", dossier.domain);
    format!("{}{id}", line(&begin, SUBJECT - id.chars().count().min(SUBJECT - 1)))
}

/// What an incident is about, as short as it can be said.
fn named(core: &Core) -> String {
    let mut members = core.members.iter();
    match (&*core.key.scope, members.next(), members.next()) {
        ("tenant", Some(alone), None) => alone.to_string(),
        _ => core.key.object.to_string(),
    }
}

/// What a message tells of: incidents in the order of how much they matter, and how many more there were.
pub(super) struct Told<'b> {
    /// Those that are open and not muted, then those that are over.
    pub incidents: Vec<Subject<'b>>,
    /// How many more are over and not known any more.
    pub gone: usize,
}

/// An incident, or what is remembered of one that passed before it was confirmed.
#[derive(Clone, Copy)]
pub(super) struct Subject<'b> {
    pub core: &'b Core,
    pub incident: Option<&'b Incident>,
}

impl Subject<'_> {
    pub(super) fn is_open(&self) -> bool {
        self.incident.is_some_and(Incident::is_open)
    }

    /// The most telling first: what is open, urgent, wide and old.
    fn rank(&self) -> impl Ord + use<> {
        let core = self.core;
        (
            Reverse((self.is_open(), core.severity, core.members.len())),
            core.began.wall,
            core.id.clone(),
        )
    }
}

/// The message that tells of a thread.
pub(super) fn compose(thread: &Thread, mut told: Told<'_>, reason: Reason, dossier: &Dossier, now: Now) -> Message {
    told.incidents.sort_by_cached_key(Subject::rank);
    let sequence = thread.log.as_ref().map_or(0, |log| log.sequence) + 1;
    let incidents = &told.incidents;
    let open = incidents.iter().filter(|subject| subject.is_open()).count();
    let lead = incidents.first().map(|subject| subject.core);
    // What is over is not counted among those whom it concerns while something goes on.
    let concerned = incidents.iter().filter(|subject| open == 0 || subject.is_open());
    let members = concerned
        .clone()
        .flat_map(|subject| &subject.core.members)
        .collect::<BTreeSet<&Arc<str>>>();
    let severity = concerned.clone().map(|subject| subject.core.severity).max();
    let severity = severity.unwrap_or_default();
    let cause = lead.map(|core| core.key.cause.to_string()).unwrap_or_default();
    let prose = dossier.prose.get(&cause).cloned().unwrap_or_default();
    let account = lead.map(|core| core.account.clone()).unwrap_or_default();
    let mut causes = concerned
        .map(|subject| subject.core.key.cause.to_string())
        .collect::<Vec<_>>();
    causes.sort();
    causes.dedup();
    let repairs = incidents.iter().filter_map(|subject| subject.core.repair.as_ref());
    let repairs = repairs.flat_map(|repair| repair.lines.clone()).collect::<Vec<_>>();
    let resolved = incidents.iter().filter_map(|subject| subject.incident?.resolved());
    let status = match reason {
        Reason::FlappingStarted => Status::Flapping,
        Reason::Test => Status::Test,
        _ if open == 0 => Status::Resolved,
        _ => Status::Firing,
    };
    Message {
        schema: SCHEMA.to_owned(),
        id: format!("{}-{sequence}", thread.id),
        thread: thread.id.clone(),
        sequence,
        reason,
        why: reason.sentence(severity),
        status,
        at: now.wall,
        subject: thread.subject.clone(),
        domain: dossier.domain.clone(),
        vantage: line(&dossier.vantage, LINE),
        severity,
        causes,
        title: prose.title,
        meaning: prose.meaning,
        explain: Some(&cause)
            .filter(|cause| is_plain(cause))
            .map(|cause| format!("roundsman explain {cause}")),
        docs: Some(&cause).filter(|cause| is_plain(cause)).map(|cause| docs(cause)),
        since: incidents.iter().map(|subject| subject.core.began.wall).min(),
        resolved_at: resolved.map(|at| at.wall).max().filter(|_| status == Status::Resolved),
        changed: account.changed.map(|changed| line(&changed, LINE)),
        evidence: lines(&account.evidence),
        remedy: lines(&account.remedy),
        repair: lines(&repairs),
        log: Vec::new(),
        tenants: members.iter().take(TENANTS).map(|member| line(member, LINE)).collect(),
        tenants_total: members.len(),
        incidents: incidents.iter().take(INCIDENTS).map(brief).collect(),
        incidents_total: incidents.len() + told.gone,
        incidents_open: open,
        acknowledge: lead
            .filter(|_| open == 1)
            .map(|core| format!("roundsman incidents ack {}", core.id)),
        silence: lead.filter(|_| open > 0).and_then(|core| silence(&cause, open, core)),
        cause,
    }
}

/// The command that silences just what a message tells of; nothing where a name in it might mean something to a shell.
fn silence(cause: &str, open: usize, core: &Core) -> Option<String> {
    let mut members = core.members.iter();
    let tenant = match (open, members.next(), members.next()) {
        (1, Some(alone), None) => format!(" tenant={}", Some(alone).filter(|name| is_plain(name))?),
        _ => String::new(),
    };
    is_plain(cause).then(|| format!("roundsman silences add cause={cause}{tenant} --for 2h"))
}

fn lines(all: &[String]) -> Vec<String> {
    let more = all.len().saturating_sub(LINES);
    let mut lines = all.iter().take(LINES).map(|text| line(text, LINE)).collect::<Vec<_>>();
    lines.extend((more > 0).then(|| format!("and {more} more")));
    lines
}

fn brief(subject: &Subject<'_>) -> Brief {
    let core = subject.core;
    let short = |text: &String| line(text, LINE / 2);
    Brief {
        id: core.id.to_string(),
        cause: core.key.cause.to_string(),
        scope: core.key.scope.to_string(),
        object: line(&core.key.object, LINE / 2),
        severity: core.severity,
        state: subject.incident.map_or(crate::State::Pending, Incident::state),
        opened_at: subject.incident.and_then(Incident::opened).map(|at| at.wall),
        resolved_at: subject.incident.and_then(Incident::resolved).map(|at| at.wall),
        tenants: core
            .members
            .iter()
            .take(TENANTS_EACH)
            .map(|member| line(member, LINE / 2))
            .collect(),
        tenants_total: core.members.len(),
        changed: core.account.changed.as_ref().map(short),
        evidence: core.account.evidence.first().map(short),
        // A line that stands alone has all of it.
        remedy: (!core.account.remedy.is_empty()).then(|| short(&core.account.remedy.join("; "))),
    }
}
