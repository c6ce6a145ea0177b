//! The numbers of a daemon: what it counts while it runs, and how they are told with what is known now, as a page or as
//! points.

use jiff::Timestamp;
use roundsman_alerts::notification::Outcome as Delivered;
use roundsman_checks::evidence::TraceId;
use roundsman_checks::finding::Outcome;
use roundsman_checks::platform::Calls;

use crate::config::PerTenant;
use crate::history::PHASES;
use crate::telemetry::instrument::{
    API_REQUESTS, BUILD, CERTIFICATE_NOT_AFTER, CHECK_DURATION, CHECK_OUTCOME, CONFIG_RELOADED, CONFIG_RELOADED_AT,
    COVERAGE, INCIDENTS_OPEN, NOTIFICATIONS, NOTIFICATIONS_PENDING, OLDEST_VERIFICATION, PROBE_FAILURES,
    PROBE_PHASE_DURATION, PROCESS_START, REMEDIATIONS, ROUND_DURATION, ROUND_LAST_COMPLETED, ROUNDS_TOTAL,
    SCHEDULER_LAG, TELEMETRY_DROPPED, TENANTS,
};
use crate::telemetry::otlp::{Dropped, Points};
use crate::telemetry::{Exposition, Format, Instrument, Metrics, Sink};
use crate::watch::{Dispatcher, Ended, Examined, Health, TenantIx, TenantNumbers};

/// What is counted from the start of a daemon on.
#[derive(Debug)]
pub(super) struct Numbers {
    metrics: Metrics,
    started: Timestamp,
    /// Whether the configuration was taken up when it was read last, and when one was.
    reloaded: (bool, Timestamp),
    last_round: Option<Timestamp>,
}

/// What is known now beside what is counted.
pub(super) struct Known<'k> {
    pub dispatcher: &'k Dispatcher,
    pub health: &'k Health,
    pub calls: &'k Calls,
    pub dropped: &'k Dropped,
}

impl Numbers {
    pub(super) fn new(now: Timestamp) -> Self {
        Self {
            metrics: Metrics::default(),
            started: now,
            reloaded: (true, now),
            last_round: None,
        }
    }

    /// A tenant was examined; where a trace tells of that, it may stand for what was measured.
    pub(super) fn examined(&mut self, examined: &Examined, trace: Option<TraceId>) {
        let trace = trace.map(|trace| (trace.to_string(), examined.at));
        let findings = &examined.judgement.findings;
        let mut reasons = Vec::new();
        for (check, finding) in findings.iter() {
            if let Some(ms) = finding.duration_ms {
                let labels = [check.as_str(), finding.outcome.as_str()];
                self.metrics
                    .observe(&CHECK_DURATION, &labels, ms / 1000.0, trace.clone());
            }
            if matches!(finding.outcome, Outcome::Fail | Outcome::Unknown) {
                reasons.extend(finding.reason.filter(|reason| !reasons.contains(reason)));
            }
        }
        for reason in reasons {
            let reason = reason.to_string();
            let (layer, reason) = reason.split_once('/').unwrap_or(("", &reason));
            self.metrics.count(&PROBE_FAILURES, &[layer, reason], 1.0);
        }
        for (phase, ms) in PHASES.iter().zip(examined.timings.0) {
            if let Some(ms) = ms {
                self.metrics
                    .observe(&PROBE_PHASE_DURATION, &[phase], ms / 1000.0, trace.clone());
            }
        }
    }

    /// A delivery was tried.
    pub(super) fn delivered(&mut self, channel: &str, outcome: &Delivered) {
        let result = match outcome {
            Delivered::Delivered(_) => "delivered",
            Delivered::Failed(failure) if failure.permanent => "refused",
            Delivered::Failed(_) => "failed",
        };
        self.metrics.count(&NOTIFICATIONS, &[channel, result], 1.0);
    }

