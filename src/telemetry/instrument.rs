//! Every instrument: its name, its unit, its labels and what it tells. The table in `docs/metrics.md` is written from here.

use std::fmt::Write as _;

/// What kind of number it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// Only grows, until the process ends.
    Counter,
    /// As it is at the moment.
    Gauge,
    /// How many were at most so large: the upper bounds of the buckets, but for the last, which is infinite.
    Histogram(&'static [f64]),
}

/// What is counted, by the Unified Code for Units of Measure, as OpenTelemetry has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Seconds: `s`.
    Seconds,
    /// A share from 0 to 1: `1`.
    Ratio,
    /// Things of a kind, named in braces.
    Things(&'static str),
    /// Nothing that has a unit.
    None,
}

impl Unit {
    /// As OpenTelemetry writes it.
    #[must_use]
    pub fn ucum(self) -> String {
        match self {
            Self::Seconds => "s".to_owned(),
            Self::Ratio => "1".to_owned(),
            Self::Things(thing) => format!("{{{thing}}}"),
            Self::None => String::new(),
        }
    }

    /// The word that Prometheus' names end with, where there is one.
    #[must_use]
    pub fn word(self) -> Option<&'static str> {
        match self {
            Self::Seconds => Some("seconds"),
            Self::Ratio => Some("ratio"),
            Self::Things(_) | Self::None => None,
        }
    }
}

/// Something that is measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Instrument {
    /// Its name, with dots.
    pub name: &'static str,
    /// What kind of number it is.
    pub kind: Kind,
    /// In what it is counted.
    pub unit: Unit,
    /// Its labels (OpenTelemetry: attributes), in order.
    pub labels: &'static [&'static str],
    /// What it tells, in one sentence without a stop.
    pub help: &'static str,
}

impl Instrument {
    /// The name that Prometheus has for it: underscores for dots, the unit and, of a counter, `_total` behind it
    /// (OpenTelemetry's compatibility rules).
    #[must_use]
    pub fn prometheus(&self) -> String {
        let mut name = self.family();
        if self.kind == Kind::Counter {
            name.push_str("_total");
        }
        name
    }

    /// The same without `_total`: the name of the family in OpenMetrics.
    #[must_use]
    pub fn family(&self) -> String {
        let mut name = self.name.replace('.', "_");
        if let Some(unit) = self.unit.word() {
            name.push('_');
            name.push_str(unit);
        }
        name
    }
}

/// Bounds for what takes from a millisecond to half a minute, in seconds.
const DURATIONS: &[f64] = &[
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
];
/// Bounds for what takes from a second to hours, in seconds.
const ROUNDS: &[f64] = &[
    1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 10_800.0,
];

