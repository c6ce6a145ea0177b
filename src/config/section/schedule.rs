//! `[schedule]`.

use super::form;
use crate::config::model::Schedule;
use crate::config::reader::{Section, duration, duration_or_zero, integer, or_auto, parsed, positive};

pub(super) fn schedule(section: Section<'_>, schedule: &mut Schedule) {
    section.set("every", &mut schedule.every, duration);
    schedule.cron = section.get("cron", parsed(form::cron));
    schedule.timezone = section.get("timezone", parsed(form::timezone));
    section.set("jitter", &mut schedule.jitter, or_auto(duration_or_zero));
    let concurrency = section.get("concurrency", or_auto(integer::<u32>(1..=100_000)));
    schedule.concurrency = concurrency.flatten().and_then(std::num::NonZeroU32::new);
    section.set("rate", &mut schedule.rate, or_auto(positive));
    section.set("fleet_every", &mut schedule.fleet_every, duration);
    if let (Some(every), Some(cron)) = (section.key_span("every"), section.key_span("cron")) {
        let title = "`every` and `cron` in [schedule] exclude each other";
        section.note_both((cron, "remove one of the two"), (every, "the other"), title);
    }
    section.finish();
}
