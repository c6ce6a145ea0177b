//! Carrying out: each step is written down before it is done, looked at right before that, done once, and found out about
//! where no answer came. What was done is proved by the checks themselves. After a crash nothing is resumed: whoever runs
//! next reads the world anew.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::LocalBoxFuture;
use jiff::Timestamp;
use roundsman_checks::clock::{Moment, now};
use roundsman_checks::evidence::{Fault, Reason};
use roundsman_checks::gather::Stop;
use roundsman_checks::platform::{Changed, NotDone};
use serde_json::{Value, json};

use super::carried::{Carried, During, Ended, Keep, Permit, StepEnd};
use super::detail::Detail;
use super::guard::{Guard, evidence_old};
use super::hands::{Before, Hands, told};
use super::ledger::{Entry, Phase};
use super::limits::History;
use super::plan::Plan;
use super::prove::{self, Proof};
use super::step::{Addresses, Step};
use super::switch::Switch;
use crate::agent::Setup;

/// How old the look at what is to be changed may be when it is changed.
const JUST_NOW: Duration = Duration::from_secs(2);
/// How often it is looked again where the API was slow.
const LOOKS: usize = 3;
/// How many verifications fail in a row before all repairs stop, and for how long they do.
const FAILURES: usize = 2;
const BREAK: Duration = Duration::from_secs(3600);
/// How long after another a certificate that is waited for is asked about.
const ISSUANCE: Duration = Duration::from_secs(2);

/// Makes a plan again by what is seen now, where what it was made by is too old; `None`: it would not be made any more.
pub type Renew<'e> = dyn Fn(Plan) -> LocalBoxFuture<'e, Option<Plan>> + 'e;

/// Whoever carries out plans.
pub struct Engine<'e> {
    /// The agent.
    pub setup: &'e Setup,
    /// Who changes something.
    pub hands: &'e Hands,
    /// Where it is written down.
    pub keep: &'e dyn Keep,
    /// What stops it.
    pub switch: &'e Switch,
    /// Who has it done, for the ledger.
    pub by: String,
    /// Where calls go.
    pub addresses: Addresses,
    /// How many tenants there are.
    pub tenants: usize,
    /// Told to end: what is under way ends, and nothing more begins.
    pub stop: Stop,
}

