//! What a daemon repairs of what is confirmed: begun once a second, told when it is over.

use super::*;

impl Watcher {
    /// Looks at what is confirmed for its repair, where that is wanted and nothing else is being repaired.
    pub(super) fn repair(&mut self, now: Now) {
        let mode = self.setup.config.remediation.mode;
        let Some(look) = self.look.clone().filter(|_| mode != RemediationMode::Off) else {
            return;
        };
        let incidents = self.repairs.due(self.dispatcher.repairable(), now);
        if incidents.is_empty() {
            return;
        }
        self.repairs.begin();
        self.work.push(repairs::work(Run {
            setup: Arc::clone(&self.setup),
            hands: Arc::clone(&self.hands),
            look,
            incidents,
            shares: self.dispatcher.shares(),
            complete: self.complete,
            files: self.files.clone(),
            auto: mode == RemediationMode::Auto,
            store: self.store.handle(),
            database: store_path(&self.setup.config),
            stop: self.stop.clone(),
        }));
    }

    /// Tells what came of it.
    pub(super) fn repaired(&mut self, ran: Ran) {
        let now = self.clocks.now();
        let again = self.setup.config.remediation.mode == RemediationMode::Auto;
        self.repairs.end(&ran.incidents, &ran.told, again, now);
        for carried in &ran.carried {
            for (step, end) in carried.plan.repair.steps.iter().zip(&carried.steps) {
                self.numbers.remediated(step.action().as_str(), end.ended.as_str());
            }
            self.export.remediated(carried);
        }
        for (key, repair) in ran.told {
            let effects = self.dispatcher.repaired(&key, repair, now);
            effects.into_iter().for_each(|effect| self.carry_out(effect));
        }
        if let Some(head) = ran.head {
            self.say(&log::info(now.wall, &head));
        }
        if !ran.changed.is_empty() {
            let effects = self.dispatcher.look_at_repaired(now, &ran.changed);
            effects.into_iter().for_each(|effect| self.carry_out(effect));
        }
    }

    /// Says how the ledger ends: kept elsewhere, that shows a tail that was cut off.
    pub(super) fn log_ledger(&mut self, now: Timestamp) {
        if let Some(head) = repairs::head(&store_path(&self.setup.config)) {
            self.say(&log::info(now, &head));
        }
    }
}
