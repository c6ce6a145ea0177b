//! Machines, of an app and of the organization.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};

use super::Asked;
use crate::clock;
use crate::platform::estate::{Machine, ORGANIZATION};
use crate::platform::present::{self, Form};
use crate::platform::reply::Reply;
use crate::platform::server;

const LARGEST_PAGE: usize = 1000;
const LONGEST_WAIT: usize = 60;
/// How long a lease lasts, in seconds.
const LEASE: i64 = 300;

impl Asked<'_> {
    /// All machines of the organization.
    pub(crate) fn org_machines(&self, org: &str) -> Reply {
        if org != ORGANIZATION {
            return Reply::error(404, "organization not found");
        }
        let dark = server::dark_region(&self.shared.current().faults);
        let estate = self.platform.estate();
        let since = self.call.parameter("updated_after").and_then(seconds);
        let wanted = |machine: &Machine| {
            let lit = dark.as_deref() != Some(machine.region);
            let changed = machine.updated.max(machine.touched) + estate.offset;
            let fresh = since.is_none_or(|since| changed > since);
            lit && fresh && self.matches(machine)
        };
        let standing = estate
            .apps
            .values()
            .flat_map(|app| app.machines.iter().map(move |one| (app.name.as_str(), one)));
        let deleted = matches!(self.call.parameter("include_deleted"), Some("true" | "1" | ""));
        let gone = estate.destroyed.iter().filter(|_| deleted);
        let gone = gone.map(|(app, machine)| (app.as_str(), machine));
        let all = standing.chain(gone);
        let found: Vec<(&str, &Machine)> = all.filter(|(_, machine)| wanted(machine)).collect();
        let (range, next) = match self.page(found.len(), LARGEST_PAGE, LARGEST_PAGE) {
            Ok(page) => page,
            Err(reply) => return reply,
        };
        let form = Form::Org {
            summary: self.summary(),
        };
        let page = &found[range];
        let last = page.last().map(|(_, machine)| *machine);
        let mut body = json!({
            "machines": page.iter().map(|(app, one)| present::machine(&estate, app, one, form)).collect::<Vec<_>>(),
            "last_machine_id": last.map(|machine| &machine.id),
            "last_updated_at": last.map(|machine| estate.stamp(machine.updated)),
        });
        if let Some(next) = next {
            body["next_cursor"] = json!(next);
        }
        if let Some(dark) = dark {
            body["error_regions"] = json!([dark]);
        }
        Reply::json(200, &body)
    }

    /// Answers what is below `machines` of an app.
    pub(crate) async fn machines(&self, app: &str, rest: &[&str]) -> Reply {
        match (&self.call.method, rest) {
            (_, []) => self.list_machines(app),
            (&Method::GET, [id, "wait"]) => self.wait(app, id).await,
            (&Method::GET, [id, rest @ ..]) => self.show(app, id, !rest.is_empty()),
            (_, [id, action, ..]) => self.act(app, id, action),
            _ => Reply::error(404, "not found"),
        }
    }

    fn list_machines(&self, app: &str) -> Reply {
        let estate = self.platform.estate();
        let Some(app) = estate.apps.get(app) else {
            return Reply::error(404, "app not found");
        };
        let found: Vec<_> = app.machines.iter().filter(|machine| self.matches(machine)).collect();
        let (range, next) = match self.page(found.len(), LARGEST_PAGE, LARGEST_PAGE) {
            Ok(page) => page,
            Err(reply) => return reply,
        };
        let form = Form::App {
            summary: self.summary(),
        };
        let page = found[range].iter();
        let leases = matches!(self.call.parameter("include_leases"), Some("true" | "1" | ""));
        let body: Value = page
            .map(|one| {
                let mut machine = present::machine(&estate, &app.name, one, form);
                if leases && one.leased {
                    let ends = clock::now().seconds + LEASE;
                    machine["lease"] =
                        json!({ "nonce": "1ab", "expires_at": ends, "owner": "someone@example.com", "description": "deploy" });
                }
                machine
            })
            .collect();
        let reply = Reply::json(200, &body);
        match next {
            Some(next) => reply.with("fly-next-cursor", &next),
            None => reply,
        }
    }

    fn show(&self, app: &str, id: &str, events: bool) -> Reply {
        let estate = self.platform.estate();
        let found = estate.apps.get(app).and_then(|app| {
            let machine = app.machines.iter().find(|machine| machine.id == id)?;
            Some((app, machine))
        });
        match found {
            Some((_, machine)) if events => Reply::json(200, &present::events(&estate, machine)),
            Some((app, machine)) => Reply::json(200, &present::machine(&estate, &app.name, machine, Form::Detail)),
            None => Reply::error(404, "machine not found"),
        }
    }

    fn act(&self, app: &str, id: &str, action: &str) -> Reply {
        let now = clock::now();
        let mut estate = self.platform.estate();
        let Some(machine) = estate.apps.get_mut(app).and_then(|app| app.machine_mut(id)) else {
            return Reply::error(404, "machine not found");
        };
        let before = machine.state;
        match action {
            "start" => {
                machine.start(now);
                machine.acted("start", now);
            }
            "stop" => {
                machine.stop(now);
                machine.acted("stop", now);
            }
            "restart" => {
                machine.stop(now);
                machine.start(now);
                machine.acted("restart", now);
            }
            _ => {
                machine.state = "suspended";
                (machine.updated, machine.touched) = (now.seconds, now.seconds);
            }
        }
        Reply::json(
            200,
            &match action {
                "start" => json!({ "previous_state": before, "migrated": false, "new_host": "" }),
                _ => json!({ "ok": true }),
            },
        )
    }

    async fn wait(&self, app: &str, id: &str) -> Reply {
        const STEP: Duration = Duration::from_millis(50);
        let wanted = self.call.parameter("state").unwrap_or("started");
        let limit = self
            .call
            .number("timeout", LONGEST_WAIT)
            .unwrap_or(LONGEST_WAIT)
            .min(LONGEST_WAIT);
        for _ in 0..=limit * 20 {
            let state = {
                let mut estate = self.platform.estate();
                let machine = estate.apps.get_mut(app).and_then(|app| app.machine_mut(id));
                machine.map(|machine| machine.state)
            };
            match state {
                None => return Reply::error(404, "machine not found"),
                Some(state) if state == wanted || (wanted == "settled" && state != "starting") => {
                    let body = json!({ "ok": true, "state": state, "version": "01LAB", "event_id": "01LAB" });
                    return Reply::json(200, &body);
                }
                Some(_) => tokio::time::sleep(STEP).await,
            }
        }
        Reply::error(408, "deadline_exceeded: machine failed to reach desired state")
    }

    fn summary(&self) -> bool {
        matches!(self.call.parameter("summary"), Some("true" | "1" | ""))
    }

    fn matches(&self, machine: &Machine) -> bool {
        let is = |name: &str, value: &str| {
            let wanted = self.call.parameter(name).filter(|text| !text.is_empty());
            wanted.is_none_or(|text| text.split(',').any(|one| one == value))
        };
        is("state", machine.state) && is("region", machine.region)
    }
}

fn seconds(text: &str) -> Option<i64> {
    text.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_second)
}
