//! The Machines API, below `/v1`.

mod certificates;
mod machines;

use http::Method;
use serde_json::json;

use super::estate::{App, Estate, FOREIGN_APP, ORGANIZATION};
use super::reply::{Call, Reply};
use super::server::{self, Outcome};
use super::{Platform, harm, present};
use crate::clock;
use crate::snapshot::Shared;

/// What is asked for.
pub(crate) struct Asked<'a> {
    pub(crate) shared: &'a Shared,
    pub(crate) platform: &'a Platform,
    pub(crate) call: &'a Call,
}

/// The operation, as it is counted and limited, and what it is about.
fn operation<'a>(method: &Method, path: &[&'a str]) -> Option<(&'static str, &'a str)> {
    let about = path.get(1).copied().unwrap_or_default();
    let machine = path.get(3).copied().unwrap_or_default();
    Some(match (method.as_str(), path) {
        ("GET", ["apps"]) => ("apps-list", ""),
        ("GET", ["tokens", "current"]) => ("token-current", ""),
        ("GET", ["orgs", _, "machines"]) => ("org-machines-list", ""),
        ("GET", ["apps", _]) => ("app-show", about),
        ("GET", ["apps", _, "ip_assignments"]) => ("ips-list", about),
        ("GET", ["apps", _, "certificates"]) => ("certificates-list", about),
        ("GET", ["apps", _, "certificates", _]) => ("certificate-show", about),
        ("POST", ["apps", _, "certificates", "acme"]) => ("certificate-add", about),
        ("POST", ["apps", _, "certificates", "custom"]) => ("certificate-import", about),
        ("POST", ["apps", _, "certificates", _, "check"]) => ("certificate-check", about),
        ("DELETE", ["apps", _, "certificates", _]) => ("certificate-remove", about),
        ("DELETE", ["apps", _, "certificates", _, "acme"]) => ("certificate-remove-acme", about),
        ("DELETE", ["apps", _, "certificates", _, "custom"]) => ("certificate-remove-custom", about),
        ("GET", ["apps", _, "machines"]) => ("machines-list", about),
        ("GET", ["apps", _, "machines", _]) => ("machine-show", machine),
        ("GET", ["apps", _, "machines", _, "events"]) => ("machine-events", machine),
        ("GET", ["apps", _, "machines", _, "wait"]) => ("machine-wait", machine),
        ("POST", ["apps", _, "machines", _, "start"]) => ("machine-start", machine),
        ("POST", ["apps", _, "machines", _, "stop"]) => ("machine-stop", machine),
        ("POST", ["apps", _, "machines", _, "suspend"]) => ("machine-suspend", machine),
        ("POST", ["apps", _, "machines", _, "restart"]) => ("machine-restart", machine),
        _ => return None,
    })
}

/// Answers a call.
pub(crate) async fn answer(shared: &Shared, platform: &Platform, call: &Call) -> Outcome {
    let path: Vec<&str> = call.path.iter().skip(1).map(String::as_str).collect();
    let known = operation(&call.method, &path);
    let name = known.map_or("unknown", |(name, _)| name);
    shared.counters.api("machines", name);
    if call.method != Method::GET {
        let what = format!("{} /v1/{}", call.method, path.join("/"));
        server::record_write(shared, platform, what);
    }
    let refusal = || Reply::error(401, "Authenticate: token validation error");
    if let Some(outcome) = server::gate(&shared.current().faults, call, refusal) {
        return outcome;
    }
    let Some((action, about)) = known else {
        return Reply::error(404, "not found").into();
    };
    let limited = !about.is_empty() && !platform.limits.allows(action, about, clock::monotonic());
    if limited {
        return Reply::error(429, "rate limit exceeded").with("retry-after", "1").into();
    }
    let asked = Asked { shared, platform, call };
    match path.as_slice() {
        ["apps"] => asked.apps().into(),
        ["tokens", "current"] => token().into(),
        ["orgs", org, "machines"] => asked.org_machines(org).into(),
        ["apps", app, rest @ ..] => match asked.unavailable(app) {
            Some(reply) => reply.into(),
            None if rest.first() == Some(&"certificates") => asked.certificates(app, &rest[1..]).into(),
            None if rest.first() == Some(&"machines") => asked.machines(app, &rest[1..]).await.into(),
            None => asked.app(app, rest).into(),
        },
        _ => Reply::error(404, "not found").into(),
    }
}

