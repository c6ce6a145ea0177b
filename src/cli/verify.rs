//! `roundsman verify`: one round, or as many as it takes until all is well; its report, its exit code.

use std::collections::BTreeSet;
use std::time::Duration;

use roundsman_checks::world::Presented;
use rustls::pki_types::CertificateDer;
use tokio::signal::unix::{SignalKind, signal};

use super::args::VerifyArgs;
use super::output::Sinks;
use super::progress::Progress;
use super::rounds::{Looked, Rounds, VerifyError};
use super::{colour_errors, usage_error};
use crate::agent::clock::{self, Moment};
use crate::agent::{Carried, Outcome, Stop};
use crate::exit_code::ExitCode;
use crate::gate::{Baseline, Demand, Gate, Look, Next, Story, Whom, exit_code, is_lasting, open};
use crate::inventory::Unknown;
use crate::recording::{Recorder, Recording};
use crate::report::Report;

/// How old a baseline may be where nothing else is said.
const BASELINE_MAX_AGE: Duration = Duration::from_secs(24 * 3600);

/// Verifies the tenants and reports.
#[must_use]
pub fn run(args: &VerifyArgs) -> ExitCode {
    verify(args).unwrap_or_else(|error| usage_error(&error.render(colour_errors())))
}

fn verify(args: &VerifyArgs) -> Result<ExitCode, VerifyError> {
    let mut rounds = Rounds::new(args)?;
    let max_age = args.baseline_max_age.unwrap_or(BASELINE_MAX_AGE);
    let baseline = args
        .baseline
        .as_ref()
        .map(|path| Baseline::read(path, &rounds.config.domain, clock::now(), max_age))
        .transpose()?;
    let sinks = Sinks::open(args.format, &args.output)?;
    let recorder = args.record.as_deref().map(Recorder::open).transpose()?;
    // More sockets at once are the point of this program; where the limit can't be raised, a round says what it lacks.
    let _ = rlimit::increase_nofile_limit(u64::MAX);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let progress = Progress::new();
    let verdict = runtime.block_on(async {
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
            verdict = until_passed(&mut rounds, args, baseline, &progress, stop) => verdict,
            () = watch => unreachable!("watching never ends"),
        }
    });
    progress.finish();
    let Verdict {
        outcome,
        demand,
        code,
        roots,
    } = verdict?;
    sinks.write(&Report::new(&outcome, &demand, code))?;
    if let Some(recorder) = recorder {
        recorder.write(Recording {
            started: outcome.started,
            finished: outcome.finished,
            demand,
            roots: Presented(roots.iter().map(|root| root.to_vec()).collect()),
            world: outcome.world,
        })?;
    }
    Ok(code)
}

/// The last look, and what it ends with.
struct Verdict {
    outcome: Outcome,
    demand: Demand,
    code: ExitCode,
    roots: Vec<CertificateDer<'static>>,
}

/// Looks until the gate is satisfied; without `--wait` once.
async fn until_passed(
    rounds: &mut Rounds<'_>,
    args: &VerifyArgs,
    baseline: Option<Baseline>,
    progress: &Progress,
    mut stop: Stop,
) -> Result<Verdict, VerifyError> {
    let consecutive = args.consecutive.map_or(1, std::num::NonZeroU32::get);
    let mut gate = Gate::new(args.wait.unwrap_or_default(), consecutive, args.fail_fast);
    let mut teller = Teller {
        story: Story::default(),
        told: args.wait.is_some(),
        unknown: BTreeSet::new(),
        progress,
        began: Moment::now(),
    };
    let mut carried = Carried::default();
    loop {
        let began = Moment::now();
        let whole = carried.tenants.is_empty();
        let looked = rounds.look(carried, progress, stop.clone()).await?;
        let mut demand = Demand {
            baseline: baseline.clone(),
            ..rounds.demand(&looked)
        };
        let Looked {
            outcome,
            inventory,
            roots,
        } = looked;
        teller.unknown_names(&inventory.awaited);
        let diagnosis = &outcome.diagnosis;
        let still_open = open(diagnosis, &demand);
        let mut look = Look {
            at: teller.began.elapsed(),
            took: began.elapsed(),
            whole,
            code: exit_code(diagnosis, &demand),
            lasting: is_lasting(diagnosis, &still_open, &demand),
            open: still_open,
            changed: false,
        };
        look.changed = teller.waits(&look, &outcome, &demand);
        let next = if stop.pulled() { Next::End } else { gate.after(&look) };
        if look.code == ExitCode::Verified && whole {
            teller.passes(look.at, gate.passed(), gate.consecutive());
        }
        let (pause, whom) = match next {
            Next::Look(pause, whom) => (pause, whom),
            Next::End => {
                if look.code == ExitCode::Verified && !gate.is_satisfied() {
                    demand.too_seldom = Some((gate.passed(), gate.consecutive()));
                }
                let code = exit_code(diagnosis, &demand);
                teller.ends(code, &outcome, &demand);
                return Ok(Verdict {
                    outcome,
                    demand,
                    code,
                    roots,
                });
            }
        };
        teller.rests(pause);
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = stop.wait() => {
                demand.interrupted = true;
                let code = exit_code(diagnosis, &demand);
                teller.ends(code, &outcome, &demand);
                return Ok(Verdict {
                    outcome,
                    demand,
                    code,
                    roots,
                });
            }
        }
        carried = match whom {
            Whom::All => Carried::default(),
            Whom::Only(again) => Carried::but(outcome.world, &again),
        };
    }
}

/// Tells how waiting comes along, where somebody waits.
struct Teller<'p> {
    story: Story,
    told: bool,
    unknown: BTreeSet<String>,
    progress: &'p Progress,
    began: Moment,
}

impl Teller<'_> {
    /// Names that may be slips of the keyboard are told once, with what they may have been meant to be.
    fn unknown_names(&mut self, names: &[Unknown]) {
        for name in names {
            if self.told && self.unknown.insert(name.name.clone()) {
                let nearest = match name.nearest.as_slice() {
                    [] => String::new(),
                    nearest => format!(" (the nearest names there: {})", nearest.join(", ")),
                };
                let line = format!("{} is not in the inventory yet{nearest}", name.name);
                self.progress.say(&Story::note(self.began.elapsed(), &line));
            }
        }
    }

    /// Whether what is waited for is news.
    fn waits(&mut self, look: &Look, outcome: &Outcome, demand: &Demand) -> bool {
        if !self.told || look.code == ExitCode::Verified {
            return false;
        }
        let line = self.story.waiting(
            look.at,
            (&outcome.world, &outcome.diagnosis),
            &look.open,
            !demand.tenants_only,
        );
        line.is_some_and(|line| {
            self.progress.say(&line);
            true
        })
    }

    fn passes(&mut self, at: Duration, passed: u32, of: u32) {
        if let Some(line) = self.story.passed(at, passed, of).filter(|_| self.told) {
            self.progress.say(&line);
        }
    }

    fn rests(&self, pause: Duration) {
        let when = match pause.as_secs_f64().ceil() {
            0.0 => "looking once more at everything".to_owned(),
            seconds => format!("looking again in {seconds} s"),
        };
        self.progress
            .rests(&format!("{when}; waiting for {}", self.story.last()));
    }

    fn ends(&self, code: ExitCode, outcome: &Outcome, demand: &Demand) {
        if self.told {
            let open = open(&outcome.diagnosis, demand);
            let line = Story::end(self.began.elapsed(), code, &outcome.world, &outcome.diagnosis, &open);
            self.progress.say(&line);
        }
    }
}
