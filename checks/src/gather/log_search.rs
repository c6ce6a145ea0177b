//! Searches the edge app's log for where it replays the names that answer wrongly. Lines come late: they are waited for
//! once, for all tenants together, and not for long.

use std::sync::Arc;

use futures_util::future::join_all;
use jiff::Timestamp;

use super::assignment::ProbeTarget;
use super::log_cursor::{LogCursor, is_about};
use super::tenant::TenantProber;
use crate::evidence::{ApiAnswer, LogLine, TenantLog, Visit};
use crate::logs::{NEAR, Replay};
use crate::probe::SentHeaders;
use crate::target::{Hostname, Tenant};

/// How often the log is read for one tenant at most, and for all together.
const READS_EACH: usize = 3;
const READS: usize = 12;
/// How many lines about one tenant are kept.
const KEPT: usize = 20;

/// Searches for lines about these targets, each known by a number.
pub(super) async fn search(prober: &TenantProber<'_>, targets: &[(usize, &ProbeTarget)]) -> Vec<(usize, TenantLog)> {
    let (setup, assignment) = (prober.edge.setup, prober.edge.assignment);
    let readable = setup.platform.as_ref().filter(|_| assignment.logs);
    let (Some(logs), Some(platform)) = (readable, assignment.snapshot.platform.known()) else {
        return Vec::new();
    };
    let wanted = targets
        .iter()
        .map(|(index, target)| (*index, Arc::clone(&target.tenant)));
    let mut search = LogSearch::new(&setup.domain, prober.edge.now, wanted);
    let most = (targets.len() * READS_EACH).min(READS);
    let sent = SentHeaders::of_all(targets.iter().map(|(_, target)| &*target.headers));
    let mut cursor = LogCursor::new(logs, &platform.edge_app, most, sent);
    match cursor.more().await {
        Ok(lines) => search.take(&lines),
        Err(fault) => return search.result(|_| ApiAnswer::Unknown(fault.clone())),
    }
    if search.is_over() {
        return search.result(ApiAnswer::Known);
    }
    // Their first requests may be buried already: what happens from now on stands behind the token.
    let again = search.missing().filter_map(|index| {
        let (_, target) = targets.iter().find(|(other, _)| *other == index)?;
        let socket = *prober.sockets.first()?;
        Some(async move { (index, prober.visit(target, socket, true).await) })
    });
    let visits = join_all(again.collect::<Vec<_>>()).await;
    search.visited(visits);
    for pause in &setup.timing.log_search {
        tokio::time::sleep(*pause).await;
        let Ok(lines) = cursor.more().await else { break };
        search.take(&lines);
        if search.is_over() || search.is_hopeless() || cursor.is_spent() {
            break;
        }
    }
    search.result(ApiAnswer::Known)
}

/// What the log has told so far, about anybody.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Told {
    Nothing,
    OtherThings,
    Replays,
}

/// Search of the edge app's log. Pure: it is given lines, and says whether more are worth waiting for.
struct LogSearch {
    domain: Hostname,
    since: Timestamp,
    found: Vec<Found>,
    told: Told,
}

/// What was found of one target so far.
struct Found {
    index: usize,
    tenant: Arc<Tenant>,
    lines: Vec<LogLine>,
    visits: Vec<Visit>,
}

impl LogSearch {
    /// A search for lines of a round that began at `now`.
    fn new(domain: &Hostname, now: Timestamp, wanted: impl Iterator<Item = (usize, Arc<Tenant>)>) -> Self {
        Self {
            domain: domain.clone(),
            since: now.saturating_sub(NEAR).unwrap_or(now),
            found: wanted.map(nothing).collect(),
            told: Told::Nothing,
        }
    }

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
            for found in &mut self.found {
                if found.lines.len() < KEPT && is_about(line, &found.tenant.hostname, &self.domain) {
                    found.lines.push(line.clone());
                }
            }
        }
    }

    /// Takes in visits that were made only for the log.
    fn visited(&mut self, visits: Vec<(usize, Visit)>) {
        for (index, visit) in visits {
            if let Some(found) = self.found.iter_mut().find(|found| found.index == index) {
                found.visits.push(visit);
            }
        }
    }

    /// Whose replay is not found yet.
    fn missing(&self) -> impl Iterator<Item = usize> {
        let replayed = |line: &LogLine| Replay::read(&line.message).is_some();
        let missing = self.found.iter().filter(move |found| !found.lines.iter().any(replayed));
        missing.map(|found| found.index)
    }

    fn is_over(&self) -> bool {
        self.missing().next().is_none()
    }

    /// An edge that writes other lines and none of these writes none of these.
    fn is_hopeless(&self) -> bool {
        self.told == Told::OtherThings
    }

    /// What each log says, as `answer` has it.
    fn result(self, answer: impl Fn(Vec<LogLine>) -> ApiAnswer<Vec<LogLine>>) -> Vec<(usize, TenantLog)> {
        let log = |found: Found| {
            let log = TenantLog {
                edge: answer(found.lines),
                visits: found.visits,
                ..TenantLog::default()
            };
            (found.index, log)
        };
        self.found.into_iter().map(log).collect()
    }
}

