//! Machines of an organization from the Machines API: states, images, services, the regions that did not answer.

use reqwest::Method;
use serde_json::Value;

use crate::evidence::{Fault, Machine, Platform, Reason};
use crate::platform::http::Api;

/// Machines on one page.
const PAGE: usize = 1000;
/// Most pages that are read.
const MOST_PAGES: usize = 1000;

/// The organization that a token belongs to.
///
/// # Errors
/// The fault of the call, or that the token belongs to several.
pub(super) async fn organization(api: &Api) -> Result<String, Fault> {
    let answer = api
        .ask("current-token", Method::GET, "/v1/tokens/current", None)
        .await?;
    let tokens = answer.get("tokens").and_then(Value::as_array).into_iter().flatten();
    let mut slugs = tokens
        .filter_map(|token| token.get("org_slug").and_then(Value::as_str))
        .map(str::to_owned)
        .collect::<Vec<_>>();
    slugs.sort_unstable();
    slugs.dedup();
    match slugs.as_slice() {
        [one] => Ok(one.clone()),
        _ => Err(Fault::new(
            Reason::PlatformMalformed,
            "the token does not name one organization: set `[fly] organization`",
        )),
    }
}

/// Adds what the Machines API knows to the apps of the platform.
pub(super) async fn read(api: &Api, platform: &mut Platform) {
    let mut cursor = None::<String>;
    for _ in 0..MOST_PAGES {
        let page = cursor
            .as_ref()
            .map(|cursor| format!("&cursor={cursor}"))
            .unwrap_or_default();
        let path = format!(
            "/v1/orgs/{}/machines?summary=false&limit={PAGE}{page}",
            platform.organization
        );
        let answer = match api.ask("org-machines", Method::GET, &path, None).await {
            Ok(answer) => answer,
            Err(fault) => {
                platform.machines_missing = Some(fault);
                return;
            }
        };
        let regions = answer
            .get("error_regions")
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        platform
            .silent_regions
            .extend(regions.filter_map(|region| region.as_str().map(str::to_owned)));
        for value in answer.get("machines").and_then(Value::as_array).into_iter().flatten() {
            add(platform, value);
        }
        cursor = answer
            .get("next_cursor")
            .and_then(Value::as_str)
            .filter(|cursor| !cursor.is_empty())
            .map(str::to_owned);
        if cursor.is_none() {
            return;
        }
    }
}

/// What only the detail of an app's machines tells: its health checks, and the digests of its images.
///
/// # Errors
/// The fault of the call.
pub(super) async fn details(api: &Api, app: &str) -> Result<Vec<Machine>, Fault> {
    let path = format!("/v1/apps/{app}/machines?summary=false&limit={PAGE}");
    let answer = api.ask("app-machines", Method::GET, &path, None).await?;
    let Some(values) = answer.as_array() else {
        return Err(Fault::new(
            Reason::PlatformMalformed,
            format!("the machines of {app} are no list"),
        ));
    };
    Ok(values.iter().filter_map(machine).collect())
}

fn add(platform: &mut Platform, value: &Value) {
    let name = value.get("app_name").and_then(Value::as_str);
    let Some(app) = name.and_then(|name| platform.apps.get_mut(name)) else {
        return;
    };
    let Some(told) = machine(value) else { return };
    match app.machines.iter_mut().find(|known| known.id == told.id) {
        Some(known) => {
            *known = Machine {
                last_exit: known.last_exit.take(),
                ..told
            }
        }
        None => app.machines.push(told),
    }
}

fn machine(value: &Value) -> Option<Machine> {
    let text = |key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
    let services = value.pointer("/config/services").and_then(Value::as_array);
    let autostart = services.map(|services| {
        services
            .iter()
            .any(|service| service.get("autostart").and_then(Value::as_bool).unwrap_or(false))
    });
    let ports = services.map(|services| {
        let ports = services
            .iter()
            .filter_map(|service| service.get("ports")?.as_array())
            .flatten();
        ports
            .filter_map(|port| u16::try_from(port.get("port")?.as_u64()?).ok())
            .collect()
    });
    let checks = value
        .get("checks")
        .and_then(Value::as_array)
        .filter(|checks| !checks.is_empty());
    let passing = |check: &Value| check.get("status").and_then(Value::as_str) == Some("passing");
    Some(Machine {
        id: text("id")?,
        state: text("state").unwrap_or_default().into(),
        region: text("region").unwrap_or_default(),
        image: value
            .pointer("/config/image")
            .and_then(Value::as_str)
            .map(str::to_owned),
        digest: value
            .pointer("/image_ref/digest")
            .and_then(Value::as_str)
            .map(str::to_owned),
        autostart,
        ports,
        last_exit: None,
        healthy: checks.map(|checks| checks.iter().all(passing)),
        updated_at: text("updated_at").and_then(|at| at.parse().ok()),
    })
}
