//! `roundsman verify`: one round, or as many as it takes until all is well; its report, its exit code.

use std::sync::Arc;
use std::time::Duration;

use roundsman_checks::world::CertificateChain;

use super::args::VerifyArgs;
use super::configuration::configuration;
use super::output::Sinks;
use super::output_paths;
use super::progress::Progress;
use super::round_traces::{RoundTraces, TracedRound, warn};
use super::rounds::{VerifyError, demand_of_verify, of_verify};
use super::stoppable;
use super::wait_reporter::WaitReporter;
use super::{colour_errors, usage_error};
use crate::agent::clock::{self, Moment};
use crate::agent::{CompletedRound, Observer, ReusedEvidence, Round, RoundRequest, RunError, Setup, Stop};
use crate::config::write_duration;
use crate::exit_code::ExitCode;
use crate::gate::{Attempt, Baseline, Gate, GatePolicy, Next, Selection, exit_code, is_lasting, open};
use crate::inventory::TenantsFrom;
use crate::recording::{Recorder, Recording};
use crate::report::Report;

/// How old a baseline may be where nothing else is said.
const BASELINE_MAX_AGE: Duration = Duration::from_secs(24 * 3600);

/// Why waiting ended early.
const BY_SIGNAL: &str = "interrupted";
/// How long to leave an inventory alone that can't be read just now.
const STUMBLE: Duration = Duration::from_secs(1);

/// Verifies the tenants and reports.
#[must_use]
pub fn run(args: &VerifyArgs) -> ExitCode {
    verify(args).unwrap_or_else(|error| usage_error(&error.render(colour_errors())))
}

fn verify(args: &VerifyArgs) -> Result<ExitCode, VerifyError> {
    let config = configuration(&args.target, &args.flags())?;
    let failed = |path| Baseline::failing(path, &config.domain).map_err(VerifyError::FailedIn);
    let request = RoundRequest {
        only: args.failed_in.as_deref().map(failed).transpose()?,
        ..of_verify(args)?
    };
    // A stream is read once, and before anybody waits for a signal.
    let from = args.target.tenants_from.clone().map(TenantsFrom::kept).transpose()?;
    output_paths::check(args, &config)?;
    let max_age = args.baseline_max_age.unwrap_or(BASELINE_MAX_AGE);
    let baseline = args
        .baseline
        .as_ref()
        .map(|path| Baseline::read(path, &config.domain, clock::now(), max_age).map(Arc::new))
        .transpose()?;
    let sinks = Sinks::open(args.shape(), &args.output)?.telling(args.detail(), args.all);
    let recorder = args.record.as_deref().map(Recorder::open).transpose()?;
    let progress = Progress::new();
    let done = stoppable::run(async |stop| -> Result<_, VerifyError> {
        let (traces, mut untold) = RoundTraces::start(&config);
        let setup = Setup::new(config, from)?;
        let kept = recorder.as_ref().map(|recorder| recorder.observer(&progress));
        let observer = kept.as_ref().map_or(&progress as &dyn Observer, |kept| kept);
        let by = TracedRound {
            setup: &setup,
            observer,
            traces: traces.as_ref(),
        };
        let verdict = until_passed(by, &request, args, baseline, &progress, stop.clone()).await;
        if let Some(traces) = traces {
            untold.extend(traces.end(&stop).await);
        }
        Ok((setup.roots, verdict, untold))
    })?;
    progress.finish();
    let (roots, verdict, untold) = done?;
    warn(&untold);
    let Verdict { round, demand, code } = verdict?;
    stoppable::write(move || -> Result<_, VerifyError> {
        sinks.write(&Report::new(&round, &demand, code))?;
        if let Some(recorder) = recorder {
            recorder.write(Recording {
                started: round.started,
                finished: round.finished,
                demand,
                roots: CertificateChain(roots.iter().map(|root| root.to_vec()).collect()),
                world: round.world,
            })?;
        }
        Ok(())
    })??;
    Ok(code)
}

