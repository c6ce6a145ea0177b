//! `roundsman status`: what is known now of each tenant, since when, and when it is looked at next.

use clap::Args;

use super::args::{ConfigArgs, Shape};
use super::database::{end, json, path, plain, reader, second};
use super::table::columns;
use crate::daemon::{ApiError, Question, ask};
use crate::exit_code::ExitCode;
use crate::watch::{TenantMemory, TenantStatus};

/// Options of `status`.
#[derive(Clone, Debug, Args)]
pub struct StatusArgs {
    /// Which configuration.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Ids of the tenants; none: all
    #[arg(value_name = "TENANT")]
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
    let known = match ask::<Vec<TenantStatus>>(&path(&args.config)?, &question) {
        Err(ApiError::NotRunning) => remembered(args)?,
        other => other.map_err(|error| plain(&error))?,
    };
    match args.format {
        Shape::Json => json(&known),
        Shape::Human => Ok(human(&known)),
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
    });
    Ok(shown.collect())
}

fn human(known: &[TenantStatus]) -> String {
    if known.is_empty() {
        return "no tenant is known\n".to_owned();
    }
    let head = ["TENANT", "STATUS", "CAUSE", "SINCE", "NEXT LOOK"].map(str::to_owned);
    let rows = known.iter().map(|tenant| {
        [
            tenant.tenant.clone(),
            tenant.status.to_string(),
            tenant.cause.map(|cause| cause.to_string()).unwrap_or_default(),
            tenant.since.map(second).unwrap_or_default(),
            tenant.next.map(second).unwrap_or_default(),
        ]
    });
    columns(&head, &rows.collect::<Vec<_>>()).join("\n") + "\n"
}
