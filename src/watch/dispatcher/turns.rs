//! One tenant: what its examination means, and when it is looked at next.

use super::*;

impl Dispatcher {
    /// A tenant was examined.
    pub(super) fn examined(&mut self, now: Now, ix: TenantIx, examined: Examined, effects: &mut Vec<Effect>) {
        self.turns.finished(ix);
        self.running = self.running.saturating_sub(1);
        if let Some(ms) = examined.answered_in {
            self.places.answered(ms);
        }
        if examined.ran_out {
            self.places.exhausted(self.running + 1);
        }
        let doubtful = self.is_doubtful(ix, &examined);
        let Some(state) = self.tenants.get_mut(&ix) else { return };
        if examined.woken {
            state.woken = Some(now.steady);
        }
        if doubtful {
            self.turns.plan(ix, now.steady);
            return;
        }
        let id = state.tenant.id.clone();
        let Examined {
            judgement,
            seen,
            timings,
            not_after,
            at,
            ..
        } = examined;
        // Most looks see what the one before saw: it is kept once.
        let known = [&self.alike, &state.good, &state.seen].into_iter().flatten();
        let seen = known.into_iter().find(|known| **known == seen).cloned().unwrap_or(seen);
        self.alike = Some(Arc::clone(&seen));
        state.seen = Some(seen);
        if let Some(facts) = &state.facts {
            self.totals.remove(&id, facts);
        }
        self.totals.add(&id, &judgement.facts);
        let begun = state.begun.take();
        let saw_since = |since: Option<Timestamp>| usize::from(judgement.facts.saw() && begun >= since);
        self.sights += saw_since(self.seen_since);
        self.sights_meanwhile += saw_since(self.look_begun);
        state.facts = Some(judgement.facts);
        state.examined = begun.map(|begun| (begun, at));
        state.not_after = not_after.or(state.not_after);
        let (mut counted, all) = (state.counted, self.tenants.len());
        self.rounds.counts(&mut counted, all, now);
        let Some(state) = self.tenants.get_mut(&ix) else { return };
        state.counted = counted;
        let own = std::mem::replace(&mut state.own, judgement.own);
        let own_now = state.own.clone();
        self.count_own(&own, Step::Down);
        self.count_own(&own_now, Step::Up);
        let before = self
            .tenants
            .get_mut(&ix)
            .map(|state| state.memory.take().unwrap_or((state.status, state.cause)));
        self.explain(now, ix, true);
        self.chores.plan(Job::Review, later(now.steady, REVIEW));
        let Some(state) = self.tenants.get_mut(&ix) else { return };
        effects.extend(Self::count_hour(state, at, &timings));
        if state.is_well() {
            state.last_good = Some(at);
        }
        let after = (state.status, state.cause);
        if before != Some(after) || state.since.is_none() {
            let first = state.since.replace(at).is_none();
            effects.push(Effect::Record(Record {
                tenant: id.to_string(),
                status: after.0,
                cause: after.1,
                at,
                last_good: state.last_good,
                by_hand: state.by_hand,
                first,
            }));
        }
        if state.is_well() {
            let before = std::mem::replace(&mut state.good, state.seen.clone());
            let good = state.good.clone().filter(|_| before != state.good);
            effects.extend(good.map(|good| Effect::Good(id.to_string(), good)));
        }
        self.plan_next(now, ix);
    }