    /// A step of a repair ended.
    pub(super) fn remediated(&mut self, action: &str, result: &str) {
        self.metrics.count(&REMEDIATIONS, &[action, result], 1.0);
    }

    /// Rounds ended.
    pub(super) fn rounds(&mut self, ended: &[Ended]) {
        for round in ended {
            self.metrics.count(&ROUNDS_TOTAL, &[], 1.0);
            self.metrics
                .observe(&ROUND_DURATION, &[], round.took.as_secs_f64(), None);
            self.last_round = Some(round.at);
        }
    }

    /// The configuration was read again; whether it is in force.
    pub(super) fn reloaded(&mut self, taken_up: bool, now: Timestamp) {
        self.reloaded = (taken_up, if taken_up { now } else { self.reloaded.1 });
    }

    /// Everything as it is now, as text. Of tenants as many have series of their own as `per_tenant` says.
    pub(super) fn page(&mut self, known: &Known<'_>, per_tenant: PerTenant, format: Format) -> String {
        self.count_elsewhere(known);
        let mut page = Exposition::new(format);
        of_all_tenants(known.dispatcher, &mut page);
        let told = || {
            known
                .dispatcher
                .tenant_numbers(None)
                .filter(|one| is_told(one, per_tenant))
        };
        page.family(&CHECK_OUTCOME);
        told().for_each(|tenant| outcomes(&tenant, &mut page));
        page.family(&CERTIFICATE_NOT_AFTER);
        of_wildcard(known.dispatcher, &mut page);
        told().for_each(|tenant| not_after(&tenant, &mut page));
        self.of_agent(known, &mut page);
        page.end()
    }

    /// The same as points, but for what tenants have of their own.
    pub(super) fn points(&mut self, known: &Known<'_>, now: Timestamp) -> Points {
        self.count_elsewhere(known);
        let mut points = Points::new(self.started, now);
        of_all_tenants(known.dispatcher, &mut points);
        of_wildcard(known.dispatcher, &mut points);
        self.of_agent(known, &mut points);
        points
    }

    /// What the next so many tenants after one have of their own, and the last of them; `None`: there are no more.
    pub(super) fn points_of_tenants(
        &self,
        dispatcher: &Dispatcher,
        per_tenant: PerTenant,
        after: Option<TenantIx>,
        most: usize,
        now: Timestamp,
    ) -> Option<(Points, TenantIx)> {
        let mut points = Points::new(self.started, now);
        let mut last = None;
        for tenant in dispatcher.tenant_numbers(after).take(most) {
            last = Some(tenant.ix);
            if is_told(&tenant, per_tenant) {
                outcomes(&tenant, &mut points);
                not_after(&tenant, &mut points);
            }
        }
        last.map(|last| (points, last))
    }

    /// How many points the tenants after one have.
    pub(super) fn points_left(dispatcher: &Dispatcher, per_tenant: PerTenant, after: Option<TenantIx>) -> u64 {
        let told = dispatcher.tenant_numbers(after).filter(|one| is_told(one, per_tenant));
        told.map(|tenant| tenant.checks.len() as u64 + u64::from(tenant.not_after.is_some()))
            .sum()
    }

    /// Takes over what others count.
    fn count_elsewhere(&mut self, known: &Known<'_>) {
        for (ended, count) in known.calls.ended() {
            let status = ended
                .status
                .map_or_else(|| "error".to_owned(), |status| status.to_string());
            let labels = [ended.api.as_str(), &ended.operation, &status];
            self.metrics.counted(&API_REQUESTS, &labels, whole(count));
        }
        for ((signal, why), count) in known.dropped {
            let labels = [signal.as_str(), why.as_str()];
            self.metrics.counted(&TELEMETRY_DROPPED, &labels, whole(*count));
        }
    }

