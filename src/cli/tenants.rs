//! `roundsman tenants`: the inventory, and what exists without a tenant. Verifies nothing.

use std::collections::BTreeMap;

use clap::Args;
use roundsman_checks::evidence::{Fault, Platform};
use roundsman_checks::platform::Calls;
use roundsman_checks::target::{Hostname, Tenant};
use serde::Serialize;

use super::args::{ListFormat, TargetArgs};
use super::configuration::configuration;
use super::stoppable;
use super::table::{WIDTH, columns, cut};
use super::{colour_errors, usage_error};
use crate::agent::{ApiSnapshot, Clients, Fetch, USER_AGENT};
use crate::config::{Config, render_plain};
use crate::exit_code::ExitCode;
use crate::inventory::{Answers, Inventory, Leftovers, Remote, leftovers, load};
use crate::json;
use crate::text::{clean, counted, wrap};

/// Options of `tenants`.
#[derive(Clone, Debug, Args)]
pub struct TenantsArgs {
    /// Where the configuration is.
    #[command(flatten)]
    pub target: TargetArgs,
    /// What to write to standard output
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT", help_heading = "Output")]
    pub format: ListFormat,
}

/// The listing (`roundsman.tenants/1`). Its fields are a contract; more may be added.
#[derive(Debug, Serialize)]
struct Listing {
    schema: &'static str,
    domain: Hostname,
    exit: u8,
    origin: String,
    complete: bool,
    tenants: Vec<Row>,
    excluded: Vec<String>,
    without_tenant: Leftovers,
    faults: Vec<Silence>,
}

/// One tenant.
#[derive(Debug, Serialize)]
struct Row {
    tenant: String,
    hostname: String,
    app: String,
    /// Whether the platform has the app; `None`: not known.
    app_exists: Option<bool>,
    labels: BTreeMap<String, String>,
    status: Option<String>,
    inactive: bool,
    sources: Vec<&'static str>,
}

/// What was not answered.
#[derive(Debug, Serialize)]
struct Silence {
    of: &'static str,
    #[serde(flatten)]
    fault: Fault,
}

/// Lists the tenants.
#[must_use]
pub fn run(args: &TenantsArgs) -> ExitCode {
    let usage = |error: &dyn std::error::Error| usage_error(&render_plain(&error.to_string(), colour_errors()));
    let config = match configuration(&args.target, &args.target.flags()) {
        Ok(config) => config,
        Err(error) => return usage_error(&error.render(colour_errors())),
    };
    let listing = match gather(args, &config) {
        Ok(Ok(listing)) => listing,
        Ok(Err(error)) => return usage_error(&error.render(colour_errors())),
        Err(error) => return usage(error.as_ref()),
    };
    let text = match args.format {
        ListFormat::Human => human(&listing),
        // Strings, flags and lists only: it always serialises.
        ListFormat::Json => json::text(&listing).unwrap_or_default(),
    };
    super::print(
        &text,
        if listing.exit == 0 {
            ExitCode::Verified
        } else {
            ExitCode::Inconclusive
        },
    )
}

type Gathered = Result<Listing, crate::inventory::InventoryError>;

fn gather(args: &TenantsArgs, config: &Config) -> Result<Gathered, Box<dyn std::error::Error>> {
    let from = args.target.tenants_from.as_ref();
    let clients = Clients::new(config, USER_AGENT, Calls::default())?;
    let remote = Remote::new(config, from, USER_AGENT)?;
    let runtime = stoppable::runtime()?;
    let (snapshot, listed) =
        runtime.block_on(async { tokio::join!(clients.read(Fetch::ALL), Remote::ask(remote.as_ref())) });
    let ApiSnapshot {
        platform,
        listing: records,
        ..
    } = snapshot;
    let answers = Answers {
        platform: platform.known().map(|platform| &**platform),
        listing: listed.as_ref(),
    };
    let inventory = match load(config, from, &[], answers) {
        Ok(inventory) => inventory,
        Err(error) => return Ok(Err(error)),
    };
    let without_tenant = leftovers(&inventory, config, &platform, &records);
    let parts = platform.known().and_then(|platform| platform.apps_missing.as_ref());
    let mut faults = silent("inventory", &inventory.faults);
    faults.extend(silent("platform", platform.fault().into_iter().chain(parts)));
    // The listing is optional: what it would have told is not known, and that is all.
    let exit = if faults.is_empty() {
        0
    } else {
        ExitCode::Inconclusive.code()
    };
    faults.extend(silent("zone listing", records.fault()));
    Ok(Ok(Listing {
        schema: "roundsman.tenants/1",
        domain: config.domain.clone(),
        exit,
        tenants: inventory
            .tenants
            .iter()
            .map(|tenant| row(tenant, &inventory, platform.known().map(|platform| &**platform)))
            .collect(),
        origin: inventory.origin,
        complete: inventory.complete,
        excluded: inventory.excluded,
        without_tenant,
        faults,
    }))
}

