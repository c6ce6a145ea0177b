//! Planning: a round over everybody, what would fix what it found, and carrying that out where it is asked for.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::StreamExt as _;
use roundsman_checks::diagnosis::{Cause, Diagnosis};
use roundsman_checks::evidence::Fault;
use roundsman_checks::gather::{NoProgress, Stop, WakePolicy};
use roundsman_checks::platform::command_line;
use roundsman_checks::platform::standing::AppStanding;
use roundsman_checks::target::TenantId;

use super::PlanArgs;
use super::apply::{Kept, approve};
use super::view::{View, Words};
use crate::agent::{
    CompletedRound, Observer, ReusedEvidence, RoundRequest, Setup, USER_AGENT, clock, run as run_round,
};
use crate::cli::args::Shape;
use crate::cli::configuration::configuration;
use crate::cli::progress::Progress;
use crate::cli::round_traces::{RoundTraces, warn};
use crate::cli::rounds::{VerifyError, demand};
use crate::cli::{colour_errors, stoppable, usage_error};
use crate::config::{ConfigFiles, RemediationMode, render_plain};
use crate::daemon::store_path;
use crate::exit_code::ExitCode;
use crate::gate::{GatePolicy, exit_code};
use crate::inventory::{InventoryError, TenantsFrom, chosen};
use crate::json;
use crate::remediation::ledger::Row;
use crate::remediation::{
    Carried, Engine, Hands, HandsError, History, Plan, Planning, Scene, StepEnd, Switch, apps_to_look_at,
    check_standing, crashing, plan, sharing,
};
use crate::store::intact_ledger;

/// How many apps are looked at together before something is done there, and how many at most.
const TOGETHER: usize = 4;
const MOST_APPS: usize = 200;
/// How many plans are carried out before they are verified together.
const BATCH: usize = 3;

