//! What a daemon sends by OTLP, and when: traces as they end, what it says as it says it, its numbers every so often, those of tenants a few at a time and only where there
//! is room for them, so that a large fleet needs little memory and nobody waits for it.

use std::future::pending;
use std::time::Duration;

use jiff::Timestamp;
use roundsman_alerts::notification::{Delivery, Outcome};
use roundsman_checks::diagnosis::Cause;
use roundsman_checks::platform::Calls;
use tokio::time::{Interval, MissedTickBehavior, interval};

use super::log::Line;
use super::numbers::{Known, Numbers};
use super::work::{Traced, Tracing};
use crate::config::{PerTenant, Traces};
use crate::remediation::Carried;
use crate::telemetry::otlp::{
    Dropped, Exporter, FLUSH_WITHIN, News, Settings, Signal, SpanRef, Undelivered, context, logs, repairs, spans,
};
use crate::watch::{Dispatcher, Ended, FleetStatus, TenantIx};

/// Of how many tenants numbers are made at once: it takes a millisecond.
const AT_ONCE: usize = 100;

/// Sends for a daemon, where anything is to be sent.
pub(super) struct Export {
    way: Option<Way>,
    /// What an earlier way lost.
    dropped: Dropped,
    /// The span of the round that goes on.
    round: SpanRef,
}

struct Way {
    exporter: Exporter,
    interval: Interval,
    walk: Walk,
}

/// How far numbers of tenants are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Walk {
    Done,
    After(Option<TenantIx>),
}

/// What is to be done now.
#[derive(Debug)]
pub(super) enum Due {
    /// All numbers are to be told.
    Numbers,
    /// Those of more tenants are.
    Tenants,
    /// This is to be said.
    News(Vec<News>),
}

impl Export {
    /// One that sends nothing yet.
    pub(super) fn new() -> Self {
        Self {
            way: None,
            dropped: Dropped::default(),
            round: SpanRef::below(None),
        }
    }

    /// Sends from now on as these say. It is called within a runtime.
    pub(super) async fn becomes(&mut self, settings: Option<Settings>) {
        match (&mut self.way, settings) {
            (Some(way), Some(settings)) if way.exporter.settings().goes_where(&settings) => {
                way.exporter.tells(settings);
            }
            (_, settings) => {
                // What waits for a place that is not meant any more is lost.
                let _ = self.stop(Duration::ZERO).await;
                self.way = settings.map(|settings| Way::new(settings, self.dropped.clone()));
            }
        }
    }

    /// Waits for the next thing to do.
    pub(super) async fn next(&mut self) -> Due {
        let Some(way) = &mut self.way else {
            return pending().await;
        };
        tokio::select! {
            news = way.exporter.news() => Due::News(news),
            _ = way.interval.tick() => Due::Numbers,
            () = way.exporter.room(Signal::Metrics), if way.walk != Walk::Done => Due::Tenants,
        }
    }

    /// What was lost so far.
    pub(super) fn dropped(&self) -> Dropped {
        let now = self.way.as_ref().map(|way| way.exporter.dropped());
        now.unwrap_or_else(|| self.dropped.clone())
    }

    /// Tells all numbers; those of tenants follow. Where they did not find room since the last time, they are lost.
    pub(super) fn numbers(&mut self, numbers: &mut Numbers, known: &Known<'_>, per_tenant: PerTenant, now: Timestamp) {
        let Some(way) = &mut self.way else { return };
        if let Walk::After(after) = way.walk {
            let left = Numbers::points_left(known.dispatcher, per_tenant, after);
            way.exporter.lose(Signal::Metrics, left);
        }
        way.exporter.points(numbers.points(known, now));
        way.walk = match per_tenant {
            PerTenant::None => Walk::Done,
            PerTenant::All | PerTenant::Failing => Walk::After(None),
        };
    }

