//! `roundsman trace`: one tenant's request told hop by hop, and what it left in the logs. The looking is a round's.

use clap::Args;

use super::args::{ListFormat, TargetArgs};
use super::candidates;
use super::configuration::configuration;
use super::output::style;
use super::progress::Progress;
use super::round_traces::{RoundTraces, TracedRound, warn};
use super::rounds::{VerifyError, demand, of_trace};
use super::stoppable;
use super::{colour_errors, usage_error};
use crate::agent::{CompletedRound, ReusedEvidence, Setup};
use crate::config::render_plain;
use crate::exit_code::ExitCode;
use crate::gate::{GatePolicy, exit_code};
use crate::inventory::TenantsFrom;
use crate::json;
use crate::report::Report;
use crate::trace::{self, Setting, Trace};

/// Options of `trace`.
#[derive(Clone, Debug, Args)]
pub struct TraceArgs {
    /// Where the configuration is.
    #[command(flatten)]
    pub target: TargetArgs,
    /// Id or host name of the tenant; where it sleeps it is woken
    #[arg(value_name = "TENANT", add = candidates::tenants())]
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
        let (traces, mut untold) = RoundTraces::start(&config);
        let traces = traces.map(RoundTraces::of_all);
        let setup = Setup::new(config, from)?;
        let by = TracedRound {
            setup: &setup,
            observer: &progress,
            traces: traces.as_ref(),
        };
        let completed = by.run(&request, ReusedEvidence::default(), stop.clone()).await;
        if let Some(traces) = traces {
            untold.extend(traces.end(&stop).await);
        }
        Ok((setup.config, completed, untold))
    })?;
    progress.finish();
    let (config, completed, untold) = done?;
    warn(&untold);
    let completed = completed?;
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
        ListFormat::Human => trace::render(&trace, style()),
        // Strings, flags, numbers and lists only: it always serialises.
        ListFormat::Json => json::text(&trace).unwrap_or_default(),
    };
    Ok(stoppable::write(move || super::print(&text, code))?)
}