    /// What is said of a tenant with all that is shared; where it was `looked` at, the book hears of it.
    pub(super) fn explain(&mut self, now: Now, ix: TenantIx, looked: bool) {
        let (Some(context), Some(state)) = (self.context.clone(), self.tenants.get(&ix)) else {
            return;
        };
        let Some(facts) = &state.facts else { return };
        let overlay = explain(&context, &self.shared.proven, &state.tenant.id, facts, &state.own);
        let blames = overlay.blames(&self.shared.proven, &state.own).collect::<Vec<_>>();
        let status = overlay.status(facts);
        let cause = worst(&blames, |check| overlay.outcome(facts, check));
        let outcomes = Check::ALL.map(|check| overlay.outcome(facts, check));
        let mut signals = Vec::new();
        let mut keys = BTreeSet::new();
        if looked {
            let held = |key: &&Key| key.cause.parse::<Cause>().is_ok();
            for (_, blame) in &blames {
                let Blame::Own(explanation) = blame else { continue };
                let key = signal::key(
                    explanation.cause,
                    roundsman_checks::diagnosis::Scope::Tenant,
                    explanation.object(),
                );
                let sharing = self.sharing.get(&explanation.cause).copied().unwrap_or_default();
                let outcome = explanation.outcome();
                let severity =
                    signal::urgency(&self.settings, explanation.cause, outcome, sharing, Some(&state.tenant));
                if let Some(severity) = severity.filter(|_| !keys.contains(&key)) {
                    let account = Account {
                        changed: state.changed(),
                        ..signal::account(explanation, severity, &state.tenant)
                    };
                    let verdict = match self.is_everybodys(explanation.cause) {
                        true => Verdict::Unknown,
                        false => Verdict::Firing,
                    };
                    signals.push(signal::of_tenant(key.clone(), &state.tenant.id, verdict, account));
                    keys.insert(key);
                }
            }
            for key in state.keys.iter().filter(|key| !keys.contains(*key)).filter(held) {
                let Ok(cause) = key.cause.parse::<Cause>() else {
                    continue;
                };
                let verdict = signal::absent_at_tenant(cause, facts, &overlay, &blames);
                // What is over is only heard of where it passes: whether it comes and goes is counted for a while.
                if verdict == Verdict::Unknown && is_over(&self.book, key) {
                    continue;
                }
                let account = Account::default();
                signals.push(signal::of_tenant(key.clone(), &state.tenant.id, verdict, account));
            }
            hold_back(&mut signals);
        }
        let concerned = self.shared.keys_of(&blames);
        if looked {
            self.shared.witnessed(&concerned);
        }
        self.inhibit(&signals, !concerned.is_empty());
        self.shared.concern(ix, concerned);
        for signal in &signals {
            self.observe(now, signal);
        }
        let Some(state) = self.tenants.get_mut(&ix) else { return };
        // An examination says by itself since when; what is shared may change between two of them.
        if !looked && (state.status, state.cause) != (status, cause) {
            state.since = Some(now.wall);
        }
        (state.status, state.cause, state.outcomes) = (status, cause, outcomes);
        if looked {
            state.firing = keys.iter().cloned().collect();
            keys.extend(state.keys.drain(..));
            state.keys = keys.into_iter().filter(|key| self.book.remembers(key)).collect();
        }
    }

    /// Plans the next examination of a tenant.
    pub(super) fn plan_next(&mut self, now: Now, ix: TenantIx) {
        let Some(state) = self.tenants.get_mut(&ix) else { return };
        let in_state = |keys: &[Key], wanted| {
            let state = |key| self.book.get(key).map(Incident::state);
            keys.iter().any(|key| state(key) == Some(wanted))
        };
        let pending = in_state(&state.firing, State::Pending);
        let recovering = in_state(&state.keys, State::Recovering);
        let regular = self.settings.cadence.due(state.phase, now.wall);
        let regular = regular.map(|due| move_by(now.steady, due.duration_since(now.wall)));
        let soon = if pending {
            let wait = AGAIN.get(usize::from(state.misses)).copied().unwrap_or(WHILE_PENDING);
            state.misses = state.misses.saturating_add(1);
            Some(later(now.steady, wait))
        } else {
            state.misses = 0;
            recovering.then(|| later(now.steady, WHILE_RECOVERING))
        };
        let first_miss = pending && state.misses == 1;
        if let Some(at) = [regular, soon].into_iter().flatten().min() {
            self.turns.replan(ix, at);
        }
        // What fails anew may be everybody's: the fleet is looked at before anything is opened.
        let stale =
            |context: &Arc<FleetContext>| now.wall.duration_since(context.fleet.now) > SignedDuration::from_secs(2);
        if first_miss && self.context.as_ref().is_some_and(stale) {
            self.chores.plan(Job::Fleet, now.steady);
        }
    }

    /// When everybody has a turn next by the cadence alone, who is not looked at for a reason of its own.
    pub(super) fn regular_turns(&self, now: Now) -> Vec<(TenantIx, Timestamp)> {
        let calm = self
            .tenants
            .iter()
            .filter(|(_, state)| state.misses == 0 && state.examined.is_some());
        let due = |state: &TenantState| {
            Some(
                self.settings
                    .cadence
                    .due(state.phase, now.wall)?
                    .duration_since(now.wall),
            )
        };
        calm.filter_map(|(ix, state)| Some((*ix, move_by(now.steady, due(state)?))))
            .collect()
    }

    /// The wall's clock jumped: whoever has a turn sooner by it has it then. Nobody waits longer for it, however often it
    /// jumps, and nobody is examined in a burst.
    pub(super) fn notice_jump(&mut self, now: Now) {
        let ahead = now.wall.duration_since(now.steady);
        let jumped = self.ahead.is_some_and(|before| (ahead - before).abs() > JUMP);
        self.ahead = Some(ahead);
        if jumped {
            for (ix, due) in self.regular_turns(now) {
                self.turns.plan(ix, due);
            }
        }
    }

    pub(super) fn count_own(&mut self, own: &[roundsman_checks::diagnosis::Explanation], step: Step) {
        let causes = own.iter().map(|explanation| explanation.cause).collect::<BTreeSet<_>>();
        for cause in causes {
            let count = self.sharing.entry(cause).or_default();
            *count = match step {
                Step::Up => *count + 1,
                Step::Down => count.saturating_sub(1),
            };
        }
    }
}
