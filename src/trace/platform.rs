//! What the platform says of a traced tenant: its app, the machines, and who holds certificates that cover the name.

use std::net::IpAddr;

use jiff::Timestamp;
use roundsman_checks::chain::covers;
use roundsman_checks::evidence::{Exit, MachineState, Platform};
use roundsman_checks::reading::is_under;
use roundsman_checks::target::{Hostname, Tenant};
use serde::Serialize;

/// Certificates that are told.
const MOST: usize = 20;

/// The platform's word.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Told {
    pub(crate) organization: String,
    pub(crate) edge_app: String,
    /// Whether the app exists; `None`: the list of apps is not complete.
    pub(crate) exists: Option<bool>,
    pub(crate) network: Option<String>,
    pub(crate) addresses: Vec<IpAddr>,
    pub(crate) machines: Vec<Machine>,
    /// Why the machines are not all known.
    pub(crate) machines_missing: Option<String>,
    /// Regions that did not answer about their machines.
    pub(crate) silent_regions: Vec<String>,
    /// Every certificate that covers the name, and those of the app for names under the domain.
    pub(crate) certificates: Vec<Certificate>,
}

/// One machine.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Machine {
    pub(crate) id: String,
    pub(crate) state: MachineState,
    pub(crate) region: String,
    pub(crate) image: Option<String>,
    pub(crate) autostart: Option<bool>,
    pub(crate) last_exit: Option<Exit>,
}

/// One certificate.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Certificate {
    pub(crate) app: String,
    pub(crate) hostname: String,
    pub(crate) status: String,
    pub(crate) expires_at: Option<Timestamp>,
    pub(crate) errors: Vec<String>,
}

pub(super) fn told(platform: &Platform, tenant: &Tenant, domain: &Hostname) -> Told {
    let app = platform.apps.get(&tenant.app);
    let machines = app.iter().flat_map(|app| &app.machines).map(|machine| Machine {
        id: machine.id.clone(),
        state: machine.state.clone(),
        region: machine.region.clone(),
        image: machine.image.clone(),
        autostart: machine.autostart,
        last_exit: machine.last_exit.clone(),
    });
    let missing = match app {
        Some(_) => platform.told(&tenant.app).machines_missing(),
        None => platform.apps_missing.clone(),
    };
    let certificates = platform.apps.values().flat_map(|app| {
        let own = app.name == tenant.app;
        let concerns = move |name: &str| covers(name, tenant.hostname.as_str()) || (own && is_under(name, domain));
        let held = app.certificates.iter().filter(move |held| concerns(&held.hostname));
        held.map(|held| Certificate {
            app: app.name.clone(),
            hostname: held.hostname.clone(),
            status: held.status.clone(),
            expires_at: held.expires_at,
            errors: held.errors.clone(),
        })
    });
    Told {
        organization: platform.organization.clone(),
        edge_app: platform.edge_app.clone(),
        exists: match app {
            Some(_) => Some(true),
            None if platform.apps_missing.is_some() => None,
            None => Some(false),
        },
        network: app.and_then(|app| app.network.clone()),
        addresses: app.map(|app| app.addresses.clone()).unwrap_or_default(),
        machines: machines.collect(),
        machines_missing: missing.map(|fault| fault.detail),
        silent_regions: platform.silent_regions.iter().cloned().collect(),
        certificates: certificates.take(MOST).collect(),
    }
}