fn token() -> Reply {
    let token = json!({
        "token_id": "lab-token",
        "org_slug": ORGANIZATION,
        "organization": "Lab",
        "apps": [],
        "user": "lab@example.com",
        "restricted_to_machine": null,
        "source_machine_id": null,
    });
    Reply::json(200, &json!({ "tokens": [token] }))
}

impl Asked<'_> {
    fn apps(&self) -> Reply {
        match self.call.parameter("org_slug") {
            None | Some("") => return Reply::error(400, "org_slug is required"),
            Some(ORGANIZATION) => {}
            Some(_) => return Reply::error(404, "organization not found"),
        }
        let estate = self.platform.estate();
        let apps: Vec<_> = estate.apps.values().map(present::app).collect();
        Reply::json(200, &json!({ "total_apps": apps.len(), "apps": apps }))
    }

    /// Why nothing can be said about an app: it is somebody else's, or nobody's.
    fn unavailable(&self, app: &str) -> Option<Reply> {
        if app == FOREIGN_APP {
            return Some(Reply::error(403, "unauthorized"));
        }
        let exists = self.platform.estate().apps.contains_key(app);
        (!exists).then(|| Reply::error(404, "app not found"))
    }

    fn app(&self, name: &str, rest: &[&str]) -> Reply {
        let estate = self.platform.estate();
        let Some(app) = estate.apps.get(name) else {
            return Reply::error(404, "app not found");
        };
        if rest.is_empty() {
            Reply::json(200, &present::app(app))
        } else {
            Reply::json(200, &json!({ "ips": addresses(&estate, app) }))
        }
    }
}

fn addresses(estate: &Estate, app: &App) -> Vec<serde_json::Value> {
    let entry = |address: &str, shared: bool| {
        json!({
            "ip": address,
            "region": "global",
            "shared": shared,
            "egress": false,
            "service_name": null,
            "network": null,
            "created_at": estate.stamp(app.created),
        })
    };
    let own = app.addresses.iter().map(|address| entry(&address.address, false));
    own.chain(app.shared_address.map(|address| entry(address, true)))
        .collect()
}

/// Where a page ends: an opaque cursor, and back.
pub(crate) fn cursor(at: usize) -> String {
    use base64::Engine;
    base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(format!("lab:{at}"))
}

/// Reads a cursor.
pub(crate) fn read_cursor(text: &str) -> Option<usize> {
    use base64::Engine;
    let bytes = base64::prelude::BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
    std::str::from_utf8(&bytes).ok()?.strip_prefix("lab:")?.parse().ok()
}

impl Asked<'_> {
    /// The part of a list that is asked for, and the cursor of the next; an error otherwise.
    pub(crate) fn page(
        &self,
        count: usize,
        default: usize,
        most: usize,
    ) -> Result<(std::ops::Range<usize>, Option<String>), Reply> {
        let limit = self
            .call
            .number("limit", default)
            .filter(|limit| (1..=most).contains(limit));
        let Some(limit) = limit else {
            return Err(Reply::error(400, &format!("limit must be between 1 and {most}")));
        };
        let (limit, behind) = match harm::is(&self.shared.current().faults, "machines-cursor") {
            true => (limit.min(harm::FEW), harm::LEADING),
            false => (limit, ""),
        };
        let from = match self.call.parameter("cursor").filter(|text| !text.is_empty()) {
            None => Some(0),
            Some(text) => text.strip_suffix(behind).and_then(read_cursor),
        };
        let Some(from) = from else {
            return Err(Reply::error(400, "invalid cursor"));
        };
        let from = from.min(count);
        let to = (from + limit).min(count);
        Ok((from..to, (to < count).then(|| cursor(to) + behind)))
    }
}
