//! `[schedule]`.

use std::num::NonZeroU32;
use std::time::Duration;

use crate::config::form::{
    ValueForm, cron, duration_or_zero, integer, interval, optional, or_auto, positive, timezone,
};
use crate::config::reader::Section;
use crate::config::table::table;

table! {
    /// How often and how fast.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Schedule {
        /// Time between rounds. Not used where `cron` is set.
        every: Duration = Duration::from_secs(300) => interval();
        /// Instead of `every`: five fields as in crontab(5), or six with seconds.
        cron: Option<String> = None => optional(cron()), sample = "\"*/5 * * * *\"";
        /// The IANA time zone that `cron` is read in; by default UTC.
        timezone: Option<String> = None => optional(timezone()), sample = "\"Europe/London\"";
        /// The largest random delay: "auto" or a duration.
        jitter: Option<Duration> = None => or_auto(duration_or_zero());
        /// Tenants visited at the same time: "auto" or a number.
        concurrency: Option<NonZeroU32> = None => or_auto(count());
        /// Handshakes per second towards one edge address: "auto" or a number above 0.
        rate: Option<f64> = None => or_auto(positive());
        /// Time between the fleet checks.
        fleet_every: Duration = Duration::from_secs(15) => interval();
    }
    check exclusive;
}

fn count() -> ValueForm<NonZeroU32> {
    integer(1..=100_000).map(|count| NonZeroU32::new(count).unwrap_or(NonZeroU32::MIN))
}

fn exclusive(section: &Section<'_>, _: &mut Schedule) {
    if let (Some(every), Some(cron)) = (section.key_span("every"), section.key_span("cron")) {
        let title = "`every` and `cron` in [schedule] exclude each other";
        section.note_both((cron, "remove one of the two"), (every, "the other"), title);
    }
}
