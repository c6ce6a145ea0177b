//! Whether a plan may begin: what is asked again right before it, however good it was when it was planned.

use std::collections::BTreeMap;

use roundsman_checks::clock::now;

use super::carried::{Permit, StepEnd};
use super::execute::Engine;
use super::guard::Guard;
use super::hands::Hands;
use super::limits::History;
use super::plan::Plan;
use super::step::Step;

impl Engine<'_> {
    /// Whether a plan may begin now.
    pub(super) fn may_begin(
        &self,
        plan: &Plan,
        permit: &Permit,
        begun: usize,
        forbidden: &BTreeMap<&'static str, String>,
    ) -> Result<(), StepEnd> {
        let (at, repair) = (now(), &plan.repair);
        let refuse = |guard, why: String| Err(StepEnd::refused(guard, why));
        if let Some(why) = self.switch.holds(at) {
            return refuse(Guard::KillSwitch, why);
        }
        if self.stop.pulled() {
            return refuse(Guard::KillSwitch, "ended by a signal".to_owned());
        }
        if let Some(why) = &repair.by_hand {
            return refuse(Guard::NotAllowed, format!("a person does this: {why}"));
        }
        let allowed = |step: &Step| !step.changes() || permit.actions.contains(&step.action());
        if !permit.plans.contains(&plan.id) && !repair.steps.iter().all(allowed) {
            return refuse(
                Guard::NotAllowed,
                "neither [remediation] allow nor a person allows it".to_owned(),
            );
        }
        if let Some(why) = repair.steps.iter().find_map(|step| self.hands.lack(step)) {
            return refuse(Guard::NoWriteToken, why);
        }
        let refused = |step: &Step| forbidden.get(Hands::api(step)).filter(|_| step.changes());
        if let Some(why) = repair.steps.iter().find_map(refused) {
            return refuse(Guard::NoWriteToken, why.clone());
        }
        let rows = match self.keep.rows() {
            Ok(rows) => rows,
            Err(why) => {
                return refuse(
                    Guard::KillSwitch,
                    format!("nothing is repaired without an intact ledger: {why}"),
                );
            }
        };
        let (history, rules) = (History::of(&rows), &self.setup.config.remediation);
        match permit.most {
            Some(most) if begun >= most => return refuse(Guard::TooMany, format!("--max {most}")),
            Some(_) => {}
            None => {
                if let Some(why) = history.over_rate(rules, self.tenants, at) {
                    return refuse(Guard::Budget, why);
                }
            }
        }
        for step in &repair.steps {
            if let Step::AddCertificate { name, .. } = step
                && let Some(why) = history.over_authority(name, at)
            {
                return refuse(Guard::Budget, why);
            }
        }
        let concerned = repair
            .concerned
            .iter()
            .map(|tenant| tenant.id.as_str())
            .collect::<Vec<_>>();
        if let Some(why) = history.rests(rules, &concerned, at) {
            return refuse(Guard::Cooldown, why);
        }
        let objects = repair.steps.iter().filter(|step| step.changes()).map(Step::object);
        if let Some(why) = history.recreated(&objects.collect::<Vec<_>>(), at) {
            return refuse(Guard::Recreated, why);
        }
        Ok(())
    }
}
