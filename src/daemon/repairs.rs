//! Repairs of a daemon: for what is confirmed it plans what would fix it, and with `mode = "auto"` does what is allowed.
//! One run at a time, a piece of work like any other; what came of it goes to the incident and whoever hears of it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::LocalBoxFuture;
use jiff::{SignedDuration, Timestamp};
use roundsman_alerts::{IncidentId, Key, Now, Repair, RepairState};
use roundsman_checks::clock::now;
use roundsman_checks::diagnosis::Scope;
use roundsman_checks::evidence::Fault;
use roundsman_checks::gather::{FleetWatch, Stop};
use roundsman_checks::platform::standing::AppStanding;
use roundsman_checks::target::{Tenant, TenantId};

use super::work::{Done, Work};
use crate::agent::Setup;
use crate::config::ConfigFiles;
use crate::remediation::ledger::{Entry, Row};
use crate::remediation::{
    Carried, Ended, Engine, Guard, Hands, History, Keep, Permit, Plan, Planning, Refusal, Scene, Step, Survey, Switch,
    apps_to_look_at, check_standing, look_anew, plan, survey,
};
use crate::store::{Exclusive, StoreHandle, Write, intact_ledger};
use crate::watch::{Repairable, Shares};

/// How long after it was looked at an incident is looked at again, while it goes on: what held its repair back may be over.
const AGAIN: SignedDuration = SignedDuration::from_secs(60);
/// The same where nothing could be said of it: what it stands on could not be seen well.
const SOON: SignedDuration = SignedDuration::from_secs(5);
/// How many incidents are looked at in one run.
const TOGETHER: usize = 5;
/// How long a row of the ledger may take to be on the disk.
const PATIENCE: Duration = Duration::from_secs(5);

/// Which incidents were looked at for their repair.
#[derive(Debug, Default)]
pub(super) struct Repairs {
    running: bool,
    /// When each is looked at next, by the steady clock; `None`: not again.
    next: BTreeMap<IncidentId, Option<Timestamp>>,
}

impl Repairs {
    /// What is to be looked at now; those that are over are forgotten.
    pub(super) fn due(&mut self, all: Vec<Repairable>, now: Now) -> Vec<Repairable> {
        let known = all.iter().map(|one| &one.id).collect::<BTreeSet<_>>();
        self.next.retain(|id, _| known.contains(id));
        if self.running {
            return Vec::new();
        }
        let is_due = |one: &Repairable| match self.next.get(&one.id) {
            None => true,
            Some(next) => next.is_some_and(|next| next <= now.steady),
        };
        all.into_iter().filter(is_due).take(TOGETHER).collect()
    }

    /// A run begins.
    pub(super) fn begin(&mut self) {
        self.running = true;
    }

    /// A run ended; whether what it looked at, and could say something of, is looked at again.
    pub(super) fn end(&mut self, incidents: &[Repairable], told: &[(Key, Repair)], again: bool, now: Now) {
        self.running = false;
        let after = |rest| now.steady.saturating_add(rest).unwrap_or(Timestamp::MAX);
        for one in incidents {
            let is_told = told.iter().any(|(key, _)| *key == one.key);
            let next = match (is_told, again) {
                (false, _) => Some(after(SOON)),
                (true, true) => Some(after(AGAIN)),
                (true, false) => None,
            };
            self.next.insert(one.id.clone(), next);
        }
    }
}

/// One run.
pub(super) struct Run {
    pub setup: Arc<Setup>,
    pub hands: Arc<Hands>,
    pub look: FleetWatch,
    pub incidents: Vec<Repairable>,
    pub shares: Shares,
    /// Whether the source that says who should exist answered in full.
    pub complete: bool,
    /// Whether what is allowed is carried out.
    pub auto: bool,
    /// What the configuration was read from.
    pub files: ConfigFiles,
    pub store: StoreHandle,
    pub database: PathBuf,
    pub stop: Stop,
}

/// What came of a run.
pub(super) struct Ran {
    /// The incidents that it looked at.
    pub incidents: Vec<Repairable>,
    /// What is to be said of each.
    pub told: Vec<(Key, Repair)>,
    /// What came of each plan that was to be carried out.
    pub carried: Vec<Carried>,
    /// Whom something was done for.
    pub changed: BTreeSet<TenantId>,
    /// The last row of the ledger, where one was written.
    pub head: Option<String>,
}

/// Carries out a run.
pub(super) fn work(run: Run) -> Work {
    Box::pin(async move { Done::Repaired(Box::new(run.go().await)) })
}

/// The ledger of the daemon's own store.
struct Ledger {
    store: StoreHandle,
    database: PathBuf,
}

impl Keep for Ledger {
    fn append(&self, entry: Entry) -> LocalBoxFuture<'_, Result<(), String>> {
        Box::pin(self.store.keep(Write::Ledger(Box::new(entry)), PATIENCE))
    }

    fn rows(&self) -> Result<Vec<Row>, String> {
        intact_ledger(&self.database)
    }
}

