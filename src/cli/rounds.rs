//! From arguments to the rounds that they ask for. Runs none, and decides nothing about what comes after one.

use std::collections::BTreeSet;

use roundsman_checks::finding::Check;
use thiserror::Error;

use super::args::{FailOn, Label, Scope, VerifyArgs, Wake};
use super::output::OutputError;
use super::output_paths::OutputPathsError;
use super::trace::TraceArgs;
use crate::agent::{CompletedRound, RoundRequest, RunError, SetupError, WakePolicy};
use crate::config::{ConfigError, render_plain};
use crate::gate::{BaselineError, Expected, GatePolicy};
use crate::inventory::{Inventory, InventoryError};
use crate::recording::RecordingError;
use crate::text::counted;

/// Why `verify` can't do what it was asked for; exit code 2.
#[derive(Debug, Error)]
pub enum VerifyError {
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// There is no agent of this configuration.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// The tenants can't be read from where the command line says.
    #[error(transparent)]
    Inventory(#[from] InventoryError),
    /// A round can't be run.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The report can't be written.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// The evidence can't be written, or read.
    #[error(transparent)]
    Recording(#[from] RecordingError),
    /// One file stands for two things.
    #[error(transparent)]
    Places(#[from] OutputPathsError),
    /// The baseline is none.
    #[error("--baseline: {0}")]
    Baseline(#[from] BaselineError),
    /// What names the tenants is no report.
    #[error("--failed-in: {0}")]
    FailedIn(BaselineError),
    /// Nothing is left to check.
    #[error("no check is left: `--only` and `--skip` leave out all six")]
    NothingSelected,
    /// A release is expected, and the check that judges it is left out.
    #[error("{option} is judged by the check {check}, which --only or --skip leave out")]
    LeftOut {
        /// The option.
        option: &'static str,
        /// The check.
        check: Check,
    },
    /// The system refuses what a program needs.
    #[error("{0}")]
    System(#[from] std::io::Error),
}

impl VerifyError {
    /// The error as a person reads it; `colour` for terminals.
    #[must_use]
    pub fn render(&self, colour: bool) -> String {
        match self {
            Self::Config(error) => error.render(colour),
            Self::Inventory(error) | Self::Run(RunError::Inventory(error)) => error.render(colour),
            other => render_plain(&other.to_string(), colour),
        }
    }
}

/// The rounds that `verify` asks for.
///
/// # Errors
/// [`VerifyError`] where nothing is left to check, or what is expected would not be judged.
pub fn of_verify(args: &VerifyArgs) -> Result<RoundRequest, VerifyError> {
    let selected = selection(&args.only, &args.skip)?;
    for expected in expected(args) {
        let (option, check) = (expected.option(), expected.check());
        if !selected.contains(&check) {
            return Err(VerifyError::LeftOut { option, check });
        }
    }
    let label = |label: &Label| (label.0.clone(), label.1.clone());
    Ok(RoundRequest {
        selected,
        names: args.tenants.clone(),
        labels: args.label.iter().map(label).collect(),
        exclude: args.exclude.clone(),
        // Who waits, waits for tenants that are only being made, too.
        awaits: args.wait.is_some(),
        wake: match args.wake {
            Wake::Always => WakePolicy::Allowed,
            Wake::Never => WakePolicy::Never,
            Wake::Auto => wake(&args.tenants),
        },
        expects_version: args.expect_version.is_some(),
        forget_healthy: args.wait.is_none(),
        ..RoundRequest::default()
    })
}

/// The round that `trace` asks for.
#[must_use]
pub fn of_trace(args: &TraceArgs) -> RoundRequest {
    let names = vec![args.tenant.clone()];
    RoundRequest {
        wake: wake(&names),
        names,
        traced: true,
        logs: !args.no_logs,
        ..RoundRequest::default()
    }
}

/// Whoever is named may be woken.
fn wake(names: &[String]) -> WakePolicy {
    match names.is_empty() {
        true => WakePolicy::Unknowingly,
        false => WakePolicy::Allowed,
    }
}

/// The checks that `--only` and `--skip` leave.
fn selection(only: &[Check], skip: &[Check]) -> Result<BTreeSet<Check>, VerifyError> {
    let wanted = |check: &Check| (only.is_empty() || only.contains(check)) && !skip.contains(check);
    let selected = Check::ALL.into_iter().filter(wanted).collect::<BTreeSet<_>>();
    if selected.is_empty() {
        Err(VerifyError::NothingSelected)
    } else {
        Ok(selected)
    }
}

fn expected(args: &VerifyArgs) -> Vec<Expected> {
    let image = args.expect_image.as_ref().map(|_| Expected::Image);
    let version = args.expect_version.as_ref().map(|_| Expected::Version);
    image.into_iter().chain(version).collect()
}

/// What decides the exit code of a round of `verify`.
#[must_use]
pub fn demand_of_verify(args: &VerifyArgs, request: &RoundRequest, completed: &CompletedRound) -> GatePolicy {
    GatePolicy {
        require: args.require.clone(),
        tenants_only: args.scope == Scope::Tenant,
        warnings_fail: args.fail_on == FailOn::Warn,
        ignored: args.ignore.iter().copied().collect(),
        expected: expected(args),
        ..demand(request, completed)
    }
}

/// What decides the exit code of a round, whatever command asked for it.
#[must_use]
pub fn demand(request: &RoundRequest, completed: &CompletedRound) -> GatePolicy {
    let CompletedRound { round, inventory } = completed;
    let named = !request.names.is_empty();
    GatePolicy {
        interrupted: round.world.interrupted,
        nobody: nobody_left(request, inventory),
        everyone: !named
            && request.labels.is_empty()
            && request.exclude.is_empty()
            && request.only.is_none()
            && inventory.complete,
        named,
        incomplete: !inventory.complete && !named,
        ..GatePolicy::default()
    }
}

/// Why `--label`, `--exclude` or `--failed-in` left nobody, where they did.
fn nobody_left(request: &RoundRequest, inventory: &Inventory) -> Option<String> {
    if !inventory.tenants.is_empty() || inventory.known.is_empty() {
        return None;
    }
    let all = inventory.known.len();
    if !request.exclude.is_empty() {
        let patterns = request.exclude.iter().map(ToString::to_string).collect::<Vec<_>>();
        return Some(format!(
            "--exclude: {} leaves none of {}",
            patterns.join(", "),
            counted(all, "tenant")
        ));
    }
    if let Some(only) = &request.only {
        return Some(match only.len() {
            0 => "--failed-in: no tenant failed in that report".to_owned(),
            failed => format!("--failed-in: none of the {failed} tenants that failed is there any more"),
        });
    }
    let labels = request.labels.iter().map(|(key, value)| format!("{key}={value}"));
    let labels = labels.collect::<Vec<_>>().join(" and ");
    (!labels.is_empty()).then(|| format!("--label: none of {} has {labels}", counted(all, "tenant")))
}