fn silent<'f>(of: &'static str, faults: impl IntoIterator<Item = &'f Fault>) -> Vec<Silence> {
    let silence = |fault: &Fault| Silence {
        of,
        fault: fault.clone(),
    };
    faults.into_iter().map(silence).collect()
}

fn row(tenant: &Tenant, inventory: &Inventory, platform: Option<&Platform>) -> Row {
    let exists = platform.and_then(|platform| match platform.apps.contains_key(&tenant.app) {
        true => Some(true),
        false => platform.apps_missing.is_none().then_some(false),
    });
    Row {
        tenant: tenant.id.to_string(),
        hostname: tenant.hostname.to_string(),
        app: tenant.app.clone(),
        app_exists: exists,
        labels: tenant.labels.clone(),
        status: tenant.status.clone(),
        inactive: tenant.inactive,
        sources: inventory.named_by.get(&tenant.id).cloned().unwrap_or_default(),
    }
}

fn human(listing: &Listing) -> String {
    let count = counted(listing.tenants.len(), "tenant");
    let origin = match listing.origin.as_str() {
        "the command line" => "no source is configured",
        origin => origin,
    };
    let mut lines = vec![cut(&format!("{count} · {} · {origin}", listing.domain), WIDTH)];
    if !listing.tenants.is_empty() {
        lines.push(String::new());
        lines.extend(table(listing));
    }
    if !listing.excluded.is_empty() {
        lines.push(format!("\n{} left out by `exclude`", listing.excluded.len()));
    }
    lines.extend(section("without a tenant", loose(&listing.without_tenant)));
    let faults = listing.faults.iter().map(|silence| {
        let detail = clean(&silence.fault.detail);
        (
            "unknown",
            format!("{}: {detail} ({})", silence.of, silence.fault.reason),
        )
    });
    lines.extend(section("not answered", faults.collect()));
    lines.join("\n") + "\n"
}

fn table(listing: &Listing) -> Vec<String> {
    let head = ["TENANT", "APP", "STATUS", "SOURCES", "LABELS"].map(str::to_owned);
    let cells = listing.tenants.iter().map(|row| {
        let gone = if row.app_exists == Some(false) {
            " (missing)"
        } else {
            ""
        };
        let labels = row.labels.iter().map(|(key, value)| format!("{key}={value}"));
        [
            row.tenant.clone(),
            format!("{}{gone}", row.app),
            row.status.clone().unwrap_or_default(),
            row.sources.join(", "),
            labels.collect::<Vec<_>>().join(" "),
        ]
    });
    let rows = columns(&head, &cells.collect::<Vec<_>>());
    let mut lines = rows[..1].to_vec();
    for (line, row) in rows.iter().skip(1).zip(&listing.tenants) {
        lines.push(line.clone());
        if row.hostname != format!("{}.{}", row.tenant.to_lowercase(), listing.domain) {
            lines.push(cut(&format!("  at {}", clean(&row.hostname)), WIDTH));
        }
    }
    lines
}

fn loose(leftovers: &Leftovers) -> Vec<(&'static str, String)> {
    let mut lines = Vec::new();
    for app in leftovers.apps.iter().flatten() {
        lines.push(("app", app.clone()));
    }
    for certificate in leftovers.certificates.iter().flatten() {
        lines.push((
            "certificate",
            format!("{} at {}", certificate.hostname, certificate.app),
        ));
    }
    for record in leftovers.records.iter().flatten() {
        lines.push((
            "record",
            format!("{} {} {}, no such app", record.name, record.kind, record.content),
        ));
    }
    lines
}

/// A headed list whose entries are broken, never cut: their ends matter.
fn section(head: &str, entries: Vec<(&'static str, String)>) -> Vec<String> {
    if entries.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![format!("\n{head}")];
    for (kind, text) in entries {
        lines.push(wrap(&format!("  {kind:<12}"), &clean(&text), Some(WIDTH)));
    }
    lines
}