    /// Tells those of the next tenants; whether there are more.
    pub(super) fn tenants(
        &mut self,
        numbers: &Numbers,
        dispatcher: &Dispatcher,
        per_tenant: PerTenant,
        now: Timestamp,
    ) -> bool {
        let Some(way) = &mut self.way else { return false };
        let Walk::After(after) = way.walk else { return false };
        way.walk = match numbers.points_of_tenants(dispatcher, per_tenant, after, AT_ONCE, now) {
            Some((points, last)) => {
                way.exporter.points(points);
                Walk::After(Some(last))
            }
            None => Walk::Done,
        };
        way.walk != Walk::Done
    }

    /// Something was said.
    pub(super) fn log(&self, line: &Line, now: Timestamp) {
        if let Some(way) = &self.way {
            way.exporter
                .log(logs::record((line.at, now), line.level, &line.message, &line.fields));
        }
    }

    /// Which traces are told, where any are.
    fn traces(&self) -> Option<(&Exporter, Traces)> {
        let exporter = &self.way.as_ref()?.exporter;
        let settings = exporter.settings();
        settings.endpoint(Signal::Traces)?;
        Some((exporter, settings.traces))
    }

    /// As what an examination that begins now is told; `None`: it is not.
    pub(super) fn tracing(&self) -> Option<Tracing> {
        let (_, traces) = self.traces()?;
        Some((context::examination(traces, None), traces))
    }

    /// An examination is over.
    pub(super) fn examined(&self, traced: &Traced, cause: Option<Cause>) {
        if let Some((exporter, _)) = self.traces() {
            let cause = cause.or(traced.cause);
            exporter.spans(spans::examination(
                &traced.evidence,
                &traced.findings,
                cause,
                &self.round,
            ));
        }
    }

    /// Rounds ended, with the fleet as it is now.
    pub(super) fn rounds(&mut self, ended: &[Ended], fleet: &FleetStatus) {
        for round in ended {
            let own = std::mem::replace(&mut self.round, SpanRef::below(None));
            if let Some((exporter, _)) = self.traces() {
                let counts = [
                    ("healthy", fleet.healthy),
                    ("degraded", fleet.degraded),
                    ("failing", fleet.failing),
                    ("unknown", fleet.unknown),
                ];
                exporter.spans(vec![spans::round(&own, None, (round.at, round.took), &counts)]);
            }
        }
    }

    /// A delivery was tried, which took so long.
    pub(super) fn delivered(&self, delivery: &Delivery, outcome: &Outcome, at: Timestamp, took: Duration) {
        if let Some((exporter, traces)) = self.traces() {
            let span = spans::delivery(traces, &self.round, delivery, outcome, (at, took));
            exporter.spans(span.into_iter().collect());
        }
    }

    /// A repair is over. There are few of them: each is told.
    pub(super) fn remediated(&self, carried: &Carried) {
        if let Some((exporter, _)) = self.traces() {
            exporter.spans(repairs::remediation(carried, None, Some(&self.round)));
        }
    }

    /// Requests to the APIs ended.
    pub(super) fn called(&self, calls: &Calls) {
        calls.keep_latest(self.traces().is_some());
        let (latest, lost) = calls.take_latest();
        if let Some((exporter, traces)) = self.traces() {
            let told = latest
                .iter()
                .filter_map(|call| spans::api_call(traces, &self.round, false, call));
            exporter.spans(told.collect());
            exporter.lose(Signal::Traces, lost);
        }
    }

    /// Ends, after what waits was sent as far as there is time, 5 s at most; what was lost by that.
    pub(super) async fn stop(&mut self, within: Duration) -> (Undelivered, Vec<News>) {
        let Some(mut way) = self.way.take() else {
            return Default::default();
        };
        let undelivered = way.exporter.stop(within.min(FLUSH_WITHIN)).await;
        self.dropped = way.exporter.dropped();
        (undelivered, way.exporter.take_news())
    }
}

impl Way {
    fn new(settings: Settings, dropped: Dropped) -> Self {
        let mut interval = interval(settings.interval);
        interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // There is nothing to tell yet.
        interval.reset();
        Self {
            exporter: Exporter::start(settings, dropped),
            interval,
            walk: Walk::Done,
        }
    }
}
