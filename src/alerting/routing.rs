//! Who is told of what, and in which words.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use roundsman_alerts::notification::{Calendar, Dossier, Prose, Receiver, Route, Routing, Window};
use roundsman_checks::diagnosis::Cause;

use crate::config::{Alerts, Config, Maintenance};
use crate::schedule::CronExpression;
use crate::text::capital;

/// Who is told of what, by these channels.
#[must_use]
pub fn routing(alerts: &Alerts, receivers: Vec<Receiver>) -> Routing {
    let names = |names: &[String]| names.iter().map(|name| Arc::from(name.as_str())).collect();
    let routes = alerts.routes.iter().map(|route| Route {
        matchers: route.matching.matchers(),
        channels: names(&route.channels),
        fallback: names(&route.fallback),
    });
    Routing {
        group_wait: alerts.group_wait,
        group_interval: alerts.group_interval,
        group_by: alerts.group_by.clone(),
        repeat: alerts.repeat_interval,
        routes: routes.collect(),
        windows: alerts.maintenance.iter().filter_map(window).collect(),
        receivers,
        ..Routing::default()
    }
}

/// A window; nothing where its expression can't be read, which was refused when the configuration was.
fn window(maintenance: &Maintenance) -> Option<Window> {
    let zone = maintenance.timezone.as_ref().and_then(|zone| TimeZone::get(zone).ok());
    Some(Window {
        matchers: maintenance.matching.matchers(),
        calendar: Arc::new(Begins {
            cron: maintenance.cron.parse().ok()?,
            zone: zone.unwrap_or(TimeZone::UTC),
        }),
        duration: maintenance.duration,
    })
}

/// When a window begins.
#[derive(Debug)]
struct Begins {
    cron: CronExpression,
    zone: TimeZone,
}

impl Calendar for Begins {
    fn last(&self, until: Timestamp) -> Option<Timestamp> {
        self.cron.last(until, &self.zone)
    }
}

/// What messages say beside what happened.
#[must_use]
pub fn dossier(config: &Config, vantage: &str) -> Dossier {
    let prose = Cause::ALL.iter().map(|cause| {
        let prose = Prose {
            title: capital(cause.title()),
            meaning: cause.meaning().to_owned(),
        };
        (cause.to_string(), prose)
    });
    Dossier {
        domain: config.domain.to_string(),
        vantage: vantage.to_owned(),
        prose: prose.collect(),
    }
}
