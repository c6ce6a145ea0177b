//! `roundsman remediate`: what would fix what fails, and whoever does it; what was done, and how it is taken back.

mod apply;
mod ledger;
mod plan;
mod undo;
mod view;

use clap::{Args, Subcommand};

use super::args::{ConfigArgs, Shape, TargetArgs};
use super::candidates;
use super::database::{end, path, plain};
use super::help;
use crate::agent::clock;
use crate::exit_code::ExitCode;
use crate::remediation::Switch;

/// Options of `remediate`.
#[derive(Clone, Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct RemediateArgs {
    /// What to do; nothing: plan, and carry out with --apply.
    #[command(subcommand)]
    pub command: Option<RemediateCommand>,
    /// What to plan.
    #[command(flatten)]
    pub plan: PlanArgs,
}

/// What else can be done.
#[derive(Clone, Debug, Subcommand)]
pub enum RemediateCommand {
    /// Take back what a plan did: a deleted record comes back as it was
    #[command(after_help = help::remediate())]
    Undo(UndoArgs),
    /// List what was done, tried and taken back, and check that nobody changed the list
    #[command(after_help = help::remediate())]
    Ledger(LedgerArgs),
    /// Stop all repairs, those of `watch` too, until `resume`
    #[command(after_help = help::remediate())]
    Stop(SwitchArgs),
    /// Let repairs go on
    #[command(after_help = help::remediate())]
    Resume(SwitchArgs),
}

/// Options of planning and applying.
#[derive(Clone, Debug, Args)]
pub struct PlanArgs {
    /// Where the configuration is.
    #[command(flatten)]
    pub target: TargetArgs,
    /// Ids or host names of the tenants to repair; none: all
    #[arg(value_name = "TENANT", add = candidates::tenants())]
    pub tenants: Vec<String>,
    /// Carry out what `remediation.allow` permits, and what you say yes to
    #[arg(long, help_heading = "Repairs")]
    pub apply: bool,
    /// Say yes to every plan that may be carried out without a person's hands
    #[arg(long, requires = "apply", help_heading = "Repairs")]
    pub yes: bool,
    /// Lift what limits the amount: at most this many plans, asked for once
    #[arg(long, value_name = "N", requires = "apply", help_heading = "Repairs")]
    pub max: Option<std::num::NonZeroU32>,
    /// With --max: how many plans will run; another number changes nothing
    #[arg(long, value_name = "N", requires = "max", help_heading = "Repairs")]
    pub confirm: Option<u32>,
    /// How many plans are carried out before they are verified together [default: 3]
    #[arg(long, value_name = "N", requires = "apply", help_heading = "Repairs")]
    pub batch: Option<std::num::NonZeroU32>,
    /// What to write
    #[arg(long, value_enum, default_value_t)]
    pub format: Shape,
}

/// Options of `remediate undo`.
#[derive(Clone, Debug, Args)]
pub struct UndoArgs {
    /// Which configuration.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// The plan
    pub id: String,
    /// Say yes
    #[arg(long)]
    pub yes: bool,
}

/// Options of `remediate ledger`.
#[derive(Clone, Debug, Args)]
pub struct LedgerArgs {
    /// Which configuration.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// What to write
    #[arg(long, value_enum, default_value_t)]
    pub format: Shape,
}

/// Options of `remediate stop` and `remediate resume`.
#[derive(Clone, Debug, Args)]
pub struct SwitchArgs {
    /// Which configuration.
    #[command(flatten)]
    pub config: ConfigArgs,
}

/// Does what is asked.
#[must_use]
pub fn run(args: &RemediateArgs) -> ExitCode {
    match &args.command {
        None => plan::run(&args.plan),
        Some(RemediateCommand::Undo(args)) => undo::run(args),
        Some(RemediateCommand::Ledger(args)) => ledger::run(args),
        Some(RemediateCommand::Stop(args)) => end(stop(args)),
        Some(RemediateCommand::Resume(args)) => end(resume(args)),
    }
}

fn stop(args: &SwitchArgs) -> Result<String, String> {
    let switch = Switch::of(&path(&args.config)?);
    let stopped = switch.stop_by(&who(), clock::now());
    stopped.map_err(|error| plain(&format!("{}: {error}", switch.path().display())))?;
    Ok("nothing is repaired until `roundsman remediate resume`\n".to_owned())
}

fn resume(args: &SwitchArgs) -> Result<String, String> {
    let switch = Switch::of(&path(&args.config)?);
    let resumed = switch.resume();
    resumed.map_err(|error| plain(&format!("{}: {error}", switch.path().display())))?;
    Ok("repairs go on\n".to_owned())
}

/// Who asks, for the ledger.
fn who() -> String {
    let user = ["USER", "LOGNAME"]
        .into_iter()
        .find_map(|name| std::env::var(name).ok());
    let user = user.filter(|user| !user.is_empty()).unwrap_or_else(|| {
        // Containers often have no name for it.
        format!("uid {}", nix::unistd::Uid::current())
    });
    let host = gethostname::gethostname().to_string_lossy().into_owned();
    format!("{user}@{host}")
}
