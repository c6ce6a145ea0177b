//! What a dispatcher goes by, from one reading of the configuration to the next.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::tz::TimeZone;
use roundsman_alerts::Policy;
use roundsman_alerts::notification::{Dossier, Receiver, Routing};
use roundsman_checks::diagnosis::{Cause, Severity};
use roundsman_checks::gather::Concurrency;

use crate::alerting::{dossier, routing};
use crate::config::{Config, Source};
use crate::schedule::{Cadence, CronExpression};

/// Settings of a dispatcher.
#[derive(Clone, Debug)]
pub struct Settings {
    /// When each tenant has its turn.
    pub cadence: Cadence,
    /// How often agent, zone and edge are looked at.
    pub fleet_every: Duration,
    /// How often the sources of the tenants are read, and the APIs with them as far as their budget allows.
    pub read_every: Duration,
    /// Whether no API says who the tenants are, so that their sources can be read without the APIs.
    pub read_apart: bool,
    /// How often a sleeping tenant may be woken for its page.
    pub wake_every: Duration,
    /// When an incident opens and is over.
    pub policy: Policy,
    /// How many tenants are examined together.
    pub concurrency: Concurrency,
    /// How urgent causes are, where that is not their default.
    pub severity: BTreeMap<Cause, Severity>,
    /// Who is told of what.
    pub routing: Routing,
    /// What messages say beside what happened.
    pub dossier: Dossier,
}

impl Settings {
    /// What a configuration asks for, with these channels, seen from this vantage.
    #[must_use]
    pub fn of(config: &Config, concurrency: Concurrency, receivers: Vec<Receiver>, vantage: &str) -> Self {
        let schedule = &config.schedule;
        // Both were read with the configuration: what can't be read again is as if it were not there.
        let cron = schedule
            .cron
            .as_ref()
            .and_then(|cron| cron.parse::<CronExpression>().ok());
        let zone = schedule.timezone.as_ref().and_then(|zone| TimeZone::get(zone).ok());
        let cadence = match cron {
            Some(cron) => Cadence::cron(cron, zone.unwrap_or(TimeZone::UTC), schedule.jitter),
            None => Cadence::every(schedule.every, schedule.jitter),
        };
        Self {
            cadence,
            fleet_every: schedule.fleet_every,
            read_every: config.tenants.every,
            read_apart: !config.tenants.sources.iter().copied().any(Source::is_platform),
            wake_every: config.site.wake_every,
            policy: config.incidents.policy(),
            concurrency,
            severity: config.severity.clone(),
            routing: routing(&config.alerts, receivers),
            dossier: dossier(config, vantage),
        }
    }
}