macro_rules! instruments {
    ($($(#[$doc:meta])* $constant:ident = $name:literal: $kind:expr, $unit:expr, [$($label:literal),*], $help:literal;)*) => {
        $(
            #[doc = $help]
            pub const $constant: Instrument = Instrument {
                name: $name,
                kind: $kind,
                unit: $unit,
                labels: &[$($label),*],
                help: $help,
            };
        )*

        /// Every instrument, in the order in which they are written.
        pub const ALL: &[Instrument] = &[$($constant),*];
    };
}

instruments! {
    TENANTS = "roundsman.tenants": Kind::Gauge, Unit::Things("tenant"), ["status"],
        "Tenants by status: healthy, degraded, failing, unknown";
    CHECK_OUTCOME = "roundsman.check.outcome": Kind::Gauge, Unit::None, ["tenant", "check", "outcome", "reason"],
        "1 for the outcome that a tenant's check has now; which tenants are told is set by telemetry.per_tenant";
    CHECK_DURATION = "roundsman.check.duration": Kind::Histogram(DURATIONS), Unit::Seconds, ["check", "outcome"],
        "How long the probe behind a check took";
    PROBE_PHASE_DURATION = "roundsman.probe.phase.duration": Kind::Histogram(DURATIONS), Unit::Seconds, ["phase"],
        "How long each phase of a visit took, of those that ended well: resolve, connect, tls, processing, transfer";
    PROBE_FAILURES = "roundsman.probe.failures": Kind::Counter, Unit::Things("failure"), ["layer", "reason"],
        "Examinations in which a check failed or could not be judged, by typed reason, each reason once";
    CERTIFICATE_NOT_AFTER = "roundsman.certificate.not_after.timestamp": Kind::Gauge, Unit::Seconds, ["tenant", "scope"],
        "When what is served for a tenant, or for a name that only the wildcard covers, ends, in seconds since the epoch; told also where it does not verify";
    INCIDENTS_OPEN = "roundsman.incidents.open": Kind::Gauge, Unit::Things("incident"), ["cause", "scope", "severity"],
        "Incidents that are firing or recovering, whatever mutes them";
    ROUNDS_TOTAL = "roundsman.rounds": Kind::Counter, Unit::Things("round"), [],
        "Rounds that ended: every tenant that was there when it began was examined once";
    ROUND_DURATION = "roundsman.round.duration": Kind::Histogram(ROUNDS), Unit::Seconds, [],
        "How long a round took";
    ROUND_LAST_COMPLETED = "roundsman.round.last_completed.timestamp": Kind::Gauge, Unit::Seconds, [],
        "When the last round ended, in seconds since the epoch";
    COVERAGE = "roundsman.coverage": Kind::Gauge, Unit::Ratio, [],
        "The share of tenants whose last examination began within two intervals";
    OLDEST_VERIFICATION = "roundsman.oldest_verification.timestamp": Kind::Gauge, Unit::Seconds, [],
        "When the longest ago of all last examinations began, in seconds since the epoch";
    SCHEDULER_LAG = "roundsman.scheduler.lag": Kind::Gauge, Unit::Seconds, [],
        "The worst lateness of a start in the last interval";
    API_REQUESTS = "roundsman.api.requests": Kind::Counter, Unit::Things("request"), ["api", "operation", "status"],
        "Requests to the APIs of platform and DNS provider; status is the code of the answer, or error where none came";
    NOTIFICATIONS = "roundsman.notifications": Kind::Counter, Unit::Things("attempt"), ["channel", "result"],
        "Attempts to deliver a message: delivered, failed (it is tried again) or refused (for good)";
    NOTIFICATIONS_PENDING = "roundsman.notifications.pending": Kind::Gauge, Unit::Things("message"), ["channel"],
        "Messages that wait to be delivered";
    REMEDIATIONS = "roundsman.remediations": Kind::Counter, Unit::Things("action"), ["action", "result"],
        "Steps of repairs: done, already (nothing had to be done), aborted, failed or refused";
    TELEMETRY_DROPPED = "roundsman.telemetry.dropped": Kind::Counter, Unit::Things("item"), ["signal", "reason"],
        "Data points, spans and log lines that were to be sent by OTLP and were lost, by signal and reason: queue-full, refused, rejected, expired, stopped";
    CONFIG_RELOADED = "roundsman.config.last_reload_successful": Kind::Gauge, Unit::None, [],
        "Whether the configuration was taken up when it was read last: 1 or 0";
    CONFIG_RELOADED_AT = "roundsman.config.last_reload_success.timestamp": Kind::Gauge, Unit::Seconds, [],
        "When a configuration was taken up last, in seconds since the epoch";
    BUILD = "roundsman.build.info": Kind::Gauge, Unit::None, ["version"],
        "1, with the version of the program";
    PROCESS_START = "process.start_time": Kind::Gauge, Unit::Seconds, [],
        "When the process began, in seconds since the epoch";
}

/// The table of all instruments, as Markdown.
#[must_use]
pub fn table() -> String {
    let mut table =
        "| OpenTelemetry | Prometheus | type, unit | labels | what it tells |\n|---|---|---|---|---|\n".to_owned();
    for instrument in ALL {
        let kind = match instrument.kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram(_) => "histogram",
        };
        let unit = Some(instrument.unit.ucum()).filter(|unit| !unit.is_empty());
        let labels = instrument.labels.iter().map(|label| format!("`{label}`"));
        let labels = labels.collect::<Vec<_>>().join(", ");
        let unit = unit.map(|unit| format!(", `{unit}`")).unwrap_or_default();
        // Writing to a string does not fail.
        let _ = writeln!(
            table,
            "| `{}` | `{}` | {kind}{unit} | {labels} | {} |",
            instrument.name,
            instrument.prometheus(),
            instrument.help
        );
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The names that dashboards and rules go by.
    #[test]
    fn prometheus_names_follow_from_the_dotted_ones() {
        let names = ALL.iter().map(Instrument::prometheus).collect::<Vec<_>>();
        for name in [
            "roundsman_tenants",
            "roundsman_check_outcome",
            "roundsman_check_duration_seconds",
            "roundsman_probe_phase_duration_seconds",
            "roundsman_probe_failures_total",
            "roundsman_certificate_not_after_timestamp_seconds",
            "roundsman_incidents_open",
            "roundsman_rounds_total",
            "roundsman_round_duration_seconds",
            "roundsman_round_last_completed_timestamp_seconds",
            "roundsman_coverage_ratio",
            "roundsman_oldest_verification_timestamp_seconds",
            "roundsman_scheduler_lag_seconds",
            "roundsman_api_requests_total",
            "roundsman_notifications_total",
            "roundsman_notifications_pending",
            "roundsman_telemetry_dropped_total",
            "roundsman_config_last_reload_successful",
            "roundsman_config_last_reload_success_timestamp_seconds",
        ] {
            assert!(names.iter().any(|known| known == name), "{name}");
        }
        let different = names.iter().collect::<std::collections::BTreeSet<_>>();
        assert_eq!(different.len(), names.len());
    }
}
