//! Asks the edge app's log where it replays the names that answer wrongly. Lines come late: they are waited for once,
//! for all tenants together, and not for long.

use std::time::Duration;

use futures_util::future::join_all;
use jiff::Timestamp;
use roundsman_checks::evidence::{Asked, Fault, LogLine};
use roundsman_checks::logs::{NEAR, Replay, names};
use roundsman_checks::platform::fly::Logs;
use roundsman_checks::target::{Hostname, Tenant};

use super::tenant::TenantProber;

/// The pauses before the log is read again.
const PAUSES: [Duration; 2] = [Duration::from_millis(1_250), Duration::from_millis(2_500)];
/// How often the log is read for one tenant at most, and for all together.
const READS_EACH: usize = 3;
const READS: usize = 12;
/// Lines that make a page which may not be the last.
const FULL_PAGE: usize = 100;
/// How many lines about one tenant are kept.
const KEPT: usize = 20;

/// One log as it is read on and on.
pub(super) struct Tail<'l> {
    logs: &'l Logs,
    app: String,
    token: Option<String>,
    left: usize,
}

impl<'l> Tail<'l> {
    /// A log that is read at most `most` times.
    pub(super) fn new(logs: &'l Logs, app: &str, most: usize) -> Self {
        Self {
            logs,
            app: app.to_owned(),
            token: None,
            left: most,
        }
    }

    /// Whether it may be read again.
    pub(super) fn is_spent(&self) -> bool {
        self.left == 0
    }

    /// The lines that are new since the last time; the first time the newest.
    pub(super) async fn more(&mut self) -> Result<Vec<LogLine>, Fault> {
        let mut lines = Vec::new();
        while self.left > 0 {
            self.left -= 1;
            let page = self.logs.read(&self.app, self.token.as_deref()).await?;
            let full = self.token.is_some() && page.lines.len() >= FULL_PAGE;
            self.token = page.next.or(self.token.take());
            lines.extend(page.lines);
            if !full {
                break;
            }
        }
        Ok(lines)
    }
}

/// Whether a line is about a name: it says where requests for it go, or that one was refused.
pub(super) fn is_about(line: &LogLine, host: &Hostname, domain: &Hostname) -> bool {
    names(line, host) || Replay::read(&line.message).is_some_and(|replay| replay.is_of(host, domain))
}

/// Looks for lines about these tenants of the plan.
pub(super) async fn ask(prober: &TenantProber<'_>, indices: &[usize]) -> Vec<(usize, Asked<Vec<LogLine>>)> {
    let (setup, assignment) = (prober.edge.setup, prober.edge.assignment);
    let readable = setup.logs.as_ref().filter(|_| assignment.logs);
    let (Some(logs), Some(platform)) = (readable, assignment.snapshot.platform.known()) else {
        return Vec::new();
    };
    let wanted = indices.iter().filter_map(|index| {
        let target = assignment.targets.get(*index)?;
        Some((*index, target.tenant.clone()))
    });
    let mut search = Search {
        domain: setup.domain.clone(),
        since: prober.edge.now.saturating_sub(NEAR).unwrap_or(prober.edge.now),
        found: wanted.map(|(index, tenant)| (index, tenant, Vec::new())).collect(),
        told: Told::Nothing,
    };
    let most = (indices.len() * READS_EACH).min(READS);
    let mut tail = Tail::new(logs, &platform.edge_app, most);
    match tail.more().await {
        Ok(lines) => search.take(&lines),
        Err(fault) => {
            return search
                .found
                .into_iter()
                .map(|(at, ..)| (at, Asked::Unknown(fault.clone())))
                .collect();
        }
    }
    if search.is_over() {
        return search.result();
    }
    // Their first requests may be buried already: what happens from now on stands behind the token.
    let again = search.missing().filter_map(|index| {
        let target = assignment.targets.get(index)?;
        let socket = *prober.sockets.first()?;
        Some(prober.visit(target, socket, true))
    });
    drop(join_all(again.collect::<Vec<_>>()).await);
    for pause in PAUSES {
        tokio::time::sleep(pause).await;
        let Ok(lines) = tail.more().await else { break };
        search.take(&lines);
        // An edge that writes other lines and none of these writes none of these.
        if search.is_over() || tail.is_spent() || search.told == Told::OtherThings {
            break;
        }
    }
    search.result()
}

/// What the log has told so far, about anybody.
#[derive(Clone, Copy, PartialEq)]
enum Told {
    Nothing,
    OtherThings,
    Replays,
}

struct Search {
    domain: Hostname,
    since: Timestamp,
    found: Vec<(usize, Tenant, Vec<LogLine>)>,
    told: Told,
}

impl Search {
    fn take(&mut self, lines: &[LogLine]) {
        for line in lines {
            if Replay::read(&line.message).is_some() {
                self.told = Told::Replays;
            } else if self.told == Told::Nothing {
                self.told = Told::OtherThings;
            }
            if line.at.is_none_or(|at| at < self.since) {
                continue;
            }
            for (_, tenant, found) in &mut self.found {
                if found.len() < KEPT && is_about(line, &tenant.hostname, &self.domain) {
                    found.push(line.clone());
                }
            }
        }
    }

    fn missing(&self) -> impl Iterator<Item = usize> {
        let replayed = |line: &LogLine| Replay::read(&line.message).is_some();
        let missing = self
            .found
            .iter()
            .filter(move |(_, _, found)| !found.iter().any(replayed));
        missing.map(|(index, ..)| *index)
    }

    fn is_over(&self) -> bool {
        self.missing().next().is_none()
    }

    fn result(self) -> Vec<(usize, Asked<Vec<LogLine>>)> {
        let found = self.found.into_iter();
        found.map(|(index, _, lines)| (index, Asked::Known(lines))).collect()
    }
}