impl Run {
    async fn go(self) -> Ran {
        let mut ran = Ran {
            incidents: self.incidents.clone(),
            told: Vec::new(),
            carried: Vec::new(),
            changed: BTreeSet::new(),
            head: None,
        };
        let (rows, broken) = match intact_ledger(&self.database) {
            Ok(rows) => (rows, None),
            Err(why) => (Vec::new(), Some(why)),
        };
        let tenants = self.incidents.iter().flat_map(|one| one.tenants.iter().cloned());
        let tenants = tenants
            .map(|tenant| (tenant.id.clone(), tenant))
            .collect::<BTreeMap<_, _>>();
        let tenants = tenants.into_values().collect::<Vec<_>>();
        let Ok(mut seen) = survey(&self.setup, &self.look, &tenants, &self.shares.entries).await else {
            return ran;
        };
        let mut planning = self.plan(&seen, &rows).await;
        // What was read before it broke does not show what is to be fixed.
        if self.is_outdated(&planning)
            && let Ok(look) = look_anew(&self.setup, &mut self.stop.clone()).await
            && let Ok(again) = survey(&self.setup, &look, &tenants, &self.shares.entries).await
        {
            seen = again;
            planning = self.plan(&seen, &rows).await;
        }
        let confirmed = self.incidents.iter().map(|one| &one.key).collect::<BTreeSet<_>>();
        let plans = planning.plans.into_iter().filter(|plan| confirmed.contains(&of(plan)));
        let plans = plans.collect::<Vec<_>>();
        ran.told.extend(self.refused(&planning.refusals));
        if !self.auto || broken.is_some() {
            let why = broken.map(|why| format!("nothing is repaired without an intact ledger: {why}"));
            ran.told
                .extend(plans.iter().map(|plan| (of(plan), would(plan, why.as_deref()))));
            return ran;
        }
        let Ok(_alone) = Exclusive::repair(&self.database) else {
            let why = Some("somebody repairs just now");
            ran.told.extend(plans.iter().map(|plan| (of(plan), would(plan, why))));
            return ran;
        };
        let ledger = Ledger {
            store: self.store.clone(),
            database: self.database.clone(),
        };
        let switch = Switch::of(&self.database).with(self.files.clone());
        let records = plans.iter().any(|plan| plan.repair.records().next().is_some());
        let engine = Engine {
            setup: &self.setup,
            hands: &self.hands,
            keep: &ledger,
            switch: &switch,
            by: "watch".to_owned(),
            addresses: self.hands.addresses(&self.setup.config, records).await,
            tenants: self.shares.tenants,
            stop: self.stop.clone(),
        };
        let permit = Permit {
            actions: self.setup.config.remediation.allow.iter().copied().collect(),
            batch: 1,
            ..Permit::default()
        };
        let (run, rows) = (&self, &rows);
        let carried = engine
            .carry_out(plans, &permit, seen.seen_at, &|plan| {
                Box::pin(async move { run.renewed(&plan, rows).await })
            })
            .await;
        for carried in &carried {
            ran.told.push((of(&carried.plan), outcome(carried)));
            if carried.changed() {
                ran.changed
                    .extend(carried.plan.repair.concerned.iter().map(|tenant| tenant.id.clone()));
            }
        }
        ran.carried = carried;
        ran.head = head(&self.database).filter(|_| !ran.changed.is_empty());
        ran
    }

    /// Whether something that is confirmed is neither planned nor held back for good.
    fn is_outdated(&self, planning: &Planning) -> bool {
        let planned = planning.plans.iter().map(of).collect::<BTreeSet<_>>();
        let refused = self.refusals(&planning.refusals);
        let is_open = |one: &Repairable| match refused.get(&one.key) {
            Some(refusal) => refusal.guard == Guard::NotConfirmed,
            None => !planned.contains(&one.key),
        };
        self.incidents.iter().any(is_open)
    }

    async fn plan(&self, seen: &Survey, rows: &[Row]) -> Planning {
        let nothing = BTreeMap::new();
        let scene = Scene {
            now: now(),
            config: &self.setup.config,
            world: &seen.world,
            diagnosis: &seen.diagnosis,
            complete: self.complete && !self.shares.held,
            sharing: &self.shares.sharing,
            tenants: self.shares.tenants,
            standing: &nothing,
            history: History::of(rows),
            crashing: &self.shares.crashing,
            most: None,
        };
        let first = plan(&scene, None);
        let mut standing = BTreeMap::<String, Result<AppStanding, Fault>>::new();
        if let Some(platform) = &self.setup.clients.platform {
            for app in apps_to_look_at(&first) {
                let told = platform.standing(&app).await;
                standing.insert(app, told);
            }
        }
        let scene = Scene {
            standing: &standing,
            ..scene
        };
        check_standing(&scene, first)
    }

