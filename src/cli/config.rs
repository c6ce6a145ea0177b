//! `roundsman config`: check, schema, example.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::args::TargetArgs;
use super::configuration::{ConfigurationError, configuration};
use super::{colour_errors, help, print, usage_error};
use crate::config::{DEFAULT_FILE, example, schema};
use crate::exit_code::ExitCode;
use crate::inventory::{Answers, load};
use crate::text::counted;

/// The commands below `config`.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Check the configuration and the inventory: file, line, column, what to write instead
    #[command(after_help = help::config_check())]
    Check(CheckArgs),
    /// Print the JSON Schema of roundsman.toml, for editors
    #[command(after_help = help::config_schema())]
    Schema,
    /// Print a commented example with every key
    #[command(after_help = help::config_example())]
    Example,
}

/// Options of `config check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// The configuration; the same as --config FILE
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Where the configuration is.
    #[command(flatten)]
    pub target: TargetArgs,
}

impl CheckArgs {
    fn target(&self) -> TargetArgs {
        TargetArgs {
            config: self.file.clone().or_else(|| self.target.config.clone()),
            ..self.target.clone()
        }
    }
}

/// Carries out one of them.
#[must_use]
pub fn run(command: &ConfigCommand) -> ExitCode {
    match command {
        ConfigCommand::Schema => print(&format!("{:#}\n", schema()), ExitCode::Verified),
        ConfigCommand::Example => print(&example(), ExitCode::Verified),
        ConfigCommand::Check(args) => match check(&args.target()) {
            Ok(sentence) => print(&sentence, ExitCode::Verified),
            Err(error) => usage_error(&error.render(colour_errors())),
        },
    }
}

/// One sentence where all is well. Nobody is contacted, so this says nothing of the tenants themselves.
fn check(target: &TargetArgs) -> Result<String, ConfigurationError> {
    let config = configuration(target, &target.flags())?;
    config.check_files()?;
    crate::agent::anchors(config.edge.ca_file.as_deref())?;
    let inventory = load(&config, target.tenants_from.as_ref(), &[], Answers::default())?;
    let name = config
        .path
        .as_ref()
        .map_or_else(|| DEFAULT_FILE.into(), |path| path.display().to_string());
    let tenants = match (inventory.tenants.len(), inventory.origin.as_str()) {
        _ if !inventory.complete => "the tenants are asked for when a round begins".to_owned(),
        (_, "" | "the command line") => "no tenants configured: name them on the command line".to_owned(),
        (count, origin) => format!("{} from {origin}", counted(count, "tenant")),
    };
    Ok(format!("{name}: valid, {tenants}\n"))
}