fn nothing((index, tenant): (usize, Arc<Tenant>)) -> Found {
    Found {
        index,
        tenant,
        lines: Vec::new(),
        visits: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::expect_used, reason = "a test may fail")]

    use std::collections::BTreeMap;

    use super::*;
    use crate::target::TenantId;

    const BEGAN: i64 = 1_000_000;

    fn moment(ms: i64) -> Timestamp {
        Timestamp::from_millisecond(ms).expect("a moment")
    }

    fn name(text: &str) -> Hostname {
        Hostname::parse(text).expect("a name")
    }

    fn tenant(id: &str) -> Tenant {
        Tenant {
            id: TenantId::new(id),
            hostname: name(&format!("{id}.example.com")),
            app: format!("sp-{id}"),
            labels: BTreeMap::new(),
            status: None,
            inactive: false,
            unlisted: false,
        }
    }

    /// A search for `abc` and `def`, who are the tenants 3 and 7 of their round.
    fn search() -> LogSearch {
        let wanted = [(3, tenant("abc").into()), (7, tenant("def").into())];
        LogSearch::new(&name("example.com"), moment(BEGAN), wanted.into_iter())
    }

    fn line(message: &str, at: i64) -> LogLine {
        LogLine {
            at: Some(moment(at)),
            message: message.to_owned(),
            ..LogLine::default()
        }
    }

    fn replay(id: &str, at: i64) -> LogLine {
        line(
            &format!("INFO Replaying request to tenant app subdomain={id} fly_app=sp-x"),
            at,
        )
    }

    fn counts(search: LogSearch) -> Vec<(usize, usize)> {
        let lines = |log: &TenantLog| log.edge.known().map_or(0, Vec::len);
        let result = search.result(ApiAnswer::Known);
        result.iter().map(|(index, log)| (*index, lines(log))).collect()
    }

    #[test]
    fn it_is_over_when_every_replay_is_found() {
        let mut search = search();
        search.take(&[replay("abc", BEGAN), line("INFO got 200 from sp-other", BEGAN)]);
        assert_eq!(search.missing().collect::<Vec<_>>(), [7]);
        search.take(&[replay("def", BEGAN + 10)]);
        assert!(search.is_over());
        assert_eq!(counts(search), [(3, 1), (7, 1)]);
    }

    #[test]
    fn what_happened_before_the_round_is_nobodys_but_shows_that_replays_are_told() {
        let mut search = search();
        let undated = LogLine {
            at: None,
            ..replay("def", BEGAN)
        };
        search.take(&[replay("abc", BEGAN - 251), undated]);
        assert!(!search.is_over() && !search.is_hopeless());
        search.take(&[replay("abc", BEGAN - 250)]);
        assert_eq!(
            search.missing().collect::<Vec<_>>(),
            [7],
            "clocks may differ by a quarter of a second"
        );
    }

    #[test]
    fn a_log_of_other_things_is_not_waited_for() {
        let mut search = search();
        assert!(!search.is_hopeless(), "an empty log may only be late");
        search.take(&[line("INFO listening", BEGAN)]);
        assert!(search.is_hopeless());
        search.take(&[replay("nobody", BEGAN)]);
        assert!(!search.is_hopeless() && !search.is_over());
    }

    #[test]
    fn of_very_many_lines_few_are_kept() {
        let mut search = search();
        search.take(&vec![replay("abc", BEGAN); 10 * KEPT]);
        assert_eq!(counts(search), [(3, KEPT), (7, 0)]);
    }

    #[test]
    fn visits_made_for_the_log_are_kept_with_their_tenant() {
        let mut search = search();
        let address = std::net::SocketAddr::from(([127, 0, 0, 1], 443));
        search.visited(vec![(7, Visit::new(address, name("def.example.com")))]);
        let result = search.result(ApiAnswer::Known);
        let visits = result.iter().map(|(index, log)| (*index, log.visits.len()));
        assert_eq!(visits.collect::<Vec<_>>(), [(3, 0), (7, 1)]);
    }
}