impl Engine<'_> {
    /// Carries out what is permitted, in order. `seen_at` is when the oldest of what the plans stand on was seen.
    pub async fn carry_out(
        &self,
        plans: Vec<Plan>,
        permit: &Permit,
        seen_at: Timestamp,
        renew: &Renew<'_>,
    ) -> Vec<Carried> {
        self.hands.begin();
        let order = plans.iter().map(|plan| plan.id.clone()).collect::<Vec<_>>();
        let mut carried = Vec::new();
        let mut batch = Vec::new();
        let mut forbidden = BTreeMap::new();
        let mut begun = 0;
        for plan in plans {
            let plan = match self.may_begin(&plan, permit, begun, &forbidden) {
                Err(refused) => {
                    carried.push(Carried::untouched(plan, &refused));
                    continue;
                }
                Ok(()) if evidence_old(seen_at, now()).is_some() => match renew(plan.clone()).await {
                    // Who may do it, and whom it concerns, was decided for that plan alone.
                    Some(renewed) if is_same(&renewed, &plan) => {
                        match self.may_begin(&renewed, permit, begun, &forbidden) {
                            Ok(()) => renewed,
                            Err(refused) => {
                                carried.push(Carried::untouched(renewed, &refused));
                                continue;
                            }
                        }
                    }
                    _ => {
                        let gone = StepEnd::refused(
                            Guard::ChangedSincePlan,
                            "looked at again, this would not be planned any more",
                        );
                        carried.push(Carried::untouched(plan, &gone));
                        continue;
                    }
                },
                Ok(()) => plan,
            };
            begun += 1;
            batch.push(self.repair(plan, &mut forbidden).await);
            if batch.len() >= permit.batch.max(1) {
                carried.extend(self.prove(std::mem::take(&mut batch)).await);
            }
        }
        carried.extend(self.prove(batch).await);
        carried.sort_by_key(|carried| order.iter().position(|id| *id == carried.plan.id));
        carried
    }

    /// Does the steps of a plan, one after the other; the first that does not end well is the last.
    async fn repair(&self, plan: Plan, forbidden: &mut BTreeMap<&'static str, String>) -> Carried {
        let mut steps = Vec::<StepEnd>::new();
        if let Some(ends) = self.look_ahead(&plan, forbidden).await {
            return Carried {
                plan,
                steps: ends,
                verified: None,
                proved: None,
            };
        }
        for step in &plan.repair.steps {
            let end = match steps.last().filter(|end| !end.is_good()) {
                Some(_) => StepEnd::of(Ended::Aborted, "the step before it was not done"),
                None => {
                    let from = now();
                    let end = self.step(&plan, step, forbidden).await;
                    StepEnd {
                        during: Some(During::since(from)),
                        ..end
                    }
                }
            };
            steps.push(end);
        }
        Carried {
            plan,
            steps,
            verified: None,
            proved: None,
        }
    }

    /// Looks at all steps of a plan before the first is done: what would have to end halfway is not begun. How they end then.
    async fn look_ahead(&self, plan: &Plan, forbidden: &mut BTreeMap<&'static str, String>) -> Option<Vec<StepEnd>> {
        let steps = &plan.repair.steps;
        let changes = steps.iter().enumerate().filter(|(_, step)| step.changes());
        // The first one is looked at right before it is done in any case.
        for (at, step) in changes.skip(1) {
            let from = now();
            let looked = self.hands.look(step, steps, now()).await;
            let Err(end) = self.judge(step, looked, forbidden) else {
                continue;
            };
            if end.ended == Ended::Aborted {
                self.note(plan, step, Phase::Aborted, None, Detail::why(&end.message))
                    .await;
            }
            let end = StepEnd {
                during: Some(During::since(from)),
                ..end
            };
            let other = || {
                StepEnd::of(
                    end.ended,
                    "another step of this plan can't be done, so nothing was begun",
                )
            };
            let ends = (0..steps.len()).map(|place| if place == at { end.clone() } else { other() });
            return Some(ends.collect());
        }
        None
    }

    async fn step(&self, plan: &Plan, step: &Step, forbidden: &mut BTreeMap<&'static str, String>) -> StepEnd {
        if let Step::Wait { app, name } = step {
            return self.wait_for(app, name).await;
        }
        let saved = match self.look(plan, step, false, forbidden).await {
            Ok(saved) => saved,
            Err(end) => return end,
        };
        let detail = Detail {
            request: Some(told(step, &self.addresses)),
            saved: saved.clone(),
            evidence: plan.repair.evidence.clone(),
            ..Detail::default()
        };
        if let Some(end) = self.note(plan, step, Phase::Intent, None, detail).await {
            return end;
        }
        // Writing took its time: what is changed is what was seen right before.
        for _ in 0..LOOKS {
            let looked = Moment::now();
            match self.look(plan, step, true, forbidden).await {
                Ok(again) if again != saved => {
                    let why = "it was changed while this was written down";
                    self.note(plan, step, Phase::Aborted, None, Detail::why(why)).await;
                    return StepEnd::changed(why);
                }
                Ok(_) if looked.elapsed() <= JUST_NOW => return self.act(plan, step, saved, forbidden).await,
                Ok(_) => {}
                Err(end) => return end,
            }
        }
        let why = "what it is about could not be read within two seconds before the call";
        self.note(plan, step, Phase::Aborted, None, Detail::why(why)).await;
        StepEnd {
            guard: Some(Guard::EvidenceOld),
            ..StepEnd::of(Ended::Aborted, why)
        }
    }

    /// Looks right before a step, the switch included: what it takes to take the step back, or how the step ends instead.
    /// Once an intent is `written`, every end is.
    async fn look(
        &self,
        plan: &Plan,
        step: &Step,
        written: bool,
        forbidden: &mut BTreeMap<&'static str, String>,
    ) -> Result<Option<Value>, StepEnd> {
        let looked = self.hands.look(step, &plan.repair.steps, now()).await;
        let end = match self.judge(step, looked, forbidden) {
            Ok(Some(saved)) => return Ok(saved),
            Ok(None) => {
                let end = self.note(plan, step, Phase::Already, None, Detail::default()).await;
                return Err(end.unwrap_or_else(|| StepEnd::of(Ended::Already, "it is so already")));
            }
            Err(end) => end,
        };
        if written || end.ended == Ended::Aborted {
            self.note(plan, step, Phase::Aborted, None, Detail::why(&end.message))
                .await;
        }
        Err(end)
    }

    /// What a look means, the switch included: what it takes to take the step back, nothing where it is done already, or how
    /// the step ends instead.
    fn judge(
        &self,
        step: &Step,
        looked: Before,
        forbidden: &mut BTreeMap<&'static str, String>,
    ) -> Result<Option<Option<Value>>, StepEnd> {
        if let Some(why) = self.switch.holds(now()) {
            return Err(StepEnd::refused(Guard::KillSwitch, why));
        }
        match looked {
            Before::Ready(saved) => Ok(Some(saved)),
            Before::Already => Ok(None),
            Before::Changed(why) => Err(StepEnd::changed(why)),
            Before::Unread(fault) => {
                if let Reason::PlatformForbidden | Reason::PlatformUnauthorized = fault.reason {
                    let key = Hands::key(step);
                    let why = format!("the token of [remediation] {key} is refused: {}", fault.detail);
                    forbidden.insert(Hands::api(step), why);
                }
                let why = format!("what it is about can't be read: {}", fault.detail);
                Err(StepEnd::of(Ended::Aborted, why))
            }
        }
    }

    async fn act(
        &self,
        plan: &Plan,
        step: &Step,
        saved: Option<Value>,
        forbidden: &mut BTreeMap<&'static str, String>,
    ) -> StepEnd {
        let undo = step.can_be_undone().then(|| step.undo(&plan.id));
        let done = |answer: Option<Value>| Detail {
            request: Some(told(step, &self.addresses)),
            answer,
            saved: saved.clone(),
            ..Detail::default()
        };
        match self.hands.act(step).await {
            Ok(Changed::Done(answer)) => {
                let end = self
                    .note(plan, step, Phase::Done, undo, done(Some(brief(answer))))
                    .await;
                end.unwrap_or_else(|| StepEnd::of(Ended::Done, ""))
            }
            Ok(Changed::Already) => {
                let end = self.note(plan, step, Phase::Already, None, done(None)).await;
                end.unwrap_or_else(|| StepEnd::of(Ended::Already, "it is so already"))
            }
            Err(NotDone::Unsure(fault)) => {
                // Whether it was done is found out by looking, never by doing it again.
                let after = self.hands.look(step, &plan.repair.steps, now()).await;
                match after {
                    Before::Already => {
                        let detail = done(Some(json!({ "no answer": fault.detail })));
                        let end = self.note(plan, step, Phase::Done, undo, detail).await;
                        end.unwrap_or_else(|| StepEnd::of(Ended::Done, "no answer came, and it is done"))
                    }
                    _ => self.fails(plan, step, &fault).await,
                }
            }
            Err(NotDone::Forbidden(fault)) => {
                let why = format!(
                    "the token of [remediation] {} may not write: {}",
                    Hands::key(step),
                    fault.detail
                );
                forbidden.insert(Hands::api(step), why);
                self.fails(plan, step, &fault).await
            }
            Err(refused) => self.fails(plan, step, refused.fault()).await,
        }
    }

    async fn fails(&self, plan: &Plan, step: &Step, fault: &Fault) -> StepEnd {
        let detail = Detail {
            request: Some(told(step, &self.addresses)),
            answer: Some(Value::from(fault.detail.clone())),
            ..Detail::default()
        };
        self.note(plan, step, Phase::Failed, None, detail).await;
        StepEnd::of(Ended::Failed, fault.detail.clone())
    }

    /// Waits for a certificate to be issued.
    async fn wait_for(&self, app: &str, name: &str) -> StepEnd {
        let began = Moment::now();
        let mut stop = self.stop.clone();
        loop {
            if let Ok(true) = self.hands.is_issued(app, name).await {
                return StepEnd::of(Ended::Done, "");
            }
            if began.elapsed() > self.setup.config.remediation.verify_for {
                return StepEnd::of(Ended::Failed, "it was not issued in time");
            }
            tokio::select! {
                () = tokio::time::sleep(ISSUANCE) => {}
                () = stop.wait() => return StepEnd::of(Ended::Aborted, "ended by a signal"),
            }
        }
    }

    /// Proves by the checks themselves what was changed, several plans together.
    async fn prove(&self, batch: Vec<Carried>) -> Vec<Carried> {
        let (whole, broken) = batch.into_iter().partition::<Vec<_>, _>(|carried| {
            let well = carried.steps.iter().all(StepEnd::is_good);
            well && carried.steps.iter().any(|end| end.ended == Ended::Done)
        });
        let from = now();
        let plans = whole.iter().map(|carried| &carried.plan).collect::<Vec<_>>();
        let limit = self.setup.config.remediation.verify_for;
        let proofs = prove::prove(self.setup, &plans, limit, self.stop.clone()).await;
        let mut proved = Vec::new();
        for carried in broken {
            let why = "it was not carried out to its end".to_owned();
            proved.push(match carried.changed() {
                true => self.settle(carried, Proof::NotFixed(why)).await,
                false => carried,
            });
        }
        for (carried, proof) in whole.into_iter().zip(proofs) {
            let carried = Carried {
                proved: Some(During::since(from)),
                ..carried
            };
            proved.push(self.settle(carried, proof).await);
        }
        proved
    }

    /// Writes down what came of a plan. Where a signal ended it nobody looked to the end, which says nothing of the repair.
    async fn settle(&self, mut carried: Carried, proof: Proof) -> Carried {
        let (phase, detail, verified) = match proof {
            Proof::NotFixed(_) if self.stop.pulled() => {
                carried.verified = Some(Err("ended by a signal before it was proved".to_owned()));
                return carried;
            }
            Proof::Fixed(looks) => (Phase::Verified, Detail::verification(looks), Ok(())),
            Proof::NotFixed(why) => (Phase::Failed, Detail::verification(why.as_str()), Err(why)),
        };
        let step = carried.plan.repair.steps.iter().find(|step| step.changes());
        if let Some(step) = step.filter(|_| carried.changed()) {
            let entry = self.entry(&carried.plan, step, phase, None, detail);
            // What is done is done; that it is not written down shows at the next row.
            let _ = self.keep.append(entry).await;
            if verified.is_err() {
                self.break_off();
            }
        }
        carried.verified = Some(verified);
        carried
    }

    /// Stops everything for a while where two verifications failed in a row, asked after each that failed; after somebody
    /// let them go on, it takes as many again.
    fn break_off(&self) {
        let in_a_row = self.keep.rows().map(|rows| History::of(&rows).failed_in_a_row());
        if in_a_row.is_ok_and(|count| count > 0 && count.is_multiple_of(FAILURES)) {
            let why = "two repairs in a row did not help";
            // Where it can't be written, the cooldowns of those tenants are left.
            let _ = self.switch.stop_for(why, BREAK, now());
        }
    }

    /// Writes a row; what ends the step where it could not be written.
    async fn note(
        &self,
        plan: &Plan,
        step: &Step,
        phase: Phase,
        undo: Option<String>,
        detail: Detail,
    ) -> Option<StepEnd> {
        let entry = self.entry(plan, step, phase, undo, detail);
        let written = self.keep.append(entry).await;
        let why = written.err()?;
        Some(StepEnd::of(
            Ended::Failed,
            format!("the ledger can't be written: {why}"),
        ))
    }

    fn entry(&self, plan: &Plan, step: &Step, phase: Phase, undo: Option<String>, detail: Detail) -> Entry {
        Entry {
            at: now(),
            plan: plan.id.clone(),
            tenant: plan.repair.tenant.id.to_string(),
            cause: plan.repair.cause.as_str().to_owned(),
            action: step.action().as_str().to_owned(),
            object: step.object(),
            phase,
            by: self.by.clone(),
            undo,
            detail: detail.into(),
        }
    }
}

/// Whether a plan that was made again says the same.
fn is_same(renewed: &Plan, plan: &Plan) -> bool {
    let ids = |plan: &Plan| {
        let concerned = plan.repair.concerned.iter().map(|tenant| tenant.id.clone());
        concerned.collect::<std::collections::BTreeSet<_>>()
    };
    renewed.automatic() == plan.automatic() && renewed.repair.steps == plan.repair.steps && ids(renewed) == ids(plan)
}

/// Of a long answer only that it was one.
fn brief(answer: Value) -> Value {
    const LONGEST: usize = 4 * 1024;
    match answer.to_string() {
        text if text.len() > LONGEST => Value::String(format!("{} bytes of JSON", text.len())),
        _ => answer,
    }
}
