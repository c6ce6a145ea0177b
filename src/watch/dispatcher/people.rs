//! Who comes and who goes, and what is said of it.

use roundsman_checks::target::Tenant;

use super::*;

impl Dispatcher {
    pub(super) fn take_inventory(
        &mut self,
        now: Now,
        inventory: &crate::inventory::Inventory,
        effects: &mut Vec<Effect>,
    ) {
        let known = self.tenants.values();
        let known = known.map(|state| (&state.tenant.id, state.absent));
        let before = self.memories.iter().map(|(id, unnamed)| (id, unnamed.absent));
        let known = known.chain(before).collect::<HashMap<_, _>>();
        let found = compare(inventory, &known, self.left);
        let known = known.len();
        self.read_once = true;
        self.inventory_known |= inventory.complete;
        self.shrunk = if found.shrunk { self.shrunk + 1 } else { 0 };
        self.tell_shrunk(now, inventory.tenants.len(), known, inventory.complete);
        let (there, back) = found
            .there
            .into_iter()
            .partition::<Vec<_>, _>(|(tenant, _)| self.by_id.contains_key(&tenant.id));
        let come = found.new.into_iter().chain(back).collect::<Vec<_>>();
        for (tenant, by_hand) in &come {
            let before = self.memories.get(&tenant.id);
            let known =
                before.is_some_and(|before| before.tenant.as_ref() == Some(tenant) && before.by_hand == *by_hand);
            effects.extend((!known).then(|| Effect::Named(Arc::clone(tenant), *by_hand)));
        }
        self.welcome(now, come);
        for (tenant, by_hand) in there {
            if let Some(state) = self.by_id.get(&tenant.id).and_then(|ix| self.tenants.get_mut(ix)) {
                if state.tenant != tenant || state.by_hand != by_hand {
                    effects.push(Effect::Named(Arc::clone(&tenant), by_hand));
                }
                (state.absent, state.by_hand) = (0, by_hand);
                if state.tenant != tenant {
                    state.tenant = tenant;
                }
            }
        }
        for id in &found.missing {
            if let Some(state) = self.by_id.get(id).and_then(|ix| self.tenants.get_mut(ix)) {
                state.absent += 1;
            } else if let Some(unnamed) = self.memories.get_mut(id) {
                unnamed.absent += 1;
            }
        }
        for id in found.gone {
            self.remove(now, &id, self.left);
            effects.push(Effect::Gone(id.to_string()));
        }
        self.left &= !inventory.complete;
        if found.shrunk || !inventory.complete {
            self.hold_unnamed(now);
        }
        self.tell_vanished(now);
    }

    /// Takes up tenants, and examines them.
    fn welcome(&mut self, now: Now, tenants: Vec<(Arc<Tenant>, bool)>) {
        let mut new = Vec::with_capacity(tenants.len());
        for (tenant, by_hand) in tenants {
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
            state.keys = before::keys_of(&self.book, &state.tenant.id);
            let before = self.memories.remove(&state.tenant.id).unwrap_or_default();
            state.counted = self.rounds.joins(now);
            state.absent = before.absent;
            if let Some(memory) = before.memory {
                state.since = Some(memory.since);
                state.last_good = memory.last_good;
                state.good = memory.good;
                state.memory = Some((memory.status, memory.cause));
            }
            self.tenants.insert(ix, Box::new(state));
            new.push(ix);
        }
        self.plan_all(now, new, APART);
    }

    /// Nobody can say just now who the tenants are: those from before this process are examined on.
    pub(super) fn hold_unnamed(&mut self, now: Now) {
        let unnamed = self.memories.values();
        let mut held = unnamed
            .filter_map(|unnamed| Some((Arc::clone(unnamed.tenant.as_ref()?), unnamed.by_hand)))
            .collect::<Vec<_>>();
        held.sort_by(|(one, _), (other, _)| one.id.cmp(&other.id));
        self.welcome(now, held);
    }

