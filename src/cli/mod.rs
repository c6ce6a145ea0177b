//! The command line: what can be said, and which file answers it. A file per command; no command lives here.

pub mod alerts;
pub mod args;
mod candidates;
pub mod config;
pub mod configuration;
mod database;
pub mod doctor;
pub mod explain;
mod export;
pub mod github;
mod help;
pub mod incidents;
pub mod init;
pub mod manual;
pub mod output;
pub mod output_paths;
pub mod progress;
pub mod remediate;
pub mod replay;
mod round_traces;
pub mod rounds;
pub mod silences;
pub mod status;
mod stoppable;
mod table;
pub mod tenants;
pub mod trace;
pub mod verify;
mod wait_reporter;
pub mod watch;

use std::io::{IsTerminal as _, Write as _};

use clap::{Parser, Subcommand};

use crate::exit_code::ExitCode;

/// Verifies every tenant behind one shared edge, and says why one is broken
#[derive(Debug, Parser)]
#[command(name = "roundsman", version, max_term_width = 100, arg_required_else_help = true)]
#[command(after_help = help::all())]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Verify all tenants, or those named, once
    #[command(after_help = help::verify())]
    Verify(Box<args::VerifyArgs>),
    /// Verify every tenant on schedule, for ever, and keep the incidents
    #[command(after_help = help::watch())]
    Watch(watch::WatchArgs),
    /// List the incidents, show one, or say that somebody looks after it
    #[command(after_help = help::incidents())]
    Incidents(incidents::IncidentsArgs),
    /// Mute what is known, on purpose and for a while
    #[command(subcommand, after_help = help::silences())]
    Silences(silences::SilencesCommand),
    /// Try a channel, see what messages look like, list what was not delivered
    #[command(subcommand, after_help = help::alerts())]
    Alerts(alerts::AlertsCommand),
    /// Say what `watch` knows now of each tenant
    #[command(after_help = help::status())]
    Status(status::StatusArgs),
    /// Plan repairs of what fails, carry them out, take them back
    #[command(after_help = help::remediate())]
    Remediate(Box<remediate::RemediateArgs>),
    /// Judge recorded evidence again, offline
    #[command(after_help = help::replay())]
    Replay(replay::ReplayArgs),
    /// Trace one request to a tenant hop by hop, with its log lines
    #[command(after_help = help::trace())]
    Trace(Box<trace::TraceArgs>),
    /// Look whether roundsman has what it needs: settings, tokens, name servers, clock
    #[command(after_help = help::doctor())]
    Doctor(Box<doctor::DoctorArgs>),
    /// List the tenants, the sources that name them, and what exists without a tenant
    #[command(after_help = help::tenants())]
    Tenants(Box<tenants::TenantsArgs>),
    /// Write a first roundsman.toml of what the options say; never over an existing file
    #[command(after_help = help::init())]
    Init(init::InitArgs),
    /// Check the configuration, or show what it can hold
    #[command(subcommand, after_help = help::config())]
    Config(config::ConfigCommand),
    /// Say what a cause means, what proves it, and what to do
    #[command(after_help = help::explain())]
    Explain(explain::ExplainArgs),
    /// Print what a shell needs to complete commands, options and values
    #[command(after_help = help::completions())]
    Completions(manual::CompletionsArgs),
    /// Print the manual, or write a page per command
    #[command(after_help = help::man())]
    Man(manual::ManArgs),
}

/// Carries out what was said on the command line.
#[must_use]
pub fn run(cli: &Cli) -> ExitCode {
    match &cli.command {
        Command::Verify(args) => verify::run(args),
        Command::Watch(args) => watch::run(args),
        Command::Incidents(args) => incidents::run(args),
        Command::Silences(command) => silences::run(command),
        Command::Alerts(command) => alerts::run(command),
        Command::Status(args) => status::run(args),
        Command::Remediate(args) => remediate::run(args),
        Command::Replay(args) => replay::run(args),
        Command::Trace(args) => trace::run(args),
        Command::Doctor(args) => doctor::run(args),
        Command::Tenants(args) => tenants::run(args),
        Command::Init(args) => init::run(args),
        Command::Config(command) => config::run(command),
        Command::Explain(args) => explain::run(args),
        Command::Completions(args) => manual::completions(args),
        Command::Man(args) => manual::man(args),
    }
}

/// Whether errors are coloured: on a terminal, unless `NO_COLOR` says otherwise (no-color.org).
#[must_use]
pub fn colour_errors() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Says what is wrong with the command line or the configuration, and ends with 2.
pub(crate) fn usage_error(rendered: &str) -> ExitCode {
    // Where standard error is closed there is nobody left to tell; the exit code still says it.
    let _ = writeln!(std::io::stderr(), "{rendered}");
    ExitCode::Usage
}

/// Writes to standard output; a reader that went away (`| head`) is no error of ours.
///
/// # Errors
/// What else keeps the text from being written: a full disk, a closed descriptor.
pub(crate) fn write_out(write: impl FnOnce(&mut dyn std::io::Write) -> std::io::Result<()>) -> std::io::Result<()> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    match write(&mut out).and_then(|()| out.flush()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

/// Writes to standard output, and ends with `code`; with 2 and an error where it could not be written.
pub(crate) fn print(text: &str, code: ExitCode) -> ExitCode {
    match write_out(|out| out.write_all(text.as_bytes())) {
        Ok(()) => code,
        Err(error) => usage_error(&crate::config::render_plain(
            &format!("standard output: {error}; nothing of it can be relied on"),
            colour_errors(),
        )),
    }
}

#[cfg(test)]
mod tests;
