//! The look at what all tenants share: what is proven, whom it concerns, and what the book of incidents hears of it.

use super::*;

impl Dispatcher {
    /// Whether the edge fails for every name, and enough tenants have shown it.
    pub(super) fn edge_fails(&self) -> bool {
        let Some(context) = &self.context else { return false };
        let edge = &context.fleet.edge;
        let mut sockets = edge.sockets().peekable();
        let fails = |socket| {
            edge.control_at(socket)
                .is_some_and(|visit| visit.channel_end().reason().is_some())
        };
        let by_edge = |cause: Cause| {
            let shown = Shown::ByFleet(FleetCheck::Edge);
            cause.row().shown_by.contains(&shown)
        };
        sockets.peek().is_some() && sockets.all(fails) && self.shared.shown_by(by_edge) >= SHOWN_BY
    }

    /// Agent, zone and edge were looked at.
    pub(super) fn looked(&mut self, now: Now, context: Option<Arc<FleetContext>>, effects: &mut Vec<Effect>) {
        self.chores.finished(Job::Fleet);
        let begun = self.look_begun;
        let doubtful = self.is_doubtful_look();
        let wait = if doubtful {
            Duration::ZERO
        } else {
            self.settings.fleet_every
        };
        self.chores.plan(Job::Fleet, later(now.steady, wait));
        // The first look says who can be looked at at all: it is better than none.
        let Some(context) = context.filter(|_| !doubtful || self.context.is_none()) else {
            return;
        };
        let same = |before: &Arc<FleetContext>| Arc::ptr_eq(&before.directory, &context.directory);
        if !self.context.as_ref().is_some_and(same) {
            self.regroup(&context);
        }
        self.context = Some(context);
        // What was seen before a look began does not show that anything can be seen since.
        self.sights = self.sights_meanwhile;
        self.seen_since = begun;
        self.review(now);
        self.blind = if self.shared.blinds() { self.blind + 1 } else { 0 };
        match self.blind {
            0 => self.book.thaw(&self.settings.policy, now),
            looks if looks >= BLIND => self.book.freeze(now),
            _ => {}
        }
        self.tell_shared(now);
        self.tell_pace(now, effects);
    }

    /// Releases and regions by another snapshot of the platform.
    fn regroup(&mut self, context: &FleetContext) {
        for state in self.tenants.values_mut() {
            let Some(facts) = &mut state.facts else { continue };
            self.totals.remove(&state.tenant.id, facts);
            facts.regroup(context, &state.tenant.app);
            self.totals.add(&state.tenant.id, facts);
        }
    }

    /// Proves anew what is shared. Where that is something else than before, everybody is explained anew.
    pub(super) fn review(&mut self, now: Now) {
        let Some(context) = self.context.clone() else { return };
        self.totals.saw_lately(self.sights);
        let (changed, freed) = self.shared.prove(prove(&context, &self.totals));
        if changed {
            let all = self.tenants.keys().copied().collect::<Vec<_>>();
            for ix in all {
                self.explain(now, ix, false);
            }
            self.plan_again(now, freed.into_iter().collect());
        }
    }

    /// Tells the book what one look at the fleet says of all that is shared.
    fn tell_shared(&mut self, now: Now) {
        let Some(context) = self.context.clone() else { return };
        let entries = self.shared.entries.clone();
        let witnessed = self.shared.take_witnessed();
        for (key, entry) in entries {
            let sharing = self.shared.count(&key);
            let Some(severity) = signal::urgency(&self.settings, entry.cause, entry.outcome, sharing, None) else {
                continue;
            };
            let members = self.members_since(&key);
            self.shared.told(&key, entry.cause);
            let account = signal::shared_account(&entry, severity);
            let by_tenants = !entry
                .cause
                .row()
                .shown_by
                .iter()
                .any(|shown| matches!(shown, Shown::ByFleet(_)));
            if by_tenants && !witnessed.contains(&key) {
                // Nobody was looked at since: that is no second look at it.
                if let Members::Others { joined, left } = members {
                    let done = self.book.change_members(&key, joined, left, &self.settings.policy, now);
                    self.note(done);
                }
            } else {
                self.observe(now, &signal::of_fleet(key.clone(), Verdict::Firing, members, account));
            }
            let pending = self
                .book
                .get(&key)
                .is_some_and(|incident| incident.state() == State::Pending);
            if by_tenants && pending {
                // A few of them are enough to confirm it, and nobody waits for their turns.
                let few = self.shared.members(&key).take(WITNESSES).collect();
                self.plan_again(now, few);
            }
        }
        let findings = findings_of(&context, &self.shared.proven);
        for (key, cause) in self.shared.absent() {
            let told = |check: Check| {
                let facts = self.tenants.values().filter_map(|state| state.facts.as_ref());
                let mut outcomes = facts.map(|facts| facts.outcome(check));
                outcomes.any(|outcome| matches!(outcome, Outcome::Pass | Outcome::Warn | Outcome::Fail))
            };
            let verdict = signal::absent_in_fleet(cause, &findings, told);
            self.observe(
                now,
                &signal::of_fleet(key.clone(), verdict, Members::nobody(), Account::default()),
            );
            if !self.book.remembers(&key) {
                self.shared.over(&key);
            }
        }
    }

    /// Who joined and who left something shared since the book heard of it last.
    fn members_since(&self, key: &Key) -> Members {
        let name = |ix| Some(Arc::clone(&self.tenants.get(&ix)?.name));
        let now = self.shared.members(key).filter_map(name).collect::<BTreeSet<_>>();
        let going_on = self
            .book
            .get(key)
            .filter(|incident| incident.state() != State::Resolved);
        let nobody = BTreeSet::new();
        let told = going_on.map_or(&nobody, |incident| &incident.core().members);
        Members::Others {
            joined: now.difference(told).cloned().collect(),
            left: told.difference(&now).cloned().collect(),
        }
    }
}