    /// The same plan by what platform and zone say now.
    async fn renewed(&self, before: &Plan, rows: &[Row]) -> Option<Plan> {
        let look = look_anew(&self.setup, &mut self.stop.clone()).await.ok()?;
        let tenants: &[Arc<Tenant>] = &before.repair.concerned;
        let seen = survey(&self.setup, &look, tenants, &self.shares.entries).await.ok()?;
        let planning = self.plan(&seen, rows).await;
        let same = |plan: &Plan| plan.repair.cause == before.repair.cause && plan.repair.object == before.repair.object;
        let renewed = planning.plans.into_iter().find(same)?;
        Some(Plan {
            id: before.id.clone(),
            ..renewed
        })
    }

    /// What is said where a guard holds a repair.
    fn refused(&self, refusals: &[Refusal]) -> Vec<(Key, Repair)> {
        let refused = self.refusals(refusals).into_iter();
        refused
            .map(|(key, refusal)| (key.clone(), held(refusal.guard, &refusal.message)))
            .collect()
    }

    /// The refusal that concerns each incident: of its cause and of somebody whom it concerns, or of all.
    fn refusals<'r>(&'r self, refusals: &'r [Refusal]) -> BTreeMap<&'r Key, &'r Refusal> {
        let mut told = BTreeMap::new();
        for one in &self.incidents {
            let concerns = |refusal: &&Refusal| {
                let cause = *one.key.cause == *refusal.cause.as_str();
                let shared = refusal.cause.row().scope != Scope::Tenant;
                let whom = |id: &TenantId| one.tenants.iter().any(|tenant| tenant.id == *id);
                (cause || shared) && refusal.tenant.as_ref().is_none_or(whom)
            };
            if let Some(refusal) = refusals.iter().find(concerns) {
                told.insert(&one.key, refusal);
            }
        }
        told
    }
}

/// The incident that a plan is about.
fn of(plan: &Plan) -> Key {
    Key::new(plan.repair.cause.as_str(), "tenant", &plan.repair.object.to_string())
}

/// What is said of a repair that a guard holds back. Some are told by themselves: a person is needed from now on.
fn held(guard: Guard, message: &str) -> Repair {
    let told = matches!(guard, Guard::Cooldown | Guard::Recreated | Guard::Budget);
    Repair {
        state: if told { RepairState::Held } else { RepairState::Planned },
        lines: vec![format!("not repaired by itself ({guard}): {message}")],
    }
}

fn words(plan: &Plan) -> String {
    let steps = plan
        .repair
        .steps
        .iter()
        .map(|step: &Step| format!("{} {}", step.action().as_str(), step.object()));
    steps.collect::<Vec<_>>().join(", then ")
}

/// What is said of a repair that is only planned.
fn would(plan: &Plan, why: Option<&str>) -> Repair {
    let tenant = &plan.repair.tenant.id;
    let line = match (&plan.repair.by_hand, why) {
        (Some(by_hand), _) => format!("a person would do: {} ({by_hand})", words(plan)),
        (None, Some(why)) => format!("what would be done: {}, but {why}", words(plan)),
        (None, None) => format!(
            "what would be done: {}; roundsman remediate {tenant} --apply does it",
            words(plan)
        ),
    };
    Repair {
        state: RepairState::Planned,
        lines: vec![line],
    }
}

/// What is said of a repair that was to be carried out.
fn outcome(carried: &Carried) -> Repair {
    let plan = &carried.plan;
    let refused = carried.steps.iter().find(|end| end.ended == Ended::Refused);
    if let Some(refused) = refused {
        return match refused.guard {
            Some(guard @ (Guard::Cooldown | Guard::Recreated | Guard::Budget)) => held(guard, &refused.message),
            Some(Guard::NotAllowed) => would(plan, None),
            Some(guard) => held(guard, &refused.message),
            None => would(plan, None),
        };
    }
    let bad = carried
        .steps
        .iter()
        .find(|end| matches!(end.ended, Ended::Failed | Ended::Aborted));
    let (state, mut lines) = match (bad, &carried.verified) {
        (Some(bad), _) => {
            let line = format!(
                "a repair was tried and {}: {}: {}",
                bad.ended.as_str(),
                words(plan),
                bad.message
            );
            (RepairState::Failed, vec![line])
        }
        (None, Some(Err(why))) => {
            let line = format!("a repair was done and did not help: {}: {why}", words(plan));
            (RepairState::Failed, vec![line])
        }
        (None, Some(Ok(()))) => {
            let line = format!("repaired by itself: {}; three examinations passed since", words(plan));
            (RepairState::Done, vec![line])
        }
        (None, None) => (
            RepairState::Planned,
            vec![format!("nothing had to be done: {}", words(plan))],
        ),
    };
    let undo = plan
        .repair
        .steps
        .iter()
        .find(|step| step.can_be_undone() && carried.changed());
    lines.extend(undo.map(|step| format!("how to take it back: {}", step.undo(&plan.id))));
    Repair { state, lines }
}

/// The last row of the ledger, as it is logged: kept elsewhere, it shows a tail that was cut off.
pub(super) fn head(database: &std::path::Path) -> Option<String> {
    let rows = intact_ledger(database).ok()?;
    let last = rows.last()?;
    Some(format!("the ledger ends with row {}, {}", last.seq, last.hash))
}
