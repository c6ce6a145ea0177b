//! Traces of `verify`, `trace` and repairs, where there is somewhere to send them: of each examination, of the APIs and of the
//! round, or of each plan, below the span of whoever started the program. They never change what is reported.

use std::collections::HashMap;
use std::io::{self, Write as _};
use std::time::Duration;

use opentelemetry_proto::tonic::trace::v1::Span;
use roundsman_checks::diagnosis::Status;
use roundsman_checks::platform::Calls;
use roundsman_checks::target::TenantId;
use tokio::time::timeout;

use super::colour_errors;
use super::export::export;
use crate::agent::clock::Moment;
use crate::agent::{
    CompletedRound, Observer, ReusedEvidence, Round, RoundRequest, RunError, Setup, Stop, run as run_round,
};
use crate::config::{Config, Traces, render_warning};
use crate::remediation::Carried;
use crate::telemetry::otlp::context::Tracing;
use crate::telemetry::otlp::{Dropped, Exporter, FLUSH_WITHIN, Signal, SpanRef, repairs, spans};

/// How long what is left may take after a signal.
const AFTER_SIGNAL: Duration = Duration::from_secs(1);

/// By what means a round is run, and who hears of it.
#[derive(Clone, Copy)]
pub(super) struct TracedRound<'m> {
    pub(super) setup: &'m Setup,
    pub(super) observer: &'m dyn Observer,
    pub(super) traces: Option<&'m RoundTraces>,
}

impl TracedRound<'_> {
    /// Runs a round, and tells it as traces.
    pub(super) async fn run(
        self,
        request: &RoundRequest,
        reused: ReusedEvidence,
        stop: Stop,
    ) -> Result<CompletedRound, RunError> {
        let Some(traces) = self.traces else {
            return run_round(self.setup, request, reused, self.observer, stop).await;
        };
        let calls = &self.setup.clients.calls;
        let (span, request) = traces.begins(request, calls);
        let completed = run_round(self.setup, &request, reused, self.observer, stop.clone()).await?;
        traces.ended(&span, &completed.round, calls, &stop).await;
        Ok(completed)
    }
}

/// Tells traces, as long as it lives.
pub(super) struct RoundTraces {
    exporter: Exporter,
    traces: Traces,
    parent: Option<SpanRef>,
}

impl RoundTraces {
    /// Begins, where the configuration or the environment says where to; beside it what stands wrongly in the environment.
    /// It is called within a runtime.
    pub(super) fn start(config: &Config) -> (Option<Self>, Vec<String>) {
        let (settings, wrong) = export(config);
        let settings = settings.filter(|settings| settings.endpoint(Signal::Traces).is_some());
        let traces = settings.map(|settings| Self {
            traces: settings.traces,
            parent: SpanRef::of_environment(&|name| std::env::var(name).ok()),
            exporter: Exporter::start(settings, Dropped::default()),
        });
        (traces, wrong)
    }

    /// Tells every examination, whatever comes of it: somebody asked for just this one.
    pub(super) fn of_all(self) -> Self {
        Self {
            traces: Traces::ALL,
            ..self
        }
    }

    /// The span of a round that begins now, and the round as it is asked for with it.
    fn begins(&self, request: &RoundRequest, calls: &Calls) -> (SpanRef, RoundRequest) {
        calls.keep_latest(true);
        let round = SpanRef::below(self.parent.as_ref());
        let request = RoundRequest {
            tracing: Some(Tracing {
                traces: self.traces,
                within: self.parent.as_ref().map(|_| round.clone()),
            }),
            // Who is told in any case is told with all that was seen.
            forget_healthy: request.forget_healthy && self.traces == Traces::Failing,
            ..request.clone()
        };
        (round, request)
    }

    /// Tells a round that is over. Whom it took over from an earlier one was told then. What finds no room in time is lost,
    /// and counted.
    async fn ended(&self, own: &SpanRef, round: &Round, calls: &Calls, stop: &Stop) {
        let began = Moment::now();
        let patience = patience(stop);
        let verdicts = round.diagnosis.tenants.iter();
        let verdicts = verdicts.map(|verdict| (&verdict.tenant, verdict));
        let verdicts = verdicts.collect::<HashMap<&TenantId, _>>();
        for evidence in &round.world.tenants {
            let is_new = evidence.at.is_some_and(|at| at >= round.started);
            let verdict = verdicts.get(&evidence.tenant.id).filter(|_| is_new);
            if let (Some(verdict), Some(trace)) = (verdict, &evidence.trace)
                && spans::is_told(self.traces, trace, &verdict.findings)
            {
                let left = patience.saturating_sub(began.elapsed());
                let _ = timeout(left, self.exporter.room(Signal::Traces)).await;
                let told = spans::examination(evidence, &verdict.findings, verdict.cause, own);
                self.exporter.spans(told);
            }
        }
        let (latest, lost) = calls.take_latest();
        let told = latest
            .iter()
            .filter_map(|call| spans::api_call(self.traces, own, true, call));
        self.exporter.spans(told.collect());
        self.exporter.lose(Signal::Traces, lost);
        self.exporter.spans(vec![self.round(own, round)]);
    }

    /// Tells what came of a plan.
    pub(super) fn remediated(&self, carried: &Carried) {
        self.exporter
            .spans(repairs::remediation(carried, self.parent.as_ref(), None));
    }

    fn round(&self, own: &SpanRef, round: &Round) -> Span {
        let count = |status: Status| {
            let tenants = round.diagnosis.tenants.iter();
            tenants.filter(|verdict| verdict.status == status).count()
        };
        let counts = [
            ("healthy", count(Status::Healthy)),
            ("degraded", count(Status::Degraded)),
            ("failing", count(Status::Failing)),
            ("unknown", count(Status::Unknown)),
        ];
        let took = Duration::try_from(round.finished.duration_since(round.started)).unwrap_or_default();
        spans::round(own, self.parent.as_ref(), (round.finished, took), &counts)
    }

    /// Ends, once all is sent or there is no time left; how much was lost and why, where anything was.
    pub(super) async fn end(mut self, stop: &Stop) -> Option<String> {
        self.exporter.stop(patience(stop)).await;
        let lost = self.exporter.dropped().values().sum::<u64>();
        if lost == 0 {
            return None;
        }
        let news = self.exporter.take_news().into_iter().next_back();
        let why = news.map_or_else(|| "they were not delivered in time".to_owned(), |news| news.text);
        let all = if self.exporter.has_delivered() { "" } else { "all " };
        Some(format!("{all}{lost} spans are lost: {why}"))
    }
}

/// How long sending may hold up what comes after it.
fn patience(stop: &Stop) -> Duration {
    if stop.pulled() { AFTER_SIGNAL } else { FLUSH_WITHIN }
}

/// Says what is wrong with telling traces, a line each; the report and the exit are as they are.
pub(super) fn warn(lines: &[String]) {
    for line in lines {
        let rendered = render_warning(line, colour_errors());
        // Where standard error is closed there is nobody left to tell.
        let _ = writeln!(io::stderr(), "{}", rendered.trim_end());
    }
}