/// Why nothing can be planned or carried out; exit code 2.
#[derive(Debug, thiserror::Error)]
pub(super) enum PlanError {
    /// As any round.
    #[error(transparent)]
    Round(#[from] VerifyError),
    /// The tenants that are asked for.
    #[error(transparent)]
    Inventory(#[from] InventoryError),
    /// The tokens that may write.
    #[error(transparent)]
    Hands(#[from] HandsError),
    /// What else.
    #[error("{0}")]
    Other(String),
}

impl PlanError {
    fn render(&self, colour: bool) -> String {
        match self {
            Self::Round(error) => error.render(colour),
            Self::Inventory(error) => error.render(colour),
            other => render_plain(&other.to_string(), colour),
        }
    }
}

pub(super) fn run(args: &PlanArgs) -> ExitCode {
    let done = remediate(args);
    let (text, code) = match done {
        Ok(done) => done,
        Err(error) => return usage_error(&error.render(colour_errors())),
    };
    crate::cli::print(&text, code)
}

fn remediate(args: &PlanArgs) -> Result<(String, ExitCode), PlanError> {
    let config = configuration(&args.target, &args.target.flags()).map_err(VerifyError::from)?;
    if args.apply && config.remediation.mode == RemediationMode::Off {
        let off = "--apply: [remediation] mode is \"off\": set it to \"plan\" or \"auto\"";
        return Err(PlanError::Other(off.to_owned()));
    }
    let files = ConfigFiles::of(&config);
    let from = args.target.tenants_from.clone().map(TenantsFrom::kept).transpose()?;
    let progress = Progress::new();
    let done = stoppable::run(async |stop| -> Result<_, PlanError> {
        let setup = Setup::new(config, from).map_err(VerifyError::from)?;
        let hands = Hands::new(&setup.config, USER_AGENT, &setup.clients.calls)?;
        Session {
            args,
            setup: &setup,
            files,
            hands: &hands,
            progress: &progress,
            stop,
        }
        .run()
        .await
    });
    progress.finish();
    done.map_err(|error| PlanError::Other(error.to_string()))?
}

/// One run of the command.
struct Session<'s> {
    args: &'s PlanArgs,
    setup: &'s Setup,
    /// What the configuration was read from.
    files: ConfigFiles,
    hands: &'s Hands,
    progress: &'s Progress,
    stop: Stop,
}

/// What a round found, and what is planned by it.
struct Found {
    completed: CompletedRound,
    asked: Option<BTreeSet<TenantId>>,
    sharing: BTreeMap<Cause, usize>,
    crashing: BTreeSet<String>,
    tenants: usize,
}

impl Session<'_> {
    async fn run(&self) -> Result<(String, ExitCode), PlanError> {
        let database = store_path(&self.setup.config);
        let switch = Switch::of(&database).with(self.files.clone());
        let began = clock::now();
        let found = self.round().await?;
        // What has to be written is opened before anybody is asked for anything.
        let kept = self.args.apply.then(|| Kept::open(&database)).transpose();
        let kept = kept.map_err(PlanError::Other)?;
        let rows = match &kept {
            Some(kept) => kept.history(),
            None => intact_ledger(&database),
        };
        let (rows, broken) = match rows {
            Ok(rows) => (rows, None),
            Err(why) => (Vec::new(), Some(why)),
        };
        let planning = self.plan(&found, &rows, self.most()).await;
        let records = planning.plans.iter().any(|plan| plan.repair.records().next().is_some());
        let addresses = self.hands.addresses(&self.setup.config, records).await;
        let Planning { plans, refusals } = planning;
        let (carried, code) = match kept {
            None => {
                let planned = |plan| Carried::untouched(plan, &StepEnd::planned());
                let carried = plans.into_iter().map(planned).collect::<Vec<_>>();
                (carried, self.code(&found.completed, found.asked.as_ref()))
            }
            Some(kept) => {
                let permit = approve(self.args, &self.setup.config, &plans, BATCH, self.stop.clone()).await;
                let permit = permit.map_err(PlanError::Other)?;
                let engine = Engine {
                    setup: self.setup,
                    hands: self.hands,
                    keep: &kept,
                    switch: &switch,
                    by: format!("{} with `remediate --apply`", super::who()),
                    addresses: addresses.clone(),
                    tenants: found.tenants,
                    stop: self.stop.clone(),
                };
                self.progress.stage("repair", 0);
                let found = &found;
                let rows = &rows;
                let carried = engine
                    .carry_out(plans, &permit, began, &|plan| {
                        Box::pin(async move { self.renewed(&plan, found, rows, self.most()).await })
                    })
                    .await;
                drop(engine);
                self.tell(&carried).await;
                kept.close().await;
                let code = match carried.iter().any(Carried::changed) {
                    true => self.after(found.asked.is_some()).await?,
                    false => self.code(&found.completed, found.asked.as_ref()),
                };
                let failed = carried.iter().any(Carried::failed);
                (carried, if failed { code.worst(ExitCode::Failing) } else { code })
            }
        };
        let stopped = broken
            .map(|why| format!("{why}: nothing is repaired without an intact ledger"))
            .or_else(|| switch.holds(clock::now()));
        let zone = self.setup.config.cloudflare.as_ref().and_then(|zone| zone.zone.clone());
        let domain = self.setup.config.domain.as_str();
        let cloud = found
            .completed
            .round
            .world
            .platform
            .known()
            .map(|platform| platform.cloud);
        let words = Words {
            domain,
            zone: zone.as_deref().unwrap_or(domain),
            tool: command_line(cloud.unwrap_or_default()),
            addresses: &addresses,
        };
        let view = View::new(&words, &carried, &refusals, stopped, code);
        let text = match self.args.format {
            Shape::Json => json::text(&view).unwrap_or_default(),
            Shape::Human => view.human(),
        };
        Ok((text, code))
    }

    /// Tells traces of what was done, where there is somewhere to send them.
    async fn tell(&self, carried: &[Carried]) {
        let (traces, wrong) = RoundTraces::start(&self.setup.config);
        warn(&wrong);
        let Some(traces) = traces else { return };
        carried.iter().for_each(|carried| traces.remediated(carried));
        warn(&traces.end(&self.stop).await.into_iter().collect::<Vec<_>>());
    }

    fn most(&self) -> Option<usize> {
        self.args.max.map(|most| most.get() as usize)
    }

    /// A round over everybody: how many share a cause counts over all, also where few are asked for.
    async fn round(&self) -> Result<Found, PlanError> {
        let completed = self.look(&[], self.progress).await?;
        let inventory = &completed.inventory;
        let asked = match self.args.tenants.as_slice() {
            [] => None,
            names => Some(chosen(inventory, names)?),
        };
        Ok(Found {
            sharing: sharing(&completed.round.diagnosis),
            crashing: crashing(&completed.round.diagnosis),
            tenants: inventory.known.len(),
            asked,
            completed,
        })
    }

    async fn look(&self, names: &[String], observer: &dyn Observer) -> Result<CompletedRound, PlanError> {
        let request = RoundRequest {
            names: names.to_vec(),
            wake: WakePolicy::Unknowingly,
            ..RoundRequest::default()
        };
        let looked = run_round(
            self.setup,
            &request,
            ReusedEvidence::default(),
            observer,
            self.stop.clone(),
        )
        .await;
        Ok(looked.map_err(VerifyError::from)?)
    }

    async fn plan(&self, found: &Found, rows: &[Row], most: Option<usize>) -> Planning {
        let nothing = BTreeMap::new();
        let first = plan(&self.scene(found, rows, most, &nothing), found.asked.as_ref());
        let standing = self.standing(apps_to_look_at(&first)).await;
        check_standing(&self.scene(found, rows, most, &standing), first)
    }

    fn scene<'f>(
        &'f self,
        found: &'f Found,
        rows: &'f [Row],
        most: Option<usize>,
        standing: &'f BTreeMap<String, Result<AppStanding, Fault>>,
    ) -> Scene<'f> {
        let round = &found.completed.round;
        Scene {
            now: clock::now(),
            config: &self.setup.config,
            world: &round.world,
            diagnosis: &round.diagnosis,
            complete: found.completed.inventory.complete,
            sharing: &found.sharing,
            tenants: found.tenants,
            standing,
            history: History::of(rows),
            crashing: &found.crashing,
            most,
        }
    }

    /// How these apps stand, as far as somebody can be asked.
    async fn standing(&self, apps: BTreeSet<String>) -> BTreeMap<String, Result<AppStanding, Fault>> {
        let Some(platform) = &self.setup.clients.platform else {
            return BTreeMap::new();
        };
        let asked = apps.into_iter().take(MOST_APPS).map(|app| async move {
            let standing = platform.standing(&app).await;
            (app, standing)
        });
        futures_util::stream::iter(asked)
            .buffer_unordered(TOGETHER)
            .collect()
            .await
    }

    /// The same plan by what is seen now; nothing where it would not be made any more.
    async fn renewed(&self, before: &Plan, found: &Found, rows: &[Row], most: Option<usize>) -> Option<Plan> {
        let names = before.repair.concerned.iter().map(|tenant| tenant.id.to_string());
        let completed = self.look(&names.collect::<Vec<_>>(), &NoProgress).await.ok()?;
        let again = Found {
            completed,
            asked: None,
            sharing: found.sharing.clone(),
            crashing: found.crashing.clone(),
            tenants: found.tenants,
        };
        let planning = self.plan(&again, rows, most).await;
        let same = |plan: &Plan| plan.repair.cause == before.repair.cause && plan.repair.object == before.repair.object;
        let renewed = planning.plans.into_iter().find(same)?;
        (renewed.repair.steps == before.repair.steps).then(|| Plan {
            id: before.id.clone(),
            ..renewed
        })
    }

    /// How all is after something was changed.
    async fn after(&self, named: bool) -> Result<ExitCode, PlanError> {
        let completed = self.look(&[], self.progress).await?;
        let asked = named
            .then(|| chosen(&completed.inventory, &self.args.tenants))
            .transpose()?;
        Ok(self.code(&completed, asked.as_ref()))
    }

    /// The exit code of a round, for those who are asked for.
    fn code(&self, completed: &CompletedRound, asked: Option<&BTreeSet<TenantId>>) -> ExitCode {
        let policy = GatePolicy {
            severity: self.setup.config.severity.clone(),
            ..demand(&RoundRequest::default(), completed)
        };
        let diagnosis = &completed.round.diagnosis;
        let Some(asked) = asked else {
            return exit_code(diagnosis, &policy);
        };
        let tenants = diagnosis
            .tenants
            .iter()
            .filter(|verdict| asked.contains(&verdict.tenant));
        let of_them = Diagnosis {
            tenants: tenants.cloned().collect(),
            ..diagnosis.clone()
        };
        exit_code(&of_them, &policy)
    }
}
