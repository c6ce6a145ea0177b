//! `roundsman verify`: one round, its report, its exit code.

use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};

use roundsman_checks::target::Tenant;

use super::args::{FailOn, Scope, VerifyArgs, Wake};
use super::output::Sinks;
use super::plan::Word;
use super::progress::Progress;
use super::{colour_errors, plan, setup, usage_error};
use crate::agent::{self, Clients, Observer as _, Plan, Stop};
use crate::config::render_plain;
use crate::exit_code::ExitCode;
use crate::inventory::{Answers, Inventory, Remote};
use crate::report::{Demand, Report, exit_code};

/// Verifies the tenants once and reports.
#[must_use]
pub fn run(args: &VerifyArgs) -> ExitCode {
    let usage = |error: &dyn std::error::Error| usage_error(&render_plain(&error.to_string(), colour_errors()));
    let config = match setup::configuration(&args.target, args.concurrency) {
        Ok(config) => config,
        Err(error) => return usage_error(&error.render(colour_errors())),
    };
    let selected = match plan::selection(&args.only, &args.skip) {
        Ok(selected) => selected,
        Err(error) => return usage(&error),
    };
    let sinks = match Sinks::open(args.format, &args.output) {
        Ok(sinks) => sinks,
        Err(error) => return usage(&error),
    };
    let clients = match Clients::new(&config, plan::USER_AGENT) {
        Ok(clients) => clients,
        Err(error) => return usage(&error),
    };
    let remote = match Remote::new(&config, args.target.tenants_from.as_ref(), plan::USER_AGENT) {
        Ok(remote) => remote,
        Err(error) => return usage(&error),
    };
    // More sockets at once are the point of this program; where the limit can't be raised, a round says what it lacks.
    let _ = rlimit::increase_nofile_limit(u64::MAX);
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return usage(&error),
    };
    let progress = Progress::new();
    progress.stage("platform", 0);
    let ((platform, listing), tenants) =
        runtime.block_on(async { tokio::join!(clients.read(), Remote::ask(remote.as_ref())) });
    let answers = Answers {
        platform: platform.known(),
        listing: tenants.as_ref(),
    };
    let inventory = match setup::prepare(args, &config, answers) {
        Ok(inventory) => inventory,
        Err(error) => {
            progress.finish();
            return usage_error(&error.render(colour_errors()));
        }
    };
    let named = |tenant: &Tenant| match args.wake {
        Wake::Always => true,
        Wake::Never => false,
        Wake::Auto => !args.tenants.is_empty() && inventory.tenants.contains(tenant),
    };
    let plan = match plan::plan(&config, &inventory, selected, Word { platform, listing }, &named) {
        Ok(plan) => plan,
        Err(error) => {
            progress.finish();
            return usage(&error);
        }
    };
    let outcome = watched(&runtime, &plan, &progress);
    progress.finish();
    let outcome = match outcome {
        Ok(outcome) => outcome,
        Err(error) => return usage(error.as_ref()),
    };
    let demand = Demand {
        require: args.require.clone(),
        tenants_only: args.scope == Scope::Tenant,
        warnings_fail: args.fail_on == FailOn::Warn,
        interrupted: outcome.world.interrupted,
        nobody: nobody_left(args, &inventory),
    };
    let code = exit_code(&outcome.diagnosis, &demand);
    match sinks.write(&Report::new(&outcome, &demand, code)) {
        Ok(()) => code,
        Err(error) => usage(&error),
    }
}

/// Why `--label` left nobody, where it did.
fn nobody_left(args: &VerifyArgs, inventory: &Inventory) -> Option<String> {
    let labels = args
        .label
        .iter()
        .map(|label| format!("{}={}", label.0, label.1))
        .collect::<Vec<_>>()
        .join(" and ");
    let left_out = !labels.is_empty() && inventory.tenants.is_empty() && !inventory.known.is_empty();
    left_out.then(|| format!("--label: none of {} tenants has {labels}", inventory.known.len()))
}

/// Runs a round under the eyes of a terminal, to be ended by Ctrl-C or SIGTERM.
fn watched(runtime: &Runtime, plan: &Plan, progress: &Progress) -> Result<agent::Outcome, Box<dyn std::error::Error>> {
    runtime.block_on(async {
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
            outcome = agent::round(plan, progress, stop) => Ok::<_, Box<dyn std::error::Error>>(outcome?),
            () = watch => Err("the round was left alone".into()),
        }
    })
}
