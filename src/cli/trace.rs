//! `roundsman trace`: one tenant's request told hop by hop, and what it left in the logs. The looking is a round's.

use std::io::IsTerminal as _;

use clap::Args;

use super::args::{ListFormat, TargetArgs};
use super::configuration::configuration;
use super::output::style;
use super::progress::Progress;
use super::rounds::{VerifyError, demand, of_trace};
use super::stoppable;
use super::{colour_errors, usage_error};
use crate::agent::{CompletedRound, ReusedEvidence, Setup, run as run_round};
use crate::config::render_plain;
use crate::exit_code::ExitCode;
use crate::gate::{GatePolicy, exit_code};
use crate::inventory::TenantsFrom;
use crate::json;
use crate::report::Report;
use crate::trace::{self, Setting, TerminalStyle, Trace};

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
    let config = configuration(&args.target, &args.target.flags())?;
    // A stream is read once, and before anybody waits for a signal.
    let from = args.target.tenants_from.clone().map(TenantsFrom::kept).transpose()?;
    let request = of_trace(args);
    let progress = Progress::new();
    let done = stoppable::run(async |stop| -> Result<_, VerifyError> {
        let setup = Setup::new(config, from)?;
        let completed = run_round(&setup, &request, ReusedEvidence::default(), &progress, stop).await?;
        Ok((setup.config, completed))
    })?;
    progress.finish();
    let (config, completed) = done?;
    let demand = GatePolicy {
        severity: config.severity.clone(),
        ..demand(&request, &completed)
    };
    let CompletedRound { round, inventory } = completed;
    let code = exit_code(&round.diagnosis, &demand);
    let tenant = inventory.tenants.first();
    let site = tenant.map_or_else(|| config.site.clone(), |tenant| config.site_for(tenant));
    let setting = Setting {
        version: site.version,
        addresses_given: !config.edge.addresses.is_empty(),
        logs_left_out: args.no_logs,
    };
    let report = Report::new(&round, &demand, code);
    let Some(trace) = Trace::new(&round, report, &setting) else {
        let text = format!("{}: there is no such tenant, so nothing was traced", args.tenant);
        return Ok(usage_error(&render_plain(&text, colour_errors())));
    };
    let text = match args.format {
        ListFormat::Human => trace::render(&trace, shown()),
        // Strings, flags, numbers and lists only: it always serialises.
        ListFormat::Json => json::text(&trace).unwrap_or_default(),
    };
    Ok(stoppable::write(move || super::print(&text, code))?)
}

/// How the terminal, or the pipe, shows it.
fn shown() -> TerminalStyle {
    let terminal = std::io::stdout().is_terminal();
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let dumb = terminal && variable("TERM").is_some_and(|term| term == "dumb");
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(variable);
    TerminalStyle {
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
