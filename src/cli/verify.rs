//! `roundsman verify`: one round, its report, its exit code.

use tokio::signal::unix::{SignalKind, signal};

use super::args::{FailOn, Scope, VerifyArgs};
use super::output::Sinks;
use super::progress::Progress;
use super::{colour_errors, plan, setup, usage_error};
use crate::agent::{self, Plan, Stop};
use crate::config::render_plain;
use crate::exit_code::ExitCode;
use crate::report::{Demand, Report, exit_code};

/// Verifies the tenants once and reports.
#[must_use]
pub fn run(args: &VerifyArgs) -> ExitCode {
    let usage = |error: &dyn std::error::Error| usage_error(&render_plain(&error.to_string(), colour_errors()));
    let (config, inventory) = match setup::prepare(args) {
        Ok(prepared) => prepared,
        Err(error) => return usage_error(&error.render(colour_errors())),
    };
    let selected = match plan::selection(&args.only, &args.skip) {
        Ok(selected) => selected,
        Err(error) => return usage(&error),
    };
    let plan = match plan::plan(&config, &inventory, selected) {
        Ok(plan) => plan,
        Err(error) => return usage(&error),
    };
    let sinks = match Sinks::open(args.format, &args.output) {
        Ok(sinks) => sinks,
        Err(error) => return usage(&error),
    };
    let outcome = match watched(&plan) {
        Ok(outcome) => outcome,
        Err(error) => return usage(error.as_ref()),
    };
    let demand = Demand {
        require: args.require.clone(),
        tenants_only: args.scope == Scope::Tenant,
        warnings_fail: args.fail_on == FailOn::Warn,
        interrupted: outcome.world.interrupted,
    };
    let code = exit_code(&outcome.diagnosis, &demand);
    match sinks.write(&Report::new(&outcome, code)) {
        Ok(()) => code,
        Err(error) => usage(&error),
    }
}

/// Runs a round under the eyes of a terminal, to be ended by Ctrl-C or SIGTERM.
fn watched(plan: &Plan) -> Result<agent::Outcome, Box<dyn std::error::Error>> {
    // More sockets at once are the point of this program; where the limit can't be raised, a round says what it lacks.
    let _ = rlimit::increase_nofile_limit(u64::MAX);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let progress = Progress::new();
    let outcome = runtime.block_on(async {
        let (pull, stop) = Stop::new();
        let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        let watch = async {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            // A round that is over needs no stop.
            let _ = pull.send(true);
            std::future::pending::<()>().await;
        };
        tokio::select! {
            outcome = agent::round(plan, &progress, stop) => Ok::<_, Box<dyn std::error::Error>>(outcome?),
            () = watch => Err("the round was left alone".into()),
        }
    });
    progress.finish();
    outcome
}
