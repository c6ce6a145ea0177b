//! `roundsman status`: what is known now of each tenant, since when, and when it is looked at next.

use clap::Args;
use jiff::Timestamp;
use roundsman_checks::diagnosis::Status;

use super::args::{ConfigArgs, Shape};
use super::candidates;
use super::database::{end, json, minute, path, plain, reader};
use super::table::columns;
use crate::agent::clock;
use crate::daemon::{ApiError, Question, ask, known};
use crate::exit_code::ExitCode;
use crate::history::Uptime;
use crate::watch::{TenantMemory, TenantStatus};

/// Options of `status`.
#[derive(Clone, Debug, Args)]
pub struct StatusArgs {
    /// Which configuration.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Ids of the tenants; none: all
    #[arg(value_name = "TENANT", add = candidates::tenants())]
    pub tenants: Vec<String>,
    /// What to write
    #[arg(long, value_enum, default_value_t)]
    pub format: Shape,
}

/// Says what is known.
#[must_use]
pub fn run(args: &StatusArgs) -> ExitCode {
    end(status(args))
}

fn status(args: &StatusArgs) -> Result<String, String> {
    let question = Question::Status {
        tenants: args.tenants.clone(),
    };
    let mut known = match ask::<Vec<TenantStatus>>(&path(&args.config)?, &question) {
        Err(ApiError::NotRunning) => remembered(args)?,
        other => other.map_err(|error| plain(&error))?,
    };
    // How each did is asked for where somebody reads it: of those who are named, or in JSON.
    if args.format == Shape::Json || !args.tenants.is_empty() {
        let all = known::with_uptime(&reader(&args.config)?, known, clock::now());
        known = all.map_err(|error| plain(&error))?;
    }
    match args.format {
        Shape::Json => json(&known),
        Shape::Human => Ok(human(&known, clock::now())),
    }
}

/// What was known last, where no daemon runs.
fn remembered(args: &StatusArgs) -> Result<Vec<TenantStatus>, String> {
    let known = reader(&args.config)?
        .remembered()
        .map_err(|error| plain(&error))?
        .tenants;
    let unknown = args
        .tenants
        .iter()
        .find(|id| !known.iter().any(|tenant| tenant.tenant == **id));
    if let Some(id) = unknown {
        return Err(plain(&format!("no tenant `{id}`")));
    }
    let wanted = |tenant: &TenantMemory| args.tenants.is_empty() || args.tenants.contains(&tenant.tenant);
    let known = known.into_iter().filter(wanted);
    let shown = known.map(|tenant| TenantStatus {
        tenant: tenant.tenant,
        hostname: None,
        app: None,
        status: tenant.status,
        cause: tenant.cause,
        since: Some(tenant.since),
        last_good: tenant.last_good,
        examined_at: None,
        next: None,
        uptime: None,
    });
    Ok(shown.collect())
}

/// As in `in 12 s`.
fn until(at: Timestamp, now: Timestamp) -> String {
    match at.duration_since(now).as_secs() {
        ..=0 => "now".to_owned(),
        seconds @ 1..120 => format!("in {seconds} s"),
        seconds @ 120..7_200 => format!("in {} min", seconds / 60),
        seconds => format!("in {} h", seconds / 3_600),
    }
}

fn human(known: &[TenantStatus], now: Timestamp) -> String {
    if known.is_empty() {
        return "no tenant is known\n".to_owned();
    }
    let head = ["TENANT", "STATUS", "CAUSE", "SINCE", "LAST GOOD", "NEXT LOOK"].map(str::to_owned);
    let rows = known.iter().map(|tenant| {
        [
            tenant.tenant.clone(),
            tenant.status.to_string(),
            tenant.cause.map(|cause| cause.to_string()).unwrap_or_default(),
            tenant.since.map(minute).unwrap_or_default(),
            // Of who is well it says nothing new.
            tenant
                .last_good
                .filter(|_| tenant.status != Status::Healthy)
                .map(minute)
                .unwrap_or_default(),
            tenant.next.map(|at| until(at, now)).unwrap_or_default(),
        ]
    });
    let mut lines = columns(&head, &rows.collect::<Vec<_>>());
    let told = known
        .iter()
        .filter_map(|tenant| Some(format!("{}: {}", tenant.tenant, did(tenant.uptime.as_ref()?)?)));
    lines.extend(told);
    lines.join("\n") + "\n"
}

/// How a tenant did, in words; nothing where nobody looked yet.
fn did(uptime: &Uptime) -> Option<String> {
    // Down is never rounded away: what is not all is at most 99.99 %.
    let percent = |share: f64| match share {
        1.0 => "100 %".to_owned(),
        share => format!("{:.2} %", (share * 10_000.0).floor() / 100.0),
    };
    let mut parts = Vec::new();
    if let Some(day) = uptime.day {
        parts.push(format!("up {} of the last 24 h", percent(day)));
    }
    if let Some(month) = uptime.month {
        parts.push(format!("{} of 30 days", percent(month)));
    }
    let phases = uptime.typical_ms;
    let phases = [
        ("resolve", phases.resolve),
        ("connect", phases.connect),
        ("tls", phases.tls),
        ("processing", phases.processing),
        ("transfer", phases.transfer),
    ];
    let phases = phases
        .iter()
        .filter_map(|(phase, ms)| Some(format!("{phase} {:.1}", (*ms)?)))
        .collect::<Vec<_>>();
    if !phases.is_empty() {
        parts.push(format!("typically {} ms", phases.join(", ")));
    }
    if let Some(slow) = uptime.slow_ms {
        parts.push(format!("a visit within {slow:.0} ms"));
    }
    (!parts.is_empty()).then(|| parts.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_down_is_not_rounded_away() {
        let uptime = Uptime {
            day: Some(0.999_99),
            month: Some(1.0),
            slow_ms: Some(81.4),
            ..Uptime::default()
        };
        let told = did(&uptime);
        let expected = "up 99.99 % of the last 24 h; 100 % of 30 days; a visit within 81 ms";
        assert_eq!(told.as_deref(), Some(expected));
        assert_eq!(did(&Uptime::default()), None);
    }
}
