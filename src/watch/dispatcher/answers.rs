//! What whoever asks is told, and what they may say.

use roundsman_checks::target::Tenant;

use super::*;
use crate::text::counted;

impl Dispatcher {
    /// Somebody looks after an incident.
    ///
    /// # Errors
    /// [`Unknown`] where there is no such open incident.
    pub fn acknowledge(&mut self, id: &IncidentId, comment: &str, now: Now) -> Result<Vec<Effect>, Unknown> {
        let done = self.book.acknowledge(id, comment, now)?;
        let key = done.key.clone();
        self.note(vec![done]);
        if *key.cause == *Cause::InventoryShrunk.as_str() {
            // Whoever is missing in the next reading left.
            self.left = true;
            self.chores.plan(Job::Read, now.steady);
        }
        if *key.cause == *VANISHED.as_str() {
            let members = Members::default();
            let account = Account {
                at_once: true,
                ..Account::default()
            };
            let signal = roundsman_alerts::Signal {
                witness: Arc::clone(&key.object),
                key,
                verdict: Verdict::Clear,
                members,
                account,
            };
            self.observe(now, &signal);
        }
        let mut effects = Vec::new();
        self.conclude(now, &mut effects);
        Ok(effects)
    }

    /// The incidents, those that are over but may come back included.
    pub fn incidents(&self) -> impl Iterator<Item = &Incident> {
        self.book.iter()
    }

    /// How many tenants are in each status.
    #[must_use]
    pub fn fleet(&self) -> FleetStatus {
        let mut fleet = FleetStatus::default();
        for state in self.tenants.values() {
            fleet.tenants += 1;
            match state.status {
                Status::Healthy => fleet.healthy += 1,
                Status::Degraded => fleet.degraded += 1,
                Status::Failing => fleet.failing += 1,
                Status::Unknown => fleet.unknown += 1,
            }
        }
        fleet
    }

    /// How one tenant is; `None` where nobody has this id.
    #[must_use]
    pub fn tenant(&self, id: &TenantId, now: Now) -> Option<TenantStatus> {
        let ix = self.by_id.get(id)?;
        let state = self.tenants.get(ix)?;
        let next = self.turns.next(*ix);
        Some(TenantStatus {
            tenant: state.tenant.id.to_string(),
            hostname: Some(state.tenant.hostname.to_string()),
            app: Some(state.tenant.app.clone()),
            status: state.status,
            cause: state.cause,
            since: state.since,
            last_good: state.last_good,
            examined_at: state.examined.map(|(_, wall)| wall),
            next: next.map(|at| move_by(now.wall, at.duration_since(now.steady))),
            uptime: None,
        })
    }

    /// The tenant that an id, a host name or the address of a page names.
    #[must_use]
    pub fn named(&self, target: &str) -> Option<Arc<Tenant>> {
        let host = target.strip_prefix("https://").unwrap_or(target);
        let host = host.split(['/', ':', '?']).next().unwrap_or_default();
        let by_id = self
            .by_id
            .get(&TenantId::new(target))
            .and_then(|ix| self.tenants.get(ix));
        let is_named = |state: &&TenantState| state.tenant.hostname.as_str().eq_ignore_ascii_case(host);
        let state = by_id.map(Box::as_ref).or_else(|| self.states().find(is_named))?;
        Some(Arc::clone(&state.tenant))
    }

    /// The ids of all tenants, sorted.
    #[must_use]
    pub fn ids(&self) -> Vec<TenantId> {
        let mut ids = self.by_id.keys().cloned().collect::<Vec<_>>();
        ids.sort();
        ids
    }

    /// How much is kept.
    #[must_use]
    pub fn footprint(&self) -> Footprint {
        let size = |incident: &Incident| {
            let core = incident.core();
            1 + core.witnesses.len() + core.members.len() + core.left.len()
        };
        let own = self.tenants.values().map(|state| state.own.len() + state.keys.len());
        Footprint {
            tenants: self.tenants.len() + self.by_id.len() + self.vanished.len() + self.memories.len(),
            planned: self.turns.len() + self.chores.len(),
            explanations: own.sum(),
            incidents: self.book.iter().map(size).sum::<usize>() + self.book.keys_of_looks().count(),
            members: self.shared.size(),
        }
    }

    /// How the agent does its own job.
    pub fn health(&mut self, now: Now) -> Health {
        let interval = self.settings.cadence.interval(now.wall);
        let recent = SignedDuration::try_from(interval.saturating_mul(2)).unwrap_or(SignedDuration::MAX);
        let examined = self.tenants.values().filter_map(|state| state.examined);
        let on_time = examined
            .clone()
            .filter(|(begun, _)| now.steady.duration_since(*begun) <= recent)
            .count();
        let never = self.tenants.values().filter(|state| state.examined.is_none()).count();
        let mut waiting_for = Vec::new();
        if !self.inventory_known && self.tenants.is_empty() {
            waiting_for.push("the inventory".to_owned());
        }
        if self.context.is_none() {
            waiting_for.push("the first look at zone and edge".to_owned());
        }
        // One that hangs by itself keeps nobody waiting for ever.
        let patient = self.began.is_some_and(|began| {
            Duration::try_from(now.steady.duration_since(began)).is_ok_and(|passed| passed >= interval)
        });
        if never > 0 && !(patient && never * 100 <= self.tenants.len()) {
            waiting_for.push(format!("the first examination of {}", counted(never, "tenant")));
        }
        let oldest = examined.map(|(_, wall)| wall).min();
        let share = |part: usize| match self.tenants.len() {
            0 => f64::from(u8::from(self.inventory_known)),
            all => count(part) / count(all),
        };
        let coverage = share(on_time);
        // The lag of the last whole interval, and of the one that goes on.
        let since = *self.lag_since.get_or_insert(now.steady);
        if Duration::try_from(now.steady.duration_since(since)).is_ok_and(|passed| passed >= interval) {
            self.lag_before = std::mem::take(&mut self.lag);
            self.lag_since = Some(now.steady);
        }
        Health {
            ready: waiting_for.is_empty(),
            waiting_for,
            coverage,
            oldest,
            lag: self.lag.max(self.lag_before).as_secs_f64(),
            blind: self.book.is_frozen(),
            alerting: self.alerting.stuck(&self.settings.routing, now),
        }
    }
}