/// The last look, and what it ends with.
struct Verdict {
    round: Round,
    demand: GatePolicy,
    code: ExitCode,
}

/// Looks until the gate is satisfied; without `--wait` once.
async fn until_passed(
    by: TracedRound<'_>,
    request: &RoundRequest,
    args: &VerifyArgs,
    baseline: Option<Arc<Baseline>>,
    progress: &Progress,
    mut stop: Stop,
) -> Result<Verdict, VerifyError> {
    let consecutive = args.consecutive.map_or(1, std::num::NonZeroU32::get);
    let mut gate = Gate::new(args.wait.unwrap_or_default(), consecutive, args.fail_fast);
    let mut teller = WaitReporter::new(progress, args.wait.is_some());
    let has_time = |teller: &WaitReporter<'_>| args.wait.is_some_and(|limit| teller.elapsed() < limit);
    let mut reused = ReusedEvidence::default();
    let mut looked_once = false;
    loop {
        let began = Moment::now();
        let whole = reused.is_empty();
        let completed = match by.run(request, std::mem::take(&mut reused), stop.clone()).await {
            // Somebody writes the inventory while it is read: it was right before, and will be again.
            Err(RunError::Inventory(error)) if looked_once && has_time(&teller) && !stop.pulled() => {
                teller.stumbles(&error);
                tokio::select! {
                    () = tokio::time::sleep(STUMBLE) => continue,
                    () = stop.wait() => return Err(RunError::Inventory(error).into()),
                }
            }
            other => other?,
        };
        looked_once = true;
        let mut demand = GatePolicy {
            baseline: baseline.clone(),
            severity: by.setup.config.severity.clone(),
            ..demand_of_verify(args, request, &completed)
        };
        let CompletedRound { round, inventory } = completed;
        teller.unknown_names(&inventory.awaited);
        let diagnosis = &round.diagnosis;
        let still_open = open(diagnosis, &demand);
        let mut look = Attempt {
            at: teller.elapsed(),
            took: began.elapsed(),
            whole,
            code: exit_code(diagnosis, &demand),
            lasting: is_lasting(diagnosis, &still_open, &demand),
            open: still_open,
            changed: false,
        };
        look.changed = teller.waits(&look, &round, &demand);
        let next = if stop.pulled() { Next::End } else { gate.after(&look) };
        if look.code == ExitCode::Verified && whole {
            teller.passes(look.at, gate.passed(), gate.consecutive());
        }
        let (pause, whom) = match next {
            Next::Attempt(pause, whom) => (pause, whom),
            Next::End => {
                if look.code == ExitCode::Verified && !gate.is_satisfied() {
                    demand.too_seldom = Some((gate.passed(), gate.consecutive()));
                }
                let why = match (stop.pulled(), args.fail_fast && look.lasting) {
                    (true, _) => BY_SIGNAL.to_owned(),
                    (false, true) => "does not pass by itself".to_owned(),
                    (false, false) => timed_out(args.wait),
                };
                return Ok(conclude(&teller, round, demand, &why));
            }
        };
        teller.rests(pause);
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = stop.wait() => {
                demand.interrupted = true;
                return Ok(conclude(&teller, round, demand, BY_SIGNAL));
            }
        }
        reused = match whom {
            Selection::All => ReusedEvidence::default(),
            Selection::Only(again) => ReusedEvidence::all_but(round.world, &again),
        };
    }
}

/// Why waiting ends when the time is up.
fn timed_out(limit: Option<Duration>) -> String {
    let limit = limit.map(|limit| format!(" after {}", write_duration(limit)));
    format!("timed out{}", limit.unwrap_or_default())
}

/// Ends with the last look.
fn conclude(teller: &WaitReporter<'_>, round: Round, demand: GatePolicy, why: &str) -> Verdict {
    let code = exit_code(&round.diagnosis, &demand);
    teller.ends(code, &round, &demand, why);
    Verdict { round, demand, code }
}
