//! What may be repaired of what is confirmed, and what people are told of it.

use roundsman_alerts::Repair;
use roundsman_checks::diagnosis::Scope;

use super::*;

/// A confirmed incident of tenants' own that a repair may fix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repairable {
    /// Its name.
    pub id: IncidentId,
    /// What it is about.
    pub key: Key,
    /// Whom it concerns, at most a few: a repair fixes one object.
    pub tenants: Vec<Arc<roundsman_checks::target::Tenant>>,
}

/// What a plan goes by that only a whole fleet shows.
#[derive(Clone, Debug, Default)]
pub struct Shares {
    /// How many tenants have each cause of their own.
    pub sharing: BTreeMap<Cause, usize>,
    /// How many tenants there are.
    pub tenants: usize,
    /// What agent, fleet and tenants together have.
    pub entries: Vec<roundsman_checks::diagnosis::CauseEntry>,
    /// The apps that crash, by the incidents that are open.
    pub crashing: BTreeSet<String>,
    /// Why nothing is repaired: the agent's own word on its inventory.
    pub held: bool,
}

/// How many tenants of an incident are looked at for its repair.
const MOST: usize = 8;

impl Dispatcher {
    /// The incidents that fire and whose cause a repair may fix.
    #[must_use]
    pub fn repairable(&self) -> Vec<Repairable> {
        let firing = self.book.iter().filter(|incident| incident.state() == State::Firing);
        let of_tenants = firing.map(Incident::core).filter(|core| &*core.key.scope == "tenant");
        let found = of_tenants.filter(|core| {
            let cause = core.key.cause.parse::<Cause>();
            cause.is_ok_and(crate::remediation::is_remediable)
        });
        let named = found.map(|core| {
            let known = core
                .members
                .iter()
                .filter_map(|id| self.by_id.get(&TenantId::new(id.as_ref())));
            let tenants = known.filter_map(|ix| self.tenants.get(ix)).take(MOST);
            Repairable {
                id: core.id.clone(),
                key: core.key.clone(),
                tenants: tenants.map(|state| Arc::clone(&state.tenant)).collect(),
            }
        });
        named.filter(|repairable| !repairable.tenants.is_empty()).collect()
    }

    /// What all tenants together show.
    #[must_use]
    pub fn shares(&self) -> Shares {
        let shrunk =
            |incident: &Incident| incident.is_open() && *incident.core().key.cause == *Cause::InventoryShrunk.as_str();
        Shares {
            sharing: self.sharing.clone(),
            tenants: self.tenants.len(),
            entries: self
                .shared
                .entries
                .values()
                .filter(|entry| entry.scope != Scope::Tenant)
                .cloned()
                .collect(),
            crashing: self
                .book
                .iter()
                .filter(|incident| incident.state() != State::Resolved)
                .map(|incident| &incident.core().key)
                .filter(|key| *key.cause == *Cause::AppCrashed.as_str())
                .map(|key| key.object.to_string())
                .collect(),
            held: self.book.is_frozen() || self.book.iter().any(shrunk),
        }
    }

    /// Says what was done about an incident, or would be.
    pub fn repaired(&mut self, key: &Key, repair: Repair, now: Now) -> Vec<Effect> {
        let done = self.book.repaired(key, repair, now);
        self.note(done.into_iter().collect());
        let mut effects = Vec::new();
        self.conclude(now, &mut effects);
        effects
    }

    /// The platform was changed: what it says is read anew, and these are looked at soon.
    pub fn look_at_repaired(&mut self, now: Now, tenants: &BTreeSet<TenantId>) -> Vec<Effect> {
        self.readings.begin_anew();
        self.chores.plan(Job::Read, now.steady);
        let all = tenants
            .iter()
            .filter_map(|id| self.by_id.get(id).copied())
            .collect::<Vec<_>>();
        self.plan_again(now, all);
        let mut effects = Vec::new();
        self.begin(now, &mut effects);
        self.conclude(now, &mut effects);
        effects
    }
}
