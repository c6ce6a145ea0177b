//! Is a human to be told now, and why?

use std::time::Duration;

use jiff::Timestamp;

use super::{Log, Picture, Reason, Routing, Told};
use crate::Now;
use crate::now::later;

/// How long the first message of single tenants waits for the last of them to come, as parts of `group_wait`; and how
/// long in all.
const QUIET: u32 = 3;
const PATIENCE: u32 = 4;
/// How often what comes and goes is told again, at most.
const FLAPPING_REPEAT: Duration = Duration::from_secs(24 * 3600);

/// Whether something is to be said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Now, and why.
    Say(Reason),
    /// Not before this moment of the steady clock, if nothing else happens.
    Wait(Timestamp),
    /// Not before something happens.
    Nothing,
}

/// Is a human to be told now, and why? By what was told last, how it is, and the time; nothing else.
#[must_use]
pub fn decide(log: Option<&Log>, picture: &Picture, routing: &Routing, now: Now) -> Decision {
    let Some(log) = log else {
        return match picture.news {
            // Who hears of a repair need not have heard of what it fixed.
            Some(reason @ (Reason::Repaired | Reason::RepairFailed)) => Decision::Say(reason),
            _ => first(picture, routing, now),
        };
    };
    match log.told {
        Told::Firing if picture.open == 0 && !picture.flapping => Decision::Say(Reason::Resolved),
        Told::Firing if picture.flapping => Decision::Say(Reason::FlappingStarted),
        Told::Firing if picture.loud == 0 => Decision::Nothing,
        Told::Firing if picture.news.is_some() => picture.news.map_or(Decision::Nothing, Decision::Say),
        Told::Firing if picture.unmuted => Decision::Say(Reason::StillFiring),
        Told::Firing => again(log, picture, routing, now),
        // It came back soon after its end: whatever it does next, it is told when it stays so.
        Told::Resolved if picture.loud > 0 || picture.flapping => Decision::Say(Reason::FlappingStarted),
        Told::Resolved => Decision::Nothing,
        Told::Flapping => settled(log, picture, routing, now),
    }
}

/// Nobody was told yet.
fn first(picture: &Picture, routing: &Routing, now: Now) -> Decision {
    if picture.loud == 0 {
        return match picture.flapping {
            true => Decision::Say(Reason::FlappingStarted),
            false => Decision::Nothing,
        };
    }
    if picture.all_unmuted {
        return Decision::Say(Reason::StillFiring);
    }
    let since = picture.since.unwrap_or(now.steady);
    let due = later(since, routing.group_wait);
    let due = match picture.joined.filter(|_| picture.single) {
        // While more of them come, something wider may be found to explain them all.
        Some(joined) => {
            let quiet = later(joined, routing.group_wait / QUIET);
            due.max(quiet.min(later(since, routing.group_wait * PATIENCE)))
        }
        None => due,
    };
    at(due, Reason::First, now)
}

/// It was told that it fails, and it does.
fn again(log: &Log, picture: &Picture, routing: &Routing, now: Now) -> Decision {
    let news = if picture.severity > log.severity {
        Some(Reason::SeverityRaised)
    } else if !picture.causes.is_subset(&log.causes) {
        Some(Reason::CauseChanged)
    } else if picture.members >= log.members.max(1).saturating_mul(2) {
        Some(Reason::MembershipDoubled)
    } else if picture.told.saturating_mul(2) <= log.open {
        Some(Reason::PartlyResolved)
    } else {
        None
    };
    if let Some(reason) = news {
        return at(later(log.at.steady, routing.group_interval), reason, now);
    }
    repeated(log, routing.repeat.of(picture.severity), now)
}

/// It was told that it comes and goes.
fn settled(log: &Log, picture: &Picture, routing: &Routing, now: Now) -> Decision {
    if picture.flapping {
        let repeat = routing
            .repeat
            .of(picture.severity)
            .map(|every| every.max(FLAPPING_REPEAT));
        return repeated(log, repeat, now);
    }
    let turned = picture.turned.unwrap_or(log.at.steady).max(log.at.steady);
    at(later(turned, routing.calm), Reason::FlappingEnded, now)
}

fn repeated(log: &Log, every: Option<Duration>, now: Now) -> Decision {
    every.map_or(Decision::Nothing, |every| {
        at(later(log.at.steady, every), Reason::Repeat, now)
    })
}

fn at(due: Timestamp, reason: Reason, now: Now) -> Decision {
    match due <= now.steady {
        true => Decision::Say(reason),
        false => Decision::Wait(due),
    }
}