    fn of_agent(&self, known: &Known<'_>, sink: &mut impl Sink) {
        let (dispatcher, health) = (known.dispatcher, known.health);
        for counted in [
            &CHECK_DURATION,
            &PROBE_PHASE_DURATION,
            &PROBE_FAILURES,
            &ROUNDS_TOTAL,
            &ROUND_DURATION,
            &API_REQUESTS,
            &NOTIFICATIONS,
            &REMEDIATIONS,
            &TELEMETRY_DROPPED,
        ] {
            self.metrics.write(counted, sink);
        }
        sink.family(&INCIDENTS_OPEN);
        for ((cause, scope, severity), count) in dispatcher.open_incidents() {
            let severity = severity.to_string();
            sink.sample(&INCIDENTS_OPEN, &[&cause, &scope, &severity], whole(count as u64));
        }
        sink.family(&NOTIFICATIONS_PENDING);
        for (channel, count) in dispatcher.pending_deliveries() {
            sink.sample(&NOTIFICATIONS_PENDING, &[&channel], whole(count as u64));
        }
        let mut gauge = |instrument: &Instrument, value: Option<f64>| {
            sink.family(instrument);
            if let Some(value) = value {
                sink.sample(instrument, &[], value);
            }
        };
        let anybody = dispatcher.fleet().tenants > 0;
        gauge(&ROUND_LAST_COMPLETED, self.last_round.map(seconds));
        gauge(&COVERAGE, Some(health.coverage));
        gauge(&OLDEST_VERIFICATION, health.oldest.filter(|_| anybody).map(seconds));
        gauge(&SCHEDULER_LAG, Some(health.lag));
        gauge(&CONFIG_RELOADED, Some(f64::from(u8::from(self.reloaded.0))));
        gauge(&CONFIG_RELOADED_AT, Some(seconds(self.reloaded.1)));
        gauge(&PROCESS_START, Some(seconds(self.started)));
        sink.family(&BUILD);
        sink.sample(&BUILD, &[env!("CARGO_PKG_VERSION")], 1.0);
    }
}

/// Whether a tenant has series of its own.
fn is_told(tenant: &TenantNumbers<'_>, per_tenant: PerTenant) -> bool {
    match per_tenant {
        PerTenant::All => true,
        PerTenant::Failing => tenant.checks.iter().any(|(_, outcome, _)| *outcome == Outcome::Fail),
        PerTenant::None => false,
    }
}

/// The numbers of tenants all together.
fn of_all_tenants(dispatcher: &Dispatcher, sink: &mut impl Sink) {
    let fleet = dispatcher.fleet();
    sink.family(&TENANTS);
    for (status, count) in [
        ("healthy", fleet.healthy),
        ("degraded", fleet.degraded),
        ("failing", fleet.failing),
        ("unknown", fleet.unknown),
    ] {
        sink.sample(&TENANTS, &[status], whole(count as u64));
    }
}

fn outcomes(tenant: &TenantNumbers<'_>, sink: &mut impl Sink) {
    for (check, outcome, reason) in &tenant.checks {
        let reason = reason.map(|reason| reason.to_string()).unwrap_or_default();
        let labels = [tenant.id.as_str(), check.as_str(), outcome.as_str(), &reason];
        sink.sample(&CHECK_OUTCOME, &labels, 1.0);
    }
}

fn of_wildcard(dispatcher: &Dispatcher, sink: &mut impl Sink) {
    if let Some(ends) = dispatcher.wildcard_not_after() {
        sink.sample(&CERTIFICATE_NOT_AFTER, &["", "wildcard"], seconds(ends));
    }
}

fn not_after(tenant: &TenantNumbers<'_>, sink: &mut impl Sink) {
    if let Some(ends) = tenant.not_after {
        sink.sample(&CERTIFICATE_NOT_AFTER, &[tenant.id.as_str(), ""], seconds(ends));
    }
}

/// A moment in seconds since the epoch.
fn seconds(at: Timestamp) -> f64 {
    at.as_duration().as_secs_f64()
}

#[expect(
    clippy::cast_precision_loss,
    reason = "no count comes near what a number holds exactly"
)]
fn whole(count: u64) -> f64 {
    count as f64
}
