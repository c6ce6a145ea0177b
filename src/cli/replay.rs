//! `roundsman replay`: judges the evidence of a recording again, offline, and ends as `verify` does.

use std::path::{Path, PathBuf};

use clap::Args;
use roundsman_checks::chain::TrustStore;
use roundsman_checks::diagnosis::diagnose;
use roundsman_checks::rejudge;
use roundsman_checks::target::Hostname;
use rustls::pki_types::CertificateDer;
use thiserror::Error;

use super::args::{Format, Output};
use super::output::{OutputError, Sinks};
use super::{colour_errors, usage_error};
use crate::agent::{self, RootsError, Round};
use crate::config::{Config, ConfigError, render_plain};
use crate::exit_code::ExitCode;
use crate::gate::exit_code;
use crate::recording::{self, Recording, RecordingError};
use crate::report::Report;

/// Options of `replay`.
#[derive(Clone, Debug, Args)]
pub struct ReplayArgs {
    /// What `verify --record` wrote
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Judge by the expectations and the roots of this configuration; else by those that were recorded
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// What to write to standard output
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub format: Option<Format>,
    /// Write the report to a file as well, `-` for standard output in the place of --format; may be repeated
    #[arg(long, value_name = "FORMAT=FILE")]
    pub output: Vec<Output>,
}

/// Why nothing was judged; exit code 2.
#[derive(Debug, Error)]
enum ReplayError {
    #[error(transparent)]
    Recording(#[from] RecordingError),
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Roots(#[from] RootsError),
    #[error(transparent)]
    Output(#[from] OutputError),
    #[error("{config} is about {ours}, and {file} is a recording of {theirs}: name the configuration of {theirs}")]
    Domain {
        config: String,
        ours: Hostname,
        file: String,
        theirs: Hostname,
    },
}

/// Judges the recording and reports.
#[must_use]
pub fn run(args: &ReplayArgs) -> ExitCode {
    replay(args).unwrap_or_else(|error| match error {
        ReplayError::Config(error) => usage_error(&error.render(colour_errors())),
        other => usage_error(&render_plain(&other.to_string(), colour_errors())),
    })
}

fn replay(args: &ReplayArgs) -> Result<ExitCode, ReplayError> {
    let mut recording = recording::read(&args.file)?;
    let config = args.config.as_deref().map(Config::load).transpose()?;
    let sinks = Sinks::open(args.format, &args.output)?;
    let recorded = |der: &Vec<u8>| CertificateDer::from(der.clone());
    let mut roots = recording.roots.0.iter().map(recorded).collect::<Vec<_>>();
    if let (Some(config), Some(path)) = (&config, &args.config) {
        expect(config, path, &args.file, &mut recording)?;
        roots = agent::roots(config.edge.ca_file.as_deref())?;
    }
    let anchors = TrustStore::new(roots).map_err(RootsError::from)?;
    let mut world = recording.world;
    rejudge::judge_chains(&mut world, &anchors);
    let round = Round {
        diagnosis: diagnose(&world),
        world,
        started: recording.started,
        finished: recording.finished,
    };
    let code = exit_code(&round.diagnosis, &recording.demand);
    sinks.write(&Report::new(&round, &recording.demand, code))?;
    Ok(code)
}

/// Puts the expectations of a configuration in the place of those that were recorded. Releases are expected by the
/// command line, so those stay.
fn expect(config: &Config, path: &Path, file: &Path, recording: &mut Recording) -> Result<(), ReplayError> {
    let (world, demand) = (&mut recording.world, &mut recording.demand);
    if config.domain != world.domain {
        return Err(ReplayError::Domain {
            config: path.display().to_string(),
            ours: config.domain.clone(),
            file: file.display().to_string(),
            theirs: world.domain.clone(),
        });
    }
    world.wildcard = config.certificate;
    demand.severity.clone_from(&config.severity);
    for tenant in &mut world.tenants {
        let mut new = config.expectation_for(&tenant.tenant);
        new.image.clone_from(&tenant.expectation.image);
        new.site.version.clone_from(&tenant.expectation.site.version);
        rejudge::expect(tenant, new);
    }
    Ok(())
}
