//! Follows one request into the logs: where the logs ended before it, and what stood in them after it, late lines waited
//! for. What is kept is what can be this request's.

use jiff::Timestamp;

use super::assignment::Assignment;
use super::log_cursor::{LogCursor, is_about};
use super::setup::ProbeSetup;
use crate::evidence::{ApiAnswer, Fault, LogLine};
use crate::logs::{Joined, Log, Received, Replay, Request, SKEW, join};
use crate::probe::SentHeaders;
use crate::world::TenantEvidence;

/// How often one log is read at most.
const READS: usize = 8;
/// How many lines of one log are kept.
const KEPT: usize = 50;

/// One log from before the request on.
struct Side<'p> {
    cursor: LogCursor<'p>,
    lines: Vec<LogLine>,
    fault: Option<Fault>,
}

impl Side<'_> {
    async fn read(&mut self) {
        if self.fault.is_some() {
            return;
        }
        match self.cursor.more().await {
            Ok(lines) => self.lines.extend(lines),
            Err(fault) => self.fault = Some(fault),
        }
    }

    fn result(self, keep: impl Fn(&LogLine) -> bool) -> ApiAnswer<Vec<LogLine>> {
        let mut kept = self.lines.into_iter().filter(keep).collect::<Vec<_>>();
        kept.truncate(KEPT);
        match self.fault {
            Some(fault) if kept.is_empty() => ApiAnswer::Unknown(fault),
            _ => ApiAnswer::Known(kept),
        }
    }
}

/// Follower of one request into the logs of the edge app and of the tenant's app.
pub(super) struct LogFollower<'p> {
    setup: &'p ProbeSetup,
    edge: Side<'p>,
    app: Side<'p>,
}

impl<'p> LogFollower<'p> {
    /// Marks where the logs end, before the only target is asked for its page; nothing where there are no logs to be
    /// read.
    pub(super) async fn begin(setup: &'p ProbeSetup, assignment: &Assignment) -> Option<Self> {
        let logs = setup.platform.as_ref().filter(|_| assignment.logs)?;
        let platform = assignment.snapshot.platform.known()?;
        let target = assignment.targets.first()?;
        let side = |app: &str| Side {
            cursor: LogCursor::new(logs, app, READS, SentHeaders::of_all([&*target.headers])),
            lines: Vec::new(),
            fault: None,
        };
        let (mut edge, mut app) = (side(&platform.edge_app), side(&target.tenant.app));
        tokio::join!(edge.read(), app.read());
        // What stood there before the request was sent is not the request's.
        edge.lines.clear();
        app.lines.clear();
        Some(Self { setup, edge, app })
    }

    /// Waits until both sides have told of the request, or patience ends; the lines become part of the evidence.
    /// `began` is when the round did.
    pub(super) async fn follow(mut self, tenant: &mut TenantEvidence, began: Timestamp) {
        let sent = tenant.visit().is_some_and(|visit| visit.page.sent_at.is_some());
        let pauses = &self.setup.timing.log_follow;
        // Of what was never sent at most the proxy tells, that it cut it; it is not waited for twice.
        let most = if sent { pauses.len() } else { 1 };
        for pause in pauses.iter().take(most) {
            if self.has_all(tenant) {
                break;
            }
            tokio::time::sleep(*pause).await;
            tokio::join!(self.edge.read(), self.app.read());
        }
        let domain = self.setup.domain.clone();
        let host = tenant.tenant.hostname.clone();
        let window = window(tenant, began);
        let timely = |line: &LogLine| line.at.is_some_and(|at| window.0 <= at && at <= window.1);
        let id = request_id(tenant).map(str::to_owned);
        let carries = |line: &LogLine| id.is_some() && line.request_id == id;
        // Where nothing was sent at most the handshake was refused.
        let told = |line: &LogLine| sent || is_of_a_handshake(line);
        let edge = self
            .edge
            .result(|line| carries(line) || (timely(line) && told(line) && is_about(line, &host, &domain)));
        let received = |line: &LogLine| Received::read(&line.message).is_some();
        let app = self.app.result(|line| {
            carries(line) || (timely(line) && sent && (received(line) || is_about(line, &host, &domain)))
        });
        (tenant.log.edge, tenant.log.app) = (edge, app);
    }

    /// Whether no more lines are to come: each log has told of the request, the proxy has refused it, or cannot be read.
    fn has_all(&self, tenant: &TenantEvidence) -> bool {
        let of = |log| Request::of_page(tenant, &self.setup.domain, log);
        let (Some(through_edge), Some(at_app)) = (of(Log::Edge), of(Log::App)) else {
            return false;
        };
        let app = &tenant.tenant.app;
        let edge = join(&self.edge.lines, &through_edge, app);
        let own = join(&self.app.lines, &at_app, app);
        let told = |joined: &Joined<'_>| !joined.lines.is_empty();
        let refused = edge.lines.iter().any(|(_, line)| line.error_code.is_some());
        let mut replays = edge.lines.iter().filter_map(|(_, line)| Replay::read(&line.message));
        let elsewhere = replays.any(|replay| replay.app != *app);
        let done = |side: &Side<'_>| side.fault.is_some() || side.cursor.is_spent();
        let edge_is_over = told(&edge) || done(&self.edge);
        // What was refused, or went to another app, leaves no line here; the refusal itself is worth waiting for.
        let answer = tenant.visit().and_then(|visit| visit.page.answer.as_ref());
        let failing = answer.is_some_and(|answer| answer.status >= 500);
        let app_is_over = told(&own) || done(&self.app) || refused || (elsewhere && !failing);
        edge_is_over && app_is_over
    }
}

/// Whether the proxy refused a handshake: its codes for those are `PT01` to `PT99`.
fn is_of_a_handshake(line: &LogLine) -> bool {
    line.error_code.as_deref().is_some_and(|code| code.starts_with("PT"))
}

/// What the platform called the request.
fn request_id(tenant: &TenantEvidence) -> Option<&str> {
    tenant.visit()?.page.answer.as_ref()?.request_id()
}

/// When lines of the request may have been written; where none was sent, from the beginning of the round on.
fn window(tenant: &TenantEvidence, began: Timestamp) -> (Timestamp, Timestamp) {
    let during = tenant.visit().and_then(|visit| visit.page.during());
    let (from, until) = during.unwrap_or((began, Timestamp::MAX));
    (
        from.saturating_sub(SKEW).unwrap_or(from),
        until.saturating_add(SKEW).unwrap_or(until),
    )
}
