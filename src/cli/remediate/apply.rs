//! What carrying out needs of a command line: somebody who allows it, and a ledger that is written by one alone.

use std::collections::BTreeSet;
use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::future::LocalBoxFuture;
use roundsman_checks::gather::Stop;

use super::PlanArgs;
use crate::config::Config;
use crate::daemon::{Question, ask};
use crate::remediation::ledger::{Entry, Row};
use crate::remediation::{Keep, Permit, Plan, Step};
use crate::store::{Exclusive, Store, StoreError, Write, intact_ledger};

/// How long a row may take to be on the disk.
const PATIENCE: Duration = Duration::from_secs(10);

/// The ledger of a database: written by this process, or by the daemon that has it.
pub(super) struct Kept {
    path: PathBuf,
    by: Writer,
    _alone: Exclusive,
}

enum Writer {
    Own(Store),
    Daemon,
}

impl Kept {
    /// Opens a ledger to write.
    ///
    /// # Errors
    /// Why it can't be written, or that another repair goes on.
    pub(super) fn open(path: &Path) -> Result<Self, String> {
        let alone = Exclusive::repair(path).map_err(|error| error.to_string())?;
        let by = match Store::open(path) {
            Ok((store, _)) => Writer::Own(store),
            // One writer: what has the database writes for us.
            Err(locked @ StoreError::Locked { .. }) => {
                let health = ask::<serde_json::Value>(path, &Question::Health);
                health.map_err(|_| locked.to_string())?;
                Writer::Daemon
            }
            Err(error) => return Err(error.to_string()),
        };
        Ok(Self {
            path: path.to_owned(),
            by,
            _alone: alone,
        })
    }

    /// The rows so far.
    pub(super) fn history(&self) -> Result<Vec<Row>, String> {
        intact_ledger(&self.path)
    }

    /// Ends with everything on the disk.
    pub(super) async fn close(self) {
        if let Writer::Own(store) = self.by {
            let _ = tokio::task::spawn_blocking(move || store.close(PATIENCE)).await;
        }
    }
}

impl Keep for Kept {
    fn append(&self, entry: Entry) -> LocalBoxFuture<'_, Result<(), String>> {
        Box::pin(async move {
            match &self.by {
                Writer::Own(store) => store.handle().keep(Write::Ledger(Box::new(entry)), PATIENCE).await,
                Writer::Daemon => {
                    let (path, question) = (self.path.clone(), Question::Ledger(Box::new(entry)));
                    let asked = tokio::task::spawn_blocking(move || ask::<serde_json::Value>(&path, &question)).await;
                    let answered = asked.map_err(|error| error.to_string())?;
                    answered.map(drop).map_err(|error| error.to_string())
                }
            }
        })
    }

    fn rows(&self) -> Result<Vec<Row>, String> {
        self.history()
    }
}

/// What is allowed: by the configuration, by the options, and by whoever sits at the terminal.
///
/// # Errors
/// That the number of plans was not confirmed.
pub(super) async fn approve(
    args: &PlanArgs,
    config: &Config,
    plans: &[Plan],
    batch: usize,
    stop: Stop,
) -> Result<Permit, String> {
    let mut permit = Permit {
        actions: config.remediation.allow.iter().copied().collect(),
        plans: BTreeSet::new(),
        most: args.max.map(|most| most.get() as usize),
        batch: args.batch.map_or(batch, |batch| batch.get() as usize),
    };
    let automatic = plans.iter().filter(|plan| plan.automatic()).collect::<Vec<_>>();
    if let Some(most) = permit.most {
        let count = automatic.len().min(most);
        if count > 0 || args.confirm.is_some() {
            confirm(args, count, stop).await?;
        }
        permit.plans = automatic.iter().take(most).map(|plan| plan.id.clone()).collect();
        return Ok(permit);
    }
    let allowed = |plan: &Plan| {
        let mut changes = plan.repair.steps.iter().filter(|step| step.changes());
        changes.all(|step| permit.actions.contains(&step.action()))
    };
    let open = automatic.into_iter().filter(|plan| !allowed(plan)).collect::<Vec<_>>();
    let terminal = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    for plan in open {
        let says_yes = match (args.yes, terminal) {
            (true, _) => true,
            (false, true) => said(&question(plan), stop.clone())
                .await
                .is_some_and(|said| matches!(said.to_lowercase().as_str(), "y" | "yes")),
            (false, false) => false,
        };
        if says_yes {
            permit.plans.insert(plan.id.clone());
        }
    }
    Ok(permit)
}

fn question(plan: &Plan) -> String {
    let steps = plan.repair.steps.iter().filter(|step| step.changes());
    let steps = steps.map(|step: &Step| format!("{} {}", step.action().as_str(), step.object()));
    let steps = crate::text::clean(&steps.collect::<Vec<_>>().join(", then "));
    format!("{} at {}: {steps}? [y/N] ", plan.repair.cause, plan.repair.tenant.id)
}

/// Whether somebody knows how many plans will run.
async fn confirm(args: &PlanArgs, count: usize, stop: Stop) -> Result<(), String> {
    let other = |said: &str| {
        Err(format!(
            "{count} plans would run, and `{said}` was confirmed: nothing was done"
        ))
    };
    if let Some(confirmed) = args.confirm {
        return match confirmed as usize == count {
            true => Ok(()),
            false => other(&confirmed.to_string()),
        };
    }
    if !std::io::stdin().is_terminal() {
        return Err(format!(
            "{count} plans would run: say so with --confirm {count} (there is no terminal to type it at); nothing was done"
        ));
    }
    let said = said(&format!("{count} plans will run; type {count} to go on: "), stop).await;
    match said.as_deref() {
        Some(said) if said == count.to_string() => Ok(()),
        said => other(said.unwrap_or_default()),
    }
}

/// What somebody types at the terminal; nothing where they leave.
pub(super) async fn said(question: &str, mut stop: Stop) -> Option<String> {
    // Where standard error is closed nobody is asked.
    write!(std::io::stderr(), "{question}").ok()?;
    let typed = tokio::task::spawn_blocking(|| {
        let mut line = String::new();
        std::io::stdin().lock().read_line(&mut line).map(|_| line)
    });
    let typed = tokio::select! {
        typed = typed => typed.ok()?.ok()?,
        () = stop.wait() => return None,
    };
    Some(typed.trim().to_owned())
}
