//! How long things take: hour by hour for each tenant, and for all of them against the same hour of the last days.

use super::*;
use crate::history::{Level, PHASES, Slowdown};

/// How late the agent itself may be before what it measures says nothing of others.
const LATE: Duration = Duration::from_secs(1);
/// How many tenants it takes to speak of all.
const AT_LEAST: usize = 3;

impl Dispatcher {
    /// Counts an examination to the hour of a tenant; the hour before, where that is over by it.
    pub(super) fn count_hour(state: &mut TenantState, at: Timestamp, timings: &Timings) -> Option<Effect> {
        let up = match state.status {
            Status::Healthy | Status::Degraded => Some(true),
            Status::Failing => Some(false),
            Status::Unknown => None,
        };
        state.levels = timings.levels();
        let over = state.hour.add(at, up, timings)?;
        Some(Effect::Hour(Some(state.tenant.id.clone()), over))
    }

    /// The hours that go on, as they are until now: an end keeps them.
    pub fn hours_so_far(&mut self) -> Vec<Effect> {
        let of_tenant = |state: &TenantState| Some(Effect::Hour(Some(state.tenant.id.clone()), state.hour.so_far()?));
        let mut hours = self.states().filter_map(of_tenant).collect::<Vec<_>>();
        hours.extend(self.pace.so_far().map(|hour| Effect::Hour(None, hour)));
        hours
    }

    /// Whether all tenants are slower than they used to be.
    pub(super) fn tell_pace(&mut self, now: Now, effects: &mut Vec<Effect>) {
        let (middle, timed) = self.middle(now);
        let enough = timed >= AT_LEAST && timed * 2 >= self.tenants.len();
        // An agent that is late itself measures nothing but itself.
        let late = self.lag.max(self.lag_before) >= LATE || self.blind > 0;
        let mut judged = None;
        if enough && !late {
            let over = self.pace.add(now.wall, middle);
            effects.extend(over.map(|hour| Effect::Hour(None, hour)));
            judged = self.pace.judge(now.wall, middle);
        }
        let key = of_all();
        let (verdict, slowdown) = match judged {
            None => (Verdict::Unknown, None),
            Some(None) => (Verdict::Clear, None),
            Some(Some(slowdown)) => (Verdict::Firing, Some(slowdown)),
        };
        if slowdown.is_none() && !self.book.remembers(&key) {
            return;
        }
        let Some(severity) = signal::urgency(&self.settings, Cause::EdgeSlow, Outcome::Warn, 0, None) else {
            return;
        };
        let account = Account {
            severity,
            changed: slowdown.map(changed),
            evidence: slowdown.map(|slowdown| told(slowdown, timed)).into_iter().collect(),
            remedy: vec![
                "look at the edge app's load, its machines and its last deploy; `roundsman trace TENANT` from another \
                 place tells whether it is the network in between"
                    .to_owned(),
            ],
            ..Account::default()
        };
        self.observe(now, &signal::of_fleet(key, verdict, Members::nobody(), account));
    }

    /// How long each phase took at the last visits, in the middle of all tenants that were visited within two intervals,
    /// and how many these are.
    fn middle(&self, now: Now) -> ([Level; PHASES.len()], usize) {
        let interval = self.settings.cadence.interval(now.wall);
        let recent = SignedDuration::try_from(interval.saturating_mul(2)).unwrap_or(SignedDuration::MAX);
        let is_recent = |state: &&TenantState| {
            let begun = state.examined.map(|(begun, _)| begun);
            begun.is_some_and(|begun| now.steady.duration_since(begun) <= recent)
        };
        let timed = self.states().filter(is_recent);
        let levels = timed
            .map(|state| state.levels)
            .filter(|levels| *levels != [Level::NONE; PHASES.len()]);
        let levels = levels.collect::<Vec<_>>();
        let middle = std::array::from_fn(|phase| Level::middle_and_high(levels.iter().map(|levels| levels[phase])).0);
        (middle, levels.len())
    }

    /// Whether a cause of a tenant's own is nothing of its own while all are slow: as long as that is told, or is about to
    /// be. Where nobody wants to hear of the fleet's, the tenant's is told.
    pub(super) fn is_everybodys(&self, cause: Cause) -> bool {
        let is_told = || {
            let incident = self.book.get(&of_all());
            incident.is_some_and(|incident| incident.state() != State::Resolved)
        };
        cause == Cause::SiteSlow && is_told()
    }

    /// The same by the key of its incident.
    pub(super) fn is_everybodys_by(&self, key: &Key) -> bool {
        key.cause.parse().is_ok_and(|cause| self.is_everybodys(cause))
    }
}

/// The key of the incident that all are slow.
fn of_all() -> Key {
    Key::new(Cause::EdgeSlow.as_str(), "fleet", "edge")
}

fn changed(slowdown: Slowdown) -> String {
    let Slowdown {
        phase,
        now_ms,
        before_ms,
        ..
    } = slowdown;
    format!("{phase} {before_ms:.0} ms → {now_ms:.0} ms")
}

fn told(slowdown: Slowdown, timed: usize) -> String {
    let Slowdown {
        phase,
        now_ms,
        before_ms,
        days,
    } = slowdown;
    format!(
        "`{phase}` takes {now_ms:.0} ms in the middle of {timed} tenants; at this hour of the last {days} days it took \
         {before_ms:.0} ms"
    )
}