    /// Everybody who is known, whether a source named them just now or not: an answer may name any of them.
    #[must_use]
    pub fn known_with(&self, mut named: Vec<Arc<Tenant>>) -> Vec<Arc<Tenant>> {
        let ids = named.iter().map(|tenant| &tenant.id).collect::<BTreeSet<_>>();
        let unnamed = self.memories.values().filter_map(|unnamed| unnamed.tenant.as_ref());
        let held = self.tenants.values().map(|state| &state.tenant).chain(unnamed);
        let beside = held
            .filter(|tenant| !ids.contains(&tenant.id))
            .cloned()
            .collect::<Vec<_>>();
        named.extend(beside);
        named.sort_by(|one, other| one.id.cmp(&other.id));
        named
    }

    /// Has a reading name those who are known already, and as they are known: each is kept once.
    pub fn unify(&self, named: &mut [Arc<Tenant>]) {
        for tenant in named {
            let known = self.by_id.get(&tenant.id).and_then(|ix| self.tenants.get(ix));
            if let Some(known) = known.filter(|known| known.tenant == *tenant) {
                *tenant = Arc::clone(&known.tenant);
            }
        }
    }

    /// A tenant is gone, or went while no agent ran; where that was `confirmed`, nobody is told.
    fn remove(&mut self, now: Now, id: &TenantId, confirmed: bool) {
        if let Some(before) = self.memories.remove(id) {
            self.forget_witness(now, id, &before::keys_of(&self.book, id));
            if !before.by_hand && !confirmed {
                let labels = before.tenant.map(|tenant| tenant.labels.clone()).unwrap_or_default();
                self.vanished.insert(id.clone(), labels);
            }
        }
        let Some(ix) = self.by_id.remove(id) else { return };
        let Some(mut state) = self.tenants.remove(&ix) else {
            return;
        };
        self.rounds.counts(&mut state.counted, self.tenants.len(), now);
        self.turns.cancel(ix);
        self.shared.forget(ix);
        if let Some(facts) = &state.facts {
            self.totals.remove(id, facts);
        }
        self.count_own(&state.own, Step::Down);
        self.inhibited.retain(|key| !state.keys.contains(key));
        self.forget_witness(now, id, &state.keys);
        if !state.by_hand && !confirmed {
            self.vanished.insert(id.clone(), state.tenant.labels.clone());
        }
    }

    fn forget_witness(&mut self, now: Now, id: &TenantId, keys: &[Key]) {
        for key in keys {
            let done = self.book.forget_witness(key, id.as_str(), &self.settings.policy, now);
            self.note(done);
        }
    }

    /// Tells who is gone, and who is back. Told again at each reading until the book knows: it may hear nothing just now.
    fn tell_vanished(&mut self, now: Now) {
        let told = self
            .book
            .iter()
            .filter(|incident| *incident.core().key.cause == *VANISHED.as_str());
        let told = told
            .map(|incident| TenantId::new(&*incident.core().key.object))
            .collect::<BTreeSet<_>>();
        for id in &told {
            if self.by_id.contains_key(id) {
                self.tell_vanished_one(now, id, BTreeMap::new(), Verdict::Clear);
            }
        }
        let (by_id, vanished) = (&self.by_id, &mut self.vanished);
        vanished.retain(|id, _| !by_id.contains_key(id) && !told.contains(id));
        for (id, labels) in self.vanished.clone() {
            self.tell_vanished_one(now, &id, labels, Verdict::Firing);
        }
    }

    fn tell_vanished_one(&mut self, now: Now, id: &TenantId, labels: BTreeMap<String, String>, verdict: Verdict) {
        let key = Key::new(VANISHED.as_str(), "tenant", id.as_str());
        let account = Account {
            severity: Severity::Warning,
            at_once: true,
            evidence: vec![format!("no source names {id} any more, in two readings in a row")],
            remedy: vec![format!(
                "acknowledge this where {id} is meant to be gone, or bring it back into the inventory"
            )],
            labels,
            ..Account::default()
        };
        self.observe(now, &signal::of_tenant(key, id, verdict, account));
    }

    fn tell_shrunk(&mut self, now: Now, count: usize, known: usize, complete: bool) {
        let key = Key::new(Cause::InventoryShrunk.as_str(), "agent", "inventory");
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
                "look at the source of the tenants; until it names them again, those that are known are verified. Where \
                 they are meant to be gone, acknowledge this"
                    .to_owned(),
            ],
            ..Account::default()
        };
        // It concerns no tenant: those that are known are verified as before.
        self.observe(now, &signal::of_fleet(key, verdict, Members::nobody(), account));
    }
}
