//! `roundsman trace`: one tenant's request told hop by hop, and what it left in the logs. The looking is a round's.

use std::io::IsTerminal as _;

use clap::{Args, FromArgMatches as _};

use super::args::{ListFormat, TargetArgs, VerifyArgs};
use super::output::style;
use super::progress::Progress;
use super::rounds::{Logs, Rounds, VerifyError};
use super::stoppable;
use super::{colour_errors, usage_error};
use crate::agent::Carried;
use crate::exit_code::ExitCode;
use crate::gate::exit_code;
use crate::report::{self, Look, Report};
use crate::trace::{Setting, Trace};

/// Options of `trace`.
#[derive(Clone, Debug, Args)]
pub struct TraceArgs {
    /// Where the configuration is.
    #[command(flatten)]
    pub target: TargetArgs,
    /// Id or host name of the tenant; where it sleeps it is woken
    #[arg(value_name = "TENANT")]
    pub tenant: String,
    /// What to write to standard output
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT", help_heading = "Output")]
    pub format: ListFormat,
    /// Leave the logs of the edge app and of the tenant's app out
    #[arg(long)]
    pub no_logs: bool,
}

/// Traces the tenant.
#[must_use]
pub fn run(args: &TraceArgs) -> ExitCode {
    trace(args).unwrap_or_else(|error| usage_error(&error.render(colour_errors())))
}

fn trace(args: &TraceArgs) -> Result<ExitCode, VerifyError> {
    let verify = as_verify(args)?;
    let logs = if args.no_logs { Logs::LeftOut } else { Logs::Read };
    let rounds = Rounds::new(&verify)?.tracing(logs);
    let progress = Progress::new();
    let looked = stoppable::run(|stop| rounds.look(Carried::default(), &progress, stop))?;
    progress.finish();
    let looked = looked?;
    let demand = rounds.demand(&looked);
    let code = exit_code(&looked.outcome.diagnosis, &demand);
    let tenant = looked.inventory.tenants.first();
    let site = tenant.map_or_else(|| rounds.config.site.clone(), |tenant| rounds.config.site_for(tenant));
    let setting = Setting {
        version: site.version,
        addresses_given: !rounds.config.edge.addresses.is_empty(),
        logs_left_out: args.no_logs,
    };
    let report = Report::new(&looked.outcome, &demand, code);
    let Some(trace) = Trace::new(&looked.outcome, report, &setting) else {
        let text = format!("{}: there is no such tenant, so nothing was traced", args.tenant);
        return Ok(usage_error(&crate::config::render_plain(&text, colour_errors())));
    };
    let text = match args.format {
        ListFormat::Human => report::trace(&trace, shown()),
        // Strings, flags, numbers and lists only: it always serialises.
        ListFormat::Json => serde_json::to_string_pretty(&trace).unwrap_or_default() + "\n",
    };
    Ok(super::print(&text, code))
}

/// The round of a `verify` that names this one tenant.
fn as_verify(args: &TraceArgs) -> Result<VerifyArgs, VerifyError> {
    let command = VerifyArgs::augment_args(clap::Command::new("verify"));
    let plain = command.try_get_matches_from(["verify"]);
    let plain = plain.and_then(|matches| VerifyArgs::from_arg_matches(&matches));
    let plain = plain.map_err(|error| std::io::Error::other(error.to_string()))?;
    Ok(VerifyArgs {
        target: args.target.clone(),
        tenants: vec![args.tenant.clone()],
        ..plain
    })
}

/// How the terminal, or the pipe, shows it.
fn shown() -> Look {
    let terminal = std::io::stdout().is_terminal();
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let dumb = terminal && variable("TERM").is_some_and(|term| term == "dumb");
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(variable);
    Look {
        style: style(),
        ascii: dumb || !speaks_unicode(locale.as_deref(), terminal),
    }
}

/// Whether a locale has Unicode. Where none is set a terminal may not show it; a pipe only carries it.
fn speaks_unicode(locale: Option<&str>, terminal: bool) -> bool {
    let Some(locale) = locale else { return !terminal };
    let locale = locale.to_ascii_lowercase();
    locale.contains("utf-8") || locale.contains("utf8")
}

#[cfg(test)]
mod tests {
    use super::speaks_unicode;

    #[test]
    fn only_a_unicode_locale_or_a_pipe_without_one_gets_unicode() {
        assert!(speaks_unicode(Some("en_GB.UTF-8"), true) && speaks_unicode(Some("C.utf8"), false));
        assert!(!speaks_unicode(Some("C"), false) && !speaks_unicode(Some("de_DE.ISO-8859-1"), true));
        assert!(speaks_unicode(None, false) && !speaks_unicode(None, true));
    }
}
