//! The numbers of a daemon: what it counts while it runs, and the page that tells them with what is known now.

use jiff::Timestamp;
use roundsman_alerts::notification::Outcome as Delivered;
use roundsman_checks::finding::{Check, Outcome};
use roundsman_checks::platform::Calls;

use crate::config::PerTenant;
use crate::history::PHASES;
use crate::telemetry::instrument::{
    API_REQUESTS, BUILD, CERTIFICATE_NOT_AFTER, CHECK_DURATION, CHECK_OUTCOME, CONFIG_RELOADED, CONFIG_RELOADED_AT,
    COVERAGE, INCIDENTS_OPEN, NOTIFICATIONS, NOTIFICATIONS_PENDING, OLDEST_VERIFICATION, PROBE_FAILURES,
    PROBE_PHASE_DURATION, PROCESS_START, REMEDIATIONS, ROUND_DURATION, ROUND_LAST_COMPLETED, ROUNDS_TOTAL,
    SCHEDULER_LAG, TENANTS,
};
use crate::telemetry::{Exposition, Format, Instrument, Metrics};
use crate::watch::{Dispatcher, Ended, Examined, Health, TenantNumbers};

/// What is counted from the start of a daemon on.
#[derive(Debug)]
pub(super) struct Numbers {
    metrics: Metrics,
    started: Timestamp,
    /// Whether the configuration was taken up when it was read last, and when one was.
    reloaded: (bool, Timestamp),
    last_round: Option<Timestamp>,
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

    /// A tenant was examined.
    pub(super) fn examined(&mut self, examined: &Examined) {
        let findings = &examined.judgement.findings;
        let mut reasons = Vec::new();
        for (check, finding) in findings.iter() {
            if let Some(ms) = finding.duration_ms {
                let labels = [check.as_str(), finding.outcome.as_str()];
                self.metrics.observe(&CHECK_DURATION, &labels, ms / 1000.0, None);
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
                self.metrics.observe(&PROBE_PHASE_DURATION, &[phase], ms / 1000.0, None);
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

    /// Everything as it is now. Of tenants as many have series of their own as `per_tenant` says.
    pub(super) fn page(
        &mut self,
        dispatcher: &Dispatcher,
        health: &Health,
        calls: &Calls,
        per_tenant: PerTenant,
        format: Format,
    ) -> String {
        for (ended, count) in calls.ended() {
            let status = ended
                .status
                .map_or_else(|| "error".to_owned(), |status| status.to_string());
            let labels = [ended.api.as_str(), &ended.operation, &status];
            self.metrics.counted(&API_REQUESTS, &labels, whole(count));
        }
        let mut page = Exposition::new(format);
        let tenants = of_tenants(dispatcher, per_tenant, &mut page);
        self.of_agent(dispatcher, health, tenants, &mut page);
        page.end()
    }

    fn of_agent(&self, dispatcher: &Dispatcher, health: &Health, tenants: u64, page: &mut Exposition) {
        for counted in [
            &CHECK_DURATION,
            &PROBE_PHASE_DURATION,
            &PROBE_FAILURES,
            &ROUNDS_TOTAL,
            &ROUND_DURATION,
            &API_REQUESTS,
            &NOTIFICATIONS,
            &REMEDIATIONS,
        ] {
            self.metrics.write(counted, page);
        }
        page.family(&INCIDENTS_OPEN);
        for ((cause, scope, severity), count) in dispatcher.open_incidents() {
            let severity = severity.to_string();
            page.sample(&INCIDENTS_OPEN, &[&cause, &scope, &severity], whole(count as u64));
        }
        page.family(&NOTIFICATIONS_PENDING);
        for (channel, count) in dispatcher.pending_deliveries() {
            page.sample(&NOTIFICATIONS_PENDING, &[&channel], whole(count as u64));
        }
        let mut gauge = |instrument: &Instrument, value: Option<f64>| {
            page.family(instrument);
            if let Some(value) = value {
                page.sample(instrument, &[], value);
            }
        };
        gauge(&ROUND_LAST_COMPLETED, self.last_round.map(seconds));
        gauge(&COVERAGE, Some(health.coverage));
        gauge(&OLDEST_VERIFICATION, health.oldest.filter(|_| tenants > 0).map(seconds));
        gauge(&SCHEDULER_LAG, Some(health.lag));
        gauge(&CONFIG_RELOADED, Some(f64::from(u8::from(self.reloaded.0))));
        gauge(&CONFIG_RELOADED_AT, Some(seconds(self.reloaded.1)));
        gauge(&PROCESS_START, Some(seconds(self.started)));
        page.family(&BUILD);
        page.sample(&BUILD, &[env!("CARGO_PKG_VERSION")], 1.0);
    }
}

/// The numbers of tenants, all together and each by itself; how many there are.
fn of_tenants(dispatcher: &Dispatcher, per_tenant: PerTenant, page: &mut Exposition) -> u64 {
    let fleet = dispatcher.fleet();
    page.family(&TENANTS);
    for (status, count) in [
        ("healthy", fleet.healthy),
        ("degraded", fleet.degraded),
        ("failing", fleet.failing),
        ("unknown", fleet.unknown),
    ] {
        page.sample(&TENANTS, &[status], whole(count as u64));
    }
    let is_told = |tenant: &TenantNumbers<'_>| match per_tenant {
        PerTenant::All => true,
        PerTenant::Failing => tenant.checks.iter().any(|(_, outcome, _)| *outcome == Outcome::Fail),
        PerTenant::None => false,
    };
    page.family(&CHECK_OUTCOME);
    for tenant in dispatcher.tenant_numbers().filter(is_told) {
        for (check, outcome, reason) in &tenant.checks {
            let reason = reason.map(|reason| reason.to_string()).unwrap_or_default();
            let check: &Check = check;
            let labels = [tenant.id.as_str(), check.as_str(), outcome.as_str(), &reason];
            page.sample(&CHECK_OUTCOME, &labels, 1.0);
        }
    }
    page.family(&CERTIFICATE_NOT_AFTER);
    if let Some(ends) = dispatcher.wildcard_not_after() {
        page.sample(&CERTIFICATE_NOT_AFTER, &["", "wildcard"], seconds(ends));
    }
    for tenant in dispatcher.tenant_numbers().filter(is_told) {
        if let Some(ends) = tenant.not_after {
            page.sample(&CERTIFICATE_NOT_AFTER, &[tenant.id.as_str(), ""], seconds(ends));
        }
    }
    fleet.tenants as u64
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
