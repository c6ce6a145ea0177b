//! Who comes and who goes, and what is said of it.

use super::*;

impl Dispatcher {
    pub(super) fn take_inventory(&mut self, now: Now, inventory: &crate::inventory::Inventory) {
        let known = self.tenants.values();
        let known = known.map(|state| (state.tenant.id.clone(), state.absent)).collect();
        let found = compare(inventory, &known);
        self.shrunk = if found.shrunk { self.shrunk + 1 } else { 0 };
        self.tell_shrunk(now, inventory.tenants.len(), known.len(), inventory.complete);
        let mut new = Vec::new();
        for (tenant, by_hand) in found.new {
            let ix = TenantIx(self.next_ix);
            self.next_ix += 1;
            self.by_id.insert(tenant.id.clone(), ix);
            let mut state = TenantState::new(tenant, by_hand);
            // Sleepers are not all woken at once.
            let waited = self
                .settings
                .wake_every
                .saturating_sub(state.phase.within(self.settings.wake_every));
            state.woken = now.steady.checked_sub(waited).ok();
            state.keys = self.keys_of(&state.tenant);
            if let Some(memory) = self.memories.remove(state.tenant.id.as_str()) {
                state.since = Some(memory.since);
                state.last_good = memory.last_good;
                state.memory = Some((memory.status, memory.cause));
            }
            self.tenants.insert(ix, state);
            new.push(ix);
        }
        self.plan_all(now, new);
        for (tenant, by_hand) in found.there {
            if let Some(state) = self.by_id.get(&tenant.id).and_then(|ix| self.tenants.get_mut(ix)) {
                (state.absent, state.by_hand) = (0, by_hand);
                if state.tenant != tenant {
                    state.tenant = tenant;
                }
            }
        }
        for id in &found.missing {
            if let Some(state) = self.by_id.get(id).and_then(|ix| self.tenants.get_mut(ix)) {
                state.absent += 1;
            }
        }
        for id in found.gone {
            self.remove(now, &id);
        }
        self.tell_vanished(now);
    }

    /// The incidents of a tenant from before a restart.
    fn keys_of(&self, tenant: &Tenant) -> Vec<Key> {
        let open = self.book.iter().map(Incident::core);
        let own = open.filter(|core| &*core.key.scope == "tenant" && core.witnesses.contains_key(tenant.id.as_str()));
        own.map(|core| core.key.clone()).collect()
    }

    /// A tenant is gone.
    fn remove(&mut self, now: Now, id: &TenantId) {
        let Some(ix) = self.by_id.remove(id) else { return };
        let Some(state) = self.tenants.remove(&ix) else { return };
        self.turns.cancel(ix);
        self.shared.forget(ix);
        if let Some(facts) = &state.facts {
            self.totals.remove(id, facts);
        }
        self.count_own(&state.own, Step::Down);
        for key in &state.keys {
            let done = self.book.forget_witness(key, id.as_str(), &self.settings.policy, now);
            self.note(done);
        }
        if !state.by_hand {
            self.vanished.insert(id.clone(), state.tenant);
        }
    }

    /// Tells who is gone, and who is back. Told again at each reading until the book knows: it may hear nothing just now.
    fn tell_vanished(&mut self, now: Now) {
        let told = self
            .book
            .iter()
            .filter(|incident| &*incident.core().key.cause == VANISHED);
        let told = told
            .map(|incident| TenantId::new(&*incident.core().key.object))
            .collect::<BTreeSet<_>>();
        for id in &told {
            if let Some(ix) = self.by_id.get(id) {
                let tenant = self.tenants.get(ix).map(|state| Arc::clone(&state.tenant));
                tenant
                    .into_iter()
                    .for_each(|tenant| self.tell_vanished_one(now, &tenant, Verdict::Clear));
            }
        }
        let (by_id, vanished) = (&self.by_id, &mut self.vanished);
        vanished.retain(|id, _| !by_id.contains_key(id) && !told.contains(id));
        let untold = self.vanished.values().cloned().collect::<Vec<_>>();
        untold
            .iter()
            .for_each(|tenant| self.tell_vanished_one(now, tenant, Verdict::Firing));
    }

    fn tell_vanished_one(&mut self, now: Now, tenant: &Tenant, verdict: Verdict) {
        let key = Key::new(VANISHED, "tenant", tenant.id.as_str());
        let account = Account {
            severity: Severity::Warning,
            at_once: true,
            evidence: vec![format!(
                "no source names {} any more, in two readings in a row",
                tenant.id
            )],
            remedy: vec![format!(
                "acknowledge this where {} is meant to be gone, or bring it back into the inventory",
                tenant.id
            )],
            labels: tenant.labels.clone(),
            ..Account::default()
        };
        self.observe(now, &signal::of_tenant(key, tenant, verdict, account));
    }

    fn tell_shrunk(&mut self, now: Now, count: usize, known: usize, complete: bool) {
        let key = Key::new("inventory-shrunk", "fleet", "inventory");
        let verdict = match self.shrunk {
            0 if complete => Verdict::Clear,
            0 | 1 => Verdict::Unknown,
            _ => Verdict::Firing,
        };
        let account = Account {
            severity: Severity::Critical,
            at_once: true,
            evidence: vec![format!("the inventory names {count} tenants, {known} are known")],
            remedy: vec![
                "look at the source of the tenants; until it names them again, those that are known are verified"
                    .to_owned(),
            ],
            ..Account::default()
        };
        self.observe(now, &signal::of_fleet(key, verdict, Members::default(), account));
    }
}
